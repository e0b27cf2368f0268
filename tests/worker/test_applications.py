"""Applications, right and wrong, are served as by gunicorn's own worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.response import End
from tests.worker import misbehaving
from tests.worker.serving import Pair, ask, connected, ends, exchange, pair, request

APPLICATION = "tests.worker.misbehaving:application"

# What is better here than in gunicorn's own worker; each has a test below.
BETTER = {
    "/breaks-pipe": "an OSError of the application is a 500, not a connection that just closes",
    "/stops-iteration": "gunicorn takes it for the end of the connection",
    "/leaves": "gunicorn waits for another request, and this one gets no answer",
    "/end-of-file": "gunicorn sends the last chunk twice",
    "/file-of-any-length": "a file without a length is read, and never is a chunk too long",
}

FILES = ("/file", "/rest-of-file", "/part-of-file", "/file-of-any-length", "/rest-of-any-length")


@pytest.fixture(scope="module")
def both() -> Iterator[Pair]:
    """Both workers."""
    with pair(application=APPLICATION) as started:
        yield started


@pytest.mark.parametrize("path", sorted(misbehaving.PAGES.keys() - BETTER))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_application_gets_through_what_it_would(both: Pair, path: str, method: str) -> None:
    data = request(path, method=method)
    both.exchange(data)
    both.exchange(data + request("/echo", method="POST", body=b"behind"))


@pytest.mark.parametrize("path", sorted(misbehaving.PAGES.keys() - BETTER))
def test_an_old_client_gets_what_it_would(both: Pair, path: str) -> None:
    both.exchange(b"GET %b HTTP/1.0\r\nHost: a\r\n\r\n" % path.encode())


@pytest.mark.parametrize("path", ["/breaks-pipe", "/stops-iteration"])
def test_whatever_an_application_raises_is_answered(both: Pair, path: str) -> None:
    assert exchange(both.ours, request(path)).startswith(b"HTTP/1.1 500 ")
    assert exchange(both.stock, request(path)) == b""


def test_an_application_that_exits_ends_its_connection(both: Pair) -> None:
    with connected(both.ours) as client:
        client.send(request("/leaves"))
        assert ends(client) is not End.OPEN
    assert ask(both.ours, request("/echo")).status == 200


def test_a_file_without_a_length_ends_once(both: Pair) -> None:
    for path, body in (("/end-of-file", b""), ("/file-of-any-length", b"0123456789" * 300)):
        with connected(both.ours) as client:
            client.send(request(path) + request("/echo"))
            first, second = client.read_response("GET"), client.read_response("GET")
            assert first is not None and first.body == body and first.complete
            assert second is not None and second.status == 200
            assert client.unread == b""


@pytest.mark.parametrize("path", ["/validated", "/linted"])
@pytest.mark.parametrize(
    "data",
    [("GET", b""), ("HEAD", b""), ("POST", b"body"), ("PUT", b"x" * 100_000), ("DELETE", b"")],
    ids=lambda data: data[0],
)
def test_applications_that_check_their_server_find_nothing(
    both: Pair, path: str, data: tuple[str, bytes]
) -> None:
    method, body = data
    fields = ("Content-Type: text/plain", "Cookie: a=1")
    received = both.exchange(request(path + "?a=b", *fields, method=method, body=body) * 2)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.endswith(body)


def test_fields_stay_right_however_many_there_are(both: Pair) -> None:
    queries = [str(number % 700) for number in range(1500)] + ["A", "a", "A", "a" * 1000]
    received = both.exchange(b"".join(request(f"/repeats?{query}") for query in queries))
    found = [line[9:].decode() for line in received.split(b"\r\n") if line[:9] == b"X-Query: "]
    assert found == queries


@pytest.mark.parametrize("path", ["/closes", "/closes-after-error", "/fails-to-close"])
def test_what_an_application_returns_is_closed_once(both: Pair, path: str) -> None:
    for gateway in (both.stock, both.ours):
        before = gateway.log().count("CLOSED")
        exchange(gateway, request(path))
        assert gateway.log().count("CLOSED") == before + 1


def test_without_sendfile_a_file_is_the_same() -> None:
    with pair("--no-sendfile", application=APPLICATION) as without:
        for path in FILES:
            assert b"0123456789" in without.exchange(request(path))


def test_an_application_may_answer_on_the_connection_itself(both: Pair) -> None:
    received = both.exchange(request("/answers-itself") * 2)
    assert received.count(b"\r\n\r\nme") == 2
