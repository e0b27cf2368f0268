"""gunicorn's own parser and environ over a real connection, without its arbiter and workers."""

import _socket
import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Any

import gevent.socket
from gunicorn.config import Config
from gunicorn.http import get_parser, wsgi

from tests.transports import BOUND, Transport


class ServedConnection:
    """A connection on which gunicorn reads requests and a test is the client.

    ``far`` is the client's end, an ordinary socket.  The server's end is of the kind that
    gunicorn's workers have on the transport in question.
    """

    def __init__(self, near: socket.socket, far: socket.socket, transport: Transport) -> None:
        self.far = far
        far.settimeout(BOUND)
        near.settimeout(None)
        self.near: Any = near
        if transport is Transport.COOPERATIVE:
            self.near = gevent.socket.socket(near.family, near.type, fileno=near.detach())
        self._config = Config()
        self._config.set("http_parser", "python")
        self._parser = get_parser(self._config, self.near, ("127.0.0.1", 54321))

    def secure(self, near: ssl.SSLSocket) -> None:
        """Go on over TLS, of which ``near`` is the server's end."""
        self.near = near
        self._parser = get_parser(self._config, near, ("127.0.0.1", 54321))

    def next_environ(self) -> dict[str, Any]:
        """Parse the next request and return its environ; StopIteration where gunicorn closes."""
        request = next(self._parser)
        address = ("127.0.0.1", 54321)
        _, environ = wsgi.create(request, self.near, address, ("127.0.0.1", 8000), self._config)
        return dict(environ)

    def finish_body(self) -> None:
        """Take what is unread of the last request's body, as gunicorn does before the next."""
        self._parser.finish_body()

    def half_close(self) -> None:
        """Say that the client sends nothing more."""
        self.far.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Let the client reset the connection."""
        self.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.far.close()

    def shrink_buffers(self, size: int, *, answer: int | None = None) -> None:
        """Let no more than a few times ``size`` bytes be under way in either direction.

        Otherwise the kernel lets them grow to megabytes, more or less as it happens.
        ``answer`` is the size from server to client where it is another one.
        """
        for sender, receiver, limit in (
            (self.far, self.near, size),
            (self.near, self.far, answer or size),
        ):
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limit)
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limit)

    def fill_send_buffer(self) -> None:
        """Send to the client until its socket takes no more."""
        fd = _socket.socket(fileno=self.near.fileno())
        try:
            with contextlib.suppress(BlockingIOError):
                while True:
                    fd.send(bytes(65536), socket.MSG_DONTWAIT)
        finally:
            fd.detach()

    def close(self) -> None:
        """Close both ends."""
        self.near.close()
        self.far.close()


@contextlib.contextmanager
def served_connection(transport: Transport) -> Iterator[ServedConnection]:
    """Make a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.create_connection(listener.getsockname())
        near, _ = listener.accept()
    connection = ServedConnection(near, far, transport)
    try:
        yield connection
    finally:
        connection.close()


def post(body: bytes, *, length: int | None = None) -> bytes:
    """Return a POST request with a Content-Length."""
    length = len(body) if length is None else length
    return b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n%b" % (length, body)


def post_chunked(chunks: bytes) -> bytes:
    """Return a POST request with these bytes as its chunked body."""
    return b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks


GET_NEXT = b"GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n"
