"""``wsgi-scgi app``: serve a WSGI application over SCGI, the other side of the wire."""

import argparse
import importlib
import logging
import os
import re
import sys
import traceback
from typing import TYPE_CHECKING, Any

from ..address import TCPAddress, UnixAddress, parse_backend_url
from ..config.kinds import Duration, bytes_as_str
from ..errors import ConfigurationError

if TYPE_CHECKING:
    import socket
    from wsgiref.types import WSGIApplication

    from ..server.limits import ServerLimits

_DEFAULT_BIND = "127.0.0.1:4000"
_REFERENCE = re.compile(r"(?P<module>[\w.]+)(?::(?P<name>\w+)(?P<call>\(\))?)?")
_MODE = re.compile(r"0?[0-7]{3}")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "app",
        help="serve a WSGI application over SCGI",
        description="Serve a WSGI application over SCGI, for nginx, Apache, lighttpd or"
        " wsgi-scgi serve in front of it. The application runs in gevent's greenlets; the"
        " standard library is patched for that before it is imported. SIGTERM and Ctrl-C"
        " finish the requests in flight.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "application",
        metavar="MODULE:CALLABLE",
        help="where the application is: MODULE:NAME, MODULE:FACTORY() for what a function"
        " returns, or MODULE for MODULE:application",
    )
    parser.add_argument(
        "--bind",
        metavar="ADDRESS",
        help="HOST:PORT, scgi://HOST:PORT, unix:PATH or scgi+unix:///PATH to listen on (default:"
        f" the socket that systemd passed, else {_DEFAULT_BIND})",
    )
    parser.add_argument(
        "--socket-mode",
        metavar="MODE",
        help="permissions of a Unix socket, such as 660 (default: what the umask leaves)",
    )
    parser.add_argument(
        "--script-name",
        metavar="PATH",
        default="",
        help="where the application is mounted, for servers that do not tell it apart from the"
        " rest of the path",
    )
    parser.add_argument(
        "--access-log",
        action="store_true",
        help="write a line for each request to standard output",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        default="60",
        help="for each read from and write to the server in front (default: %(default)s)",
    )
    parser.add_argument(
        "--graceful-timeout",
        metavar="SECONDS",
        default="30",
        help="for requests in flight at the end, 0 to break them off (default: %(default)s)",
    )
    parser.add_argument(
        "--max-connections",
        metavar="NUMBER",
        default="1000",
        help="served at once; more wait in the system's queue (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal ends it.  Raises ConfigurationError where it cannot start."""
    limits = _limits(options)
    graceful_timeout = _seconds("--graceful-timeout", options.graceful_timeout, zero="none")
    script_name = _mount(options.script_name)
    place = _place(options.bind)
    socket_mode = _mode(options.socket_mode, place)

    # As gunicorn's gevent worker does it: before the application is imported.
    from gevent import monkey

    monkey.patch_all()

    from ..server.process import run as run_process
    from ..server.scgi_server import SCGIServer

    _start_logging(access=options.access_log)
    server = SCGIServer(
        import_application(options.application),
        place,
        limits=limits,
        script_name=script_name,
        socket_mode=socket_mode,
    )
    run_process(
        server,
        stop_timeout=graceful_timeout,
        ready=lambda: print(f"Serving {options.application} at {server.address}", flush=True),
    )
    return 0


def _limits(options: argparse.Namespace) -> "ServerLimits":
    from ..server.limits import ServerLimits

    timeout = _seconds("--timeout", options.timeout)
    return ServerLimits(
        read_timeout=timeout,
        write_timeout=timeout,
        max_connections=_number("--max-connections", options.max_connections),
    )


def _place(bind: str | None) -> "TCPAddress | UnixAddress | socket.socket":
    """Return the address to listen on, or the socket that was passed to this process."""
    from ..server.activation import passed_socket

    passed = passed_socket(os.environ)
    if passed is None:
        return parse_bind(_DEFAULT_BIND if bind is None else bind)
    if bind is not None:
        passed.close()
        raise ConfigurationError("--bind: systemd has passed a socket to listen on; leave it out")
    return passed


def parse_bind(text: str) -> TCPAddress | UnixAddress:
    """Return the address to listen on; raise ConfigurationError for what is none.

    The path of a Unix socket may be relative, and port 0 lets the system choose.
    """
    scheme, _, rest = text.partition(":")
    if scheme.lower() == "unix" and "|" not in rest:
        return parse_backend_url(f"unix:{os.path.abspath(rest)}|scgi:").address
    url = text if scheme.lower() in ("scgi", "scgi+unix", "unix") else f"scgi://{text}"
    if url.endswith(":0"):
        parsed = parse_backend_url(url.removesuffix(":0"))
        if isinstance(parsed.address, TCPAddress):
            return TCPAddress(parsed.address.host, 0)
    parsed = parse_backend_url(url)
    if parsed.path != "/":
        raise ConfigurationError(f"--bind: {text!r} has a path; it belongs to --script-name")
    return parsed.address


def import_application(reference: str) -> "WSGIApplication":
    """Import what MODULE:CALLABLE names, as gunicorn does, from the working directory first.

    Raises ConfigurationError that says what is missing, or shows where the application's own
    code failed.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ConfigurationError(f"{reference!r} is not of the form MODULE:NAME or MODULE:NAME()")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    found = getattr(_import(match["module"]), match["name"] or "application", None)
    if found is None:
        raise ConfigurationError(
            f"{match['module']} has no {match['name'] or 'application'}; write MODULE:NAME"
        )
    if match["call"]:
        found = _call(reference, found)
    if not callable(found):
        raise ConfigurationError(f"{reference} is {type(found).__name__}, not a WSGI application")
    return found  # type: ignore[no-any-return]  # more than callable nobody can tell


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise ConfigurationError(
                f"there is no module {error.name!r} in {os.getcwd()} or installed"
            ) from error
        raise _failed(f"importing {name}", error) from error
    except Exception as error:
        raise _failed(f"importing {name}", error) from error


def _call(reference: str, factory: Any) -> object:
    if not callable(factory):
        raise ConfigurationError(f"{reference}: {type(factory).__name__} cannot be called")
    try:
        return factory()
    except Exception as error:
        raise _failed(f"calling {reference}", error) from error


def _failed(what: str, error: Exception) -> ConfigurationError:
    """Return an error that shows the way to ``error`` through the code of the application."""
    frames = error.__traceback__
    while frames is not None and _is_machinery(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    shown = "".join(traceback.format_exception(type(error), error, frames)).rstrip()
    return ConfigurationError(f"{what} failed:\n{shown}")


def _is_machinery(file: str) -> bool:
    return file in (__file__, importlib.__file__) or file.startswith("<frozen importlib")


def _start_logging(*, access: bool) -> None:
    """Log to standard error, each request to standard output where that is asked for."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    log = logging.getLogger("wsgi_scgi.server.access")
    log.propagate = False
    if access:
        log.addHandler(logging.StreamHandler(sys.stdout))
        log.setLevel(logging.INFO)


def _seconds(flag: str, text: str, *, zero: str = "") -> float:
    kind = Duration(zero)
    try:
        return kind.parse(kind.parse_text(text))
    except ValueError as error:
        raise ConfigurationError(f"{flag}: {error}; allowed: {kind.allowed}") from error


def _number(flag: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ConfigurationError(f"{flag}: {text!r} is not a whole number greater than 0")
    return int(text)


def _mode(text: str | None, place: object) -> int | None:
    if text is None:
        return None
    if not isinstance(place, UnixAddress):
        raise ConfigurationError("--socket-mode: there is no Unix socket to make")
    if not _MODE.fullmatch(text):
        raise ConfigurationError(f"--socket-mode: {text!r} is not of the form 660")
    return int(text, 8)


def _mount(text: str) -> str:
    path = text.rstrip("/")
    if path and not path.startswith("/"):
        raise ConfigurationError(f"--script-name: {text!r} does not start with /")
    return bytes_as_str(path)
