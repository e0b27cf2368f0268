"""The server under wsgiref.validate, which checks both sides of PEP 3333."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from wsgiref.validate import validator

import pytest

from tests.server.peer import exchange, head

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.server.conftest import Serve

TEXT = [("Content-Type", "text/plain")]


def whole(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Read the body in one go and answer in one piece."""
    digest = hashlib.sha256(environ["wsgi.input"].read(1 << 30)).hexdigest()
    environ["wsgi.errors"].flush()
    start_response("200 OK", list(TEXT))
    return [digest.encode()]


def lines(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Read line by line and answer piece by piece, the first ones through write()."""
    write = start_response("200 OK", list(TEXT))
    write(environ["wsgi.input"].readline())
    return list(environ["wsgi.input"].readlines(3)) + list(environ["wsgi.input"])


def empty(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer without a body."""
    start_response("204 No Content", [])
    return []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "text/plain", "HTTP_CONTENT_TYPE": "text/plain"},
        {"REQUEST_METHOD": "HEAD", "HTTP_CONTENT_LENGTH": "0"},
        {"HTTPS": "on", "REMOTE_ADDR": "127.0.0.1", "HTTP_X.DOT": "1"},
        {"SCRIPT_NAME": "/", "PATH_INFO": "x"},
        {"SCRIPT_NAME": "", "PATH_INFO": ""},
        {"SCRIPT_NAME": "/app/", "PATH_INFO": ""},
        {"SERVER_NAME": "", "SERVER_PORT": "", "SERVER_PROTOCOL": ""},
    ],
)
@pytest.mark.parametrize("application", [whole, lines, empty])
def test_the_validator_finds_nothing(
    application: object, changes: dict[str, str], serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    body = b"one\ntwo\nthree" if changes.get("REQUEST_METHOD") == "POST" else b""
    checked = validator(application)  # type: ignore[arg-type]  # each is a WSGIApplication
    response = exchange(serve(checked), head(changes, length=len(body)) + body)
    assert response.startswith(b"Status: 20"), caplog.text
    assert "AssertionError" not in caplog.text
