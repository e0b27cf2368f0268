"""Cases: what nginx's own SCGI tests and lighttpd's mod-scgi.t assert, asked of every gateway.

Their backends are rebuilt from what the tests demand of them. A truncated response is one that
the client can tell from a complete one, which nginx's tests see by a text that a filter appends.
"""

from __future__ import annotations

import re

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.requests import chunked, get, get_old, post
from tests.kit.gates import Open, Wait
from tests.kit.http import Send
from tests.kit.netstring import SCGIRequest
from tests.kit.response import Response
from tests.kit.script import Drip, ReadHead, Reply, ReplyFrom, Write, play

_HTML = "Content-Type: text/html"


def _lines(*lines: str, body: str = "") -> bytes:
    return "\n".join([*lines, "", body]).encode("latin-1")


def _value(request: SCGIRequest, name: str) -> str:
    return (request.get(name) or b"").decode("latin-1")


# nginx's scgi.t


def _echo_fields(request: SCGIRequest) -> bytes:
    return _lines(
        "Location: http://localhost/redirect",
        _HTML,
        f"X-Forwarded-For: {_value(request, 'HTTP_X_FORWARDED_FOR')}",
        f"X-Cookie: {_value(request, 'HTTP_COOKIE')}",
        f"X-Foo: {_value(request, 'HTTP_FOO')}",
        body="SEE-THIS\n1",
    )


def _has_see_this(response: Response) -> str | None:
    return None if b"SEE-THIS" in response.body else "no SEE-THIS"


_SCGI = (
    Case(
        "nginx_scgi_request_and_redirect",
        get_old("/redir", "Host: localhost"),
        Answer(302, headers={"Location": "http://localhost/redirect"}, check=_has_see_this),
        backend=ReplyFrom(_echo_fields),
        differs="Apache answers 200 with a Location.",
    ),
    Case(
        "nginx_scgi_no_data_in_head",
        get_old("/", "Host: localhost", method="HEAD"),
        Answer(302, body=b""),
        backend=ReplyFrom(_echo_fields),
        methods=("HEAD",),
        differs="Apache answers 200 with a Location.",
    ),
    Case(
        "nginx_scgi_many_ignored_headers",
        get_old("/vars/headers", "Host: localhost", *["X-Blah: ignored header"] * 19),
        Answer(302, check=_has_see_this),
        Sees(has={"HTTP_X_BLAH": "blah"}),
        backend=ReplyFrom(_echo_fields),
        show=("HTTP_X_BLAH",),
        differs="Apache lets the client's headers win over SetEnv.",
    ),
    Case(
        "nginx_scgi_joined_headers",
        get_old(
            "/",
            "Host: localhost",
            "X-Forwarded-For: foo",
            "X-Forwarded-For: bar",
            "X-Forwarded-For: bazz",
            "Cookie: foo",
            "Cookie: bar",
            "Cookie: bazz",
            "Foo: foo",
            "Foo: bar",
            "Foo: bazz",
        ),
        Answer(
            302,
            headers={
                "X-Forwarded-For": "foo, bar, bazz",
                "X-Cookie": "foo; bar; bazz",
                "X-Foo": "foo, bar, bazz",
            },
        ),
        backend=ReplyFrom(_echo_fields),
        show=("X-Foo", "X-Cookie"),
        differs="nginx does so since 1.23; Apache joins cookies with commas.",
    ),
)


# nginx's scgi_body.t and scgi_request_buffering.t


def _echo_body(request: SCGIRequest) -> bytes:
    return _lines(
        "Location: http://localhost/redirect",
        _HTML,
        f"X-Body: {request.body.decode('latin-1')}",
        body="SEE-THIS\n",
    )


def _echo_length_and_body(request: SCGIRequest) -> bytes:
    text = f"{_value(request, 'CONTENT_LENGTH')} {request.body.decode('latin-1')}"
    return _lines("Location: http://localhost/redirect", _HTML, f"X-Body: {text}", body="SEE-THIS")


def _body(name: str, raw: bytes, x_body: str, *, method: str = "GET", differs: str = "") -> Case:
    answer = Answer(302, headers={"X-Body": x_body})
    return Case(
        f"nginx_body_{name}",
        raw,
        answer,
        backend=ReplyFrom(_echo_body),
        methods=(method,),
        show=("X-Body",),
        differs=differs or "Apache answers 200 with a Location.",
    )


def _late_body(name: str, head: bytes, late: bytes, x_body: str) -> Case:
    """Return a case whose body is sent once the backend has the head, if it gets it then."""
    return Case(
        f"nginx_unbuffered_{name}",
        (Send(head), Wait("head"), Send(late))
        if late and b"chunked" not in head
        else (Send(head), Send(late)),
        Answer(302, headers={"X-Body": x_body}),
        backend=play(ReadHead(), Open("head"), ReplyFrom(_echo_length_and_body)),
        show=("X-Body",),
        differs="nginx before 1.29.6 announces 0 or a part; Apache refuses chunks.",
    )


_NO_GET_BODY = "lighttpd refuses a GET with a body."
_BODIES = (
    _body("none", get_old("/"), ""),
    _body("length_zero", post("/", b"", method="GET"), ""),
    _body("length_six", post("/", b"foobar", method="GET") + b"\n", "foobar", differs=_NO_GET_BODY),
    _body(
        "chunked",
        get("/", "Transfer-Encoding: chunked") + chunked(b"foobar"),
        "foobar",
        differs=_NO_GET_BODY,
    ),
    _body("chunked_empty", get("/", "Transfer-Encoding: chunked") + chunked(), ""),
    _late_body("none", get("/stream/"), b"", "0"),
    _late_body("length_zero", post("/stream/", b"", method="GET"), b"", "0"),
    _late_body("length_six", get("/stream/", "Content-Length: 6"), b"foobar", "6 foobar"),
    _late_body(
        "chunked",
        get("/stream/", "Transfer-Encoding: chunked"),
        chunked(b"foobar"),
        "6 foobar",
    ),
    _late_body("chunked_empty", get("/stream/", "Transfer-Encoding: chunked"), chunked(), "0"),
)


# nginx's scgi_extra_data.t

_EXTRA = {
    "extra": (b"8", b"SEE-THIS-BUT-NOT-THIS\n"),
    "zero": (b"0", b"NOT-THIS\n"),
    "short": (b"100", b"SEE-THIS-TOO-SHORT-RESPONSE\n"),
    "empty": (b"100", b""),
}
_EXTRA_SEEN = {"extra": b"SEE-THIS", "zero": b"", "short": _EXTRA["short"][1], "empty": b""}


def _extra(kind: str, path: str, method: str) -> Case:
    length, body = _EXTRA[kind]
    whole = method == "HEAD" or kind in ("extra", "zero")
    where = "unbuffered" if path == "/stream/" else "buffered"
    return Case(
        f"nginx_extra_data_{where}_{method.lower()}_{kind}",
        get(f"{path}{kind}", method=method),
        Answer(200, body=b"" if method == "HEAD" else _EXTRA_SEEN[kind], complete=whole),
        backend=Reply(b"Content-Type: text/html\nContent-Length: " + length + b"\n\n" + body),
        methods=(method,),
        differs="Apache drops the backend's length, so it presents the rest as complete."
        if method == "GET"
        else "",
    )


_EXTRAS = tuple(
    _extra(kind, path, method)
    for path in ("/a/", "/stream/")
    for method in ("GET", "HEAD")
    for kind in _EXTRA
)


# nginx's scgi_merge_params.t and scgi_gzip.t


def _echo_conditions(request: SCGIRequest) -> bytes:
    ims, iums = "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"
    text = f"ims={_value(request, ims)};iums={_value(request, iums)};"
    return _lines(
        "Location: http://localhost/redirect",
        _HTML,
        body=f"{text}blah={_value(request, 'HTTP_X_BLAH')};",
    )


_CONDITIONS = ("If-Modified-Since: blah", "If-Unmodified-Since: blah")
_PARAMETERS = (
    Case(
        "nginx_merge_params_conditions_pass",
        get_old("/no/", "Host: localhost", *_CONDITIONS),
        Answer(302, body=b"ims=blah;iums=blah;blah=;"),
        backend=ReplyFrom(_echo_conditions),
        differs="Apache answers 200 with a Location.",
    ),
    Case(
        "nginx_merge_params_configured_header",
        get_old("/vars/", "Host: localhost", *_CONDITIONS, "X-Blah: mine"),
        Answer(302, body=b"ims=blah;iums=blah;blah=blah;"),
        backend=ReplyFrom(_echo_conditions),
        differs="Apache lets the client's header win over SetEnv.",
    ),
    Case(
        "nginx_gzip_content_encoding_passes",
        get("/", "Accept-Encoding: gzip"),
        Answer(200, headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b-as-it-is"),
        Sees(has={"HTTP_ACCEPT_ENCODING": "gzip"}),
        backend=Reply(b"Content-Type: text/html\nContent-Encoding: gzip\n\n\x1f\x8b-as-it-is"),
    ),
)


# nginx's scgi_cache.t, without the cache: truncated is never complete.

_CACHE = tuple(
    Case(
        f"nginx_cache_{name}",
        get(f"/{name}"),
        Answer(200, headers={"Cache-Control": "max-age=300"}, body=body, complete=complete),
        backend=Reply(
            b"Content-Type: text/html\r\nCache-Control: max-age=300\r\n" + field + b"\r\n" + body
        ),
        differs="" if complete else "Apache presents the truncated response as complete.",
    )
    for name, field, body, complete in (
        ("len", b"Content-Length: 9\r\n", b"test body", True),
        ("nolen", b"", b"test body", True),
        ("len_empty", b"Content-Length: 0\r\n", b"", True),
        ("nolen_empty", b"", b"", True),
        ("unfinished", b"Content-Length: 10\r\n", b"", False),
    )
)


# lighttpd's mod-scgi.t


def _respond_with_variable(request: SCGIRequest) -> bytes:
    if request.violations or request.get("SCGI") != b"1":
        return b""
    query = request.get("QUERY_STRING")
    if query is None:
        return b"Status: 500 Internal Foo\r\n\r\n"
    match = re.fullmatch(rb"env=(.+)", query)
    value = b"test123" if match is None else request.get(match[1].decode("latin-1")) or b""
    return b"Status: 200 OK\r\n\r\n" + value


_FIX_ROOT = "lighttpd's own test has its root as the only prefix; here others come before it."
_TEST123 = Answer(200, body=b"test123")
_LIGHTTPD = (
    Case(
        "lighttpd_lf",
        get_old("/index.scgi?lf"),
        _TEST123,
        backend=play(Reply(b"Status: 200 OK\n\n"), Write(b"test123")),
    ),
    Case(
        "lighttpd_crlf",
        get_old("/index.scgi?crlf"),
        _TEST123,
        backend=play(Reply(b"Status: 200 OK\r\n\r\n"), Write(b"test123")),
    ),
    Case(
        "lighttpd_slow_lf",
        get_old("/index.scgi?slow-lf"),
        _TEST123,
        backend=play(Reply(b"Status: 200 OK\n"), Drip(b"\n", pause=0.1), Write(b"test123")),
    ),
    Case(
        "lighttpd_slow_crlf",
        get_old("/index.scgi?slow-crlf"),
        _TEST123,
        backend=play(Reply(b"Status: 200 OK\r\n"), Drip(b"\r\n", pause=0.1), Write(b"test123")),
    ),
    Case(
        "lighttpd_path_info",
        get_old("/abc/def/ghi?env=PATH_INFO"),
        Answer(200, body=b"/abc/def/ghi"),
        backend=ReplyFrom(_respond_with_variable),
        differs=_FIX_ROOT,
    ),
    Case(
        "lighttpd_script_name",
        get_old("/abc/def/ghi?env=SCRIPT_NAME"),
        Answer(200, body=b""),
        backend=ReplyFrom(_respond_with_variable),
        differs=_FIX_ROOT,
    ),
    Case(
        "lighttpd_no_query",
        get_old("/index.scgi"),
        _TEST123,
        backend=ReplyFrom(_respond_with_variable),
    ),
    Case(
        "lighttpd_die_at_end",
        get_old("/index.scgi?die-at-end"),
        _TEST123,
        backend=Reply(b"Status: 200 OK\r\n\r\ntest123"),
    ),
)

CASES = (*_SCGI, *_BODIES, *_EXTRAS, *_PARAMETERS, *_CACHE, *_LIGHTTPD)
