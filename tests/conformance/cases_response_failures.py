"""Cases: response heads that are too large or never complete, and the error pages they give."""

from __future__ import annotations

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.cases_response_head import backend, bad, good
from tests.conformance.requests import get, two
from tests.kit.backend import Script
from tests.kit.gates import Open, Wait
from tests.kit.http import Await, Send
from tests.kit.response import Response
from tests.kit.script import Close, ReadBody, ReadHead, ReadToEnd, Reply, Reset, Write, play


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


_SIZES = (
    good(
        "a_line_of_8189_bytes_is_allowed",
        b"X-A: " + b"x" * 8184 + b"\r\n",
        {"X-A": "x" * 8184},
        differs="nginx allows 4 KiB for the whole head.",
    ),
    bad("a_line_of_8190_bytes_is_502", b"X-A: " + b"x" * 8185 + b"\r\n"),
    good(
        "500_lines_are_allowed",
        b"".join(b"X-%d: 1\r\n" % n for n in range(500)),
        {"X-499": "1"},
        differs="nginx allows 4 KiB for the whole head.",
    ),
    bad(
        "1100_lines_are_502",
        b"".join(b"X-%d: 1\r\n" % n for n in range(1100)),
        "Apache and lighttpd have no such limit.",
    ),
    good(
        "60_kb_are_allowed",
        b"".join(b"X-%d: %b\r\n" % (n, b"x" * 7500) for n in range(8)),
        {"X-7": "x" * 7500},
        differs="nginx allows 4 KiB for the whole head.",
    ),
    bad(
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


CASES = (
    *_SIZES,
    *_ENDS,
)
