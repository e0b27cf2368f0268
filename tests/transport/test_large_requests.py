"""Large bodies of requests, which go from socket or file to socket without being copied."""

import io
import threading
import time
from functools import partial
from itertools import pairwise

import gevent
import pytest

from tests.gateway.gunicorn_server import GET_NEXT, ServedConnection, post
from tests.kit.backend import PeerEnd
from tests.kit.gates import Open, Wait
from tests.kit.script import Close, ReadBody, ReadHead, ReadToEnd, Reset, Write
from tests.transport.rig import SMALL_BUFFER, Clock, PassUntilCut, Rig, arrived
from tests.transports import BOUND, Transport, until
from wsgi_scgi.errors import BackendTimeout, ClientDisconnected, RequestTimeout, ResponseError
from wsgi_scgi.gateway.body import LARGE, SPOOL_IN_MEMORY, SpooledBody, spool_body
from wsgi_scgi.transport.exchange import BETWEEN_PAUSES, Exchange, Limits
from wsgi_scgi.transport.pipe import Pipe

HEAD = b"Status: 201 Made\nContent-Type: text/plain\n\n"


def pattern(size: int) -> bytes:
    """Return bytes of which none can be lost or doubled unnoticed: the period is a prime."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the pieces that went through a pipe."""
    sizes: list[int] = []
    fill = Pipe.fill

    def noting(pipe: Pipe, source: int, limit: int, offset: int | None = None) -> int:
        size = fill(pipe, source, limit, offset)
        sizes.append(size)
        return size

    monkeypatch.setattr(Pipe, "fill", noting)
    return sizes


def status_of(exchange: Exchange) -> int:
    return exchange.receive_head().status


def send(served: ServedConnection, *pieces: bytes) -> threading.Thread:
    """Send from a thread, as far as the gateway takes it."""

    def run() -> None:
        try:
            for piece in pieces:
                served.far.sendall(piece)
        except OSError:
            return  # the test is over

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("beyond", [0, 1, 5 * LARGE + 3])
@pytest.mark.parametrize("step", [LARGE, 70_001])
def test_every_byte_arrives_and_none_of_the_next_request(
    rig: Rig, served: ServedConnection, moved: list[int], beyond: int, step: int
) -> None:
    content = pattern(LARGE + beyond)
    request = post(content) + GET_NEXT
    client = send(served, *(request[at : at + step] for at in range(0, len(request), step)))
    body = rig.streams(served)
    rig.plays(ReadHead(), ReadBody(), Write(HEAD))

    def test(exchange: Exchange) -> tuple[int, int]:
        return status_of(exchange), exchange.sent

    status, sent = rig.call(test)

    client.join(BOUND)
    assert status == 201
    assert rig.connection.request.body == content
    assert (body.remaining, sent) == (0, len(rig.connection.received))
    assert rig.transport.call(served.next_environ)["PATH_INFO"] == "/next"
    # What came with the head was the server's already, and a blocking socket may not be spliced.
    assert (sum(moved) > 0) == (rig.transport is Transport.COOPERATIVE)


def test_each_piece_is_sent_on_as_it_arrives(rig: Rig, served: ServedConnection) -> None:
    content = pattern(2 * LARGE)
    cuts = [0, 5, 1000, LARGE, LARGE + 1, len(content)]
    pieces = [content[start:end] for start, end in pairwise(cuts)]
    served.far.sendall(post(b"", length=len(content)))
    rig.streams(served)
    steps = [step for cut in cuts[1:] for step in (ReadBody(cut), Open(str(cut)))]
    rig.plays(ReadHead(), *steps, Write(HEAD))

    def send_in_time() -> None:
        for piece, cut in zip(pieces, cuts[1:], strict=True):
            served.far.sendall(piece)
            assert rig.gates.wait(str(cut), BOUND)

    client = threading.Thread(target=send_in_time)
    client.start()
    assert rig.call(status_of) == 201
    client.join(BOUND)
    assert rig.connection.request.body == content


def test_an_early_answer_is_heard_while_the_client_is_still_sending(
    rig: Rig, served: ServedConnection
) -> None:
    client = send(served, post(pattern(LARGE), length=8 * LARGE))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(LARGE), Write(b"Status: 413\n\nToo large."), Wait("read"))

    def test(exchange: Exchange) -> tuple[int, bool]:
        status = status_of(exchange)
        rig.gates.open("read")
        return status, exchange.sending

    assert rig.call(test) == (413, True)
    client.join(BOUND)


def test_an_early_answer_is_heard_while_the_backend_takes_nothing(
    rig: Rig, served: ServedConnection
) -> None:
    rig.send_buffer = SMALL_BUFFER
    client = send(served, post(bytes(64 * LARGE)))
    rig.streams(served)
    rig.plays(ReadHead(), Wait("full"), Write(b"Status: 413\n\nToo large."), Wait("read"))

    def test(exchange: Exchange) -> tuple[int, bool]:
        with pytest.raises(BackendTimeout):
            exchange.receive_head()
        rig.gates.open("full")
        until(lambda: arrived(exchange.fd) > 0)
        status = status_of(exchange)
        rig.gates.open("read")
        return status, exchange.sending

    rig.limits = Limits(timeout=0.2)
    assert rig.call(test) == (413, True)
    served.close()
    client.join(BOUND)


@pytest.mark.parametrize("missing", [1, LARGE, 3 * LARGE - 1])
def test_a_client_that_breaks_off_is_told_from_one_that_sent_all(
    rig: Rig, served: ServedConnection, missing: int
) -> None:
    length = 3 * LARGE
    client = send(served, post(pattern(length - missing), length=length))
    body = rig.streams(served)
    rig.plays(ReadHead(), ReadBody(length - missing), Open("all"), ReadToEnd())

    def half_close() -> None:
        assert rig.gates.wait("all", BOUND)
        served.half_close()

    closing = threading.Thread(target=half_close)
    closing.start()
    with pytest.raises(ClientDisconnected, match=f"ended {missing} bytes before"):
        rig.call(status_of)

    client.join(BOUND)
    closing.join(BOUND)
    assert body.remaining == missing
    assert rig.connection.request.body == pattern(length - missing)


def test_a_client_that_resets_is_the_client_s_fault(rig: Rig, served: ServedConnection) -> None:
    client = send(served, post(pattern(2 * LARGE), length=3 * LARGE))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(2 * LARGE), Open("all"), ReadToEnd())

    def reset() -> None:
        assert rig.gates.wait("all", BOUND)
        served.reset()

    resetting = threading.Thread(target=reset)
    resetting.start()
    with pytest.raises(ClientDisconnected, match="could not be read"):
        rig.call(status_of)

    client.join(BOUND)
    resetting.join(BOUND)


def test_a_client_that_falls_silent_is_a_request_timeout(
    rig: Rig, served: ServedConnection, clock: Clock
) -> None:
    rig.limits = Limits(client_timeout=5.0)
    client = send(served, post(pattern(2 * LARGE), length=3 * LARGE))
    rig.streams(served)
    rig.plays(ReadHead(), ReadBody(2 * LARGE), PassUntilCut(clock))

    with pytest.raises(RequestTimeout, match="silent for 5 seconds"):
        rig.call(status_of)

    client.join(BOUND)
    assert rig.connection.request.body == pattern(2 * LARGE)


@pytest.mark.parametrize("end", [Close(), Reset()])
def test_what_a_backend_that_breaks_off_did_not_get_is_lost_to_it_alone(
    rig: Rig, served: ServedConnection, end: Close | Reset
) -> None:
    content = pattern(32 * LARGE)
    client = send(served, post(content))
    body = rig.streams(served)
    rig.send_buffer = SMALL_BUFFER
    rig.plays(ReadHead(), ReadBody(LARGE), end)

    with pytest.raises(ResponseError, match=r"an answer|left no answer|broke"):
        rig.call(status_of)

    def read_the_rest() -> bytes:
        rest = bytearray()
        while body.remaining:
            rest += body.read(LARGE)
        return bytes(rest)

    taken = len(content) - body.remaining
    assert rig.transport.call(read_the_rest) == content[taken:]
    client.join(BOUND)


def test_a_backend_that_takes_nothing_is_a_timeout_and_nothing_is_left_open(
    rig: Rig, served: ServedConnection
) -> None:
    rig.limits = Limits(timeout=0.2)
    rig.send_buffer = SMALL_BUFFER
    client = send(served, post(bytes(64 * LARGE)))
    rig.streams(served)
    rig.plays(ReadHead(), Wait("over"))

    with pytest.raises(BackendTimeout, match="took nothing of the request"):
        rig.call(status_of)

    served.close()
    client.join(BOUND)


def test_an_upload_that_is_broken_off_leaves_nothing_open(
    rig: Rig, served: ServedConnection
) -> None:
    rig.send_buffer = SMALL_BUFFER
    client = send(served, post(bytes(64 * LARGE)))
    rig.streams(served)
    rig.plays(ReadHead(), Wait("over"))

    def call() -> None:
        with rig.exchange() as exchange:
            exchange.receive_head()

    rig.transport.interrupt(call, ready=rig.received(20))

    rig.gates.open("over")
    assert rig.connection.end in (PeerEnd.EOF, PeerEnd.RESET)
    served.close()
    client.join(BOUND)


# From a file


def spooled(content: bytes) -> SpooledBody:
    environ = {"wsgi.input": io.BytesIO(content)}
    return spool_body(environ, None, timeout=BOUND, max_body=0)


@pytest.mark.parametrize("size", [SPOOL_IN_MEMORY, SPOOL_IN_MEMORY + 1, 5 * SPOOL_IN_MEMORY + 7])
def test_a_body_in_a_file_can_be_sent_again(rig: Rig, moved: list[int], size: int) -> None:
    content = pattern(size)
    rig.body = body = spooled(content)
    rig.send_buffer = SMALL_BUFFER
    rig.plays(ReadHead(), ReadBody(100_000), Write(b"Status: 503\n\n"), Close())

    assert rig.call(status_of) == 503

    body.rewind()
    rig.plays(ReadHead(), ReadBody(), Write(HEAD))
    assert rig.call(status_of) == 201
    assert rig.connection.request.body == content
    assert body.remaining == 0
    body.close()
    assert (sum(moved) >= size) == (size > SPOOL_IN_MEMORY)


@pytest.mark.parametrize("transport", [Transport.COOPERATIVE])
def test_others_run_while_a_large_body_is_sent_without_ever_waiting(rig: Rig) -> None:
    size = 8 * BETWEEN_PAUSES
    rig.body = spooled(bytes(size))
    rig.plays(ReadHead(), ReadBody(), Write(HEAD))
    turns: list[int] = []

    def note(exchange: Exchange) -> None:
        while True:
            turns.append(exchange.sent)
            gevent.sleep(0)
            time.sleep(1e-4)  # the backend is a thread, which needs the interpreter too

    def test(exchange: Exchange) -> None:
        other = gevent.spawn(partial(note, exchange))
        exchange.receive_head()
        other.kill()

    rig.call(test)

    assert len({sent for sent in turns if 0 < sent < size}) >= size // BETWEEN_PAUSES - 1
    rig.body.close()
