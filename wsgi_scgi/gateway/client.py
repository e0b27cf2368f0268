"""The client's connection, as far as the WSGI server below shows it.

gunicorn hands its socket over (``gunicorn.socket``; ``gunicorn.sock`` in the gevent_pywsgi
worker).  With it the gateway notices a client that leaves, bounds reads of the body, and writes
only what a client takes.  Other servers show nothing: there a body is read as PEP 3333 allows,
and a client that left is noticed at the next write.
"""

import _socket  # the C socket: the same below gevent's monkey patches and without them
import contextlib
import enum
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any


class Presence(enum.Enum):
    """What a readable client socket means."""

    PIPELINING = enum.auto()
    """It has sent more: the next request, perhaps.  Nothing can be learnt by watching on."""
    HALF_CLOSED = enum.auto()
    """It sent FIN: it may be gone, or wait for the answer with its sending side closed."""
    GONE = enum.auto()
    """It reset the connection."""
    SILENT = enum.auto()


class Client:
    """One client connection over plain HTTP/1; see ``client_of``."""

    __slots__ = ("fd", "_socket")

    def __init__(self, client_socket: Any) -> None:
        self._socket = client_socket
        self.fd: int = -1 if isinstance(client_socket, ssl.SSLSocket) else client_socket.fileno()
        """What to wait on; -1 under TLS, where readiness of the socket says nothing."""

    def presence(self) -> Presence:
        """Look at a socket that is readable without taking a byte from it."""
        peer = _socket.socket(fileno=self.fd)
        try:
            data = peer.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return Presence.SILENT
        except OSError:
            return Presence.GONE
        finally:
            peer.detach()  # it is the server's to close
        return Presence.PIPELINING if data else Presence.HALF_CLOSED

    def read_within(self, seconds: float, read: Callable[[int], bytes], limit: int) -> bytes:
        """Let a read of the body raise TimeoutError after ``seconds`` without a byte.

        The only safe way to bound it: a read that is interrupted from outside makes gunicorn
        take the rest of the body for the next request.
        """
        before = self._socket.gettimeout()
        if before == seconds:
            return read(limit)
        self._socket.settimeout(seconds)
        try:
            return read(limit)
        finally:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._socket.settimeout(before)

    def server_address(self) -> str | None:
        """Return the IP address that the client connected to, None on a Unix socket."""
        try:
            address = self._socket.getsockname()
        except OSError:
            return None
        return str(address[0]) if isinstance(address, tuple) else None

    def reset(self) -> None:
        """Cut the connection so that no client can take what it has for a whole response.

        Needed where the end of the connection is the end of the response: an orderly close
        would look like success.  Closing with a linger time of zero sends RST.
        """
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.close()


def client_of(environ: dict[str, Any]) -> Client | None:
    """Return the client's connection if the server shows it and it carries this request alone."""
    client_socket = environ.get("gunicorn.socket") or environ.get("gunicorn.sock")
    # The streams of an HTTP/2 connection share one socket.
    if client_socket is None or not environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1."):
        return None
    return Client(client_socket)
