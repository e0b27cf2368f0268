"""What keeps strangers away from rTorrent: attacks from a web page's position, and bodies."""

from typing import Any

import pytest

from tests.proxy.steps import answer, request
from wsgi_scgi.errors import RequestError
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Outcome
from wsgi_scgi.proxy.rtorrent import InspectCalls, RefuseForeignPages
from wsgi_scgi.semantics.rtorrent_methods import MethodRules

CALL = b"<methodCall><methodName>system.pid</methodName></methodCall>"
EXECUTE = CALL.replace(b"system.pid", b"execute")


def seen_page(**fields: Any) -> bool:
    seen: list[Request] = []

    def inner(request: Request) -> Outcome:
        seen.append(request)
        return answer()

    step = RefuseForeignPages(inner, frozenset({"seed.example"}))
    try:
        step(request(**{"HTTP_HOST": "localhost:8000", **fields}))
    except RequestError as error:
        return error.status != 403
    return bool(seen)


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("127.0.0.1:1", True),
        ("[::1]:8000", True),
        ("[0:0:0:0:0:0:0:1]", True),
        ("seed.example", True),
        ("seed.example.:8000", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("seed.example.evil.example", False),
        ("192.0.2.1", False),
    ],
)
def test_a_name_that_points_here_by_another_ones_dns_is_refused(host: str, is_own: bool) -> None:
    assert seen_page(HTTP_HOST=host) is is_own


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        ("http://localhost:8000", True),
        ("http://evil.example", False),
        ("http://localhost:9000", False),
        ("http://localhost", False),
        ("https://localhost", False),
        ("null", False),
        ("", False),
        ("file://", False),
        ("http://localhost:8000/x", False),
        ("http://localhost:8000, http://evil.example", False),
        ("ftp://localhost:8000", False),
    ],
)
def test_a_page_of_another_origin_is_refused(origin: str, is_own: bool) -> None:
    assert seen_page(HTTP_ORIGIN=origin) is is_own


@pytest.mark.parametrize(
    ("site", "is_own"),
    [
        ("none", True),
        ("same-origin", True),
        ("same-site", False),
        ("cross-site", False),
        ("", False),
    ],
)
def test_what_the_browser_says_of_the_page_counts(site: str, is_own: bool) -> None:
    assert seen_page(HTTP_SEC_FETCH_SITE=site) is is_own


def inspected(body: bytes | None, *, method: str = "POST", **fields: Any) -> Request | int:
    """Return the request as the backend would get it, or the status of the refusal."""
    seen: list[Request] = []

    def inner(request: Request) -> Outcome:
        seen.append(request)
        return answer()

    step = InspectCalls(inner, MethodRules(), timeout=5.0, max_body=1000)
    made = request(method=method, body=body, **{"CONTENT_TYPE": "text/xml", **fields})
    try:
        step(made)
    except RequestError as error:
        if made.body is not None:
            made.body.close()
        return int(error.status)
    return seen[0]


def test_an_allowed_call_goes_on_written_anew() -> None:
    sent = inspected(CALL, CONTENT_TYPE="Text/XML; charset=utf-8")
    assert isinstance(sent, Request)
    assert sent.environ["CONTENT_TYPE"] == "text/xml"
    assert sent.body is not None
    assert sent.body.read(1000) == b'<?xml version="1.0" encoding="UTF-8"?>' + CALL


def test_a_json_call_goes_on() -> None:
    sent = inspected(b'{"method":"system.pid"}', CONTENT_TYPE="application/json")
    assert isinstance(sent, Request)
    assert sent.body is not None
    assert sent.body.read(1000) == b'{"method": "system.pid"}'


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"CONTENT_TYPE": "text/plain"}, 415),
        ({"CONTENT_TYPE": "application/x-www-form-urlencoded"}, 415),
        ({"CONTENT_TYPE": "multipart/form-data; boundary=text/xml"}, 415),
        ({"CONTENT_TYPE": None}, 415),
        ({"CONTENT_TYPE": "text/xml, text/plain"}, 415),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, 415),
        ({"method": "GET"}, 405),
        ({"method": "PUT"}, 405),
        ({"body": b""}, 405),
        ({"body": None}, 405),
        ({"body": None, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi__input_terminated": True}, 405),
        ({"body": CALL + b" " * 1000}, 413),
        ({"body": EXECUTE}, 403),
        ({"body": b"x"}, 400),
        ({"body": CALL.replace(b"system", b" system")}, 400),
        ({"body": CALL, "CONTENT_TYPE": "application/json"}, 400),
        ({"body": b'{"method":"execute"}', "CONTENT_TYPE": "text/xml"}, 400),
        ({"body": b'[{"method":"system.pid"},{"method":"execute"}]'}, 400),
        (
            {
                "body": b'[{"method":"system.pid"},{"method":"execute"}]',
                "CONTENT_TYPE": "application/json",
            },
            403,
        ),
    ],
)
def test_what_is_no_allowed_call_is_refused(fields: dict[str, Any], status: int) -> None:
    body = fields.pop("body", CALL)
    assert inspected(body, **fields) == status
