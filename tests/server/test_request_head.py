"""What counts as a request, however its bytes arrive; everything else never reaches a program."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.server.peer import Peer, exchange, head, netstring, post, wait_until
from wsgi_scgi.address import UnixAddress
from wsgi_scgi.server.limits import ServerLimits

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.server.conftest import Serve


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with method, path and body."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    line = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} ".encode("latin-1")
    return [line + environ["wsgi.input"].read()]


def refuse_to_run(environ: WSGIEnvironment, _: StartResponse) -> Iterable[bytes]:
    """Fail the test: such bytes must not get here."""
    raise AssertionError(f"the application was called: {environ}")


REQUEST = post(b"the body")
ANSWER = (
    b"Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\nPOST /path the body"
)


def test_a_request_in_one_piece_is_answered(serve: Serve) -> None:
    assert exchange(serve(echo), REQUEST) == ANSWER


def test_every_split_of_a_request_gives_the_same_answer(serve: Serve, socket_path: str) -> None:
    address = serve(echo, UnixAddress(socket_path))
    for split in range(1, len(REQUEST)):
        with Peer(address) as peer:
            peer.send_and_wait_until_read(REQUEST[:split])
            peer.socket.sendall(REQUEST[split:])
            assert peer.receive_all() == ANSWER, f"split after {split} bytes"


def test_a_request_byte_by_byte_gives_the_same_answer(serve: Serve, socket_path: str) -> None:
    with Peer(serve(echo, UnixAddress(socket_path))) as peer:
        for index in range(len(REQUEST) - 1):
            peer.send_and_wait_until_read(REQUEST[index : index + 1])
        peer.socket.sendall(REQUEST[-1:])
        assert peer.receive_all() == ANSWER


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="http"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls"),
        pytest.param(b"\x01\x01\x00\x01\x00\x08\x00\x00", id="fastcgi"),
        pytest.param(b":" + b"x" * 20, id="no length"),
        pytest.param(b"-5:hello,", id="negative length"),
        pytest.param(b"0000000070:", id="leading zeros"),
        pytest.param(b"99999999999999999999:", id="length without end"),
        pytest.param(head()[:-1] + b";", id="no comma"),
        pytest.param(b"0:,", id="no variables"),
        pytest.param(netstring("SCGI", "1", "CONTENT_LENGTH", "0"), id="wrong order"),
        pytest.param(netstring("CONTENT_LENGTH", "0", "REQUEST_METHOD", "GET"), id="no scgi"),
        pytest.param(netstring("CONTENT_LENGTH", "0", "SCGI", "2"), id="another version"),
        pytest.param(netstring("CONTENT_LENGTH", "", "SCGI", "1"), id="empty content length"),
        pytest.param(netstring("CONTENT_LENGTH", "-1", "SCGI", "1"), id="negative content length"),
        pytest.param(netstring("CONTENT_LENGTH", "0", "SCGI", "1", "A", "1", "A", "2"), id="twice"),
        pytest.param(netstring("CONTENT_LENGTH", "0", "SCGI", "1", "SCGI", "1"), id="scgi twice"),
        pytest.param(netstring("CONTENT_LENGTH", "0", "SCGI", "1", "", "x"), id="empty name"),
        pytest.param(netstring("CONTENT_LENGTH", "0", "SCGI", "1", "ODD"), id="odd count"),
        pytest.param(netstring("CONTENT_LENGTH", "0", "SCGI", "1"), id="no method"),
        pytest.param(head({"REQUEST_METHOD": ""}), id="empty method"),
    ],
)
def test_what_is_no_request_is_closed_and_logged(
    data: bytes, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    address = serve(refuse_to_run)
    with Peer(address, data) as peer:
        assert peer.receive_until_closed() == b""  # a reset where bytes were left unread
    assert "a malformed request was closed" in caplog.text


def test_a_head_over_the_limit_is_closed_before_it_has_arrived(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with Peer(serve(refuse_to_run), b"65537:CONTENT_LENGTH") as peer:
        peer.receive_until_cut()
    assert "over the limit of 65536" in caplog.text


def test_the_limit_of_the_head_can_be_set(serve: Serve) -> None:
    size = int(REQUEST.partition(b":")[0])
    assert exchange(serve(echo, limits=ServerLimits(head_size=size)), REQUEST) == ANSWER
    with Peer(serve(refuse_to_run, limits=ServerLimits(head_size=size - 1)), REQUEST) as peer:
        peer.receive_until_cut()


def test_a_head_that_trickles_in_for_too_long_is_closed(
    serve: Serve, socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    limits = ServerLimits(head_timeout=0.3, read_timeout=60.0)
    with Peer(serve(refuse_to_run, UnixAddress(socket_path), limits=limits)) as peer:
        # Each byte comes long before any limit for one read.
        peer.send_until_cut(bytes([byte]) for byte in REQUEST[:-1])
    assert "silent for too long" in caplog.text


def test_a_silent_peer_is_closed(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    with Peer(serve(refuse_to_run, limits=ServerLimits(head_timeout=0.1))) as peer:
        peer.receive_until_cut()
    assert "silent for too long" in caplog.text


def test_a_peer_that_leaves_within_the_head_is_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    Peer(serve(refuse_to_run), REQUEST[:20]).socket.close()
    wait_until(lambda: "the peer closed after 20 bytes" in caplog.text)


def test_a_connection_without_a_byte_is_nothing_to_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = serve(echo)
    Peer(address).socket.close()
    assert exchange(address, REQUEST) == ANSWER
    # The access log knows of the request alone.
    assert [record.name for record in caplog.records] == ["wsgi_scgi.server.access"]
