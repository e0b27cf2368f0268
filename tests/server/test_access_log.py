"""The access log has a line for each request, whatever became of it."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from tests.server.peer import Peer, exchange, head, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.server.conftest import Serve

LOG = "wsgi_scgi.server.access"
LINE = re.compile(
    r'(?P<who>\S+ - \S+) \[\d{2}/[A-Z][a-z]{2}/\d{4}(:\d{2}){3} [+-]\d{4}\] "(?P<request>.*)"'
    r" (?P<status>\S+) (?P<size>\d+) \d+\.\d{6}"
)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as PATH_INFO says, and forget whose request it was."""
    path = environ["PATH_INFO"]
    environ.clear()
    if path == "/fail":
        raise KeyError
    start_response("404 Not Found", [("Content-Length", "9")] if path == "/short" else [])
    return [b"hello"]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log, listened to."""
    caplog.set_level(logging.INFO, LOG)
    return caplog


def logged(log: pytest.LogCaptureFixture) -> list[tuple[str, str, str, str]]:
    """Return who asked for what, the status and the size, of each line."""
    lines = [record.getMessage() for record in log.records if record.name == LOG]
    matches = [LINE.fullmatch(line) for line in lines]
    assert None not in matches, lines
    return [(m["who"], m["request"], m["status"], m["size"]) for m in matches if m]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("- - -", "GET /app/path?x=1 HTTP/1.1", "404", "5")),
        (
            {"REMOTE_ADDR": "192.0.2.1", "REMOTE_USER": "me"},
            ("192.0.2.1 - me", "GET /app/path?x=1 HTTP/1.1", "404", "5"),
        ),
        (
            {"REMOTE_USER": 'a b"\x1b', "REQUEST_URI": '/"\\\n\xe9'},
            (
                r"- - a\x20b\x22\x1b",
                r"GET /\x22\x5c\x0a\xe9 HTTP/1.1",
                "404",
                "5",
            ),
        ),
        ({"REQUEST_METHOD": "HEAD"}, ("- - -", "HEAD /app/path?x=1 HTTP/1.1", "404", "0")),
        ({"PATH_INFO": "/fail"}, ("- - -", "GET /app/path?x=1 HTTP/1.1", "500", "24")),
        ({"PATH_INFO": "/short"}, ("- - -", "GET /app/path?x=1 HTTP/1.1", "404", "5")),
    ],
)
def test_a_line_says_who_asked_for_what_and_what_came_of_it(
    variables: dict[str, str],
    expected: tuple[str, str, str, str],
    serve: Serve,
    log: pytest.LogCaptureFixture,
) -> None:
    with Peer(serve(application), head(variables)) as peer:
        peer.receive_until_closed()
    wait_until(lambda: logged(log))
    assert logged(log) == [expected]


def test_without_a_request_uri_the_path_is_put_together(
    serve: Serve, log: pytest.LogCaptureFixture
) -> None:
    address = serve(application)
    for query in ("", "x=1"):
        variables = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "QUERY_STRING": query}
        parts = ["CONTENT_LENGTH", "0", "SCGI", "1"]
        block = "".join(f"{part}\0" for part in parts + [p for i in variables.items() for p in i])
        exchange(address, b"%d:%b," % (len(block), block.encode()))
    assert [line[1] for line in logged(log)] == ["GET /x HTTP/1.0", "GET /x?x=1 HTTP/1.0"]


def test_a_request_without_an_answer_has_no_status(
    serve: Serve, log: pytest.LogCaptureFixture
) -> None:
    with Peer(serve(_reads_all), head(length=5)) as peer:
        peer.socket.close()
    wait_until(lambda: logged(log))
    assert logged(log)[0][2:] == ("-", "0")


def _reads_all(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return []


def test_nothing_is_logged_while_nobody_listens(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    exchange(serve(application), head())
    assert logged(caplog) == []
