"""Reading ``wsgi.input``: as PEP 3333 allows, and better where more is known of the server."""

import os
import sys
from collections.abc import Callable
from typing import Any

from ..errors import ClientDisconnected, RequestTimeout
from .client import Client

Read = Callable[[int], bytes]

_SOCKETS = ("socket", "gevent._socket3")
"""Where the classes of sockets are defined that give what the kernel has received, and no more."""


def read_some(wsgi_input: Any) -> Read:
    """Return the input's ``read1``, which gives what has arrived, else its ``read``.

    Plain ``read`` waits until the whole block is there.
    """
    read: Read = getattr(wsgi_input, "read1", None) or wsgi_input.read
    return read


def bounded_read(read: Read, limit: int, client: Client | None, timeout: float) -> bytes:
    """Read up to ``limit`` bytes within ``timeout`` seconds of silence, if a bound is possible.

    Raises RequestTimeout, and ClientDisconnected for whatever else the server's parser raises:
    bad chunks, resets.
    """
    try:
        if client is None:
            return bytes(read(limit))
        return bytes(client.read_within(timeout, read, limit))
    except TimeoutError as error:
        raise RequestTimeout(f"the client was silent for {timeout:.3g} seconds") from error
    except Exception as error:
        raise ClientDisconnected(
            f"the body could not be read ({type(error).__name__}: {error})",
            public="The body could not be read.",
        ) from error


class GunicornInput:
    """gunicorn's ``wsgi.input`` for a body with Content-Length, read without over-waiting.

    Its own ``read(n)`` waits for n bytes.  A relay needs those that have arrived, and to know
    whether any have, before it waits on the socket for more.
    """

    __slots__ = ("_body", "_reader", "_unreader")

    def __init__(self, body: Any) -> None:
        self._body = body
        self._reader = body.reader
        self._unreader = body.reader.unreader

    @classmethod
    def of(cls, wsgi_input: Any) -> "GunicornInput | None":
        """Return None for the input of any other server or framing."""
        module = sys.modules.get("gunicorn.http.body")
        if module is None or type(wsgi_input) is not module.Body:
            return None
        reader = wsgi_input.reader
        unreader = getattr(reader, "unreader", None)
        known = isinstance(reader, module.LengthReader) and hasattr(unreader, "chunk")
        return cls(wsgi_input) if known and hasattr(unreader, "buf") else None

    def descriptor(self) -> int:
        """Return the non-blocking socket behind it, -1 if the body comes from anything else.

        TLS would have to be decrypted, and a server may have put back what it had read too early:
        GatewayWorker says with ``plain_socket`` when that has been read.
        """
        sock: Any = getattr(self._unreader, "sock", None)
        if not _is_plain(sock):
            sock = getattr(sock, "plain_socket", None)
            if not _is_plain(sock):
                return -1
        fd: int = sock.fileno()
        return -1 if fd < 0 or os.get_blocking(fd) else fd

    def account(self, count: int) -> None:
        """Take note of bytes that somebody has received from the socket itself."""
        self._reader.length -= count

    def has_data(self) -> bool:
        """Tell whether bytes have been received that nobody has read yet."""
        return bool(self._body.buf.getbuffer().nbytes or self._unreader.buf.getbuffer().nbytes)

    def read(self, limit: int) -> bytes:
        """Return what has arrived, up to ``limit``; wait for the socket only if nothing has."""
        if kept := self._body.buf.getbuffer().nbytes:  # a middleware has looked ahead
            return bytes(self._body.read(min(limit, kept)))
        available = self._unreader.buf.getbuffer().nbytes
        if not available:
            data: bytes = self._unreader.chunk(limit)
            if len(data) <= limit:
                # Going through the buffers of unreader and reader would copy it five times.
                self.account(len(data))
                return data
            self._unreader.unread(data)
            available = len(data)
        return bytes(self._reader.read(min(limit, available)))


def _is_plain(sock: object) -> bool:
    return type(sock).__name__ == "socket" and type(sock).__module__ in _SOCKETS
