"""``wsgi-scgi serve``: a gateway under gunicorn, for one backend or from a file."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from ..config.configuration import Configuration, single_backend
from ..config.file import load_configuration
from ..config.kinds import Choice
from ..config.mistakes import InvalidConfiguration
from ..config.options import OPTIONS
from ..config.proxy_kinds import Directories, FieldSwitch
from ..config.server import CommandLine
from ..errors import ConfigurationError

_SEPARATOR = "--"

_BARE = {
    option.flag: option
    for option in OPTIONS.values()
    if option.flag
    and (
        isinstance(option.kind, FieldSwitch)
        or (isinstance(option.kind, Choice) and True in option.kind.values)
    )
}
"""Options whose flag alone means true."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "serve",
        help="serve HTTP and forward it to SCGI backends",
        usage="%(prog)s (URL | -c FILE) [options] [-- GUNICORN_OPTIONS]",
        description="Serve HTTP under gunicorn and forward every request to the SCGI backend at"
        " URL, or to the backends of FILE.",
        epilog="Any setting of gunicorn's may follow --, as on gunicorn's own command line:"
        " wsgi-scgi serve URL -- --keep-alive 5. They are stronger than the options here,"
        " these than GUNICORN_CMD_ARGS, that than [server] of FILE. HUP reads FILE again.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        help="scgi://host:port/, scgi+unix:///path/to/socket or unix:/path|scgi://name/",
    )
    parser.add_argument("-c", "--config", metavar="FILE", help="the configuration, in TOML")
    _add_server_flags(parser)
    for name, option in OPTIONS.items():
        if option.flag:
            parser.add_argument(
                option.flag,
                dest=name,
                action="extend" if isinstance(option.kind, Directories) else "store",
                metavar="[VALUE]" if option.flag in _BARE else "VALUE",
                type=option.kind.parse_text,
                help=f"{option.text.partition('. ')[0]} (allowed: {option.kind.allowed})",
            )
    parser.set_defaults(run=run)


def _add_server_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bind",
        metavar="ADDRESS",
        action="append",
        help="HOST:PORT or unix:PATH to listen on; may be repeated (default: 127.0.0.1:8000)",
    )
    parser.add_argument(
        "--workers", metavar="NUMBER", help="how many worker processes (default: 1)"
    )
    parser.add_argument(
        "--worker-class",
        metavar="NAME",
        help="gunicorn's kind of worker (default: the gateway's own, a gevent worker)",
    )
    parser.add_argument(
        "--access-log",
        dest="accesslog",
        action="store_const",
        const="-",
        help="write a line for each request to standard output",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="serve rTorrent beyond this machine although no password is asked for",
    )


def prepare(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments for argparse, and those for gunicorn that follow ``--``.

    ``--path-info URL`` becomes ``--path-info=true URL``: a flag may be given without a value,
    and argparse would take the URL for one.
    """
    if _SEPARATOR not in arguments:
        return [_with_value(*pair) for pair in pairwise([*arguments, ""])], []
    at = arguments.index(_SEPARATOR)
    ours, _ = prepare(arguments[:at])
    return ours, list(arguments[at + 1 :])


def _with_value(argument: str, following: str) -> str:
    option = _BARE.get(argument)
    if option is None:
        return argument
    try:
        if following.startswith("-"):  # a flag would do as the name of a field
            raise ValueError(following)
        option.kind.parse(option.kind.parse_text(following))
    except ValueError:
        return f"{argument}=true"
    return argument


def run(options: argparse.Namespace) -> int:
    """Serve until a signal ends it.  Raises ConfigurationError where it cannot start."""
    # gunicorn is not loaded for commands that do without it.
    from ..serve import GatewayServer

    directory = os.getcwd()
    GatewayServer(
        _loader(options, directory),
        CommandLine(
            flags=_given(options, ("bind", "workers", "worker_class", "accesslog")),
            arguments=options.gunicorn,
            environment=os.environ.get("GUNICORN_CMD_ARGS", ""),
            directory=directory,
            insecure=options.insecure,
        ),
    ).run()
    return 0


def _loader(options: argparse.Namespace, directory: str) -> Callable[[], Configuration]:
    values = _given(options, [name for name, option in OPTIONS.items() if option.flag])
    if (options.url is None) == (options.config is None):
        raise ConfigurationError("wsgi-scgi serve: give either a URL or -c FILE")
    if options.config is None:
        return partial(_single_backend, options.url, values)
    for name in values:
        flag = OPTIONS[name].flag
        raise ConfigurationError(f"{flag}: belongs into {options.config}, as {name} of a [[route]]")
    return partial(load_configuration, options.config, directory=directory)


def _single_backend(url: str, values: Mapping[str, object]) -> Configuration:
    try:
        return single_backend(url, values)
    except InvalidConfiguration as error:
        raise InvalidConfiguration(
            replace(mistake, key=OPTIONS[mistake.key].flag) for mistake in error.mistakes
        ) from error


def _given(options: argparse.Namespace, names: Sequence[str]) -> Mapping[str, object]:
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
