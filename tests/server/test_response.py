"""The response on the wire: its head, its framing, and how a failure shows."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from typing import TYPE_CHECKING, Any

import gevent
import pytest
from gevent.event import Event

from tests.server.peer import BOUND, Peer, exchange, head, wait_until
from wsgi_scgi.address import TCPAddress, UnixAddress
from wsgi_scgi.server.limits import ServerLimits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from tests.server.conftest import Serve

TEXT = [("Content-Type", "text/plain")]
FAILED = (
    b"Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n\r\n"
    b"The application failed.\n"
)


def fixed(status: str, fields: list[tuple[str, str]], result: Any) -> WSGIApplication:
    """Make an application that always answers the same."""

    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, fields)
        return result  # type: ignore[no-any-return]  # some tests answer with what is no body

    return application


def generated(*pieces: bytes) -> Iterator[bytes]:
    """Yield pieces; a generator has no length."""
    yield from pieces


@pytest.mark.parametrize(
    ("result", "length", "body"),
    [
        ([b"one"], b"Content-Length: 3\r\n", b"one"),
        ([b"one", b"two"], b"", b"onetwo"),
        (generated(b"one"), b"", b"one"),
        (generated(b"", b"one", b"", b"two"), b"", b"onetwo"),
        ([], b"Content-Length: 0\r\n", b""),
        ([b""], b"Content-Length: 0\r\n", b""),
        (generated(), b"Content-Length: 0\r\n", b""),
        (generated(b"", b""), b"Content-Length: 0\r\n", b""),
    ],
)
def test_a_length_that_is_known_is_told(
    result: Iterable[bytes], length: bytes, body: bytes, serve: Serve
) -> None:
    response = exchange(serve(fixed("200 OK", TEXT, result)), head())
    expected = b"Status: 200 OK\r\nContent-Type: text/plain\r\n" + length + b"\r\n" + body
    assert response == expected


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@pytest.mark.parametrize("result", [[], [b"body"]])
def test_a_status_without_a_body_has_none(status: str, result: list[bytes], serve: Serve) -> None:
    response = exchange(serve(fixed(status, [("ETag", '"x"')], result)), head())
    assert response == f'Status: {status}\r\nETag: "x"\r\n\r\n'.encode()


def test_204_loses_its_content_length_and_304_keeps_it(serve: Serve) -> None:
    fields = [("Content-Length", "5")]
    response = exchange(serve(fixed("204 No Content", fields, [])), head())
    assert response == b"Status: 204 No Content\r\n\r\n"
    response = exchange(serve(fixed("304 Not Modified", fields, [])), head())
    assert response == b"Status: 304 Not Modified\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.parametrize(
    ("fields", "result", "expected"),
    [
        ([("Content-Length", "4")], [b"body"], b"Content-Length: 4\r\n"),
        ([("Content-Length", "4")], [], b"Content-Length: 4\r\n"),
        ([], [b"body"], b"Content-Length: 4\r\n"),
        ([], generated(b"body"), b""),
        ([], [], b""),
        ([], [b""], b""),
    ],
)
def test_head_is_answered_without_a_body(
    fields: list[tuple[str, str]], result: Iterable[bytes], expected: bytes, serve: Serve
) -> None:
    request = head({"REQUEST_METHOD": "HEAD"})
    response = exchange(serve(fixed("200 OK", fields, result)), request)
    assert response == b"Status: 200 OK\r\n" + expected + b"\r\n"


def test_head_of_an_endless_stream_ends(serve: Serve) -> None:
    closed = Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"tick"
        finally:
            closed.set()

    address = serve(fixed("200 OK", TEXT, endless()))
    assert exchange(address, head({"REQUEST_METHOD": "HEAD"})).endswith(b"\r\n\r\n")
    assert closed.wait(BOUND)


def test_each_piece_arrives_before_the_next_is_made(
    serve: Serve, any_address: TCPAddress | UnixAddress
) -> None:
    proceed = Event()

    def pieces() -> Iterator[bytes]:
        for piece in (b"one", b"two", b"end"):
            yield piece
            assert proceed.wait(BOUND)
            proceed.clear()

    with Peer(serve(fixed("200 OK", TEXT, pieces()), any_address), head()) as peer:
        for piece in (b"one", b"two", b"end"):
            assert peer.receive_until(piece)
            proceed.set()
        assert peer.receive_all() == b""


def test_pieces_given_to_write_go_out_ahead_of_the_result(serve: Serve) -> None:
    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", TEXT)
        write(b"one")
        write(b"")
        write(b"two")
        return [b"three"]

    response = exchange(serve(application), head())
    assert response == b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nonetwothree"


def test_a_slow_reader_gets_a_large_body_whole(
    serve: Serve, any_address: TCPAddress | UnixAddress
) -> None:
    body = bytes(range(256)) * 20_000
    with Peer(serve(fixed("200 OK", [], [body]), any_address), head()) as peer:
        gevent.sleep(0.05)
        assert peer.receive_all().endswith(b"\r\n\r\n" + body)


def test_a_peer_that_takes_nothing_is_left(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    application = fixed("200 OK", [], generated(b"x" * 30_000_000))
    with Peer(serve(application, limits=ServerLimits(write_timeout=0.2)), head()):
        wait_until(lambda: "silent for too long" in caplog.text)
    assert "Traceback" not in caplog.text


def test_a_peer_that_leaves_ends_the_stream_and_is_no_traceback(
    serve: Serve, any_address: TCPAddress | UnixAddress, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    closed = Event()

    def ticks() -> Iterator[bytes]:
        try:
            while True:
                yield b"tick"
                gevent.sleep(0.001)
        finally:
            closed.set()

    with Peer(serve(fixed("200 OK", TEXT, ticks()), any_address), head()) as peer:
        peer.receive_until(b"tick")
    assert closed.wait(BOUND)
    wait_until(lambda: "the peer went away" in caplog.text)
    assert "Traceback" not in caplog.text


def test_more_than_the_content_length_is_cut_and_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    application = fixed("200 OK", [("Content-Length", "4")], generated(b"123", b"456", b"7"))
    assert exchange(serve(application), head()).endswith(b"\r\n\r\n1234")
    assert "more than its Content-Length" in caplog.text


def test_less_than_the_content_length_cuts_the_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    application = fixed("200 OK", [("Content-Length", "9")], [b"short"])
    with Peer(serve(application), head()) as peer:
        peer.receive_until_cut()
    assert "declared 9 body bytes and sent 5" in caplog.text


def test_an_exception_before_the_head_is_a_plain_500(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "1000")])
        raise ValueError("secret")

    assert exchange(serve(application), head()) == FAILED
    assert "ValueError: secret" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(3), gevent.Timeout(1), KeyError("x"), OSError("x")])
def test_whatever_an_application_raises_ends_one_request_only(
    error: BaseException, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/raise":
            raise error
        start_response("200 OK", [])
        return [b"fine"]

    address = serve(application)
    assert exchange(address, head({"PATH_INFO": "/raise"})) == FAILED
    assert exchange(address, head()).endswith(b"fine")
    assert "the application failed" in caplog.text


def test_a_failure_that_nobody_waits_for_is_logged_all_the_same(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    called = Event()

    def application(environ: WSGIEnvironment, _: StartResponse) -> Iterable[bytes]:
        called.set()
        # Until the reset has arrived: before that the answer could still be sent.
        with contextlib.suppress(ConnectionResetError):
            environ["wsgi.input"].read()
        raise ValueError("broken")

    peer = Peer(serve(application), head(length=1))
    assert called.wait(BOUND)
    peer.reset()
    wait_until(lambda: "the peer went away" in caplog.text)
    assert "ValueError: broken" in caplog.text


def test_a_connection_error_of_the_application_itself_is_not_the_peers(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def application(_: WSGIEnvironment, __: StartResponse) -> Iterable[bytes]:
        raise ConnectionResetError("the database went away")

    assert exchange(serve(application), head()) == FAILED
    assert "the database went away" in caplog.text


def test_an_exception_after_the_head_cuts_a_tcp_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    proceed = Event()

    def pieces() -> Iterator[bytes]:
        yield b"one"
        assert proceed.wait(BOUND)
        raise ValueError("broken")

    with Peer(serve(fixed("200 OK", TEXT, pieces())), head()) as peer:
        peer.receive_until(b"one")
        proceed.set()
        peer.receive_until_cut()
    assert "ValueError: broken" in caplog.text


def test_an_exception_after_the_head_leaves_a_unix_peer_short_of_the_length(
    serve: Serve, socket_path: str
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("broken")

    application = fixed("200 OK", [("Content-Length", "9")], pieces())
    response = exchange(serve(application, UnixAddress(socket_path)), head())
    assert response == b"Status: 200 OK\r\nContent-Length: 9\r\n\r\none"


def test_an_error_handler_can_replace_a_head_that_has_not_gone_out(serve: Serve) -> None:
    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("204 No Content", [("X-Old", "1"), ("Content-Length", "0")])
        try:
            raise ValueError("caught")
        except ValueError:
            start_response("503 Service Unavailable", [("X-New", "1")], sys.exc_info())
        return [b"sorry"]

    response = exchange(serve(application), head())
    assert response == (
        b"Status: 503 Service Unavailable\r\nX-New: 1\r\nContent-Length: 5\r\n\r\nsorry"
    )


def test_an_error_handler_after_the_head_raises_the_error_again(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    late = ValueError("too late")
    raised: list[BaseException] = []

    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", TEXT)(b"one")
        try:
            raise late
        except ValueError:
            try:
                start_response("500 Oops", [], sys.exc_info())
            except BaseException as error:
                raised.append(error)
                raise
        return [b"never"]

    with Peer(serve(application), head()) as peer:
        peer.receive_until_cut()
    assert raised == [late]
    assert "ValueError: too late" in caplog.text


def test_a_second_start_response_without_an_error_fails(serve: Serve) -> None:
    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("200 OK", [])
        return [b"never"]

    assert exchange(serve(application), head()) == FAILED


@pytest.mark.parametrize("result", [[b"body"], []])
def test_no_start_response_fails(result: list[bytes], serve: Serve) -> None:
    assert exchange(serve(lambda _, __: result), head()) == FAILED


@pytest.mark.parametrize(
    "status",
    ["200", "2000 OK", "abc", "", "99 Low", "100 Continue", "101 No", "600 High", "200 a\r\nb"],
)
def test_a_status_that_is_none_fails(status: str, serve: Serve) -> None:
    assert exchange(serve(fixed(status, [], [])), head()) == FAILED


@pytest.mark.parametrize(
    "field",
    [
        ("", "x"),
        ("Na me", "x"),
        ("Name:", "x"),
        ("Näme", "x"),
        ("Name", "a\r\nInjected: 1"),
        ("Name", "a\nb"),
        ("Name", "a\0b"),
        ("Name", "\u20ac"),
        ("Name", b"bytes"),
        ("Status", "200 OK"),
        ("Connection", "close"),
        ("Keep-Alive", "5"),
        ("Transfer-Encoding", "chunked"),
        ("TE", "trailers"),
        ("Trailer", "X"),
        ("Upgrade", "h2c"),
        ("Proxy-Authenticate", "Basic"),
        ("Content-Length", "-1"),
        ("Content-Length", "1, 1"),
        ("Content-Length", ""),
    ],
)
def test_a_field_that_may_not_go_out_fails(field: tuple[str, str], serve: Serve) -> None:
    assert exchange(serve(fixed("200 OK", [field], [b"x"])), head()) == FAILED


@pytest.mark.parametrize("fields", [(("A", "1"),), [("Content-Length", "1")] * 2])
def test_fields_that_are_no_list_or_contradict_fail(fields: Any, serve: Serve) -> None:
    assert exchange(serve(fixed("200 OK", fields, [b"x"])), head()) == FAILED


@pytest.mark.parametrize("result", ["text", [None], b"bytes"])
def test_a_body_that_is_not_made_of_bytes_fails(result: Any, serve: Serve) -> None:
    assert exchange(serve(fixed("200 OK", [], result)), head()) == FAILED


def test_fields_go_out_in_order_with_every_byte_of_latin_1(serve: Serve) -> None:
    fields = [("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("X-Name", "caf\xe9\t\xff")]
    response = exchange(serve(fixed("200 Sch\xf6n", fields, [])), head())
    assert response == (
        b"Status: 200 Sch\xf6n\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Name: caf\xe9\t\xff\r\n"
        b"Content-Length: 0\r\n\r\n"
    )


class Result:
    """A result that counts how often it is closed."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.closed = 0
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    "pieces", [(b"one",), (), (b"one", ValueError()), (ValueError(),), (b"x" * 100,)]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_result_is_closed_once_whatever_happens(
    pieces: tuple[bytes | Exception, ...], method: str, serve: Serve
) -> None:
    result = Result(*pieces)
    address = serve(fixed("200 OK", [("Content-Length", "50")], result))
    with Peer(address, head({"REQUEST_METHOD": method})) as peer:
        peer.receive_until_closed()
    wait_until(lambda: result.closed)
    assert result.closed == 1


def test_a_failing_close_does_not_spoil_a_complete_response(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Result):
        def close(self) -> None:
            raise ValueError("at the end")

    response = exchange(serve(fixed("200 OK", [], Failing(b"whole"))), head())
    assert response == b"Status: 200 OK\r\n\r\nwhole"
    assert "ValueError: at the end" in caplog.text


def test_a_file_is_sent_through_the_wrapper_and_closed(serve: Serve) -> None:
    content = bytes(range(256)) * 1000
    file = io.BytesIO(content)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "1000")])
        wrapper = environ["wsgi.file_wrapper"]
        assert isinstance(wrapper, type)  # some frameworks compare what they get back with it
        return wrapper(file, 4096)  # type: ignore[no-any-return]  # any wrapper of a server's

    assert exchange(serve(application), head()).endswith(b"\r\n\r\n" + content[:1000])
    wait_until(lambda: file.closed)


def test_log_lines_cannot_be_forged_by_a_path(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    exchange(serve(fixed("bad", [], [])), head({"PATH_INFO": "/a\nFORGED"}))
    assert "\nFORGED" not in caplog.text
    assert "FORGED" in caplog.text
