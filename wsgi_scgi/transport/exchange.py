"""One exchange: a request sent and a response received over one connection, at the same time.

SCGI has no keep-alive, so a connection lives as long as one exchange.  A backend may answer
before it has read the body, or read the body only after it has written its answer; therefore
everything that is sent is sent with an ear to what arrives.
"""

import enum
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import (
    BackendError,
    BackendTimeout,
    ClientDisconnected,
    DeadlineExceeded,
    ProtocolError,
    RequestTimeout,
    ResponseError,
)
from ..gateway.body import LARGE, RequestBody
from ..gateway.client import Client, Presence
from ..scgi.response_head import ResponseHead, ResponseHeadParser
from .connecting import Connection
from .outgoing import Outgoing
from .pacing import stop_pacing_on_this_host
from .waiting import NO_DEADLINE, READ, WRITE, Deadline, Interest
from .whole_answer import NOTHING, RECEIVE_SIZE, Begun

WATCH_AFTER = 0.05
"""Seconds a backend may be silent before the client is watched too: most never are."""

BETWEEN_PAUSES = 1 << 20
"""Bytes after which other greenlets run, where both sides are so fast that nobody waits."""

LARGEST_RECEIVE = 1 << 18
"""Bytes that are asked for at once where the backend fills every read, and the most that a client
who reads slowly costs: 64 MiB then take a third less CPU time."""

HEAD_TIMEOUTS = 4
"""A head must be complete within this many times ``timeout`` after its first byte."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: ``timeout`` for each read or write of the backend, the others as the options."""

    timeout: float = 60.0
    client_timeout: float = 60.0
    client_gone_grace: float = 1.0


class Turn(enum.Enum):
    """What ``Exchange.advance`` returns when no bytes have arrived."""

    CLIENT = enum.auto()
    """The client can take what has been kept for it."""
    SENT = enum.auto()
    """Something was sent; there may be more."""


class Exchange:
    """The gateway's end of a connection to a backend.  Close it, always."""

    __slots__ = (
        "_answered",
        "_arrived",
        "_backend_seconds",
        "_body",
        "_client",
        "_client_deadline",
        "_connection",
        "_deadline",
        "_error",
        "_gone",
        "_head_deadline",
        "_limits",
        "_on_close",
        "_outgoing",
        "_parser",
        "_readable",
        "_send_error",
        "_silent",
        "_size",
        "_started",
        "_unpaused",
        "_waited",
        "_waiter",
        "_watching",
        "failure",
        "fd",
        "received",
        "sending",
        "sent",
        "socket",
        "surplus",
    )

    def __init__(  # noqa: PLR0913  # one thing each, and each may be absent
        self,
        connection: Connection,
        head: bytes,
        *,
        body: RequestBody | None = None,
        client: Client | None = None,
        limits: Limits = Limits(),
        deadline: Deadline | None = None,
        begun: Begun = NOTHING,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """``begun`` is what has been done of it already.

        ``on_close`` is called once, when the connection has been closed.
        """
        self._connection = connection
        self._on_close = on_close
        self.socket = connection.socket
        self._waiter = connection.waiter
        self.fd = connection.fd
        self._readable: tuple[Interest] = ((self.fd, READ),)
        self._outgoing = Outgoing(memoryview(head)[begun.sent :])
        self._arrived = begun.received
        self._error = begun.error
        self._waited = self._backend_seconds = begun.waited
        self._started = time.monotonic() - begun.waited
        self._body = body
        self._client = client
        self._limits = limits
        self._deadline = deadline or NO_DEADLINE
        self._head_deadline = NO_DEADLINE
        self._client_deadline = NO_DEADLINE
        if body is not None:
            self._client_deadline = Deadline(limits.client_timeout)
            connection.send_at_once()
            if body.length >= LARGE:
                stop_pacing_on_this_host(self.socket)
        self._watching = client is not None and client.fd >= 0
        self._gone: Deadline | None = None
        self._answered = False
        self._send_error: OSError | None = None
        self._silent = True
        self._size = RECEIVE_SIZE
        self._unpaused = 0
        self._parser = ResponseHeadParser()
        self.failure: BackendError | None = None
        """What the response's body ended with, if it was the backend's fault."""
        self.sent = begun.sent
        """Bytes that the kernel has taken for the backend."""
        self.received = len(begun.received)
        """Bytes of the backend, those included that the server took with ``wsgi_scgi.splice``."""
        self.sending = bool(self._outgoing) or body is not None
        """Whether part of the request is still to be sent."""
        self.surplus = b""
        """What was received behind the head: the start of the body."""

    def receive_head(
        self, on_interim: Callable[[ResponseHead], None] | None = None
    ) -> ResponseHead:
        """Send the request and return the final response head.

        ``on_interim`` is given each head of status 1xx.  Raises ResponseError for a head that is
        invalid or never comes, BackendTimeout, ClientDisconnected or RequestTimeout.
        """
        parser = self._parser
        while True:
            data = self.receive()
            if not data:
                raise ResponseError(self._no_head(parser))
            try:
                head = parser.receive(data)
            except ProtocolError as error:
                raise ResponseError(f"the response of the backend is invalid: {error}") from error
            if head is None and self._head_deadline is NO_DEADLINE:
                self._head_deadline = Deadline(self._limits.timeout * HEAD_TIMEOUTS)
            while parser.interim:
                interim = parser.interim.pop(0)
                if on_interim is not None:
                    on_interim(interim)
            if head is not None:
                self._head_deadline = NO_DEADLINE
                self.surplus = parser.rest
                return head

    @property
    def raw_head(self) -> bytes:
        """The response head as it came, interim ones before it."""
        return self._parser.raw

    def receive(self) -> bytes:
        """Return the next bytes of the backend, b"" at its end; send meanwhile."""
        if self._arrived:
            arrived, self._arrived = self._arrived, b""
            return arrived
        while self.sending:
            data = self.advance()
            if isinstance(data, bytes):
                return data
        while True:
            # Right after the request nothing can be there yet: one system call less.
            if not self._silent and (found := self._receive_now()) is not None:
                if self._gone is not None:
                    self._answer_half_closed()
                return found
            self._silent = False
            self.wait_for_backend()

    def advance(self, *, keep: bool = False, listen: bool = True) -> bytes | Turn:
        """Send one piece, or wait until that is possible; return early with what arrives.

        With ``keep`` something is kept for the client, and its being able to take that ends the
        wait too.  Without ``listen`` nothing is received.
        """
        if not self._outgoing:
            turn = self._refill(keep, listen)
            if turn is not None:
                return turn
        try:
            sent = self._outgoing.send(self.socket)
        except BlockingIOError:
            return self._wait_to_send(keep, listen)
        except OSError as error:
            # The answer may be there all the same: a backend need not read what it refuses.
            self._send_error = error
            self.sending = False
            return Turn.SENT
        self.sent += sent
        self._unpaused += sent
        if self._unpaused >= BETWEEN_PAUSES:
            self.let_others_run()
        if not self._outgoing:
            if not (self._body and self._body.remaining):
                self.sending = False
                return Turn.SENT
            # Only now it is the client who is waited for.
            self._client_deadline = Deadline(self._limits.client_timeout)
        return self._hear() if listen else Turn.SENT

    def discard_until_writable(self) -> bool:
        """Take the request's body, for nobody, until the client can take some of the answer.

        A client that sends everything before it reads would otherwise wait for ever for a
        gateway that waits for it.  Tell whether it has sent everything.
        """
        body = self._body
        while body is not None and body.fd >= 0 and body.remaining:
            interests = [(body.fd, WRITE)]
            timeout = 0.0
            if not body.ready():
                interests.append((body.fd, READ))
                timeout = self._limits.client_timeout
            index = self._waiter.wait(interests, timeout)
            if index == 0 or (index < 0 and timeout):
                return False
            body.read(RECEIVE_SIZE)
        return True

    def let_others_run(self) -> None:
        """Switch to other greenlets: where nothing has to wait, nothing else would."""
        self._unpaused = 0
        self._waiter.pause(0)

    def close(self) -> None:
        """Close the connection.  Harmless when repeated."""
        self._outgoing.close()
        self._connection.close()
        if self._on_close is not None:
            on_close, self._on_close = self._on_close, None
            on_close()

    def _refill(self, keep: bool, listen: bool) -> bytes | Turn | None:
        """Take the next piece of the body; return None once there is something to send."""
        body = self._body
        if body is None or not body.remaining:
            self.sending = False
            return Turn.SENT
        if self._outgoing.flows:
            self.check_deadlines()
            if self._take(body):
                return None
        if not body.ready():
            interests = [(body.fd, READ)]
            if listen:
                interests.append((self.fd, READ))
            if keep:
                interests.append((body.fd, WRITE))
            left = self._client_deadline.bound(self._limits.client_timeout)
            index = self._waiter.wait(interests, self._bound(left))
            if index < 0:
                self.check_deadlines()
                body.abandon()
                raise RequestTimeout(
                    f"the client was silent for {self._limits.client_timeout:g} seconds"
                )
            if index:
                return self._hear() if interests[index][0] == self.fd else Turn.CLIENT
        elif keep and body.fd < 0:
            return Turn.CLIENT  # reading may block, so the client gets what there is first
        try:
            return None if self._take(body) else Turn.SENT
        except RequestTimeout:
            # Where the read itself had to wait, an early answer could not end it.
            heard = self._hear()
            if isinstance(heard, bytes) and heard:
                self.sending = False
                return heard
            raise

    def _take(self, body: RequestBody) -> bool:
        """Take the next piece of the body; tell whether there was one."""
        try:
            self._outgoing.take(body)
        except BlockingIOError:
            return False
        return True

    def _wait_to_send(self, keep: bool, listen: bool) -> bytes | Turn:
        interests = [(self.fd, WRITE)]
        if listen:
            interests.append((self.fd, READ))
        if keep and self._client is not None:
            if self._client.fd < 0:
                return Turn.CLIENT
            interests.append((self._client.fd, WRITE))
        index = self._wait_for_backend(interests, self._bound(self._limits.timeout))
        if index < 0:
            self.check_deadlines()
            raise BackendTimeout(
                f"the backend took nothing of the request for {self._limits.timeout:g} seconds"
            )
        if not index:
            return Turn.SENT
        return self._hear() if interests[index][0] == self.fd else Turn.CLIENT

    def _hear(self) -> bytes | Turn:
        data = self._receive_now()
        return Turn.SENT if data is None else data

    def _receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has."""
        self.check_deadlines()  # a backend that never lets us wait has them too
        try:
            if self._error is not None:
                raise self._error
            data = self.socket.recv(self._size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise self.broken(error) from error
        self.received += len(data)
        if len(data) == self._size:
            self._size = min(2 * self._size, LARGEST_RECEIVE)
        return data

    def broken(self, error: OSError) -> ResponseError:
        """Return what to tell of an error of the backend's socket."""
        cause = f"the connection to the backend broke: {error.strerror or error}"
        if self._send_error is not None:
            cause += " (it had stopped taking the request)"
        return ResponseError(cause)

    def wait_for_backend(self) -> None:
        """Wait until the backend has sent something; notice a client that leaves meanwhile."""
        timeout = self._limits.timeout
        if self._watching and self.hears_within(WATCH_AFTER):
            return
        silence = Deadline(max(timeout - self._waited, 1e-3))
        self._waited = 0.0
        while True:
            left = self._bound(silence.bound(timeout))
            if self._gone is not None:
                left = self._gone.bound(left)
            interests: tuple[Interest, ...] = self._readable
            if self._watching and self._client is not None:
                interests += ((self._client.fd, READ),)
            index = self._wait_for_backend(interests, left)
            if index == 0:
                return
            if index > 0:
                self._look_at_client()
            elif self._gone is not None and self._gone.passed:
                raise ClientDisconnected("the client closed the connection while it waited")
            elif silence.passed:
                raise BackendTimeout(f"the backend was silent for {timeout:g} seconds")
            else:
                self.check_deadlines()

    def hears_within(self, seconds: float) -> bool:
        """Wait for up to so many seconds; tell whether the backend has sent something."""
        return self._wait_for_backend(self._readable, self._bound(seconds)) == 0

    def _wait_for_backend(self, interests: Sequence[Interest], seconds: float) -> int:
        started = time.monotonic()
        try:
            return self._waiter.wait(interests, seconds)
        finally:
            self._backend_seconds += time.monotonic() - started

    def _look_at_client(self) -> None:
        """Judge a client whose socket has become readable after its request was read."""
        assert self._client is not None
        match self._client.presence():
            case Presence.GONE:
                raise ClientDisconnected("the client reset the connection while it waited")
            case Presence.HALF_CLOSED:
                self._watching = False
                if self._limits.client_gone_grace and not self._answered:
                    self._gone = Deadline(self._limits.client_gone_grace)
            case Presence.PIPELINING:
                self._watching = False
            case Presence.SILENT:
                pass

    def _answer_half_closed(self) -> None:
        """Let a client have its answer: had it really gone, what it is sent would be reset.

        One more look will tell.
        """
        self._gone = None
        self._answered = True
        self._watching = True

    def _bound(self, seconds: float) -> float:
        return self._head_deadline.bound(self._deadline.bound(seconds))

    def check_deadlines(self) -> None:
        """Raise BackendTimeout if the exchange or the response head takes too long.

        Where the backend was not what took most of the time it is DeadlineExceeded.
        """
        if self._deadline is self._head_deadline is NO_DEADLINE:
            return
        if self._deadline.passed:
            cause = "the exchange took longer than its deadline"
            if self._backend_seconds >= (time.monotonic() - self._started) / 2:
                raise BackendTimeout(cause)
            raise DeadlineExceeded(f"{cause}, and it was not the backend who took so long")
        if self._head_deadline.passed:
            raise BackendTimeout("the response head did not come to its end in time")

    def _no_head(self, parser: ResponseHeadParser) -> str:
        if self._send_error is not None:
            error = self._send_error.strerror or self._send_error
            return f"the backend cut the connection and left no answer: {error}"
        if parser.started:
            return "the backend closed the connection in the middle of the response head"
        return "the backend closed the connection without an answer"
