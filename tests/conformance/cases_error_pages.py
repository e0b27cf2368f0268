"""Cases: error answers of the backend replaced, ProxyErrorOverride and ErrorDocument.

Apache ignores both for SCGI; nginx has scgi_intercept_errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.requests import get, post
from tests.kit.backend import Script
from tests.kit.response import Response
from tests.kit.script import Reply

_BOTH = ("Apache", "nginx")
_APACHE = ("Apache",)
_IGNORES = "Apache ignores ProxyErrorOverride for SCGI."


def _error(status: str, *fields: str) -> Reply:
    lines = [f"Status: {status}", "Content-Type: text/plain", *fields, "", "the backend's page"]
    return Reply("\r\n".join(lines).encode("latin-1"))


def _is_not_the_backends(response: Response) -> str | None:
    return "it is the backend's page" if b"backend's" in response.body else None


def _replaced(
    name: str,
    target: str,
    backend: Script | Sequence[Script],
    answer: Answer,
    seen: Sequence[Sees] = (Sees(),),
    *,
    differs: str = _IGNORES,
) -> Case:
    return Case(name, get(target), answer, seen, backend, differs=differs, peers=_APACHE)


def _page(status: int, **fields: str) -> Answer:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    without = ("Set-Cookie", "X-Of-Backend", "ETag")
    return Answer(status, headers=headers, without=without, check=_is_not_the_backends)


_KEPT = Answer(200, body=b"ok")
_DOCUMENT = Sees(
    has={
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "/errors",
        "PATH_INFO": "/missing",
        "QUERY_STRING": "why=404",
        "REQUEST_URI": "/eo/some/x?a=b",
        "REDIRECT_STATUS": "404",
        "REDIRECT_URL": "/eo/some/x",
        "REDIRECT_QUERY_STRING": "a=b",
    },
    body=b"",
)

CASES = (
    *(
        _replaced(
            f"a_{status}_is_replaced_by_a_page", "/eo/x", _error(f"{status} Word"), _page(status)
        )
        for status in (400, 404, 500, 503)
    ),
    _replaced(
        "a_page_keeps_nothing_that_the_backend_said",
        "/eo/x",
        _error("404 Gone Away", "Set-Cookie: a=1", "X-Of-Backend: 1", 'ETag: "1"'),
        _page(404),
    ),
    _replaced(
        "a_page_keeps_what_a_client_needs_to_act",
        "/eo/x",
        _error("401 No", 'WWW-Authenticate: Basic realm="x"'),
        _page(401, WWW_Authenticate='Basic realm="x"'),
    ),
    _replaced(
        "a_page_keeps_when_to_come_again",
        "/eo/x",
        _error("503 Later", "Retry-After: 5"),
        _page(503, Retry_After="5"),
    ),
    _replaced(
        "a_page_keeps_the_methods_that_are_allowed",
        "/eo/x",
        _error("405 No", "Allow: GET, PUT"),
        _page(405, Allow="GET, PUT"),
    ),
    replace(
        _replaced(
            "a_page_for_head_has_no_body",
            "/eo/x",
            _error("404 No"),
            Answer(404, without=("X-Of-Backend",), body=b""),
            differs="",
        ),
        send=get("/eo/x", method="HEAD"),
        methods=("HEAD",),
    ),
    _replaced("a_good_answer_is_not_replaced", "/eo/x", Reply(OK), _KEPT, differs=""),
    _replaced(
        "a_redirect_is_not_replaced",
        "/eo/x",
        _error("302 Found", "Location: http://e.test/"),
        Answer(302, headers={"Location": "http://e.test/"}, body=b"the backend's page"),
        differs="",
    ),
    _replaced(
        "a_304_is_not_replaced",
        "/eo/x",
        _error("304 No", 'ETag: "1"'),
        Answer(304, headers={"ETag": '"1"'}, body=b""),
        differs="",
    ),
    replace(
        _replaced(
            "a_status_that_is_not_named_is_not_replaced",
            "/eo/some/x",
            _error("500 Mine"),
            Answer(500, body=b"the backend's page"),
            differs="",
        ),
        peers=_BOTH,
    ),
    replace(
        _replaced(
            "an_error_document_is_a_path_of_the_gateway",
            "/eo/some/x?a=b",
            (_error("404 No", "X-Of-Backend: 1"), Reply(OK)),
            Answer(404, without=("X-Of-Backend",), body=b"ok"),
            (Sees(), _DOCUMENT),
            differs=f"{_IGNORES} nginx has no REDIRECT variables.",
        ),
        peers=_BOTH,
    ),
    replace(
        _replaced(
            "an_error_document_after_a_post_is_got",
            "",
            (_error("404 No"), Reply(OK)),
            Answer(404, body=b"ok"),
            (
                Sees(body=b"hello"),
                Sees(has={"REQUEST_METHOD": "GET", "CONTENT_LENGTH": "0"}, body=b""),
            ),
            differs=f"{_IGNORES} nginx passes the body again.",
        ),
        send=post("/eo/some/x", b"hello"),
        methods=("POST",),
        peers=_BOTH,
    ),
    replace(
        _replaced(
            "an_error_document_for_head_is_a_head",
            "",
            (_error("404 No"), Reply(OK)),
            Answer(404, body=b""),
            (Sees(), Sees(has={"REQUEST_METHOD": "HEAD"})),
        ),
        send=get("/eo/some/x", method="HEAD"),
        methods=("HEAD",),
        peers=_BOTH,
    ),
    replace(
        _replaced(
            "an_error_document_that_fails_keeps_the_first_status",
            "/eo/some/x",
            (_error("404 No"), _error("500 Mine")),
            _page(404),
            (Sees(), Sees()),
            differs=f"{_IGNORES} nginx shows the page of the second error.",
        ),
        peers=_BOTH,
    ),
    replace(
        _replaced(
            "an_error_document_does_not_replace_itself",
            "/eo/some/x",
            (_error("503 No"), _error("503 No")),
            _page(503),
            (Sees(), Sees()),
        ),
        peers=_BOTH,
    ),
    _replaced(
        "an_error_document_may_be_a_text",
        "/eo/text/x",
        _error("500 Mine"),
        Answer(500, check=lambda r: None if b"Our cat sleeps" in r.body else "no cat in the page"),
    ),
    _replaced(
        "a_text_is_for_its_own_status",
        "/eo/text/x",
        _error("404 No"),
        Answer(404, check=lambda r: "a cat" if b"Our cat" in r.body else _is_not_the_backends(r)),
    ),
    _replaced(
        "without_the_option_errors_are_the_backend_s",
        "/two/x",
        _error("404 No"),
        Answer(404, body=b"the backend's page"),
        differs="",
    ),
)
