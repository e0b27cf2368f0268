"""The sockets that the gateway listens on: opened at once, or the reason told."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from gunicorn.sock import BaseSocket, TCP6Socket, TCPSocket, UnixSocket

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from gunicorn.config import Config
    from gunicorn.glogging import Logger

Address: TypeAlias = tuple[str, int] | str | int
"""As gunicorn parses a ``bind``: host and port, the path of a Unix socket, a descriptor."""


def address_text(address: Address, *, secure: bool = False) -> str:
    """Return an address as one writes it in a browser, or else in ``bind``."""
    match address:
        case int():
            return f"fd://{address}"
        case str():
            return f"unix:{address}"
    host, port = address
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{host}:{port}"


def open_listeners(
    addresses: Sequence[Address], config: "Config", log: "Logger"
) -> list[BaseSocket]:
    """Listen on all of ``addresses``, or on none and raise ConfigurationError.

    gunicorn tries five times, a second apart, and then ends the process; and it takes a Unix
    socket away from the server that listens on it.
    """
    listeners: list[BaseSocket] = []
    for address in addresses:
        try:
            listeners.append(_open(address, config, log))
        except (OSError, ValueError) as error:
            close_listeners(listeners)
            cause = getattr(error, "strerror", None) or error
            place = address_text(address, secure=bool(config.is_ssl))
            raise ConfigurationError(f"cannot listen on {place}: {cause}") from error
    return listeners


def close_listeners(listeners: Sequence[BaseSocket]) -> None:
    """Stop listening, and remove the files of Unix sockets."""
    for listener in listeners:
        name = listener.getsockname()
        listener.close()
        if isinstance(listener, UnixSocket):
            with contextlib.suppress(OSError):
                os.unlink(name)


def _open(address: Address, config: "Config", log: "Logger") -> BaseSocket:
    match address:
        case int():
            raise ValueError("a descriptor can be given only at the start")
        case str():
            return UnixSocket(address, config, log, fd=_listen_unix(address, config))
    kind = TCP6Socket if ":" in address[0] else TCPSocket
    descriptor = _listen(socket.socket(kind.FAMILY), address, config)
    return kind(address, config, log, fd=descriptor)  # type: ignore[arg-type]  # not only str


def _listen_unix(path: str, config: "Config") -> int:
    """Listen as gunicorn does, but take nothing away from a server that lives."""
    named = not path.startswith("\0")  # in the file system, not in Linux's abstract names
    if named and os.path.exists(path):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise ValueError("it is not a socket")
        os.unlink(path)
    umask = os.umask(config.umask)
    try:
        descriptor = _listen(socket.socket(socket.AF_UNIX), path, config)
    finally:
        os.umask(umask)
    if named:
        os.chown(path, config.uid, config.gid)
    return descriptor


def _listen(sock: socket.socket, address: str | tuple[str, int], config: "Config") -> int:
    """Return the descriptor of a listening socket; gunicorn would leave one behind that fails."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(config.backlog)
    except BaseException:
        sock.close()
        raise
    return sock.detach()
