"""The client's connection: every byte to and from it, with as few system calls as it takes.

gevent's own socket asks the kernel for its buffer size before each send and copies a file in
Python.  Here the C socket is used directly, and the hub only where the kernel says "not yet".
"""

import _socket  # the C socket: the same below gevent's monkey patches and without them
import contextlib
import os
import time
from typing import Any

from ..gateway.body import LARGE
from ..transport.pacing import stop_pacing_on_this_host
from ..transport.pipe import Pipe
from ..transport.waiting import READ, WRITE, CooperativeWaiter

RECEIVE_SIZE = 65536
"""Bytes a read, and so of the largest head that is taken here."""

BETWEEN_PAUSES = 1 << 22
"""Bytes after which other greenlets run, where client and source are so fast that none waits."""

SEND_TIMEOUT = 60.0
"""Seconds in which a client must take something, as nginx's send_timeout."""

LINGER_TIME = 30.0
"""Seconds in which a client may go on to send what nobody reads, as nginx's lingering_time."""

LINGER_TIMEOUT = 2.0
"""Seconds of its silence after which it has had its answer."""

_MORE = getattr(_socket, "MSG_MORE", 0)


class ClientLeft(Exception):
    """The client takes nothing any more: it closed the connection, or is silent for too long."""


class ClientSocket:
    """One client connection in a greenlet.  Release it, always."""

    __slots__ = ("_is_paced", "_raw", "_unpaused", "_waiter", "fd", "gevent_socket")

    def __init__(self, gevent_socket: Any, waiter: CooperativeWaiter) -> None:
        self.gevent_socket = gevent_socket
        self.fd: int = gevent_socket.fileno()
        self._raw = _socket.socket(fileno=self.fd)
        self._waiter = waiter
        self._is_paced = True
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

    def send(self, data: bytes, *, more: bool = False) -> None:
        """Send all of ``data``; raise ClientLeft.

        With ``more`` it may wait in the kernel for what is sent next, and leave in its segment.
        """
        try:
            sent = self._raw.send(data, _MORE if more else 0)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise ClientLeft(str(error)) from error
        if sent < len(data):
            self.send_rest(memoryview(data)[sent:])

    def send_rest(self, data: memoryview) -> None:
        """Send all of ``data`` as the client takes it; raise ClientLeft."""
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
        if count >= LARGE:
            self._stop_pacing()
        sent = 0
        while sent < count:
            asked = min(count - sent, BETWEEN_PAUSES)
            try:
                step = os.sendfile(self.fd, descriptor, offset + sent, asked)
            except BlockingIOError:
                self._wait_writable()
                continue
            except OSError as error:
                raise ClientLeft(str(error)) from error
            if not step:
                break
            sent += step
            if step < asked:
                # Its buffer is full: asking again at once would get little, call by call.
                self._wait_writable()
            else:
                self._let_others_run_after(step)
        return sent

    def splice(self, source: int, count: int) -> int:
        """Move up to ``count`` bytes that have arrived on a socket to the client.

        Return how many, 0 at the end of the source.  Raises BlockingIOError if nothing has
        arrived, ClientLeft, or the OSError of the source.  Whatever was taken is delivered.
        """
        self._stop_pacing()
        pipe = Pipe.borrow()
        try:
            taken = pipe.fill(source, count)
            while pipe.held:
                try:
                    pipe.drain(self.fd)
                except BlockingIOError:
                    self._wait_writable()
                except OSError as error:
                    raise ClientLeft(str(error)) from error
        finally:
            pipe.give_back()
        self._let_others_run_after(taken)
        return taken

    def linger(self) -> None:
        """End our side, then take what the client still sends and throw it away.

        The kernel resets a connection that is closed with bytes unread, and the client loses the
        answer (RFC 9112 9.6).
        """
        deadline = time.monotonic() + LINGER_TIME
        with contextlib.suppress(OSError):
            self._raw.shutdown(_socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                if not self.receive(min(LINGER_TIMEOUT, left)):
                    break

    def has_reset(self) -> bool:
        """Tell whether the client has refused what it was sent, so that it is not there."""
        return bool(self._raw.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR))

    def let_others_run(self) -> None:
        """Switch to other greenlets, where nothing else would."""
        self._waiter.pause(0)

    def release(self) -> None:
        """Stop watching the connection; it stays open."""
        self._waiter.close()
        self._raw.detach()

    def _stop_pacing(self) -> None:
        if self._is_paced:
            self._is_paced = False
            stop_pacing_on_this_host(self._raw)

    def _wait_writable(self) -> None:
        self._unpaused = 0
        if self._waiter.wait(((self.fd, WRITE),), SEND_TIMEOUT) < 0:
            raise ClientLeft(f"the client took nothing for {SEND_TIMEOUT:g} seconds")

    def _let_others_run_after(self, moved: int) -> None:
        self._unpaused += moved
        if self._unpaused >= BETWEEN_PAUSES:
            self._unpaused = 0
            self._waiter.pause(0)
