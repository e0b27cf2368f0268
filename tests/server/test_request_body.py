"""``wsgi.input`` over real sockets: exactly the declared bytes, in every way to ask for them."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, BinaryIO

import gevent
import pytest
from gevent.event import Event

from tests.server.peer import BOUND, Peer, exchange, head, post, wait_until
from wsgi_scgi.address import TCPAddress, UnixAddress
from wsgi_scgi.server.limits import ServerLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from tests.server.conftest import Serve


def answering(read: Callable[[BinaryIO], bytes]) -> WSGIApplication:
    """Make an application that answers with what ``read`` makes of the body."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = read(environ["wsgi.input"])
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    return application


def body_of(response: bytes) -> bytes:
    """Return what follows the head."""
    return response.partition(b"\r\n\r\n")[2]


LINES = b"first\nsecond\n\nlast"


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda body: body.read(), LINES),
        (lambda body: body.read(-1), LINES),
        (lambda body: body.read(5), b"first"),
        (lambda body: body.read(1000), LINES),
        (lambda body: body.read(0), b""),
        (lambda body: body.read(4) + body.read(4) + body.read(), LINES),
        (lambda body: body.read() + body.read() + body.read(1), LINES),
        (lambda body: body.readline(), b"first\n"),
        (lambda body: body.readline(3) + b"|" + body.readline(), b"fir|st\n"),
        (lambda body: b"|".join(body.readlines()), b"first\n|second\n|\n|last"),
        (lambda body: b"|".join(body.readlines(7)), b"first\n|second\n"),
        (lambda body: b"|".join(body), b"first\n|second\n|\n|last"),
        (lambda body: b"".join(iter(lambda: body.read1(6), b"")), LINES),
    ],
)
def test_each_way_to_read_gives_the_declared_bytes_and_no_more(
    read: Callable[[BinaryIO], bytes], expected: bytes, serve: Serve
) -> None:
    request = post(LINES) + b"7:another,"  # what follows the body belongs to no request
    assert body_of(exchange(serve(answering(read)), request)) == expected


def test_read1_returns_what_is_there_without_waiting_for_more(
    serve: Serve, socket_path: str
) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        body = environ["wsgi.input"]
        while piece := body.read1(100):
            yield piece.upper()

    with Peer(serve(application, UnixAddress(socket_path)), post(b"one", length=6)) as peer:
        assert peer.receive_until(b"ONE").startswith(b"Status: 200 OK")
        peer.socket.sendall(b"two")
        assert peer.receive_all() == b"TWO"


def test_what_comes_after_the_body_is_not_read_however_late_it_comes(serve: Serve) -> None:
    reading = Event()

    def read(body: BinaryIO) -> bytes:
        reading.set()
        return body.read()

    with Peer(serve(answering(read)), post(b"", length=4)) as peer:
        assert reading.wait(BOUND)
        peer.socket.sendall(b"body and more")
        assert body_of(peer.receive_all()) == b"body"


def test_a_request_without_a_body_has_an_empty_one(serve: Serve) -> None:
    address = serve(answering(lambda body: body.read() + b"end"))
    assert body_of(exchange(address, head() + b"no body of anybody")) == b"end"


def test_a_large_body_arrives_whole(serve: Serve, any_address: TCPAddress | UnixAddress) -> None:
    body = bytes(range(256)) * 40_000

    def digest(stream: BinaryIO) -> bytes:
        found = hashlib.sha256()
        while piece := stream.read(50_000):
            found.update(piece)
        return found.hexdigest().encode()

    response = exchange(serve(answering(digest), any_address), post(body))
    assert body_of(response).decode() == hashlib.sha256(body).hexdigest()


def test_a_body_that_the_application_does_not_read_does_not_cost_the_answer(
    serve: Serve, any_address: TCPAddress | UnixAddress
) -> None:
    address = serve(answering(lambda _: b"no, thank you"), any_address)
    assert body_of(exchange(address, post(b"x" * 3_000_000))) == b"no, thank you"


def test_the_answer_comes_before_the_body_if_the_application_wants_it_so(serve: Serve) -> None:
    with Peer(serve(answering(lambda _: b"early")), post(b"half", length=8)) as peer:
        assert body_of(peer.receive_all()) == b"early"


def test_a_peer_that_keeps_sending_after_the_answer_is_left_in_the_end(serve: Serve) -> None:
    address = serve(answering(lambda _: b"early"), limits=ServerLimits(linger_timeout=0.2))
    with Peer(address, post(b"", length=10**12)) as peer:
        assert body_of(peer.receive_all()) == b"early"
        peer.send_until_cut([b"x" * 1000] * 2000)


@pytest.mark.parametrize("read", [lambda body: body.read(), lambda body: body.readline()])
def test_a_short_body_is_an_error_and_never_looks_whole(
    read: Callable[[BinaryIO], bytes], serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Peer(serve(answering(read)), post(b"half", length=8)) as peer:
        peer.socket.shutdown(1)
        peer.receive_until_cut()
    assert "the peer closed after 4 of 8 body bytes" in caplog.text
    assert "Traceback" not in caplog.text


def test_an_application_may_answer_a_short_body(serve: Serve) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                environ["wsgi.input"].read()
        start_response("400 Bad Request", [("Content-Length", "0")])
        return []

    with Peer(serve(application), post(b"half", length=8)) as peer:
        peer.socket.shutdown(1)
        assert peer.receive_all() == b"Status: 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


def test_a_peer_that_falls_silent_in_its_body_is_left(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    address = serve(answering(lambda body: body.read()), limits=ServerLimits(read_timeout=0.1))
    with Peer(address, post(b"half", length=8)) as peer:
        peer.receive_until_cut()
    assert "silent for too long" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_peer_that_is_slow_but_not_silent_is_heard_out(serve: Serve) -> None:
    address = serve(answering(lambda body: body.read()), limits=ServerLimits(read_timeout=BOUND))
    with Peer(address, post(b"", length=20)) as peer:
        for _ in range(20):
            peer.socket.sendall(b"x")
            gevent.sleep(0.001)
        assert body_of(peer.receive_all()) == b"x" * 20


def test_a_reset_within_the_body_is_no_traceback(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reading = Event()

    def read(body: BinaryIO) -> bytes:
        reading.set()
        return body.read()

    peer = Peer(serve(answering(read)), post(b"half", length=8))
    assert reading.wait(BOUND)
    peer.reset()
    wait_until(lambda: "the peer went away" in caplog.text)
    assert "Traceback" not in caplog.text
