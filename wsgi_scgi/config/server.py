"""gunicorn's settings: checked one by one by gunicorn itself, put together, checked as a whole.

From the weakest to the strongest: our defaults, a file of gunicorn's own (``gunicorn.conf.py``,
only where it is named), ``[server]``, GUNICORN_CMD_ARGS, the flags of ``wsgi-scgi serve``, and what
follows ``--`` on its command line.  gunicorn is imported only here, and only where it is needed.
"""

import argparse
import importlib
import importlib.util
import ipaddress
import os
import runpy
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import ConfigurationError
from .configuration import Configuration, Source
from .mistakes import InvalidConfiguration, Mistake, unknown_key
from .presets import RTORRENT

if TYPE_CHECKING:
    from gunicorn.config import Config

DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        # gunicorn would take 0.0.0.0 where the environment has a PORT.
        "bind": "127.0.0.1:8000",
        "worker_class": "wsgi_scgi.worker.GatewayWorker",
        # A field named SCRIPT_NAME or PATH_INFO from a trusted peer would move the mount.
        "forwarder_headers": "",
        # The C parser lets folded fields and bare line feeds through.
        "http_parser": "python",
        "limit_request_line": 8190,
        "default_proc_name": "wsgi-scgi",
        # One path for all of a user's gunicorns: the second one takes it from the first.
        "control_socket_disable": True,
    }
)
"""What differs from gunicorn, each for the reason given."""

_NOT_OURS = MappingProxyType(
    {
        "wsgi_app": "serve runs the gateway itself; to run it inside another application, mount "
        "wsgi_scgi.Gateway there",
        "paste": "serve runs the gateway itself; Paste has no part in it",
    }
)

Refuse = Callable[[str, str], Mistake]
"""Make a mistake of the name of a setting and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """What the command line and the environment say about gunicorn.

    ``flags`` are settings by name, ``arguments`` what followed ``--``, ``environment`` is the
    value of GUNICORN_CMD_ARGS.  Relative paths are below ``directory``.
    ``insecure`` lets a route to rTorrent without ``auth_file`` be served beyond this machine.
    """

    flags: Mapping[str, object] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    environment: str = ""
    directory: str = field(default_factory=os.getcwd)
    insecure: bool = False


def setting_mistakes(table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield name and text for each setting that gunicorn does not know or would not take."""
    if table:
        config = _new_config()
        for name, raw in table.items():
            text = _set(config, name, raw)
            if text:
                yield name, text


def server_config(configuration: Configuration, command_line: CommandLine) -> "Config":
    """Return gunicorn's configuration, ready to run.

    Raises InvalidConfiguration with every mistake, ConfigurationError where a file of gunicorn's
    cannot be read.
    """
    layers = _Layers()
    environment = _parse_arguments(shlex.split(command_line.environment), "GUNICORN_CMD_ARGS")
    arguments = _parse_arguments(command_line.arguments, "after --")
    source = configuration.source
    layers.apply({**DEFAULTS, "chdir": command_line.directory}, Mistake)
    for layer in (arguments, environment, configuration.server):
        if layer.get("config"):
            location = str(layer["config"])
            layers.apply_file(location, command_line.directory)
            break
    layers.apply(configuration.server, lambda name, text: source.mistake(("server", name), text))
    layers.apply(environment, lambda name, text: Mistake(f"GUNICORN_CMD_ARGS: {name}", text))
    layers.apply(command_line.flags, _refuse_flag)
    layers.apply(arguments, _refuse_flag)
    config = layers.finish()
    if not command_line.insecure and any(map(is_exposed, config.address)):
        _refuse_unprotected(configuration)
    return config


def is_exposed(address: tuple[str, int] | str | int) -> bool:
    """Tell whether others than the users of this machine could connect; a descriptor may be so."""
    if isinstance(address, tuple):
        try:
            return not ipaddress.ip_address(address[0]).is_loopback
        except ValueError:
            return address[0] != "localhost"
    return isinstance(address, int)


def _preset_mistake(source: Source, number: int, text: str) -> Mistake:
    # Without a file it was a flag.
    if source.name:
        return source.mistake(("route", number, "preset"), text)
    return Mistake("--preset", text)


def _refuse_unprotected(configuration: Configuration) -> None:
    """Raise InvalidConfiguration for each route to rTorrent that asks for no password."""
    mistakes = [
        _preset_mistake(
            configuration.source,
            number,
            f"{route.name}: rTorrent runs commands for whoever reaches it, and the gateway listens"
            " beyond this machine; allowed: auth_file, or bind to 127.0.0.1, [::1] or a Unix"
            " socket, or serve --insecure",
        )
        for number, route in enumerate(configuration.routes)
        if route.options.preset == RTORRENT and not route.options.auth_file and route.backend
    ]
    if mistakes:
        raise InvalidConfiguration(mistakes)


def _refuse_flag(name: str, text: str) -> Mistake:
    return Mistake(f"--{name.replace('_', '-')}", text)


class _Layers:
    """A configuration of gunicorn's that remembers who set what last."""

    def __init__(self) -> None:
        self._config = _new_config()
        self._refuse: dict[str, Refuse] = {}
        self._mistakes: list[Mistake] = []

    def apply(self, values: Mapping[str, object], refuse: Refuse) -> None:
        if "control_socket" in values and "control_socket_disable" not in values:
            # Whoever names the socket wants it.
            values = {**values, "control_socket_disable": False}
        for name, raw in values.items():
            self._refuse[name] = refuse
            text = _set(self._config, name, raw)
            if text:
                self._mistakes.append(refuse(name, text))

    def apply_file(self, location: str, directory: str) -> None:
        """Run a configuration file of gunicorn's own; what are no settings are its variables."""
        values = _run_file(location, directory)
        settings = {name: value for name, value in values.items() if name in self._config.settings}
        self.apply(settings, lambda name, text: Mistake(f"{location}: {name}", text))

    def finish(self) -> "Config":
        """Return the configuration if it holds together, else raise InvalidConfiguration."""
        mistakes = self._mistakes
        for name, text in () if mistakes else _contradictions(self._config):
            mistakes.append(self._refuse.get(name, Mistake)(name, text))
        if mistakes:
            raise InvalidConfiguration(mistakes)
        return self._config


def _new_config() -> "Config":
    from gunicorn.config import Config

    return Config(prog="wsgi-scgi")


def _set(config: "Config", name: str, raw: object) -> str:
    """Set one setting; return what is wrong with it."""
    setting = config.settings.get(name)
    if setting is None:
        return unknown_key(name, sorted(config.settings))
    if name in _NOT_OURS and raw is not None:
        return _NOT_OURS[name]
    try:
        config.set(name, raw)
    except Exception as error:  # gunicorn's validators raise whatever they like
        return f"{_one_line(error)}; gunicorn: {setting.short}"
    if isinstance(raw, bool) and type(setting.get()) is int:
        return f"a boolean is no number; gunicorn: {setting.short}"
    return ""


def _contradictions(config: "Config") -> Iterator[tuple[str, str]]:
    """Yield name and text for what gunicorn would find out only while it starts, or dies of."""
    checks: Mapping[str, Callable[[], object]] = {
        "worker_class": lambda: config.worker_class,
        "logger_class": lambda: config.logger_class,
        "bind": lambda: _check_addresses(config),
        "raw_env": lambda: config.env,
        "http_protocols": config.validate,
        "certfile": lambda: _check_certificate(config),
    }
    for name, check in checks.items():
        try:
            check()
        except Exception as error:  # as above
            yield name, _one_line(error)
    for name in ("errorlog", "accesslog", "pidfile"):
        path = config.settings[name].get()
        if path and path != "-" and not os.path.isdir(os.path.dirname(path) or "."):
            yield name, f"the directory of {path} does not exist"
    for name in ("worker_tmp_dir", "tmp_upload_dir"):
        path = config.settings[name].get()
        if path and not os.path.isdir(path):
            yield name, f"{path} is not a directory"
    if config.settings["http_parser"].get() == "fast" and not _installed("gunicorn_h1c"):
        yield "http_parser", '"fast" needs the package gunicorn_h1c'
    if os.geteuid() and config.uid != os.geteuid():
        yield "user", "only root can change the user"


def _check_addresses(config: "Config") -> None:
    for address in config.address:
        if isinstance(address, tuple) and not 0 <= address[1] <= 65535:
            raise ValueError(f"{address[1]} is not a port; allowed: 0 to 65535")


def _check_certificate(config: "Config") -> None:
    if config.is_ssl:
        from gunicorn.sock import ssl_context

        ssl_context(config)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _one_line(error: BaseException) -> str:
    """Return the end of what an exception says: some of gunicorn's carry a whole traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" ]")]
    return lines[-1].removesuffix("]") if lines else type(error).__name__


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise what would have been printed."""
        raise ConfigurationError(message)


def _parse_arguments(arguments: Sequence[str], origin: str) -> dict[str, object]:
    """Read arguments as gunicorn does, but for an application, which is ours."""
    parser = _Parser(prog="wsgi-scgi serve URL --", allow_abbrev=False)
    for setting in sorted(_new_config().settings.values()):
        setting.add_option(parser)
    try:
        values: dict[str, Any] = vars(parser.parse_args(arguments))
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from error
    return {name: value for name, value in values.items() if value is not None}


def _run_file(location: str, directory: str) -> Mapping[str, object]:
    """Return the variables of ``PATH``, ``file:PATH`` or ``python:MODULE``."""
    try:
        if location.startswith("python:"):
            return vars(importlib.import_module(location.removeprefix("python:")))
        return runpy.run_path(os.path.join(directory, location.removeprefix("file:")))
    except (Exception, SystemExit) as error:  # it is a program
        raise ConfigurationError(f"cannot read {location}: {_why(error)}") from error


def _why(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "No such file or directory"
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        place = f"line {traceback.tb_lineno}, "
        traceback = traceback.tb_next
    return f"{place}{type(error).__name__}: {_one_line(error)}"
