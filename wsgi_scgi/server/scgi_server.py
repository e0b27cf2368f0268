"""SCGIServer: a WSGI application behind a TCP or Unix socket, one greenlet a connection.

The SCGI specification gives each connection one request; the response ends where it closes.
"""

import socket
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import gevent
import gevent.socket
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

_KILL_TIMEOUT = 1.0
"""Seconds for what a broken-off request does at its end."""


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
        address: TCPAddress | UnixAddress | socket.socket,
        *,
        limits: ServerLimits | None = None,
        script_name: str = "",
        socket_mode: int | None = None,
    ) -> None:
        """Prepare only; ``start`` opens the socket.

        A socket in place of an address listens already and is taken over.  ``script_name`` is
        the mount of the application, such as "/app", where the peer does not tell it.
        ``socket_mode`` has the permissions of a Unix socket; the umask decides without it.
        """
        self._application = application
        self._place = address
        self._limits = limits or ServerLimits()
        self._script_name = script_name
        self._socket_mode = socket_mode
        self._pool = Pool(self._limits.max_connections)
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
        if self._listener is not None:
            return self._listener.address
        if isinstance(self._place, TCPAddress | UnixAddress):
            return self._place
        raise ValueError("the address of a socket is known after the start")

    def start(self) -> None:
        """Listen and accept connections, in the background of the calling greenlet.

        Raises ConfigurationError where the address cannot be had.
        """
        self._listener = Listener(self._place, mode=self._socket_mode)
        # The listener keeps the socket open when the accepting ends: see stop().
        self._server = StreamServer(self._listener.socket.dup(), self._serve, spawn=self._pool)
        self._server.start()

    def stop(self, *, timeout: float = STOP_TIMEOUT) -> None:
        """Take no new connections, finish those there are, break off what takes over ``timeout`` s.

        Connections that the system has accepted count, too.  Stopping twice, or before the
        start, does nothing.
        """
        if self._listener is None or self._server is None:
            return
        self._server.close()
        if timeout > 0:
            with gevent.Timeout(timeout, False):  # type: ignore[arg-type]  # documented by gevent
                for accepted in self._listener.finish():
                    self._spawn(accepted)
                self._pool.join()
        self._listener.close()
        self._pool.kill(timeout=_KILL_TIMEOUT)

    def _spawn(self, accepted: gevent.socket.socket) -> None:
        """Serve in a greenlet of its own, as soon as there is room for one."""
        try:
            self._pool.spawn(self._serve, accepted)
        except BaseException:
            accepted.close()
            raise

    def _serve(self, accepted: gevent.socket.socket, _peer: Any = None) -> None:
        serve_connection(
            Channel(accepted, self._limits),
            self._application,
            limits=self._limits,
            script_name=self._script_name,
        )
