"""A scripted backend, and exchanges with it on either transport."""

import array
import contextlib
import fcntl
import io
import math
import socket
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.gateway.gunicorn_server import ServedConnection
from tests.kit.backend import Backend, BackendConnection, PeerEnd, Script, ScriptEnded
from tests.kit.gates import Gates
from tests.transports import BOUND, Transport, until
from wsgi_scgi.address import TCPAddress
from wsgi_scgi.gateway.body import RequestBody, SpooledBody, StreamedBody
from wsgi_scgi.gateway.client import Client, client_of
from wsgi_scgi.scgi.request_head import encode_request_head
from wsgi_scgi.transport.connecting import connect
from wsgi_scgi.transport.exchange import Exchange, Limits
from wsgi_scgi.transport.names import Resolver
from wsgi_scgi.transport.waiting import READ, Deadline, Interest, Waiter, current_waiter

T = TypeVar("T")

SMALL_BUFFER = 32 * 1024


MOMENT = 0.002
"""Seconds between two looks at a clock that stands still."""


class Clock:
    """What an exchange takes for the time: it stands still until a test or a step moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.to_pass: tuple[int, float] | None = None
        """In which kind of wait time is to pass, and how much."""

    def monotonic(self) -> float:
        """Return the time, as the module does whose place this takes."""
        return self.now

    def pass_in(self, kind: int) -> None:
        """Move on if time is to pass in a wait of this kind."""
        if self.to_pass is not None and self.to_pass[0] == kind:
            self.now += self.to_pass[1]
            self.to_pass = None


class ClockedWaiter:
    """A waiter whose time is over when a clock says so, and never before what came in time."""

    def __init__(self, waiter: Waiter, clock: Clock) -> None:
        self._waiter = waiter
        self._clock = clock
        self.pause = waiter.pause
        self.run_aside = waiter.run_aside
        self.close = waiter.close

    def wait(self, interests: Sequence[Interest], timeout: float | None) -> int:
        """See Waiter."""
        end = math.inf if timeout is None else self._clock.now + timeout
        bound = time.monotonic() + BOUND
        while True:
            is_over = self._clock.now >= end
            index = self._waiter.wait(interests, 0 if is_over else MOMENT)
            if index >= 0 or is_over:
                return index
            self._clock.pass_in(interests[0][1])
            assert time.monotonic() < bound, "nobody moves the clock on"


@dataclass(frozen=True, slots=True)
class Pass:
    """Step: let time pass while the exchange waits.

    ``kind`` is what it waits for first: to receive from somebody, or to send to the backend.
    """

    clock: Clock
    seconds: float
    kind: int = READ

    def __call__(self, connection: BackendConnection) -> None:
        """Return once the time has passed in such a wait, for which nothing had come."""
        self.clock.to_pass = self.kind, self.seconds
        until(lambda: self.clock.to_pass is None or connection.ends_within(MOMENT))
        if connection.end is not PeerEnd.OPEN:
            raise ScriptEnded("the gateway left while it was to wait")


@dataclass(frozen=True, slots=True)
class PassUntilCut:
    """Step: let time pass until the gateway leaves, and send a piece of ``drip`` each second."""

    clock: Clock
    drip: bytes = b""

    def __call__(self, connection: BackendConnection) -> None:
        """Move the clock again and again."""
        bound = time.monotonic() + connection.bound
        while connection.end is PeerEnd.OPEN and time.monotonic() < bound:
            connection.write(self.drip)
            self.clock.now += 1.0
            connection.ends_within(MOMENT)


def arrived(descriptor: int) -> int:
    """Return how many bytes can be received at once."""
    return _asked(descriptor, termios.FIONREAD)


def underway(descriptor: int) -> int:
    """Return how many bytes have been sent that the other end has not got."""
    return _asked(descriptor, termios.TIOCOUTQ)


def _asked(descriptor: int, question: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, question, count)
    return count[0]


class Rig:
    """One backend that plays a script, and what the gateway does with it."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.gates = Gates()
        self.limits = Limits(timeout=BOUND, client_timeout=BOUND, client_gone_grace=1.0)
        self.deadline: Deadline | None = None
        self.clock: Clock | None = None
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
        waiter = current_waiter()
        if self.clock is not None:
            waiter = ClockedWaiter(waiter, self.clock)
        connection = connect(TCPAddress("127.0.0.1", self._port), Resolver(), waiter, timeout=BOUND)
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
