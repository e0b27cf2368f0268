"""Cases: response heads of a backend, valid and not, and what of them reaches the client.

RFC 3875 section 6 says what a CGI response is, RFC 9110 section 5 what a valid field is. Whatever
is neither is 502 here: a field that the peers repair in different ways is a way to smuggle.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.requests import get
from tests.kit.backend import Script
from tests.kit.response import Response
from tests.kit.script import Drip, ReadHead, Reply, Write, play

_LENIENT = "Apache answers 500; nginx and lighttpd repair it or pass it on."
Fields = Mapping[str, str | tuple[str, ...]]
_TYPE = b"Content-Type: text/plain\r\n"


def backend(head: bytes, body: bytes = b"body") -> Script:
    """Return a script that answers with ``head``, an empty line and ``body``."""
    return Reply(head + b"\r\n" + body)


def good(name: str, head: bytes, fields: Fields, *, differs: str = "", status: int = 200) -> Case:
    """Return a case of a head that is valid and has these fields for the client."""
    show = tuple(fields)
    answer = Answer(status, headers=fields, body=b"body")
    return Case(name, get("/a/x"), answer, Sees(), backend(head), show=show, differs=differs)


def bad(name: str, head: bytes, differs: str = _LENIENT, smoke: bool = False) -> Case:
    """Return a case of a head that is 502 although a body follows."""
    answer = Answer(502, without=("X-A", "Set-Cookie", "X-B"), check=_no_backend_body)
    script = backend(head, b"secret body")
    return Case(name, get("/a/x"), answer, Sees(), script, differs=differs, smoke=smoke)


def _no_backend_body(response: Response) -> str | None:
    return "the backend's body was sent on" if b"secret body" in response.body else None


def _hidden(name: str, head: bytes, *fields: str, differs: str = "") -> Case:
    answer = Answer(200, body=b"body", without=fields, headers={"X-Kept": "1"})
    head = head + b"X-Kept: 1\r\n"
    return Case(name, get("/a/x"), answer, Sees(), backend(head), show=fields, differs=differs)


_LINES = (
    Case(
        "crlf_ends_lines",
        get("/a/x"),
        Answer(200, headers={"Content-Type": "text/plain"}, body=b"body"),
        backend=Reply(b"Content-Type: text/plain\r\n\r\nbody"),
        smoke=True,
    ),
    Case(
        "lf_ends_lines",
        get("/a/x"),
        Answer(201, headers={"Content-Type": "text/plain"}, body=b"body"),
        backend=Reply(b"Status: 201 Made\nContent-Type: text/plain\n\nbody"),
        smoke=True,
    ),
    Case(
        "lf_and_crlf_may_be_mixed",
        get("/a/x"),
        Answer(201, headers={"Content-Type": "text/plain", "X-A": "1"}, body=b"\nbody"),
        backend=Reply(b"Status: 201 Made\nContent-Type: text/plain\r\nX-A: 1\n\r\n\nbody"),
    ),
    Case(
        "a_head_that_comes_byte_by_byte_is_the_same",
        get("/a/x"),
        Answer(404, reason="No", headers={"X-A": "1", "Content-Length": "4"}, body=b"body"),
        differs="Apache drops the length; lighttpd has its own reasons.",
        backend=play(
            ReadHead(),
            Drip(b"Status: 404 No\r\nX-A: 1\r\nContent-Length: 4\r\n\r\nbody"),
        ),
    ),
    Case(
        "an_empty_line_that_comes_late_ends_the_head",
        get("/a/x"),
        Answer(200, body=b"test123"),
        backend=play(
            ReadHead(), Write(b"Status: 200 OK\r"), Write(b"\n"), Drip(b"\r\n"), Write(b"test123")
        ),
    ),
    bad(
        "a_cr_inside_a_value_is_502",
        b"X-A: 1\r2\r3\r\n",
        "Apache deletes every CR, which glues what it kept apart.",
    ),
    bad(
        "a_set_cookie_behind_a_cr_is_502",
        b"X-A: a\rSet-Cookie: e=1\r\n",
        "Apache deletes every CR, which glues what it kept apart.",
    ),
    bad("two_crs_before_the_lf_are_502", b"X-A: 1\r\r\n", "Apache deletes every CR."),
    bad("a_line_without_colon_is_502", b"garbage\r\n", "nginx makes it a header without value."),
    bad("words_without_colon_are_502", b"more garbage here\r\n"),
    bad(
        "a_line_without_colon_after_good_ones_is_502",
        _TYPE + b"garbage\r\n",
        "lighttpd ignores it.",
    ),
    bad("a_folded_field_is_502", b"X-A: 1\r\n  folded\r\n", "lighttpd cuts or unfolds the value."),
    bad("a_folded_status_is_502", b"Status: 200 OK\r\n\tX-A: 1\r\n"),
    bad("a_blank_before_the_first_name_is_502", b" X-A: 1\r\n"),
    bad("a_blank_before_the_colon_is_502", b"X-A : 1\r\n", "lighttpd forwards it."),
    bad("a_blank_inside_a_name_is_502", b"X A: 1\r\n", "lighttpd forwards it."),
    bad("an_empty_name_is_502", b": 1\r\n", smoke=True),
    bad("a_name_with_brackets_is_502", b"X(A): 1\r\n", "nginx and lighttpd forward it."),
    bad("a_name_with_a_byte_above_127_is_502", b"X-\xc3\xa9: 1\r\n"),
    bad("nul_in_a_value_is_502", b"X-A: a\0b\r\n", "Apache cuts the value there."),
    bad("nul_in_a_name_is_502", b"X\0A: a\r\n"),
    bad("a_control_byte_in_a_value_is_502", b"X-A: a\x01b\r\n", "nginx forwards it."),
    bad("a_delete_byte_in_a_value_is_502", b"X-A: a\x7fb\r\n", "The peers forward it."),
    bad("an_escape_byte_in_a_content_type_is_502", b"Content-Type: text/\x1bplain\r\n"),
)

_VALUES = (
    good("bytes_above_127_in_a_value_are_kept", b"X-A: caf\xc3\xa9\r\n", {"X-A": "caf\xc3\xa9"}),
    good("an_empty_value_is_forwarded", b"X-A:\r\n", {"X-A": ""}, differs="lighttpd drops it."),
    good("blanks_around_a_value_are_no_part_of_it", b"X-A: \t a  b \t \r\n", {"X-A": "a  b"}),
    good("a_value_may_follow_the_colon_at_once", b"X-A:1\r\n", {"X-A": "1"}),
    good("a_tab_inside_a_value_is_allowed", b"X-A: a\tb\r\n", {"X-A": "a\tb"}),
    good("a_colon_inside_a_value_is_allowed", b"X-A: a:b: c\r\n", {"X-A": "a:b: c"}),
    good(
        "a_name_of_odd_token_characters_is_allowed",
        b"X!#$%&'*+-.^_`|~9: 1\r\n",
        {"X!#$%&'*+-.^_`|~9": "1"},
    ),
    good("content_encoding_is_passed", b"Content-Encoding: gzip\r\n", {"Content-Encoding": "gzip"}),
    good(
        "the_content_type_is_passed_as_it_is",
        b"Content-Type: Text/HTML; Charset=UTF-8\r\n",
        {"Content-Type": "Text/HTML; Charset=UTF-8"},
        differs="Apache makes the type lower case.",
    ),
    good("no_content_type_is_invented", b"Status: 200 OK\r\n", {"Content-Type": ()}),
    good(
        "a_name_keeps_its_value_whatever_its_case",
        b"cOnTeNt-TyPe: a/b\r\nSTATUS: 202 Yes\r\n",
        {"Content-Type": "a/b"},
        status=202,
    ),
)

_REPEATED = (
    good(
        "set_cookie_lines_stay_apart_and_in_order",
        b"Set-Cookie: a=1\r\nset-cookie: b=2, 3\r\nX-A: 1\r\nSet-Cookie: a=1\r\n",
        {"Set-Cookie": ("a=1", "b=2, 3", "a=1"), "X-A": "1"},
    ),
    good(
        "other_repeated_fields_stay_apart_and_in_order",
        b"X-A: 1\r\nX-A: 2\r\nx-a: 3\r\n",
        {"X-A": ("1", "2", "3")},
        differs="Apache joins them.",
    ),
    good(
        "link_lines_stay_apart_and_in_order",
        b"Link: <a>\r\nLink: <b>\r\n",
        {"Link": ("<a>", "<b>")},
        differs="Apache joins them.",
    ),
    good(
        "vary_lines_stay_apart_and_in_order",
        b"Vary: A, B\r\nVary: b, c\r\n",
        {"Vary": ("A, B", "b, c")},
        differs="Apache joins them and drops repetitions.",
    ),
    good(
        "challenges_stay_apart_and_in_order",
        b"Status: 401 No\r\nWWW-Authenticate: A\r\nWWW-Authenticate: B\r\n",
        {"WWW-Authenticate": ("A", "B")},
        status=401,
        differs="Apache joins them.",
    ),
    good(
        "the_first_etag_counts",
        b'ETag: "1"\r\nETag: "2"\r\n',
        {"ETag": '"1"'},
        differs="Apache keeps the last, lighttpd both.",
    ),
    good(
        "the_first_last_modified_counts",
        b"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT\r\n",
        {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"},
        differs="Apache keeps the newest, lighttpd both.",
    ),
    good(
        "the_first_expires_counts",
        b"Expires: 0\r\nExpires: 1\r\n",
        {"Expires": "0"},
        differs="Apache joins them, lighttpd keeps both.",
    ),
    bad(
        "two_content_types_are_502",
        b"Content-Type: text/plain\r\nContent-Type: text/html\r\n",
        "nginx keeps the first, Apache the last, lighttpd both.",
    ),
    bad(
        "two_locations_are_502",
        b"Status: 302 F\r\nLocation: /a\r\nLocation: /b\r\n",
        "nginx keeps the first, Apache the last, lighttpd both.",
    ),
)

_HOP_BY_HOP = (
    _hidden(
        "hop_by_hop_fields_of_the_backend_stop_here",
        b"Keep-Alive: timeout=5\r\nUpgrade: foo/2\r\nTE: x\r\nTrailer: X-T\r\n"
        b"Proxy-Authenticate: Basic\r\nProxy-Connection: close\r\n",
        "Keep-Alive",
        "Upgrade",
        "TE",
        "Trailer",
        "Proxy-Authenticate",
        "Proxy-Connection",
        differs="The peers pass most of them; they speak of a connection the client has not.",
    ),
    _hidden(
        "fields_named_by_connection_stop_here",
        b"Connection: X-Hop\r\nX-Hop: 1\r\n",
        "X-Hop",
        differs="The peers pass them; RFC 9110 7.6.1.",
    ),
    Case(
        "connection_of_the_backend_cannot_remove_what_the_client_needs",
        get("/a/x"),
        Answer(200, headers={"Set-Cookie": "a=1", "Content-Length": "4"}, body=b"body"),
        backend=backend(
            b"Connection: Set-Cookie, Content-Length\r\nSet-Cookie: a=1\r\nContent-Length: 4\r\n"
        ),
        show=("Set-Cookie", "Content-Length"),
        differs="Apache drops every length of a backend.",
    ),
    _hidden(
        "control_fields_for_other_gateways_stop_here",
        b"X-Accel-Buffering: no\r\nX-Accel-Expires: 0\r\nX-Accel-Limit-Rate: 1000\r\n"
        b"X-Accel-Charset: utf-8\r\n",
        "X-Accel-Buffering",
        "X-Accel-Expires",
        "X-Accel-Limit-Rate",
        "X-Accel-Charset",
        differs="They are meant for nginx and nothing for a client.",
    ),
    _hidden(
        "paths_meant_for_other_gateways_stop_here",
        b"X-Accel-Redirect: /refused/secret\r\nX-Sendfile: /etc/passwd\r\n",
        "X-Accel-Redirect",
        "X-Sendfile",
        differs="A path of the server is nothing for a client; nginx follows it itself.",
    ),
    Case(
        "the_gateway_s_date_and_server_are_sent_once",
        get("/a/x"),
        Answer(
            200,
            body=b"body",
            check=lambda r: (
                None
                if len(r.all("Date")) == 1 and len(r.all("Server")) <= 1
                else f"Date {r.all('Date')}, Server {r.all('Server')}"
            ),
        ),
        backend=backend(b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: mine\r\n"),
        show=("Server",),
    ),
)

CASES = (*_LINES, *_VALUES, *_REPEATED, *_HOP_BY_HOP)
