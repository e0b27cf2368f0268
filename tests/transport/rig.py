"""A scripted backend, and exchanges with it on either transport."""

import contextlib
import io
import socket
from collections.abc import Callable, Iterator
from typing import TypeVar

from tests.gateway.gunicorn_server import ServedConnection
from tests.kit.backend import Backend, BackendConnection, Script
from tests.kit.gates import Gates
from tests.transports import BOUND, Transport
from wsgi_scgi.address import TCPAddress
from wsgi_scgi.gateway.body import RequestBody, SpooledBody, StreamedBody
from wsgi_scgi.gateway.client import Client, client_of
from wsgi_scgi.scgi.request_head import encode_request_head
from wsgi_scgi.transport.connecting import connect
from wsgi_scgi.transport.exchange import Exchange, Limits
from wsgi_scgi.transport.names import Resolver
from wsgi_scgi.transport.waiting import Deadline, current_waiter

T = TypeVar("T")

SMALL_BUFFER = 32 * 1024


class Rig:
    """One backend that plays a script, and what the gateway does with it."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.gates = Gates()
        self.limits = Limits(timeout=BOUND, client_timeout=BOUND, client_gone_grace=1.0)
        self.deadline: Deadline | None = None
        self.client: Client | None = None
        self.body: RequestBody | None = None
        self.variables: dict[str, str] = {}
        self.send_buffer = 0
        self._backend = Backend()
        self._port = self._backend.listen_tcp()

    def close(self) -> None:
        """Stop the backend."""
        self.gates.open_all()
        self._backend.close()
        self._backend.wait_done(BOUND)

    def plays(self, *steps: Script) -> None:
        """Say what the backend does with its next connection."""

        def script(connection: BackendConnection) -> None:
            for step in steps:
                step(connection)

        self._backend.begin(script, gates=self.gates, bound=BOUND)

    @property
    def connection(self) -> BackendConnection:
        """What the backend saw, once its script has ended."""
        self.wait_for_the_script()
        return self._backend.connections[0]

    def wait_for_the_script(self) -> None:
        """Return when the backend has ended its script."""
        self._backend.settle()
        assert self._backend.wait_done(BOUND)

    def received(self, size: int) -> Callable[[], bool]:
        """Return a condition: the backend has received so many bytes."""

        def condition() -> bool:
            connections = self._backend.connections
            return bool(connections) and len(connections[0].received) >= size

        return condition

    def sends(self, data: bytes) -> None:
        """Let the request have this body, which waits for nobody."""
        self.body = SpooledBody(io.BytesIO(data), len(data))

    def streams(self, served: ServedConnection) -> StreamedBody:
        """Let the request have the body that a client of gunicorn sends."""
        environ = self.transport.call(served.next_environ)
        self.client = client_of(environ)
        length = int(environ.get("CONTENT_LENGTH", 0))
        body = StreamedBody(environ, length, self.client, timeout=self.limits.client_timeout)
        if length:
            self.body = body
        return body

    @contextlib.contextmanager
    def exchange(self, *, on_close: Callable[[], None] | None = None) -> Iterator[Exchange]:
        """Connect, and close in the end; only where the transport is to be."""
        length = self.body.length if self.body is not None else 0
        connection = connect(
            TCPAddress("127.0.0.1", self._port), Resolver(), current_waiter(), timeout=BOUND
        )
        if self.send_buffer:
            option = (socket.SOL_SOCKET, socket.SO_SNDBUF, self.send_buffer)
            connection.socket.setsockopt(*option)
        exchange = Exchange(
            connection,
            encode_request_head(length, self.variables, limit=1 << 30),
            body=self.body,
            client=self.client,
            limits=self.limits,
            deadline=self.deadline,
            on_close=on_close,
        )
        try:
            yield exchange
        finally:
            exchange.close()

    def call(self, function: Callable[[Exchange], T]) -> T:
        """Call ``function`` with an exchange, on the transport."""

        def connected() -> T:
            with self.exchange() as exchange:
                return function(exchange)

        return self.transport.call(connected)


def receive_all(exchange: Exchange) -> bytes:
    """Return everything that the backend sends."""
    return b"".join(iter(exchange.receive, b""))
