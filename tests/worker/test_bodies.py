"""Request bodies and pipelined requests are taken as by gunicorn's own worker."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.kit.gateways import Gateway
from tests.kit.response import End
from tests.worker.serving import Pair, connected, ends, pair, request, serving, wait_logged

APPLICATION = "tests.worker.misbehaving:application"
BEHIND = request("/echo", method="POST", body=b"behind")


@pytest.fixture(scope="module")
def both() -> Iterator[Pair]:
    """Both workers."""
    with pair(application=APPLICATION) as started:
        yield started


def chunked(path: str, *chunks: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


@pytest.mark.parametrize("size", [0, 1, 100, 1024, 8192, 65_536, 100_000])
@pytest.mark.parametrize(
    "reads",
    ["all", "all,all", "iter", "lines", "line", "line,line3,1", "1,10,100", "0", "60000,all"],
)
def test_a_body_is_read_as_from_gunicorn(both: Pair, size: int, reads: str) -> None:
    body = (b"0123456789\nabc\n" * (size // 15 + 1))[:size]
    data = request(f"/reads?{reads}", method="POST", body=body)
    left = size - sum(int(word) for word in reads.split(",") if word.isdecimal())
    if "all" in reads or "iter" in reads or "lines" in reads or left <= 60_000:
        assert both.exchange(data + BEHIND).endswith(b"behind")
    # What comes in pieces, cut where the head ends and within the body.
    cut = data.index(b"\r\n\r\n") + 4
    both.exchange(data[:cut], data[cut : cut + 10], data[cut + 10 :])


@pytest.mark.parametrize("reads", ["", "1", "all", "line"])
@pytest.mark.parametrize("missing", [1, 50, 99, 100])
def test_a_body_that_is_cut_off_is_no_request_more(both: Pair, reads: str, missing: int) -> None:
    data = request(f"/reads?{reads}", "Content-Length: 100", method="POST")
    received = both.exchange(data + BEHIND[: 100 - missing])
    assert received.count(b"HTTP/1.1 ") <= 1


@pytest.mark.parametrize("length", ["9" * 18, "1" + "0" * 18, "9" * 30, "0" * 17 + "5"])
def test_any_length_may_be_announced(both: Pair, length: str) -> None:
    data = request("/nothing", f"Content-Length: {length}", method="POST")
    both.exchange(data + b"12345")
    both.exchange(data + BEHIND)


def test_a_client_that_sends_all_before_it_reads_gets_its_answer(both: Pair) -> None:
    for gateway in (both.stock, both.ours):
        with connected(gateway) as client:
            client.send(request("/reads?1", method="POST", body=b"x" * 16_000_000))
            response = client.read_response("POST")
            assert response is not None and response.status == 200
            assert client.send_error == ""


def test_a_body_may_look_like_a_request(both: Pair) -> None:
    hidden = request("/echo")
    for reads in ("", "5", "all"):
        data = request(f"/reads?{reads}", method="POST", body=hidden)
        assert both.exchange(data).count(b"HTTP/1.1 200") == 1
        assert both.exchange(data * 3).count(b"HTTP/1.1 200") == 3


ODD_AND_PLAIN = {
    "plain": request("/nothing"),
    "body": request("/echo", method="POST", body=b"12345"),
    "unread": request("/nothing", method="POST", body=b"12345"),
    "partly": request("/reads?2", method="POST", body=b"12345"),
    "head": request("/cookies", method="HEAD"),
    "chunked": chunked("/reads?all", b"abc", b"defg"),
    "chunked, unread": chunked("/nothing", b"abc", b"defg"),
    "repeated": request("/nothing", "X-A: 1", "X-A: 2"),
    "expecting": request("/echo", "Expect: 100-continue", method="POST", body=b"12345"),
}


def test_plain_and_odd_requests_may_follow_each_other_in_any_order(both: Pair) -> None:
    for several in itertools.permutations(ODD_AND_PLAIN.values(), 3):
        assert both.exchange(b"".join(several)).count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize("size", [1, 7, 64])
def test_it_does_not_matter_how_requests_are_cut(both: Pair, size: int) -> None:
    data = b"".join(ODD_AND_PLAIN.values())
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert both.exchange(*pieces).count(b"HTTP/1.1 200 OK") == len(ODD_AND_PLAIN)


def test_every_cut_between_two_reads_gives_the_same(both: Pair) -> None:
    data = request("/echo", method="POST", body=b"12345") + request("/nothing")
    expected = both.exchange(data)
    for cut in range(1, len(data)):
        assert both.exchange(data[:cut], data[cut:]) == expected


def test_a_client_that_expects_it_is_told_to_continue(both: Pair) -> None:
    data = request("/echo", "Expect: 100-continue", "Content-Length: 5", method="POST")
    for gateway in (both.stock, both.ours):
        with connected(gateway) as client:
            client.send(data)
            assert client.await_bytes(b"HTTP/1.1 100 Continue\r\n\r\n")
            client.send(b"12345")
            response = client.read_response("POST")
            assert response is not None and response.body == b"12345"


SHORT = """
from wsgi_scgi.worker import client_socket, connection, lean_path
connection.BODY_TIMEOUT = lean_path.BODY_TIMEOUT = 0.3
connection.UNREAD_TIMEOUT = client_socket.SEND_TIMEOUT = 0.3
"""


@pytest.fixture(scope="module")
def impatient() -> Iterator[Gateway]:
    """The worker under test, with less patience than it has."""
    with serving("--keep-alive", "60", files=SHORT, application=APPLICATION) as started:
        yield started


def test_without_keep_alive_a_connection_that_stays_silent_is_closed() -> None:
    with serving("--keep-alive", "0", files=SHORT) as gateway, connected(gateway) as client:
        assert ends(client) is End.EOF
        assert client.unread == b""


def test_silence_within_a_body_ends_the_connection(impatient: Gateway) -> None:
    with connected(impatient) as client:
        client.send(request("/reads?all", "Content-Length: 10", method="POST") + b"12345")
        response = client.read_response("POST")
        assert response is not None and response.status == 500
        assert ends(client) is not End.OPEN


def test_silence_within_a_body_that_nobody_reads_ends_the_connection(impatient: Gateway) -> None:
    with connected(impatient) as client:
        client.send(request("/nothing", "Content-Length: 10", method="POST") + b"12345")
        response = client.read_response("POST")
        assert response is not None and response.status == 200
        assert ends(client) is not End.OPEN
        client.send(BEHIND)
        assert client.unread == b""


def test_a_client_that_takes_nothing_is_given_up() -> None:
    with serving("--log-level", "debug", files=SHORT) as gateway, connected(gateway) as client:
        client.send(request("/file") * 20)
        wait_logged(gateway, "the client took nothing")
        assert ends(client) is not End.OPEN
        assert len(client.received) < 20 * 2_000_000
