"""The client's connection: every byte to and from it, with as few system calls as it takes.

gevent's own socket asks the kernel for its buffer size before each send and copies a file in
Python.  Here the C socket is used directly, and the hub only where the kernel says "not yet".
"""

import _socket  # the C socket: the same below gevent's monkey patches and without them
import contextlib
import os
from typing import Any

from ..transport.waiting import READ, WRITE, CooperativeWaiter

RECEIVE_SIZE = 65536
"""Bytes a read, and so of the largest head that is taken here."""

BETWEEN_PAUSES = 1 << 20
"""Bytes after which other greenlets run, where client and source are so fast that none waits."""

PIPE_SIZE = 1 << 20
"""Bytes that a pipe is to hold: with Linux's default of 64 KiB splice(2) costs three times more."""

SEND_TIMEOUT = 60.0
"""Seconds in which a client must take something, as nginx's send_timeout."""

_F_SETPIPE_SZ = 1031

CAN_SPLICE = hasattr(os, "splice")


class ClientLeft(Exception):
    """The client takes nothing any more: it closed the connection, or is silent for too long."""


class ClientSocket:
    """One client connection in a greenlet.  Close it, always."""

    __slots__ = ("_raw", "_unpaused", "_waiter", "fd", "gevent_socket")

    def __init__(self, gevent_socket: Any, waiter: CooperativeWaiter) -> None:
        self.gevent_socket = gevent_socket
        self.fd: int = gevent_socket.fileno()
        self._raw = _socket.socket(fileno=self.fd)
        self._waiter = waiter
        self._unpaused = 0

    def receive(self, timeout: float) -> bytes:
        """Wait for bytes and return them; b"" at the end or after ``timeout`` seconds.

        It waits first: a client that never lets us wait would keep all others from running.
        """
        while self._waiter.wait(((self.fd, READ),), timeout) == 0:
            try:
                return self._raw.recv(RECEIVE_SIZE)
            except BlockingIOError:
                continue
            except OSError:
                break
        return b""

    def send(self, data: bytes) -> None:
        """Send all of ``data``; raise ClientLeft."""
        try:
            sent = self._raw.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise ClientLeft(str(error)) from error
        if sent < len(data):
            self._send_rest(memoryview(data)[sent:])

    def _send_rest(self, data: memoryview) -> None:
        while data:
            self._wait_writable()
            try:
                data = data[self._raw.send(data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise ClientLeft(str(error)) from error

    def send_file(self, descriptor: int, offset: int, count: int) -> int:
        """Send up to ``count`` bytes of a file with sendfile(2); return how many there were."""
        sent = 0
        while sent < count:
            step = min(count - sent, BETWEEN_PAUSES)
            try:
                step = os.sendfile(self.fd, descriptor, offset + sent, step)
            except BlockingIOError:
                self._wait_writable()
                continue
            except OSError as error:
                raise ClientLeft(str(error)) from error
            if not step:
                break
            sent += step
            self._let_others_run_after(step)
        return sent

    def splice(self, source: int, pipe: "Pipe", count: int) -> int:
        """Move up to ``count`` bytes that have arrived on a socket to the client.

        Return how many, 0 at the end of the source.  Raises BlockingIOError if nothing has
        arrived, ClientLeft, or the OSError of the source.  Whatever was taken is delivered.
        """
        taken = os.splice(source, pipe.entry, min(count, PIPE_SIZE), flags=_SPLICE_FLAGS)
        left = taken
        while left:
            try:
                left -= os.splice(pipe.exit, self.fd, left, flags=_SPLICE_FLAGS)
            except BlockingIOError:
                self._wait_writable()
            except OSError as error:
                raise ClientLeft(str(error)) from error
        self._let_others_run_after(taken)
        return taken

    def let_others_run(self) -> None:
        """Switch to other greenlets, where nothing else would."""
        self._waiter.pause(0)

    def release(self) -> None:
        """Stop watching the connection; it stays open."""
        self._waiter.close()
        self._raw.detach()

    def _wait_writable(self) -> None:
        self._unpaused = 0
        if self._waiter.wait(((self.fd, WRITE),), SEND_TIMEOUT) < 0:
            raise ClientLeft(f"the client took nothing for {SEND_TIMEOUT:g} seconds")

    def _let_others_run_after(self, moved: int) -> None:
        self._unpaused += moved
        if self._unpaused >= BETWEEN_PAUSES:
            self._unpaused = 0
            self._waiter.pause(0)


_SPLICE_FLAGS = getattr(os, "SPLICE_F_MOVE", 0) | getattr(os, "SPLICE_F_NONBLOCK", 0)


class Pipe:
    """What splice(2) needs between two sockets.  Close it, always: it may hold bytes of one."""

    __slots__ = ("entry", "exit")

    def __init__(self) -> None:
        self.exit, self.entry = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # a user may have only so many pages in pipes
            import fcntl

            fcntl.fcntl(self.entry, _F_SETPIPE_SZ, PIPE_SIZE)

    def close(self) -> None:
        """Close both ends."""
        os.close(self.entry)
        os.close(self.exit)
