"""SCGIServer: a WSGI application behind a TCP or Unix socket, one greenlet a connection.

The SCGI specification gives each connection one request; the response ends where it closes.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gevent import socket
from gevent.pool import Pool
from gevent.server import StreamServer

from ..address import TCPAddress, UnixAddress
from .channel import Channel
from .connection import serve_connection
from .limits import ServerLimits
from .listening import Listener

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

STOP_TIMEOUT = 10.0
"""Seconds that requests in flight are given when the server stops."""


class SCGIServer:
    """Serve ``application`` at ``address``.

    >>> from wsgi_scgi.address import TCPAddress
    >>> from wsgiref.simple_server import demo_app
    >>> with SCGIServer(demo_app, TCPAddress("127.0.0.1", 0)) as server:
    ...     server.address.port > 0
    True

    The application runs in greenlets: where it waits for something it has to do so with gevent,
    else everybody waits.  Nothing is monkey patched here.
    """

    def __init__(
        self,
        application: "WSGIApplication",
        address: TCPAddress | UnixAddress,
        *,
        limits: ServerLimits | None = None,
    ) -> None:
        """Prepare only; ``start`` opens the socket."""
        self._application = application
        self._address = address
        self._limits = limits or ServerLimits()
        self._listener: Listener | None = None
        self._server: StreamServer | None = None

    def __enter__(self) -> Self:
        """Start, and return the server itself."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; at once when it was an exception that ended the block."""
        self.stop(timeout=STOP_TIMEOUT if error is None else 0.0)

    @property
    def address(self) -> TCPAddress | UnixAddress:
        """Where the server listens; after ``start`` with the port that the system chose."""
        return self._address if self._listener is None else self._listener.address

    def start(self) -> None:
        """Listen and accept connections, in the background of the calling greenlet.

        Raises ConfigurationError where the address cannot be had.
        """
        self._listener = Listener(self._address)
        self._server = StreamServer(
            self._listener.socket, self._serve, spawn=Pool(self._limits.max_connections)
        )
        self._server.start()

    def stop(self, *, timeout: float = STOP_TIMEOUT) -> None:
        """Accept nothing more, finish what is in flight, break off what takes over ``timeout`` s.

        Stopping twice, or before the start, does nothing.
        """
        if self._listener is not None:
            self._listener.remove_file()
        if self._server is not None:
            self._server.stop(timeout)

    def _serve(self, accepted: socket.socket, _peer: Any) -> None:
        serve_connection(Channel(accepted, self._limits), self._application, limits=self._limits)
