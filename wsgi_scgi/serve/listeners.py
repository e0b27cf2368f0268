"""The sockets that the gateway listens on: opened at once, or the reason told."""

import socket
from typing import TYPE_CHECKING

from gunicorn.sock import BaseSocket, TCP6Socket, TCPSocket, UnixSocket

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from gunicorn.config import Config
    from gunicorn.glogging import Logger

Address = tuple[str, int] | str | int
"""As gunicorn parses a ``bind``: host and port, the path of a Unix socket, a descriptor."""


def address_text(address: Address, *, secure: bool = False) -> str:
    """Return an address as one writes it in a browser, or in ``bind``."""
    match address:
        case int():
            return f"fd://{address}"
        case str():
            return f"unix:{address}"
    scheme = "https" if secure else "http"
    host, port = address
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def open_listeners(
    addresses: list[Address], config: "Config", log: "Logger"
) -> list[BaseSocket]:
    """Listen on all of ``addresses``, or on none and raise ConfigurationError.

    gunicorn tries five times, a second apart, and ends the process; it would also take a Unix
    socket away from the server that listens on it.
    """
    listeners: list[BaseSocket] = []
    try:
        for address in addresses:
            listeners.append(_open(address, config, log))
    except (OSError, ValueError, ConfigurationError) as error:
        close_listeners(listeners)
        cause = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"cannot listen on {address_text(address)}: {cause}") from error
    return listeners


def close_listeners(listeners: list[BaseSocket]) -> None:
    """Stop listening, and remove the files of Unix sockets."""
    for listener in listeners:
        path = listener.getsockname()
        listener.close()
        if isinstance(listener, UnixSocket):
            _unlink(path)
