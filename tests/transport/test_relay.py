"""The body of a response: exact, as it comes, and while the request's body is still on its way."""

import contextlib
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.gateway.gunicorn_server import ServedConnection, post
from tests.kit.backend import BackendConnection, PeerEnd
from tests.kit.gates import Open, Wait
from tests.kit.script import Close, HalfClose, ReadBody, ReadHead, ReadToEnd, Reset, Write
from tests.transport.rig import SMALL_BUFFER, Clock, PassUntilCut, Rig, arrived, underway
from tests.transports import BOUND, until
from wsgi_scgi.errors import (
    BackendTimeout,
    ClientDisconnected,
    RequestTimeout,
    TruncatedResponse,
)
from wsgi_scgi.gateway.body import LARGE, StreamedBody
from wsgi_scgi.gateway.client import client_of
from wsgi_scgi.transport import flow, relay
from wsgi_scgi.transport.exchange import LARGEST_RECEIVE, Exchange, Limits
from wsgi_scgi.transport.relay import BackendBody
from wsgi_scgi.transport.whole_answer import RECEIVE_SIZE

MEGABYTE = 1024 * 1024


def head(length: int | None = None) -> bytes:
    framing = b"" if length is None else b"Content-Length: %d\n" % length
    return b"Content-Type: text/plain\n" + framing + b"\n"


def pieces_of(rig: Rig) -> tuple[list[bytes], Exception | None]:
    """Return the pieces of the body, and what ended it if not its end."""

    def collect(exchange: Exchange) -> tuple[list[bytes], Exception | None]:
        body = BackendBody(exchange, exchange.receive_head())
        pieces: list[bytes] = []
        try:
            pieces.extend(body)
        except Exception as error:
            return pieces, error
        finally:
            body.close()
            body.close()
        return pieces, None

    return rig.call(collect)


def expect_body(rig: Rig, body: bytes) -> None:
    pieces, error = pieces_of(rig)
    assert (b"".join(pieces), error) == (body, None)


# Where a body ends


@pytest.mark.parametrize("length", [4, None])
@pytest.mark.parametrize("body", [b"body"])
def test_a_body_ends_at_its_length_or_at_the_end_of_the_connection(
    rig: Rig, body: bytes, length: int | None
) -> None:
    rig.plays(ReadHead(), Write(head(length) + body))

    expect_body(rig, body)


@pytest.mark.parametrize("length", [0, None])
def test_a_body_may_be_empty(rig: Rig, length: int | None) -> None:
    rig.plays(ReadHead(), Write(head(length)))

    expect_body(rig, b"")


def test_a_body_that_comes_apart_from_its_head_is_whole_too(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(head(6)), Wait("head"), Write(b"one"), Wait("one"), Write(b"two"))

    def test(exchange: Exchange) -> list[bytes]:
        body = BackendBody(exchange, exchange.receive_head())
        # An empty piece: with it the server sends the head before the backend goes on.
        pieces = [next(body)]
        rig.gates.open("head")
        pieces.append(next(body))
        rig.gates.open("one")
        return [*pieces, *body]

    assert rig.call(test) == [b"", b"one", b"two"]


def test_a_backend_that_stays_behind_its_length_is_not_waited_for(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(head(4) + b"body"), ReadToEnd())

    expect_body(rig, b"body")

    assert rig.connection.end is PeerEnd.EOF


@pytest.mark.parametrize("apart", [False, True])
def test_what_goes_beyond_the_length_is_cut_and_logged(
    rig: Rig, apart: bool, caplog: pytest.LogCaptureFixture
) -> None:
    data = b"bodyGARBAGE"
    if apart:
        rig.plays(ReadHead(), Write(head(4)), Wait("head"), Write(data))
    else:
        rig.plays(ReadHead(), Write(head(4) + data))

    def test(exchange: Exchange) -> bytes:
        body = BackendBody(exchange, exchange.receive_head())
        rig.gates.open("head")
        return b"".join(body)

    with caplog.at_level(logging.WARNING, "wsgi_scgi"):
        assert rig.call(test) == b"body"
    assert "more than its Content-Length" in caplog.text


def test_garbage_behind_an_empty_body_is_cut(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.plays(ReadHead(), Write(head(0) + b"garbage"))

    with caplog.at_level(logging.WARNING, "wsgi_scgi"):
        expect_body(rig, b"")
    assert "more than its Content-Length" in caplog.text


@pytest.mark.parametrize("body", [b"", b"part"])
@pytest.mark.parametrize("end", [HalfClose(), Close()])
def test_a_body_shorter_than_its_length_is_delivered_and_then_raises(
    rig: Rig, body: bytes, end: HalfClose | Close
) -> None:
    rig.plays(ReadHead(), Write(head(10) + body), end)

    pieces, error = pieces_of(rig)

    assert b"".join(pieces) == body
    assert isinstance(error, TruncatedResponse)
    assert f"{10 - len(body)} bytes before the declared end" in str(error)


@pytest.mark.parametrize("length", [10, None])
def test_a_connection_that_breaks_in_the_body_raises(rig: Rig, length: int | None) -> None:
    rig.plays(ReadHead(), Write(head(length) + b"part"), Wait("part"), Reset())

    def test(exchange: Exchange) -> bytes:
        with contextlib.closing(_body(exchange)) as body:
            part = next(body)
            rig.gates.open("part")
            with pytest.raises(TruncatedResponse, match="in the middle of the response body"):
                list(body)
            return part

    assert rig.call(test) in (b"part", b"")


def test_a_backend_that_stalls_in_the_body_raises(rig: Rig, clock: Clock) -> None:
    rig.limits = Limits(timeout=5.0)
    rig.plays(ReadHead(), Write(head(10) + b"part"), PassUntilCut(clock))

    pieces, error = pieces_of(rig)

    assert b"".join(pieces) == b"part"
    assert isinstance(error, BackendTimeout)


def test_a_backend_that_is_ahead_is_read_in_larger_pieces_within_bounds(rig: Rig) -> None:
    content = bytes(range(251)) * (8 * MEGABYTE // 251)
    rig.plays(ReadHead(), Write(head(len(content)) + content))

    def test(exchange: Exchange) -> list[bytes]:
        with socket.socket(fileno=os.dup(exchange.fd)) as near:
            # How fast the kernel would let it grow depends on what it saw before.
            near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MEGABYTE)
        body = BackendBody(exchange, exchange.receive_head())
        until(lambda: arrived(exchange.fd) >= RECEIVE_SIZE)
        pieces = [next(body), next(body)]
        until(lambda: arrived(exchange.fd) >= 2 * RECEIVE_SIZE)
        return pieces + list(body)

    pieces = rig.call(test)

    assert b"".join(pieces) == content
    assert RECEIVE_SIZE < max(map(len, pieces)) <= LARGEST_RECEIVE


def test_what_came_whole_with_its_head_is_there_at_once(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(head(4) + b"body"))

    assert rig.call(lambda exchange: _body(exchange).whole()) == b"body"


def test_a_whole_answer_in_two_segments_is_no_less_whole(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(head(4)), Wait("head"), Write(b"body"))

    def test(exchange: Exchange) -> bytes:
        body = _body(exchange)
        assert body.whole() is None
        rig.gates.open("head")
        return b"".join(body)

    assert rig.call(test) == b"body"


@pytest.mark.parametrize("length", [10, None])
def test_what_is_not_complete_is_not_whole(rig: Rig, length: int | None) -> None:
    rig.plays(ReadHead(), Write(head(length) + b"body"))

    assert rig.call(lambda exchange: _body(exchange).whole()) is None


def _body(exchange: Exchange) -> BackendBody:
    return BackendBody(exchange, exchange.receive_head())


def test_closing_early_drops_the_backend_at_once(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(head() + b"x" * 1000), ReadToEnd())

    def test(exchange: Exchange) -> None:
        body = _body(exchange)
        next(body)
        body.close()
        body.close()

    rig.call(test)
    assert rig.connection.end in (PeerEnd.EOF, PeerEnd.RESET)


# While the request is still being sent


def play_client(
    served: ServedConnection, request: bytes, *, read: Callable[[bytes], None]
) -> threading.Thread:
    """Send everything before reading anything, as simple clients do."""

    def run() -> None:
        served.far.sendall(request)
        received = bytearray()
        while data := served.far.recv(65536):
            received += data
        read(bytes(received))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def serve(rig: Rig, served: ServedConnection) -> None:
    """Do what gunicorn does: send each piece, wait until the client has taken it."""

    def run(exchange: Exchange) -> None:
        body = _body(exchange)
        try:
            for piece in body:
                if piece:
                    served.near.sendall(piece)
        finally:
            body.close()
        served.finish_body()
        served.near.close()

    rig.call(run)


def exchange_megabytes(rig: Rig, served: ServedConnection, size: int) -> bytes:
    """Let a client send ``size`` bytes before it reads; return what it reads."""
    received: list[bytes] = []
    served.shrink_buffers(SMALL_BUFFER)
    rig.send_buffer = SMALL_BUFFER
    client = play_client(served, post(bytes(size)), read=received.append)
    rig.streams(served)
    try:
        serve(rig, served)
    finally:
        served.near.close()
        client.join(BOUND)
    return received[0]


@pytest.mark.parametrize("framed", [True, False])
def test_a_backend_may_write_8_mb_before_it_reads_8_mb(
    rig: Rig, served: ServedConnection, framed: bool
) -> None:
    size = 8 * MEGABYTE
    rig.plays(
        ReadHead(), Write(head(size if framed else None)), Write(b"y" * size), ReadBody(), Close()
    )  # fmt: skip

    assert exchange_megabytes(rig, served, size) == b"y" * size
    if not framed:
        # With a length the answer is complete before the backend has read anything.
        assert rig.connection.request.body == bytes(size)


def test_an_echo_of_8_mb_is_complete(rig: Rig, served: ServedConnection) -> None:
    size = 8 * MEGABYTE

    def echo(connection: BackendConnection) -> None:
        connection.read_head()
        connection.write(head(size))
        for upto in range(65536, size + 1, 65536):
            connection.read_body(upto)
            connection.write(b"z" * 65536)

    rig.plays(echo)

    assert exchange_megabytes(rig, served, size) == b"z" * size
    assert rig.connection.notes == []


def test_a_client_that_sends_all_before_it_reads_gets_an_answer_that_was_complete_long_before(
    rig: Rig, served: ServedConnection
) -> None:
    size = 8 * MEGABYTE
    rig.plays(ReadHead(), Write(head(size)), Write(b"y" * size), Wait("over"))

    assert exchange_megabytes(rig, served, 4 * size) == b"y" * size


def test_an_early_answer_that_came_with_its_head_is_given_only_as_the_client_takes_it(
    rig: Rig, served: ServedConnection
) -> None:
    # Less than one read of the backend, more than the client's connection holds.
    size = 60_000
    rig.plays(ReadHead(), Write(head(size) + b"y" * size), Wait("over"))
    served.shrink_buffers(SMALL_BUFFER, answer=SMALL_BUFFER // 4)

    received: list[bytes] = []
    client = play_client(served, post(bytes(MEGABYTE)), read=received.append)
    rig.streams(served)
    try:
        serve(rig, served)
    finally:
        served.near.close()
        client.join(BOUND)
    assert received[0] == b"y" * size


def test_what_is_kept_for_a_client_goes_to_a_file_when_it_is_much(
    rig: Rig, served: ServedConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 4 * MEGABYTE
    rolled: list[bool] = []
    add, close = relay._Kept.add, relay._Kept.close

    def add_and_tell(kept: relay._Kept, data: bytes) -> None:
        add(kept, data)
        if kept.size > relay.KEPT_IN_MEMORY:
            rig.gates.open("much")

    def look_and_close(kept: relay._Kept) -> None:
        if kept._file is not None:
            rolled.append(kept._file._rolled)  # type: ignore[attr-defined]  # tempfile tells nobody
        close(kept)

    monkeypatch.setattr(relay._Kept, "add", add_and_tell)
    monkeypatch.setattr(relay._Kept, "close", look_and_close)
    rig.plays(ReadHead(), Write(head() + b"y" * size), Wait("much"), ReadBody(), Close())

    assert exchange_megabytes(rig, served, 8 * MEGABYTE) == b"y" * size
    assert rolled
    assert rolled[0]


def test_beyond_what_is_kept_the_backend_has_to_wait(
    rig: Rig, served: ServedConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "KEPT_LIMIT", MEGABYTE)
    size = 8 * MEGABYTE
    kept: list[int] = []
    add = relay._Kept.add

    def note_and_add(self: relay._Kept, data: bytes) -> None:
        add(self, data)
        kept.append(self.size)
        if self.size >= MEGABYTE:
            rig.gates.open("full")

    monkeypatch.setattr(relay._Kept, "add", note_and_add)

    def answer(connection: BackendConnection) -> None:
        writer = threading.Thread(target=connection.write, args=(head(size) + b"y" * size,))
        connection.read_head()
        writer.start()
        Wait("full")(connection)
        connection.read_body()
        writer.join()

    rig.plays(answer)

    assert exchange_megabytes(rig, served, size) == b"y" * size
    assert MEGABYTE <= max(kept) < 2 * MEGABYTE


def test_what_came_before_the_backend_failed_is_delivered_first(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(b"abc", length=1000))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(3), Write(head(10) + b"part"), HalfClose(), ReadToEnd())

    pieces, error = pieces_of(rig)

    assert b"".join(pieces) == b"part"
    assert isinstance(error, TruncatedResponse)


def test_a_connection_that_breaks_in_the_middle_of_both_bodies_raises(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(b"abc", length=1000))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(3), Write(head(10) + b"part"), Wait("part"), Reset())

    def test(exchange: Exchange) -> bytes:
        with contextlib.closing(_body(exchange)) as body:
            received = b""
            while not received:
                received += next(body)
            rig.gates.open("part")
            with pytest.raises(TruncatedResponse, match="middle of the response body"):
                list(body)
            return received

    assert rig.call(test) == b"part"


def test_a_complete_answer_does_not_wait_for_the_rest_of_the_request(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(b"abc", length=1000))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(3), Write(head(4) + b"full"), ReadToEnd())

    expect_body(rig, b"full")
    assert rig.connection.end is PeerEnd.EOF


def test_a_client_that_falls_silent_in_its_body_cuts_the_answer(
    rig: Rig, served: ServedConnection, clock: Clock
) -> None:
    rig.limits = Limits(client_timeout=5.0)
    served.far.sendall(post(b"abc", length=1000))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(3), Write(head(10) + b"part"), PassUntilCut(clock))

    pieces, error = pieces_of(rig)

    assert b"".join(pieces) == b"part"
    assert isinstance(error, RequestTimeout)


def test_a_client_that_leaves_in_its_body_cuts_the_answer(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(b"abc", length=1000))
    rig.streams(served)
    served.half_close()
    rig.plays(ReadHead(), Write(head(10) + b"part"), ReadToEnd())

    def test(exchange: Exchange) -> None:
        with contextlib.closing(_body(exchange)) as body:
            list(body)

    with pytest.raises(ClientDisconnected):
        rig.call(test)


class _Opaque:
    """Another server's wsgi.input: nobody can tell what it holds.

    ``before`` is called before each read.
    """

    def __init__(self, source: object) -> None:
        self._source = source
        self.before: Callable[[], None] = lambda: None

    def read(self, size: int) -> bytes:
        self.before()
        return self._source.read(size)  # type: ignore[attr-defined,no-any-return]  # gunicorn's


def streams_opaquely(rig: Rig, served: ServedConnection) -> _Opaque:
    environ = rig.transport.call(served.next_environ)
    environ["wsgi.input"] = source = _Opaque(environ["wsgi.input"])
    length = int(environ["CONTENT_LENGTH"])
    rig.client = client_of(environ)
    rig.body = StreamedBody(environ, length, rig.client, timeout=rig.limits.client_timeout)
    assert rig.body.fd == -1
    return source


def test_where_reading_may_block_the_client_gets_first_what_there_is(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(bytes(65536 + 10), length=65536 + 20))
    streams_opaquely(rig, served)

    def send_the_rest() -> None:
        # Only who has seen the answer sends the rest.
        assert served.far.recv(4) == b"part"
        served.far.sendall(bytes(10))

    client = threading.Thread(target=send_the_rest)
    client.start()
    answer = head(8) + b"part"
    rig.plays(Write(answer), Open("answered"), ReadHead(), ReadBody(), Write(b"rest"))

    def test(exchange: Exchange) -> bytes:
        assert rig.gates.wait("answered", BOUND)
        received = b""
        with contextlib.closing(_body(exchange)) as body:
            for piece in body:
                served.near.sendall(piece)
                received += piece
        return received

    assert rig.call(test) == b"partrest"
    client.join(BOUND)


def test_where_reading_blocked_in_vain_an_early_answer_is_heard_all_the_same(
    rig: Rig, served: ServedConnection
) -> None:
    rig.limits = Limits(client_timeout=0.2)
    served.far.sendall(post(b"abc", length=1000))
    source = streams_opaquely(rig, served)
    early = Write(b"Status: 413\nContent-Length: 9\n\ntoo large")
    rig.plays(ReadHead(), Wait("reading"), early, ReadToEnd())

    def test(exchange: Exchange) -> tuple[int, bytes]:
        def let_the_backend_answer() -> None:
            rig.gates.open("reading")
            until(lambda: arrived(exchange.fd) > 0)

        source.before = let_the_backend_answer
        answer = exchange.receive_head()
        with contextlib.closing(BackendBody(exchange, answer)) as body:
            return answer.status, b"".join(body)

    assert rig.call(test) == (413, b"too large")


def test_where_reading_blocked_in_vain_and_nothing_was_heard_it_is_the_client_s_fault(
    rig: Rig, served: ServedConnection
) -> None:
    rig.limits = Limits(client_timeout=0.05)
    served.far.sendall(post(b"abc", length=1000))
    streams_opaquely(rig, served)
    rig.plays(ReadToEnd())

    with pytest.raises(RequestTimeout):
        rig.call(Exchange.receive_head)


def fill_for_good(served: ServedConnection) -> None:
    """Fill the connection to the client until the kernel, which moves it on, has no more room."""
    looks = 0
    while looks < 30:
        before = underway(served.near.fileno())
        served.fill_send_buffer()
        time.sleep(0.01)
        looks = looks + 1 if underway(served.near.fileno()) == before else 0


@pytest.mark.parametrize("where", ["uploading", "downloading", "discarding"])
def test_a_relay_that_is_broken_off_leaves_nothing_open(
    rig: Rig, served: ServedConnection, where: str
) -> None:
    size = 64 * MEGABYTE
    if where == "downloading":
        rig.plays(ReadHead(), Write(head(size) + b"part"), Open("there"), ReadToEnd())
        served.far.sendall(post(b""))
        rig.streams(served)
    else:
        length = size if where == "uploading" else 4
        rig.plays(ReadHead(), Write(head(length) + b"part"), Open("there"), ReadToEnd())
        served.far.sendall(post(b"abc", length=size))
        rig.streams(served)
    if where == "discarding":
        # The client reads nothing, and what it has not read fills the socket.
        fill_for_good(served)

    def call() -> None:
        with rig.exchange() as exchange:
            body = _body(exchange)
            try:
                for piece in body:
                    served.near.sendall(piece)
            finally:
                body.close()

    def there() -> bool:
        return rig.gates.wait("there", 0)

    rig.transport.interrupt(call, ready=there)


# What is kept


@pytest.fixture
def kept() -> Iterator[relay._Kept]:
    queue = relay._Kept()
    yield queue
    queue.close()


def test_what_is_kept_comes_out_in_the_order_it_went_in(kept: relay._Kept) -> None:
    kept.add(b"")
    assert kept.size == 0
    kept.add(b"one")
    kept.add(b"two")
    assert (kept.size, kept.take(4), kept.size) == (6, b"onet", 2)
    kept.add(b"three")
    assert (kept.take(100), kept.size) == (b"wothree", 0)
    kept.add(b"again")
    assert kept.take(100) == b"again"


def test_closing_what_is_kept_is_harmless_at_any_time(kept: relay._Kept) -> None:
    kept.close()
    kept.add(b"one")
    kept.close()
    kept.close()


def test_what_was_taken_from_a_queue_that_is_never_empty_is_given_back(
    kept: relay._Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "KEPT_IN_MEMORY", 1000)
    pieces = [bytes([number % 256]) * 100 for number in range(200)]
    kept.add(pieces[0])
    taken = b""
    for piece in pieces[1:]:
        kept.add(piece)
        taken += kept.take(100)
        assert kept._file is not None
        position = kept._file.tell()
        assert kept._file.seek(0, 2) <= 5000
        kept._file.seek(position)
    assert taken + kept.take(1000) == b"".join(pieces)


# Large bodies that the server takes from the socket itself


class Taker:
    """A server's `wsgi_scgi.splice`: it takes bytes from the backend's socket as they come."""

    def __init__(self, refuses_at: int = -1) -> None:
        self.taken = bytearray()
        self.calls: list[int] = []
        self._refuses_at = refuses_at

    def __call__(self, descriptor: int, count: int, behind: int) -> int:
        self.calls.append(behind)
        if behind == self._refuses_at:
            return -1
        with socket.socket(fileno=os.dup(descriptor)) as source:
            data = source.recv(count, socket.MSG_DONTWAIT)
        self.taken += data
        return len(data)


def taken_from(rig: Rig, taker: Taker) -> tuple[bytes, Exception | None]:
    """Return what was given or taken of the body, in order, and what ended it."""

    def collect(exchange: Exchange) -> tuple[bytes, Exception | None]:
        body = BackendBody(exchange, exchange.receive_head(), splice=taker)
        try:
            for piece in body:
                taker.taken += piece
        except Exception as error:
            return bytes(taker.taken), error
        finally:
            body.close()
        return bytes(taker.taken), None

    return rig.call(collect)


@pytest.mark.parametrize("beyond", [0, 1, LARGE])
def test_a_large_body_is_left_to_the_server_that_can_take_it(rig: Rig, beyond: int) -> None:
    content = bytes(range(256)) * (8 * LARGE // 256) + b"x" * beyond
    rig.plays(ReadHead(), Write(head(len(content)) + content))
    taker = Taker()

    assert taken_from(rig, taker) == (content, None)
    assert taker.calls


def test_the_end_of_a_large_body_is_given_as_it_comes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "FAST", math.inf)
    content = b"x" * (LARGE + 10)
    rig.plays(
        ReadHead(),
        Write(head(len(content))),
        Wait("asked"),
        Write(content[:-10]),
        Wait("all but the end"),
        Write(content[-10:]),
        ReadToEnd(),
    )
    taken = bytearray()

    def take(descriptor: int, count: int, _: int) -> int:
        rig.gates.open("asked")
        with socket.socket(fileno=os.dup(descriptor)) as source:
            data = source.recv(count, socket.MSG_DONTWAIT)
        taken.extend(data)
        return len(data)

    def collect(exchange: Exchange) -> None:
        body = BackendBody(exchange, exchange.receive_head(), splice=take)
        for piece in body:
            taken.extend(piece)
            if len(taken) == LARGE:
                rig.gates.open("all but the end")

    rig.call(collect)
    assert taken == content


def test_a_server_that_refuses_gets_the_bytes(rig: Rig) -> None:
    content = b"x" * (4 * LARGE)
    rig.plays(ReadHead(), Write(head(len(content))), Wait("head"), Write(content))
    rig.gates.open("head")
    taker = Taker(refuses_at=0)

    assert taken_from(rig, taker) == (content, None)
    assert taker.calls.count(0) <= 1


def test_a_small_body_is_given(rig: Rig) -> None:
    content = b"x" * (LARGE - 1)
    rig.plays(ReadHead(), Write(head(len(content)) + content))
    taker = Taker()

    assert taken_from(rig, taker) == (content, None)
    assert not taker.calls


@pytest.mark.parametrize("ending", [Close(), Reset()])
def test_a_large_body_that_breaks_off_is_told(rig: Rig, ending: Close | Reset) -> None:
    content = b"x" * (4 * LARGE)
    rig.plays(ReadHead(), Write(head(len(content) + 2 * LARGE) + content), ending)
    taker = Taker()

    received, error = taken_from(rig, taker)

    assert isinstance(error, TruncatedResponse)
    assert content.startswith(received)


def test_a_backend_that_falls_silent_in_a_large_body_is_given_up(rig: Rig, clock: Clock) -> None:
    rig.limits = Limits(timeout=5.0)
    content = b"x" * LARGE
    rig.plays(ReadHead(), Write(head(8 * LARGE) + content), PassUntilCut(clock))

    received, error = taken_from(rig, Taker())

    assert isinstance(error, BackendTimeout)
    assert received == content
