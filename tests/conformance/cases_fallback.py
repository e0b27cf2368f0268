"""Cases: redirects and requests into what stands behind the routes.

That is an application of any kind for ours, and the files of the document root for Apache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_redirect import to
from tests.conformance.files import BIG, LAST_MODIFIED
from tests.conformance.requests import chunked, get, head_of_post, post, post_chunked, two
from tests.kit.http import Send
from tests.kit.response import Response
from tests.kit.script import ReadHead, ReadToEnd, Reply, Write, play

_APACHE = ("Apache",)
_HELLO = b"static/hello.html"
_POST = ("POST",)


def _redirected(
    name: str,
    first: Reply,
    answer: Answer,
    *,
    send: bytes | None = None,
    method: str = "GET",
    differs: str = "",
) -> Case:
    """Return a case of a redirect out of the backend into a file."""
    return Case(
        name,
        send or get("/r/start"),
        answer,
        Sees(),
        first,
        methods=(method,),
        show=tuple(answer.headers),
        differs=differs,
        peers=_APACHE,
    )


_FILES = (
    _redirected(
        "a_redirect_into_the_site_is_answered_by_the_site",
        to("/static/hello.html"),
        Answer(200, headers={"Content-Type": "text/html"}, without=("Location",), body=_HELLO),
    ),
    _redirected(
        "what_describes_the_file_is_the_file_s",
        to(
            "/static/hello.html",
            'ETag: "first"',
            "Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT",
            "Content-Type: text/first",
            "Content-Length: 7",
        ),
        Answer(
            200,
            headers={
                "Content-Length": str(len(_HELLO)),
                "Last-Modified": LAST_MODIFIED,
                "Content-Type": "text/html",
            },
            body=_HELLO,
            check=lambda r: "the first ETag" if r.get("ETag") in (None, '"first"') else None,
        ),
    ),
    _redirected(
        "what_else_the_backend_said_is_added",
        to(
            "/static/hello.html",
            "X-Extra: 1",
            "Set-Cookie: a=1",
            "Set-Cookie: b=2",
            "Cache-Control: private",
        ),
        Answer(
            200,
            headers={"X-Extra": "1", "Set-Cookie": ("a=1", "b=2"), "Cache-Control": "private"},
            body=_HELLO,
        ),
    ),
    _redirected(
        "a_file_without_a_type_gets_that_of_the_backend",
        to("/static/hello.xyz", "Content-Type: text/x-be"),
        Answer(200, headers={"Content-Type": "text/x-be"}, body=b"static/hello.xyz"),
    ),
    _redirected(
        "a_redirect_to_a_missing_file_is_404",
        to("/static/none.html", "X-Extra: 1"),
        Answer(404, headers={"X-Extra": "1"}, without=("Location",)),
    ),
    _redirected(
        "a_redirect_to_a_denied_file_is_403",
        to("/static/denied/x.html"),
        Answer(403, without=("Location",)),
    ),
    _redirected(
        "a_redirect_of_the_site_goes_to_the_client",
        to("/static"),
        Answer(301, headers={"Location": "http://gateway.test/static/"}),
    ),
    _redirected(
        "head_of_a_redirect_into_the_site",
        to("/static/hello.html"),
        Answer(200, headers={"Content-Length": str(len(_HELLO))}, body=b""),
        send=get("/r/start", method="HEAD"),
        method="HEAD",
    ),
    _redirected(
        "a_condition_on_a_redirect_into_the_site",
        to("/static/hello.html", "X-Extra: 1"),
        Answer(304, headers={"Last-Modified": LAST_MODIFIED}, body=b""),
        send=get("/r/start", f"If-Modified-Since: {LAST_MODIFIED}"),
    ),
    _redirected(
        "a_large_file_of_the_site_reaches_the_client_whole",
        to("/static/big.xyz", "X-Extra: 1"),
        Answer(200, headers={"X-Extra": "1", "Content-Length": str(len(BIG))}, body=BIG),
    ),
    _redirected(
        "a_post_that_is_redirected_gets_the_file",
        to("/static/hello.html"),
        Answer(200, body=_HELLO),
        send=post("/r/start", b"hello"),
        method="POST",
    ),
    _redirected(
        "a_redirect_to_an_excluded_path_goes_to_the_site",
        to("/static/private/x.html"),
        Answer(404, without=("Location",)),
    ),
    Case(
        "a_redirect_into_the_site_leaves_the_connection_usable",
        two(get("/r/one"), get("/static/hello.xyz")),
        (Answer(200, body=_HELLO), Answer(200, body=b"static/hello.xyz")),
        Sees(),
        to("/static/hello.html"),
        methods=("GET", "GET"),
        peers=_APACHE,
    ),
    Case(
        "a_posted_redirect_into_the_site_leaves_the_connection_usable",
        two(post("/r/one", b"0123456789" * 10_000), get("/static/hello.xyz")),
        (Answer(200, body=_HELLO), Answer(200, body=b"static/hello.xyz")),
        Sees(),
        play(ReadHead(), Write(b"Location: /static/hello.html\r\n\r\n"), ReadToEnd()),
        methods=("POST", "GET"),
        peers=_APACHE,
    ),
    Case(
        "what_no_route_takes_is_the_site_s",
        get("/static/hello.html"),
        Answer(200, headers={"Content-Type": "text/html"}, body=_HELLO),
        (),
        peers=_APACHE,
    ),
    Case(
        "what_is_excluded_is_the_site_s",
        get("/static/private/x.html"),
        Answer(404),
        (),
        peers=_APACHE,
    ),
    Case(
        "a_missing_file_of_the_site_is_404",
        get("/static/none.html"),
        Answer(404),
        (),
        peers=_APACHE,
    ),
    _redirected(
        "an_error_document_of_the_site",
        Reply(b"Status: 404 Not Here\r\nX-Of-Backend: 1\r\n\r\nbackend"),
        Answer(
            404,
            reason="Not Here",
            without=("X-Of-Backend", "Location"),
            body=b"static/missing.html",
        ),
        send=get("/r/mapped/x"),
        differs="Apache ignores ProxyErrorOverride for SCGI.",
    ),
)


def _echoes(
    name: str,
    send: bytes,
    has: Mapping[str, str],
    lacks: tuple[str, ...] = (),
    *,
    first: Reply | None = None,
    method: str = "GET",
) -> Case:
    """Return a case of what the site's own application is told, after a redirect or not."""

    def check(response: Response) -> str | None:
        if response.get("Content-Type") != "application/json":
            return "the site did not answer"
        told = json.loads(response.body)
        wrong = {key: told.get(key) for key, value in has.items() if told.get(key) != value}
        wrong |= {key: told[key] for key in lacks if key in told}
        return f"the site was told {wrong}" if wrong else None

    seen = () if first is None else (Sees(),)
    backend = first or Reply(b"")
    return Case(name, send, Answer(200, check=check), seen, backend, methods=(method,), peers=())


_APPLICATION = (
    _echoes(
        "a_redirect_reaches_the_site_as_a_get",
        post("/r/start?a=b", b"hello", "Content-Type: text/plain", "X-A: 1"),
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/echo",
            "SCRIPT_NAME": "",
            "QUERY_STRING": "c=d",
            "RAW_URI": "/r/start?a=b",
            "REDIRECT_STATUS": "200",
            "REDIRECT_URL": "/r/start",
            "REDIRECT_QUERY_STRING": "a=b",
            "HTTP_X_A": "1",
            "body": "",
            "CONTENT_LENGTH": "0",
        },
        ("HTTP_TRANSFER_ENCODING",),
        first=to("/echo?c=d#e"),
        method="POST",
    ),
    _echoes(
        "a_chunked_post_reaches_the_site_as_a_get",
        post_chunked("/r/start", chunked(b"he", b"llo")),
        {"REQUEST_METHOD": "GET", "CONTENT_LENGTH": "0", "body": ""},
        ("HTTP_TRANSFER_ENCODING",),
        first=to("/echo"),
        method="POST",
    ),
    _echoes(
        "a_request_of_the_site_s_own_is_not_touched",
        post("/echo?a=%20", b"hello", "Content-Type: text/x-a", "Connection: X-A", "X-A: 1"),
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/echo",
            "QUERY_STRING": "a=%20",
            "CONTENT_LENGTH": "5",
            "CONTENT_TYPE": "text/x-a",
            "HTTP_X_A": "1",
            "body": "hello",
        },
        ("REDIRECT_STATUS", "REDIRECT_URL"),
        method="POST",
    ),
    _echoes(
        "a_chunked_request_of_the_site_s_own_is_not_touched",
        post_chunked("/echo", chunked(b"he", b"llo")),
        {"REQUEST_METHOD": "POST", "body": "hello"},
        ("REDIRECT_STATUS",),
        method="POST",
    ),
    Case(
        "a_site_may_write_and_yield",
        get("/r/start"),
        Answer(202, headers={"X-Extra": "1", "Content-Type": "text/plain"}, body=b"one two three"),
        Sees(),
        to("/stream", "X-Extra: 1", "Content-Type: text/first"),
        peers=(),
    ),
    Case(
        "a_site_that_fails_is_500",
        get("/r/start"),
        Answer(500, without=("Location", "X-Extra")),
        Sees(),
        to("/failing", "X-Extra: 1"),
        peers=(),
    ),
    Case(
        "a_site_asks_for_a_body_with_100_continue",
        (Send(head_of_post("/echo", 5, "Expect: 100-continue") + b"hello"),),
        Answer(200, interim=(100,), check=lambda r: None if b"hello" in r.body else "no body"),
        (),
        methods=_POST,
        peers=(),
    ),
)

CASES = (*_FILES, *_APPLICATION)
