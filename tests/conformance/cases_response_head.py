"""Cases: response heads of a backend, valid and not, and what of them reaches the client.

RFC 3875 section 6 says what a CGI response is, RFC 9110 section 5 what a valid field is. Whatever
is neither is 502 here: a field that the peers repair in different ways is a way to smuggle.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.requests import get, two
from tests.kit.backend import Script
from tests.kit.gates import Open, Wait
from tests.kit.http import Await, Send
from tests.kit.response import Response
from tests.kit.script import Close, Drip, ReadBody, ReadHead, ReadToEnd, Reply, Reset, Write, play

_LENIENT = "Apache answers 500; nginx and lighttpd repair it or pass it on."
Fields = Mapping[str, str | tuple[str, ...]]
_TYPE = b"Content-Type: text/plain\r\n"


def backend(head: bytes, body: bytes = b"body") -> Script:
    """Return a script that answers with ``head``, an empty line and ``body``."""
    return Reply(head + b"\r\n" + body)


def _good(name: str, head: bytes, fields: Fields, *, differs: str = "", status: int = 200) -> Case:
    show = tuple(fields)
    answer = Answer(status, headers=fields, body=b"body")
    return Case(name, get("/a/x"), answer, Sees(), backend(head), show=show, differs=differs)


def _bad(name: str, head: bytes, differs: str = _LENIENT, smoke: bool = False) -> Case:
    """Return a case of a head that is 502 although a body follows."""
    answer = Answer(502, without=("X-A", "Set-Cookie", "X-B"), check=_no_backend_body)
    script = backend(head, b"secret body")
    return Case(name, get("/a/x"), answer, Sees(), script, differs=differs, smoke=smoke)


def _no_backend_body(response: Response) -> str | None:
    return "the backend's body was sent on" if b"secret body" in response.body else None


def _is_an_error_page(response: Response) -> str | None:
    if not response.get("X-Request-ID"):
        return "no X-Request-ID"
    # The page names the route, so that somebody with many of them knows where to look.
    return (
        None if b"/a/" in response.body else f"the page does not name the route: {response.body!r}"
    )


def _ended(name: str, *steps: Script, differs: str = "", smoke: bool = False) -> Case:
    """Return a case of a backend that ends before its head does."""
    script = play(ReadHead(), ReadBody(), *steps)
    return Case(name, get("/a/x"), Answer(502), Sees(), script, differs=differs, smoke=smoke)


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
    _bad(
        "a_cr_inside_a_value_is_502",
        b"X-A: 1\r2\r3\r\n",
        "Apache deletes every CR, which glues what it kept apart.",
    ),
    _bad(
        "a_set_cookie_behind_a_cr_is_502",
        b"X-A: a\rSet-Cookie: e=1\r\n",
        "Apache deletes every CR, which glues what it kept apart.",
    ),
    _bad("two_crs_before_the_lf_are_502", b"X-A: 1\r\r\n", "Apache deletes every CR."),
    _bad("a_line_without_colon_is_502", b"garbage\r\n", "nginx makes it a header without value."),
    _bad("words_without_colon_are_502", b"more garbage here\r\n"),
    _bad(
        "a_line_without_colon_after_good_ones_is_502",
        _TYPE + b"garbage\r\n",
        "lighttpd ignores it.",
    ),
    _bad("a_folded_field_is_502", b"X-A: 1\r\n  folded\r\n", "lighttpd cuts or unfolds the value."),
    _bad("a_folded_status_is_502", b"Status: 200 OK\r\n\tX-A: 1\r\n"),
    _bad("a_blank_before_the_first_name_is_502", b" X-A: 1\r\n"),
    _bad("a_blank_before_the_colon_is_502", b"X-A : 1\r\n", "lighttpd forwards it."),
    _bad("a_blank_inside_a_name_is_502", b"X A: 1\r\n", "lighttpd forwards it."),
    _bad("an_empty_name_is_502", b": 1\r\n", smoke=True),
    _bad("a_name_with_brackets_is_502", b"X(A): 1\r\n", "nginx and lighttpd forward it."),
    _bad("a_name_with_a_byte_above_127_is_502", b"X-\xc3\xa9: 1\r\n"),
    _bad("nul_in_a_value_is_502", b"X-A: a\0b\r\n", "Apache cuts the value there."),
    _bad("nul_in_a_name_is_502", b"X\0A: a\r\n"),
    _bad("a_control_byte_in_a_value_is_502", b"X-A: a\x01b\r\n", "nginx forwards it."),
    _bad("a_delete_byte_in_a_value_is_502", b"X-A: a\x7fb\r\n", "The peers forward it."),
    _bad("an_escape_byte_in_a_content_type_is_502", b"Content-Type: text/\x1bplain\r\n"),
)

_VALUES = (
    _good("bytes_above_127_in_a_value_are_kept", b"X-A: caf\xc3\xa9\r\n", {"X-A": "caf\xc3\xa9"}),
    _good("an_empty_value_is_forwarded", b"X-A:\r\n", {"X-A": ""}, differs="lighttpd drops it."),
    _good("blanks_around_a_value_are_no_part_of_it", b"X-A: \t a  b \t \r\n", {"X-A": "a  b"}),
    _good("a_value_may_follow_the_colon_at_once", b"X-A:1\r\n", {"X-A": "1"}),
    _good("a_tab_inside_a_value_is_allowed", b"X-A: a\tb\r\n", {"X-A": "a\tb"}),
    _good("a_colon_inside_a_value_is_allowed", b"X-A: a:b: c\r\n", {"X-A": "a:b: c"}),
    _good(
        "a_name_of_odd_token_characters_is_allowed",
        b"X!#$%&'*+-.^_`|~9: 1\r\n",
        {"X!#$%&'*+-.^_`|~9": "1"},
    ),
    _good(
        "content_encoding_is_passed", b"Content-Encoding: gzip\r\n", {"Content-Encoding": "gzip"}
    ),
    _good(
        "the_content_type_is_passed_as_it_is",
        b"Content-Type: Text/HTML; Charset=UTF-8\r\n",
        {"Content-Type": "Text/HTML; Charset=UTF-8"},
        differs="Apache makes the type lower case.",
    ),
    _good("no_content_type_is_invented", b"Status: 200 OK\r\n", {"Content-Type": ()}),
    _good(
        "a_name_keeps_its_value_whatever_its_case",
        b"cOnTeNt-TyPe: a/b\r\nSTATUS: 202 Yes\r\n",
        {"Content-Type": "a/b"},
        status=202,
    ),
)

_REPEATED = (
    _good(
        "set_cookie_lines_stay_apart_and_in_order",
        b"Set-Cookie: a=1\r\nset-cookie: b=2, 3\r\nX-A: 1\r\nSet-Cookie: a=1\r\n",
        {"Set-Cookie": ("a=1", "b=2, 3", "a=1"), "X-A": "1"},
    ),
    _good(
        "other_repeated_fields_stay_apart_and_in_order",
        b"X-A: 1\r\nX-A: 2\r\nx-a: 3\r\n",
        {"X-A": ("1", "2", "3")},
        differs="Apache joins them.",
    ),
    _good(
        "link_lines_stay_apart_and_in_order",
        b"Link: <a>\r\nLink: <b>\r\n",
        {"Link": ("<a>", "<b>")},
        differs="Apache joins them.",
    ),
    _good(
        "vary_lines_stay_apart_and_in_order",
        b"Vary: A, B\r\nVary: b, c\r\n",
        {"Vary": ("A, B", "b, c")},
        differs="Apache joins them and drops repetitions.",
    ),
    _good(
        "challenges_stay_apart_and_in_order",
        b"Status: 401 No\r\nWWW-Authenticate: A\r\nWWW-Authenticate: B\r\n",
        {"WWW-Authenticate": ("A", "B")},
        status=401,
        differs="Apache joins them.",
    ),
    _good(
        "the_first_etag_counts",
        b'ETag: "1"\r\nETag: "2"\r\n',
        {"ETag": '"1"'},
        differs="Apache keeps the last, lighttpd both.",
    ),
    _good(
        "the_first_last_modified_counts",
        b"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT\r\n",
        {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"},
        differs="Apache keeps the newest, lighttpd both.",
    ),
    _good(
        "the_first_expires_counts",
        b"Expires: 0\r\nExpires: 1\r\n",
        {"Expires": "0"},
        differs="Apache joins them, lighttpd keeps both.",
    ),
    _bad(
        "two_content_types_are_502",
        b"Content-Type: text/plain\r\nContent-Type: text/html\r\n",
        "nginx keeps the first, Apache the last, lighttpd both.",
    ),
    _bad(
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

_SIZES = (
    _good(
        "a_line_of_8189_bytes_is_allowed",
        b"X-A: " + b"x" * 8184 + b"\r\n",
        {"X-A": "x" * 8184},
        differs="nginx allows 4 KiB for the whole head.",
    ),
    _bad("a_line_of_8190_bytes_is_502", b"X-A: " + b"x" * 8185 + b"\r\n"),
    _good(
        "500_lines_are_allowed",
        b"".join(b"X-%d: 1\r\n" % n for n in range(500)),
        {"X-499": "1"},
        differs="nginx allows 4 KiB for the whole head.",
    ),
    _bad(
        "1100_lines_are_502",
        b"".join(b"X-%d: 1\r\n" % n for n in range(1100)),
        "Apache and lighttpd have no such limit.",
    ),
    _good(
        "60_kb_are_allowed",
        b"".join(b"X-%d: %b\r\n" % (n, b"x" * 7500) for n in range(8)),
        {"X-7": "x" * 7500},
        differs="nginx allows 4 KiB for the whole head.",
    ),
    _bad(
        "80_kb_are_502",
        b"".join(b"X-%d: %b\r\n" % (n, b"x" * 8000) for n in range(10)),
        "Apache has no limit on the sum.",
    ),
    Case(
        "an_endless_line_is_502_without_waiting_for_its_end",
        get("/a/x"),
        Answer(502),
        backend=play(ReadHead(), Write(b"g" * 20000), ReadToEnd()),
        differs="Apache reads garbage until it ends.",
    ),
    Case(
        "garbage_is_502_without_waiting_for_more",
        get("/a/x"),
        Answer(502),
        backend=play(ReadHead(), Write(b"no response at all\r\n"), ReadToEnd()),
        differs="Apache reads garbage until it ends, nginx and lighttpd wait for the empty line.",
    ),
)

_ENDS = (
    _ended("no_byte_before_the_end_is_502", differs="Apache and lighttpd answer 500.", smoke=True),
    _ended("an_end_inside_a_name_is_502", Write(b"Content-Ty"), differs="500 of Apache."),
    _ended(
        "an_end_after_a_line_is_502",
        Write(b"Content-Type: text/plain\r\n"),
        differs="Apache and lighttpd answer 500.",
    ),
    _ended(
        "an_end_inside_the_empty_line_is_502",
        Write(b"Content-Type: text/plain\r\n\r"),
        differs="Apache and lighttpd answer 500.",
    ),
    _ended("a_reset_before_the_head_is_502", Reset(), differs="Apache and lighttpd answer 500."),
    _ended(
        "a_reset_inside_the_head_is_502",
        Write(b"Status: 200 OK\r\nX-A"),
        Reset(),
        differs="Apache and lighttpd answer 500.",
    ),
    Case(
        "a_connection_that_is_closed_at_once_is_502",
        get("/a/x"),
        Answer(502),
        None,
        backend=Close(),
        differs="Apache and lighttpd answer 500.",
    ),
    Case(
        "a_connection_that_is_reset_at_once_is_an_error",
        get("/a/x"),
        # 503 where the reset is there before the connection is known to stand.
        Answer((502, 503)),
        None,
        backend=Reset(),
        differs="Apache answers 503 or 500.",
    ),
    _ended("a_close_before_the_head_is_502", Close(), differs="Apache and lighttpd answer 500."),
    _ended(
        "only_an_empty_line_is_502",
        Write(b"\r\nbody"),
        differs="The peers make a 200 of it; RFC 3875 6.2 asks for one field at least.",
    ),
    Case(
        "a_head_without_body_is_complete",
        get("/a/x"),
        Answer(200, headers={"X-A": "1"}, body=b""),
        backend=Reply(b"X-A: 1\r\n\r\n"),
    ),
    Case(
        "an_error_page_names_no_backend_and_has_an_id",
        get("/a/x"),
        Answer(502, check=_is_an_error_page),
        backend=play(ReadHead()),
        show=("X-Request-ID",),
        differs="The page says by which id the log knows the failure.",
    ),
    Case(
        "an_error_answer_to_head_has_no_body",
        get("/a/x", method="HEAD"),
        Answer(502, body=b""),
        backend=play(ReadHead()),
        methods=("HEAD",),
        differs="Apache and lighttpd answer 500.",
    ),
    Case(
        "an_error_answer_leaves_the_connection_usable",
        two(get("/a/one"), get("/a/two")),
        (Answer(502), Answer(200, body=b"ok")),
        (Sees(), Sees()),
        backend=(play(ReadHead()), Reply(OK)),
        methods=("GET", "GET"),
        differs="Apache answers 500, lighttpd closes.",
    ),
    Case(
        "a_connection_field_of_the_backend_is_not_about_the_client",
        two(get("/a/one"), get("/a/two")),
        (Answer(200, body=b"body"), Answer(200, body=b"ok")),
        (Sees(), Sees()),
        backend=(backend(b"Connection: close\r\n"), Reply(OK)),
        methods=("GET", "GET"),
        differs="Apache closes the client's connection.",
    ),
    Case(
        "an_error_page_is_json_where_the_client_prefers_it",
        get("/a/x", "Accept: application/json"),
        Answer(502, check=lambda r: None if "json" in (r.get("Content-Type") or "") else "no JSON"),
        backend=play(ReadHead()),
        show=("Content-Type",),
        differs="The peers answer programs in HTML.",
    ),
    Case(
        "an_error_page_is_text_where_the_client_prefers_it",
        get("/a/x", "Accept: text/plain"),
        Answer(
            502,
            check=lambda r: (
                None if (r.get("Content-Type") or "").startswith("text/plain") else "no text"
            ),
        ),
        backend=play(ReadHead()),
        show=("Content-Type",),
        differs="The peers answer programs in HTML.",
    ),
    Case(
        "the_head_reaches_the_client_before_the_body_is_there",
        (Send(get("/stream/x")), Await(b"\r\n\r\n"), Open("head came")),
        Answer(200, body=b"body"),
        backend=play(ReadHead(), Write(b"X-A: 1\r\n\r\n"), Wait("head came"), Write(b"body")),
    ),
)

CASES = (*_LINES, *_VALUES, *_REPEATED, *_HOP_BY_HOP, *_SIZES, *_ENDS)
