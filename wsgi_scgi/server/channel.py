"""One accepted connection: bounded reads and writes, and the two ways to end it."""

import struct
import time

import gevent
from gevent import socket

from .limits import ServerLimits

_FAIR_SHARE = 1 << 20
"""Bytes that one connection may move before the others get their turn.

gevent switches only when a socket is not ready.  A peer on the same machine can be always ready.
"""

_RECEIVE_SIZE = 16384
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Channel:
    """A socket whose every wait is bounded.

    Whatever goes wrong with the peer is raised as ConnectionError or TimeoutError and kept in
    ``failure``, which tells it from an error of the same type inside the application.
    """

    __slots__ = ("failure", "_limits", "_moved", "_socket")

    def __init__(self, accepted: socket.socket, limits: ServerLimits) -> None:
        self.failure: OSError | None = None
        self._socket = accepted
        self._limits = limits
        self._moved = 0
        if accepted.family != socket.AF_UNIX:
            # Each piece of a stream goes out when it is written.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self, timeout: float) -> bytes:
        """Return what has arrived, b"" at the end; wait up to ``timeout`` seconds for it."""
        try:
            self._socket.settimeout(timeout)
            return self._socket.recv(_RECEIVE_SIZE)
        except OSError as error:
            raise self.fail(error) from None

    def receive_into(self, buffer: memoryview) -> int:
        """Fill the start of ``buffer``; return the count of bytes, 0 at the end."""
        try:
            self._socket.settimeout(self._limits.read_timeout)
            count = self._socket.recv_into(buffer)
        except OSError as error:
            raise self.fail(error) from None
        self._count(count)
        return count

    def send(self, data: bytes) -> None:
        """Send all of ``data``.  The time limit starts again whenever the peer takes some."""
        view = memoryview(data)
        try:
            self._socket.settimeout(self._limits.write_timeout)
            while view:
                count = self._socket.send(view)
                view = view[count:]
                self._count(count)
        except OSError as error:
            raise self.fail(error) from None

    def fail(self, error: OSError) -> OSError:
        """Remember and return the ``error`` that ended the conversation."""
        if isinstance(error, TimeoutError):
            error = TimeoutError("the peer was silent for too long")
        self.failure = error
        return error

    def failed_with(self, error: BaseException) -> bool:
        """Tell whether ``error`` is the peer's failure, or was raised while handling it."""
        cause: BaseException | None = error
        while cause is not None:
            if cause is self.failure:
                return True
            cause = cause.__cause__ or cause.__context__
        return False

    def finish(self, *, unread: bool) -> None:
        """Close after a complete response.  ``unread``: the peer may still be sending."""
        try:
            self._socket.settimeout(0.0)
            if unread or self._has_stray_bytes():
                self._socket.shutdown(socket.SHUT_WR)
                self._drain()
        except OSError:
            pass  # the peer has gone, which is what was waited for
        finally:
            self._socket.close()

    def abort(self) -> None:
        """Close so that the peer cannot take what it has received for a complete response.

        TCP resets the connection.  Unix sockets know no reset: there only a Content-Length tells
        the peer.
        """
        try:
            if self._socket.family != socket.AF_UNIX:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        except OSError:
            pass  # closed already, by us or by the peer
        finally:
            self._socket.close()

    def _has_stray_bytes(self) -> bool:
        try:
            return bool(self._socket.recv(_RECEIVE_SIZE))
        except BlockingIOError:
            return False

    def _drain(self) -> None:
        deadline = time.monotonic() + self._limits.linger_timeout
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            count = len(self._socket.recv(_RECEIVE_SIZE))
            if not count:
                return
            self._count(count)

    def _count(self, count: int) -> None:
        self._moved += count
        if self._moved >= _FAIR_SHARE:
            self._moved = 0
            gevent.sleep(0)
