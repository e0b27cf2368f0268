"""The other end of a server under test: a raw SCGI client that shares its thread through gevent."""

from __future__ import annotations

import contextlib
import fcntl
import struct
import termios
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Self

import gevent
from gevent import socket

from wsgi_scgi.address import TCPAddress, UnixAddress

BOUND = 20.0
"""Seconds after which a wait has failed; machines are noisy, and nothing is measured by it."""

VARIABLES = {
    "REQUEST_METHOD": "GET",
    "REQUEST_URI": "/app/path?x=1",
    "SCRIPT_NAME": "/app",
    "PATH_INFO": "/path",
    "QUERY_STRING": "x=1",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
}


def netstring(*parts: str) -> bytes:
    """Encode names and values as they are given, right or wrong."""
    block = b"".join(part.encode("latin-1") + b"\0" for part in parts)
    return b"%d:%b," % (len(block), block)


def head(changes: Mapping[str, str] | None = None, *, length: int = 0) -> bytes:
    """Encode the head of a request with VARIABLES as ``changes`` has them."""
    variables = {"CONTENT_LENGTH": str(length), "SCGI": "1", **VARIABLES, **(changes or {})}
    return netstring(*(part for item in variables.items() for part in item))


def post(body: bytes, *, length: int | None = None) -> bytes:
    """Encode a POST of ``body``, which may declare another length than it has."""
    return head({"REQUEST_METHOD": "POST"}, length=len(body) if length is None else length) + body


class Peer:
    """One connection to the server."""

    def __init__(self, address: TCPAddress | UnixAddress, data: bytes = b"") -> None:
        """Connect, and send ``data``."""
        if isinstance(address, UnixAddress):
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(address.path)
            except OSError:
                self.socket.close()
                raise
        else:
            self.socket = socket.create_connection((address.host, address.port))
        self.socket.settimeout(BOUND)
        self.socket.sendall(data)

    def __enter__(self) -> Self:
        """Return the peer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.socket.close()

    def send_and_wait_until_read(self, data: bytes) -> None:
        """Send ``data``; return when the other side has read all of it (Unix sockets on Linux)."""
        self.socket.sendall(data)
        wait_until(lambda: not _unread_by_other_side(self.socket))

    def receive_until(self, wanted: bytes) -> bytes:
        """Return what arrives, ``wanted`` being its end."""
        received = b""
        while not received.endswith(wanted):
            data = self.socket.recv(65536)
            assert data, f"closed after {received!r}"
            received += data
        return received

    def receive_all(self) -> bytes:
        """Return all that arrives up to an orderly end."""
        received = b""
        while data := self.socket.recv(65536):
            received += data
        return received

    def receive_until_cut(self) -> bytes:
        """Return all that arrives up to a reset; an orderly end is a failure."""
        received = b""
        try:
            while data := self.socket.recv(65536):
                received += data
        except ConnectionResetError:
            return received
        raise AssertionError(f"ended in an orderly way after {received[-100:]!r}")

    def receive_until_closed(self) -> bytes:
        """Return all that arrives up to a reset or an orderly end."""
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while data := self.socket.recv(65536):
                received += data
        return received

    def send_until_cut(self, pieces: Iterable[bytes]) -> None:
        """Send ``pieces`` slowly; that all of them can be sent is a failure."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                self.socket.sendall(piece)
                gevent.sleep(0.01)
            raise AssertionError("nobody broke the connection off")

    def reset(self) -> None:
        """Close so that the other side sees a reset (TCP)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def exchange(address: TCPAddress | UnixAddress, data: bytes) -> bytes:
    """Send ``data`` and return the whole response."""
    with Peer(address, data) as peer:
        return peer.receive_all()


def wait_until(condition: Callable[[], object]) -> None:
    """Let the server run until ``condition`` holds."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        gevent.sleep(0.001)


def _unread_by_other_side(sender: socket.socket) -> int:
    answer = fcntl.ioctl(sender.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
