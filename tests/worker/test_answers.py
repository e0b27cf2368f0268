"""The usual answer, and all that is a little unusual about others: gunicorn's bytes, always."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.gateways import Gateway
from tests.kit.response import End
from tests.worker.answering import WAYS, told
from tests.worker.serving import (
    BOUND,
    Pair,
    ask,
    connected,
    ends,
    exchange,
    pair,
    request,
    serving,
    wait_logged,
)

APPLICATION = "tests.worker.answering:application"

TYPE = ("Content-Type", "text/plain")
FIELDS: tuple[list[Any], ...] = (
    [],
    [TYPE],
    [("X-A", "a b~!"), ("x-a", "b"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
    [("X-A", " blanks around\t")],
    [("X-A", "")],
    [("X-A", "tab\tinside")],
    [("X-A", "\xe9")],
    [("X-A", "\u20ac")],
    [("X-A", "a\r\nX-B: b")],
    [("X-A", "a\x7f")],
    [("X A", "a")],
    [("Connection", "close"), ("Keep-Alive", "5"), ("Server", "other"), ("Date", "never")],
    [("Connection", "upgrade"), ("Upgrade", "websocket")],
    [("Upgrade", "other")],
    [["X-A", "a list"]],
    [("X-A", "1", "2")],
    [("X-A", 1)],
    [(b"X-A", "a")],
)
LENGTHS = ("5", "05", "3", "0", "+5", "1_0", "\u0665", " 5", "", "5, 5", "-1", "9" * 19)


@pytest.fixture(scope="module")
def both() -> Iterator[Pair]:
    """Both workers."""
    with pair(application=APPLICATION) as started:
        yield started


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """The worker under test."""
    with serving(application=APPLICATION) as started:
        yield started


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("pieces", [(b"12345",), (), (b"12", b"", b"345"), (b"1234567", b"89")])
@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "304 Not Modified", "204 No", "299"])
def test_however_an_answer_is_given_it_is_gunicorns(
    both: Pair, how: str, pieces: tuple[bytes, ...], status: str
) -> None:
    fields = [TYPE, ("Content-Length", "5")] if pieces else [TYPE, ("Content-Length", "0")]
    for method, given in itertools.product(("GET", "HEAD"), (fields, [TYPE])):
        both.exchange(told(status, given, *pieces, how=how, method=method) * 2)


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: repr(fields)[:40])
def test_whatever_fields_there_are_they_are_gunicorns(both: Pair, fields: list[Any]) -> None:
    for behind in ([], [("Content-Length", "5")]):
        both.exchange(told("200 OK", [*fields, *behind], b"12345") * 2)
        both.exchange(told("200 OK", [*behind, *fields], b"12345", how="iterator") * 2)


@pytest.mark.parametrize("length", LENGTHS)
def test_whatever_length_is_said_it_is_gunicorns(both: Pair, length: str) -> None:
    body = b"1234567890" if length in ("1_0",) else b"12345"
    if length == "9" * 19:
        body = b""  # a body that is too short is another matter
        both.exchange(told("200 OK", [("Content-Length", length)], method="HEAD") * 2)
        return
    both.exchange(told("200 OK", [("Content-Length", length)], body) * 2)
    both.exchange(told("200 OK", [("Content-Length", "5"), ("content-length", length)], body) * 2)


@pytest.mark.parametrize(
    "status",
    ["200", "200 ", "200  OK", "200 \xdcber", "200 \u20ac", "20 OK", "OK", "200\r\nX: y", ""],
)
def test_whatever_status_is_said_it_is_gunicorns(both: Pair, status: str) -> None:
    both.exchange(told(status, [("Content-Length", "5")], b"12345") * 2)


@pytest.mark.parametrize("fields", [(), ("Connection: close",), ("Connection: Keep-Alive",)])
def test_the_connection_is_kept_or_closed_as_the_client_wants(
    both: Pair, fields: tuple[str, ...]
) -> None:
    for path in ("/is-logged", "/large?3"):
        received = exchange(both.ours, request(path, *fields) * 2)
        assert received.count(b"HTTP/1.1 200 OK") == (1 if "close" in repr(fields) else 2)
        assert exchange(both.stock, request("/large?3", *fields) * 2).count(b"HTTP/1.1 200 OK") == (
            received.count(b"HTTP/1.1 200 OK")
        )


@pytest.mark.parametrize("size", [0, 1, 60_000, 65_000, 65_536, 70_000, 1_000_000, 20_000_000])
def test_a_body_of_any_size_arrives_whole(gateway: Gateway, size: int) -> None:
    expected = (b"0123456789" * (size // 10 + 1))[:size]
    with connected(gateway) as client:
        for _ in range(2):
            client.send(request(f"/large?{size}"))
            response = client.read_response("GET")
            assert response is not None and response.body == expected


def test_a_slow_reader_gets_a_small_answer_that_did_not_fit(gateway: Gateway) -> None:
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(BOUND)
        slow.connect(gateway.address)
        slow.sendall(request("/large?30000") * 300 + request("/large?7", "Connection: close"))
        received = bytearray()
        while piece := slow.recv(3000):
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == 301
    assert received.count(b"0123456789" * 3000) == 300
    assert received.endswith(b"\r\n\r\n0123456")


def test_what_an_application_keeps_does_nothing_to_later_requests(gateway: Gateway) -> None:
    with connected(gateway) as client:
        for path, body in (("/keep", "kept"), ("/use-kept", "None,refused,refused,-1")):
            client.send(request(path))
            response = client.read_response("GET")
            assert response is not None and response.body.decode().strip() == body
            assert response.interim == ()
        client.send(request("/keep", "X-Odd: 1", "X-Odd: 2"))
        response = client.read_response("GET")
        assert response is not None and response.body == b"kept"


@pytest.mark.parametrize("how", ["list", "iterator", "file"])
def test_a_body_that_ends_too_early_ends_the_connection(gateway: Gateway, how: str) -> None:
    before = gateway.log().count("body of 10 bytes ended after 5")
    with connected(gateway) as client:
        client.send(request(f"/short?{how}") + request("/large?3"))
        response = client.read_response("GET")
        assert response is not None and not response.complete and response.body == b"short"
        assert ends(client) is not End.OPEN
        assert b"HTTP/1.1" not in client.unread
    wait_logged(gateway, f"body of 10 bytes ended after 5: /short?{how}")
    assert gateway.log().count("body of 10 bytes ended after 5") == before + 1


def test_what_is_not_bytes_is_a_fault_that_the_client_is_told(gateway: Gateway) -> None:
    for _ in range(2):
        assert ask(gateway, request("/mutable")).status == 500


def test_an_error_is_logged_with_the_request_as_it_came(gateway: Gateway) -> None:
    assert ask(gateway, request("/fails?a")).status == 500
    wait_logged(gateway, "Error handling request GET /fails?a")
    wait_logged(gateway, "RuntimeError: after it has changed what it was given")


def test_requests_leave_no_garbage_to_collect(gateway: Gateway) -> None:
    usual = (request("/large?3"), request("/is-logged"), request("/keep"))
    others = (
        request("/large?3", method="POST", body=b"x"),
        request("/large?3", method="HEAD"),
        request("/in-chunks"),
    )
    with connected(gateway) as client:

        def garbage_after(requests: tuple[bytes, ...]) -> int:
            for one in requests:
                client.send(one)
                assert client.read_response(one.split(b" ")[0].decode()) is not None
            client.send(request("/garbage"))
            response = client.read_response("GET")
            assert response is not None
            return int(response.body)

        garbage_after(())
        for data in (usual * 20, others * 20):
            # The end of another connection may leave some meanwhile, but not again and again.
            assert any(garbage_after(data) == 0 for _ in range(10))


SETTINGS = {
    "nothing": ("", False),
    "access log": ("accesslog = '-'\n", True),
    "hook": ("def post_request(worker, req, environ, resp):\n    pass\n", True),
    "statsd": ("statsd_host = '127.0.0.1:9'\n", True),
    "own logger": (
        "from gunicorn.glogging import Logger\n"
        "class Own(Logger):\n"
        "    def access(self, resp, req, environ, request_time):\n"
        "        pass\n"
        "logger_class = Own\n",
        True,
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_an_application_is_told_whether_anybody_logs_it(name: str) -> None:
    files, is_logged = SETTINGS[name]
    with serving(files=files, application=APPLICATION) as gateway:
        assert ask(gateway, request("/is-logged")).body == repr(is_logged).encode()


def test_what_the_garbage_collector_lets_run_meanwhile_does_not_mix_answers() -> None:
    with (
        serving(application="tests.worker.collecting:application") as started,
        connected(started) as first,
        connected(started) as other,
    ):
        other.send(request("/other"))
        first.send(request("/first"))
        for client, name in ((first, "first"), (other, "other")):
            response = client.read_response("GET")
            assert response is not None
            fields = [value for field, value in response.headers if field.startswith("X-")]
            assert fields == [name * 3] * 20
