"""Sockets to listen on: TCP with a port given or found, Unix with a stale file replaced."""

import errno
import os
import socket
import stat

import gevent.socket

from ..address import TCPAddress, UnixAddress
from ..errors import ConfigurationError

BACKLOG = 1024
"""Connections that wait in the system; it cuts the number to its own limit."""


class Listener:
    """A listening socket, and what must be removed with it."""

    __slots__ = ("address", "socket", "_file")

    def __init__(self, address: TCPAddress | UnixAddress) -> None:
        """Listen on ``address``; the system chooses a TCP port of 0.

        A Unix socket that nobody listens on any more is replaced.  Raises ConfigurationError
        with the cause.
        """
        self._file: tuple[int, int] | None = None
        try:
            if isinstance(address, UnixAddress):
                self.socket = _listen_unix(address.path)
                self._file = _identity(address.path)
                self.address: TCPAddress | UnixAddress = address
            else:
                self.socket = _listen_tcp(address)
                self.address = TCPAddress(address.host, self.socket.getsockname()[1])
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {address}: {error.strerror}") from error

    def remove_file(self) -> None:
        """Remove the file of a Unix socket, unless another server has put its own there."""
        if self._file is None or not isinstance(self.address, UnixAddress):
            return
        if _identity(self.address.path) == self._file:
            os.unlink(self.address.path)
        self._file = None


def _listen_tcp(address: TCPAddress) -> gevent.socket.socket:
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, sockaddr = found[0]
    listener = gevent.socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(sockaddr)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _listen_unix(path: str) -> gevent.socket.socket:
    _remove_stale(path)
    listener = gevent.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_stale(path: str) -> None:
    """Remove the socket of a server that ended without doing so; leave everything else alone."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return  # bind() tells that the name is taken
        with gevent.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            probe.connect(path)
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        os.unlink(path)
        return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
