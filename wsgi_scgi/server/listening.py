"""Sockets to listen on: TCP with a port given or found, Unix with a stale file replaced."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator

import gevent.socket

from ..address import TCPAddress, UnixAddress
from ..errors import ConfigurationError

BACKLOG = 1024
"""Connections that wait in the system; it cuts the number to its own limit."""


class Listener:
    """A listening socket, and what must be removed with it."""

    __slots__ = ("address", "socket", "_file", "_inherited")

    def __init__(
        self, address: TCPAddress | UnixAddress | socket.socket, *, mode: int | None = None
    ) -> None:
        """Listen on ``address``; the system chooses a TCP port of 0.

        A Unix socket that nobody listens on any more is replaced; ``mode`` has its permissions,
        by default those that the umask leaves.  A socket that listens already is taken over.
        Raises ConfigurationError with the cause.
        """
        self._file: tuple[int, int] | None = None
        # Asked in this way since monkey patching replaces the class of sockets.
        self._inherited = not isinstance(address, TCPAddress | UnixAddress)
        self.address: TCPAddress | UnixAddress
        if not isinstance(address, TCPAddress | UnixAddress):
            self.address = _name_of(address)
            self.socket = _take_over(address)
            return
        try:
            if isinstance(address, UnixAddress):
                self.socket = _listen_unix(address.path, mode)
                self._file = _identity(address.path)
                self.address = address
            else:
                self.socket = _listen_tcp(address)
                self.address = TCPAddress(address.host, self.socket.getsockname()[1])
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {address}: {error.strerror}") from error

    def finish(self) -> Iterator[gevent.socket.socket]:
        """Let nobody connect any more, yield the connections that were made already, and close.

        They are in the queue of the system, where their peers take them for accepted: closing
        at once would reset them.  An inherited socket is only closed: its queue is there for
        whoever serves it next.
        """
        self._remove_file()
        if not self._inherited:
            self.socket.settimeout(0.0)
            if self.socket.family == socket.AF_UNIX:
                # Linux refuses who has found the name before; TCP would lose its queue by it.
                with contextlib.suppress(OSError):
                    self.socket.shutdown(socket.SHUT_RD)
            try:
                while True:
                    yield self.socket.accept()[0]
            except OSError:
                pass  # the queue is empty
        self.close()

    def close(self) -> None:
        """Close at once, and remove the file of a Unix socket."""
        self._remove_file()
        self.socket.close()

    def _remove_file(self) -> None:
        """Remove the file, unless another server has put its own there."""
        if self._file is not None and isinstance(self.address, UnixAddress):
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


def _listen_unix(path: str, mode: int | None) -> gevent.socket.socket:
    _remove_stale(path)
    listener = gevent.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind_unix(listener, path, mode)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _bind_unix(listener: gevent.socket.socket, path: str, mode: int | None) -> None:
    """Make the file with its permissions at once: chmod() would be a moment too late."""
    if mode is None:
        listener.bind(path)
        return
    umask = os.umask(0o777 & ~mode)
    try:
        listener.bind(path)
    finally:
        os.umask(umask)


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


def _name_of(listening: socket.socket) -> TCPAddress | UnixAddress:
    if listening.type != socket.SOCK_STREAM or not listening.getsockopt(
        socket.SOL_SOCKET, socket.SO_ACCEPTCONN
    ):
        raise ConfigurationError("the inherited descriptor is not a listening stream socket")
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return UnixAddress(os.fsdecode(name))
    return TCPAddress(*name[:2])


def _take_over(listening: socket.socket) -> gevent.socket.socket:
    family, kind, protocol = listening.family, listening.type, listening.proto
    return gevent.socket.socket(family, kind, protocol, fileno=listening.detach())
