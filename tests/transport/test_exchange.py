"""The exchange: a request out, a response in, at the same time, and every way to fail."""

import io
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.gateway.gunicorn_server import GET_NEXT, ServedConnection, post
from tests.kit.backend import BackendConnection, PeerEnd, Script
from tests.kit.gates import Open, Wait
from tests.kit.script import Close, Drip, HalfClose, ReadBody, ReadHead, ReadToEnd, Reset, Write
from tests.transport.rig import (
    SMALL_BUFFER,
    Clock,
    Pass,
    PassUntilCut,
    Rig,
    arrived,
    receive_all,
)
from tests.transports import until
from wsgi_scgi.errors import (
    BackendTimeout,
    ClientDisconnected,
    DeadlineExceeded,
    RequestTimeout,
    ResponseError,
)
from wsgi_scgi.gateway.body import LARGEST_READ, SpooledBody
from wsgi_scgi.scgi.response_head import ResponseHead
from wsgi_scgi.transport.exchange import Exchange, Limits
from wsgi_scgi.transport.waiting import WRITE, Deadline

HEAD = b"Status: 201 Made\nContent-Type: text/plain\n\n"


def receive_head(exchange: Exchange) -> ResponseHead:
    return exchange.receive_head()


def expect_head_error(rig: Rig, error: type[Exception], cause: str) -> None:
    with pytest.raises(error, match=cause):
        rig.call(receive_head)


def slowly(data: bytes, clock: Clock, seconds: float) -> list[Script]:
    """Return steps that send byte by byte, each when the exchange has waited so long for it."""
    pieces = (data[at : at + 1] for at in range(len(data)))
    return [step for piece in pieces for step in (Pass(clock, seconds), Write(piece))]


# What goes out


def test_the_request_is_sent_whole_and_the_response_received(rig: Rig) -> None:
    rig.sends(b"hello")
    rig.plays(ReadHead(), ReadBody(), Write(HEAD + b"body"))

    def test(exchange: Exchange) -> tuple[list[bool], int, bytes]:
        sending = [exchange.sending]
        head = exchange.receive_head()
        sending.append(exchange.sending)
        return sending, head.status, exchange.surplus + receive_all(exchange)

    assert rig.call(test) == ([True, False], 201, b"body")
    request = rig.connection.request
    assert request.violations == ()
    assert request.body == b"hello"
    assert rig.connection.notes == []


def test_a_request_without_a_body_ends_with_its_head(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(HEAD))

    assert rig.call(receive_head).status == 201
    assert rig.connection.request.body == b""


def test_the_sending_side_stays_open_until_the_answer_is_there(rig: Rig) -> None:
    rig.plays(ReadHead(), _still_open, Write(HEAD))

    rig.call(receive_head)

    assert rig.connection.notes == []
    assert rig.connection.end is PeerEnd.EOF


def _still_open(connection: BackendConnection) -> None:
    if connection.ends_within(0.05):
        connection.note("the gateway closed its side before the answer")


def test_a_large_body_goes_out_in_parts_as_the_backend_takes_it(rig: Rig) -> None:
    body = bytes(range(256)) * 4_000
    rig.sends(body)
    rig.send_buffer = SMALL_BUFFER
    rig.plays(ReadHead(), ReadBody(), Write(HEAD))

    assert rig.call(receive_head).status == 201
    assert rig.connection.request.body == body


def test_a_body_that_is_there_is_taken_in_large_pieces(rig: Rig) -> None:
    sizes: list[int] = []

    class Noting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            sizes.append(len(data))
            return data

    content = bytes(range(251)) * (3 * LARGEST_READ // 251)
    rig.body = SpooledBody(Noting(content), len(content))
    rig.plays(ReadHead(), ReadBody(), Write(HEAD))

    assert rig.call(receive_head).status == 201
    assert rig.connection.request.body == content
    assert max(sizes) == LARGEST_READ


def test_the_client_s_body_is_taken_no_faster_than_the_backend_takes_it(
    rig: Rig, served: ServedConnection
) -> None:
    size = 64 * 1024 * 1024
    sender = threading.Thread(target=partial(_send_as_far_as_possible, served, size), daemon=True)
    sender.start()
    rig.limits = Limits(timeout=0.2)
    rig.send_buffer = SMALL_BUFFER
    body = rig.streams(served)
    rig.plays(ReadHead(), Wait("over"))

    expect_head_error(rig, BackendTimeout, r"took nothing of the request for 0\.2 seconds")

    assert 0 < size - body.remaining < 4 * 1024 * 1024
    served.close()
    sender.join()


def _send_as_far_as_possible(
    served: ServedConnection, size: int, length: int | None = None
) -> None:
    try:
        served.far.sendall(post(b"", length=length or size))
        served.far.sendall(bytes(size))
    except OSError:
        return  # the test is over


def test_a_body_is_sent_on_piece_by_piece_as_it_arrives(rig: Rig, served: ServedConnection) -> None:
    served.far.sendall(post(b"abc", length=9))
    rig.streams(served)
    rig.plays(
        ReadHead(), ReadBody(3), Open("one"), ReadBody(6), Open("two"), ReadBody(), Write(HEAD)
    )

    def send_the_rest() -> None:
        for gate, piece in (("one", b"def"), ("two", b"ghi")):
            assert rig.gates.wait(gate, 30)
            served.far.sendall(piece)

    sender = threading.Thread(target=send_the_rest)
    sender.start()
    assert rig.call(receive_head).status == 201
    sender.join()
    assert rig.connection.request.body == b"abcdefghi"


def test_what_the_client_sends_behind_its_body_is_not_sent_on(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(b"hello") + GET_NEXT)
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(), Write(HEAD))

    rig.call(receive_head)

    assert rig.connection.request.body == b"hello"
    assert rig.transport.call(served.next_environ)["PATH_INFO"] == "/next"


# What comes in


def test_a_head_may_arrive_byte_by_byte(rig: Rig) -> None:
    rig.plays(ReadHead(), Drip(HEAD + b"body"))

    def test(exchange: Exchange) -> tuple[int, bytes]:
        head = exchange.receive_head()
        return head.status, exchange.surplus + receive_all(exchange)

    assert rig.call(test) == (201, b"body")


def test_interim_heads_are_given_out_before_the_final_one_is_there(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(b"Status: 103\nLink: </a>\n\n"), Wait("seen"), Write(HEAD))
    seen: list[int] = []

    def note(head: ResponseHead) -> None:
        seen.append(head.status)
        rig.gates.open("seen")

    assert rig.call(lambda exchange: exchange.receive_head(note)).status == 201
    assert seen == [103]


def test_interim_heads_may_interest_nobody(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(b"Status: 100\n\nStatus: 103\n\n" + HEAD))

    assert rig.call(receive_head).status == 201


def test_a_response_in_pieces_is_received_as_it_comes(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(HEAD), Wait("head"), Write(b"one"), Wait("one"), Write(b"two"))

    def test(exchange: Exchange) -> list[bytes]:
        exchange.receive_head()
        rig.gates.open("head")
        pieces = [exchange.receive()]
        rig.gates.open("one")
        return [*pieces, exchange.receive(), exchange.receive()]

    assert rig.call(test) == [b"one", b"two", b""]


# Answers that come early


def test_an_answer_is_heard_while_the_client_is_still_sending(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(b"abc", length=1_000_000))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(3), Write(b"Status: 413\n\nToo large."), Wait("read"))

    def test(exchange: Exchange) -> tuple[int, bool]:
        head = exchange.receive_head()
        rig.gates.open("read")
        return head.status, exchange.sending

    assert rig.call(test) == (413, True)


def test_an_answer_is_heard_while_the_backend_takes_nothing(rig: Rig) -> None:
    rig.sends(bytes(16 * 1024 * 1024))
    rig.send_buffer = SMALL_BUFFER
    rig.plays(ReadHead(), Write(b"Status: 413\n\n"), Wait("read"))

    def test(exchange: Exchange) -> tuple[int, bool]:
        head = exchange.receive_head()
        rig.gates.open("read")
        return head.status, exchange.sending

    assert rig.call(test) == (413, True)


@pytest.mark.parametrize("end", [Close(), Reset()])
@pytest.mark.parametrize("size", [5, 16 * 1024 * 1024])
def test_the_answer_of_a_backend_that_closes_without_reading_is_delivered(
    rig: Rig, end: Close | Reset, size: int
) -> None:
    rig.sends(bytes(size))
    rig.send_buffer = SMALL_BUFFER
    rig.plays(
        ReadHead(), Write(b"Status: 413\nContent-Length: 10\n\nToo large."), Wait("head"), end
    )

    def test(exchange: Exchange) -> tuple[int, bytes]:
        head = exchange.receive_head()
        body = exchange.surplus
        rig.gates.open("head")
        return head.status, body

    assert rig.call(test) == (413, b"Too large.")


def test_an_answer_that_was_there_before_the_connection_broke_is_delivered(rig: Rig) -> None:
    rig.sends(bytes(16 * 1024 * 1024))
    rig.send_buffer = SMALL_BUFFER
    rig.plays(Write(b"Status: 413\n\n"), Close())

    def test(exchange: Exchange) -> int:
        rig.wait_for_the_script()
        return exchange.receive_head().status

    assert rig.call(test) == 413


# Backends that fail


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "without an answer"),
        (b"Status: 200 O", "in the middle of the response head"),
        (b"Status: 200 OK\nX: y\n", "in the middle of the response head"),
        (b"Status: 103\n\n", "in the middle of the response head"),
        (b"garbage\n", "is invalid"),
        (b"\n", "is invalid"),
        (b"Status: 200\nContent-Length: x\n\n", "is invalid"),
    ],
)
def test_a_backend_that_ends_without_a_whole_valid_head_is_a_response_error(
    rig: Rig, data: bytes, cause: str
) -> None:
    rig.plays(ReadHead(), Write(data), HalfClose())

    expect_head_error(rig, ResponseError, cause)


@pytest.mark.parametrize("data", [b"", b"Status: 20"])
def test_a_backend_that_resets_before_a_head_is_a_response_error(rig: Rig, data: bytes) -> None:
    rig.plays(ReadHead(), Write(data), Reset())

    expect_head_error(rig, ResponseError, "connection to the backend broke: Connection reset")


def test_a_backend_that_cuts_while_it_is_written_to_and_left_no_answer_is_a_response_error(
    rig: Rig,
) -> None:
    rig.sends(bytes(16 * 1024 * 1024))
    rig.send_buffer = SMALL_BUFFER
    rig.plays(ReadHead(), ReadBody(100_000), Reset())

    expect_head_error(rig, ResponseError, "cut the connection and left no answer|broke")


def test_a_backend_that_was_gone_before_the_first_byte_is_a_response_error(rig: Rig) -> None:
    rig.plays(Wait("connected"), Reset())

    def test(exchange: Exchange) -> None:
        rig.gates.open("connected")
        rig.wait_for_the_script()
        exchange.receive_head()

    with pytest.raises(ResponseError, match=r"left no answer|broke"):
        rig.call(test)


def test_a_silent_backend_is_a_timeout(rig: Rig) -> None:
    rig.limits = Limits(timeout=0.05)
    rig.plays(ReadToEnd())

    expect_head_error(rig, BackendTimeout, r"silent for 0\.05 seconds")


def test_a_backend_that_falls_silent_in_its_head_is_a_timeout(rig: Rig) -> None:
    rig.limits = Limits(timeout=0.05)
    rig.plays(ReadHead(), Write(b"Status: 200\n"), ReadToEnd())

    expect_head_error(rig, BackendTimeout, "silent")


def test_a_backend_that_falls_silent_in_its_body_is_a_timeout(rig: Rig) -> None:
    rig.limits = Limits(timeout=0.05)
    rig.plays(ReadHead(), Write(HEAD), ReadToEnd())

    def test(exchange: Exchange) -> None:
        exchange.receive_head()
        receive_all(exchange)

    with pytest.raises(BackendTimeout, match="silent"):
        rig.call(test)


def test_a_head_that_drips_for_ever_is_given_up(rig: Rig, clock: Clock) -> None:
    rig.limits = Limits(timeout=10.0)
    rig.plays(ReadHead(), Write(b"X-Drip: "), PassUntilCut(clock, b"y"))

    expect_head_error(rig, BackendTimeout, "head did not come to its end in time")


def test_a_body_may_drip_for_longer_than_the_timeout(rig: Rig, clock: Clock) -> None:
    rig.limits = Limits(timeout=10.0)
    rig.plays(ReadHead(), Write(HEAD), *slowly(b"x" * 60, clock, 9.0))

    def test(exchange: Exchange) -> bytes:
        exchange.receive_head()
        return exchange.surplus + receive_all(exchange)

    assert rig.call(test) == b"x" * 60


# Deadlines


def expect_late(rig: Rig, error: type[Exception], call: Callable[[Exchange], object]) -> None:
    with pytest.raises(BackendTimeout, match="longer than its deadline") as caught:
        rig.call(call)
    assert caught.type is error


def test_no_exchange_takes_longer_than_its_deadline(rig: Rig, clock: Clock) -> None:
    rig.deadline = Deadline(10.0)
    rig.plays(ReadHead(), Write(HEAD), *slowly(b"x" * 20, clock, 1.0))

    def test(exchange: Exchange) -> None:
        exchange.receive_head()
        receive_all(exchange)

    expect_late(rig, BackendTimeout, test)


def test_a_silent_backend_is_to_blame_where_a_deadline_passes(rig: Rig, clock: Clock) -> None:
    rig.deadline = Deadline(10.0)
    rig.plays(ReadHead(), Pass(clock, 10.0), ReadToEnd())

    expect_late(rig, BackendTimeout, receive_head)


def test_a_backend_that_is_faster_than_the_gateway_has_a_deadline_too_and_no_blame(
    rig: Rig, clock: Clock
) -> None:
    rig.deadline = Deadline(10.0)
    rig.plays(ReadHead(), Write(HEAD + b"x" * 100_000), Wait("over"))

    def test(exchange: Exchange) -> None:
        exchange.receive_head()
        # The bytes are there already, so that nothing has to be waited for.
        until(lambda: arrived(exchange.fd) > 0)
        clock.now += 10.0
        exchange.receive()

    expect_late(rig, DeadlineExceeded, test)


def test_a_client_that_is_waited_for_is_to_blame_where_a_deadline_passes(
    rig: Rig, served: ServedConnection, clock: Clock
) -> None:
    served.far.sendall(post(b"abc", length=10))
    rig.streams(served)
    rig.deadline = Deadline(10.0)
    rig.plays(ReadHead(), ReadBody(3), Pass(clock, 10.0), ReadToEnd())

    expect_late(rig, DeadlineExceeded, receive_head)


def test_a_backend_that_takes_nothing_is_to_blame_where_a_deadline_passes(
    rig: Rig, clock: Clock
) -> None:
    rig.sends(bytes(16 * 1024 * 1024))
    rig.deadline = Deadline(10.0)
    rig.send_buffer = SMALL_BUFFER
    rig.plays(ReadHead(), Pass(clock, 10.0, WRITE), Wait("over"))

    expect_late(rig, BackendTimeout, receive_head)


def test_a_client_that_left_the_backend_little_time_is_to_blame(
    rig: Rig, served: ServedConnection, clock: Clock
) -> None:
    served.far.sendall(post(b"abc", length=10))
    rig.streams(served)
    rig.deadline = Deadline(10.0)
    rig.plays(
        ReadHead(),
        ReadBody(3),
        Pass(clock, 6.0),
        _after(0.0, partial(served.far.sendall, b"defghij")),
        ReadBody(),
        Pass(clock, 4.0),
        ReadToEnd(),
    )

    expect_late(rig, DeadlineExceeded, receive_head)


def test_a_backend_that_left_the_client_little_time_is_to_blame(
    rig: Rig, served: ServedConnection, clock: Clock
) -> None:
    size = 16 * 1024 * 1024
    sender = threading.Thread(target=partial(_send_as_far_as_possible, served, size - 1, size))
    sender.start()
    rig.streams(served)
    rig.deadline = Deadline(10.0)
    rig.send_buffer = SMALL_BUFFER
    rig.plays(
        ReadHead(), Pass(clock, 6.0, WRITE), ReadBody(size - 1), Pass(clock, 4.0), Wait("over")
    )

    expect_late(rig, BackendTimeout, receive_head)

    served.close()
    sender.join()


# Clients that fail


def test_a_client_that_resets_while_the_backend_is_silent_is_gone_at_once(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(GET_NEXT)
    rig.streams(served)
    rig.limits = Limits(client_gone_grace=3600.0)
    rig.plays(ReadHead(), _after(0.1, served.reset), ReadToEnd())

    expect_head_error(rig, ClientDisconnected, "reset the connection")

    assert rig.connection.end is PeerEnd.EOF


def _after(seconds: float, call: object) -> "partial[None]":
    def step(connection: BackendConnection) -> None:
        del connection
        time.sleep(seconds)
        assert callable(call)
        call()

    return partial(step)


def test_a_client_that_closed_its_side_is_gone_after_the_grace(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(GET_NEXT)
    rig.streams(served)
    rig.limits = Limits(client_gone_grace=0.05)
    served.half_close()
    rig.plays(ReadToEnd())

    expect_head_error(rig, ClientDisconnected, "closed the connection while it waited")


def test_a_client_that_closed_its_side_is_answered_within_the_grace(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(GET_NEXT)
    rig.streams(served)
    rig.limits = Limits(client_gone_grace=30.0)
    served.half_close()
    rig.plays(ReadHead(), _after(0.2, lambda: None), Write(HEAD))

    assert rig.call(receive_head).status == 201


def test_without_a_grace_a_client_that_closed_its_side_is_waiting_for_ever(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(GET_NEXT)
    rig.streams(served)
    rig.limits = Limits(client_gone_grace=0.0)
    served.half_close()
    rig.plays(ReadHead(), _after(0.2, lambda: None), Write(HEAD))

    assert rig.call(receive_head).status == 201


def test_without_a_grace_a_client_that_resets_is_still_gone_at_once(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(GET_NEXT)
    rig.streams(served)
    rig.limits = Limits(client_gone_grace=0.0)
    rig.plays(ReadHead(), _after(0.1, served.reset), ReadToEnd())

    expect_head_error(rig, ClientDisconnected, "reset")


def test_a_client_that_sends_its_next_request_meanwhile_is_waiting(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(GET_NEXT)
    rig.streams(served)
    served.far.sendall(GET_NEXT)
    rig.plays(ReadHead(), _after(0.2, lambda: None), Write(HEAD))

    assert rig.call(receive_head).status == 201
    assert rig.transport.call(served.next_environ)["PATH_INFO"] == "/next"


def test_a_client_that_breaks_off_in_its_body_ends_the_exchange(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(b"abc", length=10))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(3), _after(0.0, served.half_close), ReadToEnd())

    expect_head_error(rig, ClientDisconnected, "7 bytes before its declared length")

    assert rig.connection.request.body == b"abc"
    assert rig.connection.end is PeerEnd.EOF


def test_a_client_that_resets_in_its_body_ends_the_exchange(
    rig: Rig, served: ServedConnection
) -> None:
    served.far.sendall(post(b"abc", length=10))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(3), _after(0.0, served.reset), ReadToEnd())

    expect_head_error(rig, ClientDisconnected, "could not be read")


def test_a_client_that_falls_silent_in_its_body_is_a_request_timeout(
    rig: Rig, served: ServedConnection
) -> None:
    rig.limits = Limits(client_timeout=0.05)
    served.far.sendall(post(b"abc", length=10))
    rig.streams(served)
    rig.plays(ReadToEnd())

    expect_head_error(rig, RequestTimeout, r"silent for 0\.05 seconds")


def test_a_backend_that_talks_does_not_excuse_a_client_that_is_silent(
    rig: Rig, served: ServedConnection
) -> None:
    rig.limits = Limits(client_timeout=0.2)
    served.far.sendall(post(b"abc", length=10))
    rig.streams(served)
    rig.plays(ReadHead(), Drip(b"X-Drip: " + b"y" * 8000, pause=0.02))

    expect_head_error(rig, RequestTimeout, "silent")


def test_the_time_of_a_slow_backend_is_not_charged_to_the_client(
    rig: Rig, served: ServedConnection, clock: Clock
) -> None:
    # The backend leaves the head alone for longer than client_timeout; then the client goes on.
    rig.limits = Limits(timeout=30.0, client_timeout=5.0)
    rig.variables = {"LARGE": "x" * (1024 * 1024)}
    rig.send_buffer = SMALL_BUFFER
    served.far.sendall(post(b"", length=5))
    rig.streams(served)
    rig.plays(
        Pass(clock, 10.0, WRITE),
        ReadHead(),
        Pass(clock, 1.0),
        Open("late"),
        ReadBody(),
        Write(HEAD),
    )

    def send() -> None:
        assert rig.gates.wait("late", 30)
        served.far.sendall(b"hello")

    sender = threading.Thread(target=send)
    sender.start()
    assert rig.call(receive_head).status == 201
    sender.join()


# Breaking off


@pytest.mark.parametrize(
    "where", ["silent backend", "backend takes nothing", "client sends nothing", "in the body"]
)
def test_an_exchange_that_is_broken_off_leaves_nothing_open(
    rig: Rig, served: ServedConnection, where: str
) -> None:
    enough = 20
    if where == "backend takes nothing":
        rig.sends(bytes(16 * 1024 * 1024))
        rig.send_buffer = SMALL_BUFFER
        rig.plays(ReadHead(), Wait("over"))
    elif where == "client sends nothing":
        served.far.sendall(post(b"abc", length=10))
        rig.streams(served)
        rig.plays(ReadToEnd())
    else:
        served.far.sendall(GET_NEXT)
        rig.streams(served)
        rig.plays(ReadHead(), Write(HEAD if where == "in the body" else b""), ReadToEnd())

    def call() -> None:
        with rig.exchange() as exchange:
            exchange.receive_head()
            receive_all(exchange)

    rig.transport.interrupt(call, ready=rig.received(enough))
    rig.gates.open("over")
    assert rig.connection.end in (PeerEnd.EOF, PeerEnd.RESET)


def test_closing_twice_is_harmless(rig: Rig) -> None:
    rig.plays(ReadToEnd())

    rig.call(Exchange.close)


def test_who_wants_to_know_is_told_once_that_the_connection_is_closed(rig: Rig) -> None:
    rig.plays(ReadToEnd())
    told: list[int] = []

    def test() -> None:
        with rig.exchange(on_close=lambda: told.append(len(told))) as exchange:
            assert told == []
            exchange.close()
            assert told == [0]

    rig.transport.call(test)

    assert told == [0]


def test_the_bytes_in_both_directions_are_counted(rig: Rig) -> None:
    rig.sends(b"hello")
    rig.plays(ReadHead(), ReadBody(), Write(HEAD), Write(b"body"))

    def test(exchange: Exchange) -> tuple[int, int]:
        receive_all(exchange)
        return exchange.sent, exchange.received

    sent, received = rig.call(test)

    assert sent == len(rig.connection.received)
    assert received == len(HEAD + b"body")
