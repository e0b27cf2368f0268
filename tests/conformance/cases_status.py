"""Cases: the status of a response: ``Status``, an HTTP first line, Location, and 1xx."""

from __future__ import annotations

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_response_head import backend
from tests.conformance.requests import get, get_old
from tests.kit.script import ReadHead, ReadToEnd, Reply, Write, play

_NO_REASON = "nginx before 1.25.3 sends a status line without its last blank."
_BAD_STATUS = "RFC 3875 6.3.3: three digits; Apache answers 500 but with the backend's body."


def _status(name: str, value: bytes, status: int, reason: str | None, differs: str = "") -> Case:
    answer = Answer(status, reason=reason, headers={"X-A": "1"}, body=b"body")
    script = backend(b"Status: " + value + b"\r\nX-A: 1\r\n")
    return Case(name, get("/a/x"), answer, Sees(), script, differs=differs)


def _bad(name: str, value: bytes, differs: str = _BAD_STATUS) -> Case:
    answer = Answer(502, without=("X-A",))
    script = backend(b"Status: " + value + b"\r\nX-A: 1\r\n")
    return Case(name, get("/a/x"), answer, Sees(), script, differs=differs)


def _line(name: str, line: bytes, status: int, differs: str = "") -> Case:
    good = status != 502
    answer = Answer(status, headers={"X-A": "1"} if good else {}, body=b"body" if good else None)
    script = Reply(line + b"\r\nX-A: 1\r\n\r\nbody")
    return Case(name, get("/a/x"), answer, Sees(), script, differs=differs)


def _location(name: str, head: bytes, status: int, location: str, differs: str = "") -> Case:
    answer = Answer(status, headers={"Location": location}, body=b"body")
    show = ("Location",)
    return Case(name, get("/a/x"), answer, Sees(), backend(head), show=show, differs=differs)


_NO_302 = "Apache answers 200; RFC 3875 6.2.3 asks for 302."
_LENIENT = "nginx and lighttpd take it for a field; Apache answers 500."

_STATUSES = (
    _status("a_status_with_its_reason", b"404 Not Found", 404, "Not Found"),
    _status(
        "a_status_with_a_reason_of_its_own",
        b"404 Custom words",
        404,
        "Custom words",
        "lighttpd has its own words.",
    ),
    _status("a_status_without_reason_gets_the_usual_one", b"404", 404, "Not Found", _NO_REASON),
    _status("a_status_and_a_blank_gets_the_usual_reason", b"404 ", 404, None, _NO_REASON),
    _status("two_blanks_before_the_reason", b"404  two", 404, None),
    _status("an_unknown_status_with_reason", b"299 Foo", 299, None),
    _status("an_unknown_status_without_reason", b"299", 299, None, _NO_REASON),
    _status("the_smallest_final_status", b"200 OK", 200, "OK"),
    _status("the_largest_status", b"599 x", 599, None),
    _status("a_reason_with_bytes_above_127", b"404 Fou\xc3\xa9", 404, None),
    Case(
        "no_status_is_200",
        get("/a/x"),
        Answer(200, reason="OK", body=b"body"),
        backend=backend(b"X-A: 1\r\n"),
        smoke=True,
    ),
    Case(
        "a_status_behind_other_fields_counts",
        get("/a/x"),
        Answer(418, headers={"X-A": "1", "X-B": "2"}, without=("Status",), body=b"body"),
        backend=backend(b"X-A: 1\r\nStatus: 418 Tea\r\nX-B: 2\r\n"),
        show=("Status",),
    ),
    Case(
        "an_error_of_the_backend_keeps_its_own_page",
        get("/a/x"),
        Answer(500, headers={"X-A": "1"}, body=b"body"),
        backend=backend(b"Status: 500 Mine\r\nX-A: 1\r\n"),
        smoke=True,
    ),
    _bad("a_status_below_100_is_502", b"99 x"),
    _bad("a_status_of_zeros_is_502", b"000 x"),
    _bad("a_status_of_one_digit_is_502", b"0"),
    _bad("an_empty_status_is_502", b""),
    _bad("a_status_of_letters_is_502", b"abc"),
    _bad("a_negative_status_is_502", b"-5"),
    _bad("a_signed_status_is_502", b"+404 x"),
    _bad("a_status_with_a_leading_zero_is_502", b"0404 x"),
    _bad("a_status_of_four_digits_is_502", b"2000 Far"),
    _bad("a_status_glued_to_its_reason_is_502", b"404Custom"),
    _bad("a_status_with_a_fraction_is_502", b"404.5 x"),
    _bad("a_status_of_600_is_502", b"600 x"),
    _bad("a_status_of_999_is_502", b"999 x"),
    _bad("a_status_of_other_digits_is_502", "\u0664\u0660\u0664".encode()),
    _bad("a_control_byte_in_the_reason_is_502", b"404 a\x01b"),
    _bad("a_cr_in_the_reason_is_502", b"200 OK\rSet-Cookie: e=1"),
    _bad("an_unasked_101_is_502", b"101 Switching Protocols", "The peers forward it."),
    Case(
        "two_statuses_are_502",
        get("/a/x"),
        Answer(502),
        backend=backend(b"Status: 200 OK\r\nStatus: 404 Not Found\r\n"),
        differs="nginx takes the first, Apache the last.",
    ),
)

_FIRST_LINES = (
    _line(
        "an_http_1_1_first_line_is_a_status", b"HTTP/1.1 404 Not Found", 404, "Apache answers 500."
    ),
    _line("an_http_first_line_needs_no_reason", b"HTTP/1.1 404", 404, "Apache answers 500."),
    _line("an_http_2_first_line_is_502", b"HTTP/2 404", 502, _LENIENT),
    Case(
        "an_http_first_line_and_a_status_are_502",
        get("/a/x"),
        Answer(502),
        backend=Reply(b"HTTP/1.1 200 OK\r\nStatus: 404 No\r\n\r\nbody"),
        differs="nginx and lighttpd take one of the two; Apache answers 500.",
    ),
    _line(
        "an_http_1_0_first_line_is_a_status", b"HTTP/1.0 201 Created", 201, "Apache answers 500."
    ),
    _line(
        "an_http_first_line_without_status_is_502", b"HTTP/1.1 xyz", 502, "nginx makes a 200 of it."
    ),
    _line("an_http_first_line_with_four_digits_is_502", b"HTTP/1.1 2000 OK", 502, _LENIENT),
    _line("an_http_first_line_with_a_cr_is_502", b"HTTP/1.1 200 O\rK", 502, _LENIENT),
    Case(
        "an_http_line_behind_a_field_is_502",
        get("/a/x"),
        Answer(502),
        backend=backend(b"X-A: 1\r\nHTTP/1.1 200 OK\r\n"),
        differs=_LENIENT,
    ),
)

_LOCATIONS = (
    _location(
        "an_absolute_location_without_status_is_302",
        b"Location: http://e.test/x\r\n",
        302,
        "http://e.test/x",
        _NO_302,
    ),
    _location(
        "a_location_that_looks_like_a_host_is_302",
        b"Location: //e.test/x\r\n",
        302,
        "//e.test/x",
        "Apache takes it for a path of its own.",
    ),
    _location(
        "a_relative_location_without_status_is_302", b"Location: foo\r\n", 302, "foo", _NO_302
    ),
    _location(
        "a_location_keeps_the_status_it_has",
        b"Status: 201 C\r\nLocation: http://e/\r\n",
        201,
        "http://e/",
    ),
    _location(
        "a_location_with_an_explicit_200_stays_a_200",
        b"Status: 200 OK\r\nLocation: http://e/\r\n",
        200,
        "http://e/",
    ),
    _location("a_301_stays_a_301", b"Location: /x\r\nStatus: 301 M\r\n", 301, "/x"),
)

_INTERIM = (
    Case(
        "a_100_of_the_backend_is_consumed",
        get("/a/x"),
        Answer(200, headers={"X-A": "1"}, body=b"body"),
        backend=Reply(b"Status: 100 Continue\r\n\r\nStatus: 200 OK\r\nX-A: 1\r\n\r\nbody"),
        differs="nginx and Apache take it for the final response.",
    ),
    Case(
        "an_http_100_of_the_backend_is_consumed",
        get("/a/x"),
        Answer(404, headers={"X-A": "1"}, body=b"body"),
        backend=Reply(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nX-A: 1\r\n\r\nbody"),
        differs="nginx takes it for the final response, Apache answers 500.",
    ),
    Case(
        "early_hints_reach_the_client",
        get("/a/x"),
        Answer(200, interim=(103,), headers={"X-A": "1"}, body=b"body"),
        backend=Reply(
            b"Status: 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
            b"Status: 200 OK\r\nX-A: 1\r\n\r\nbody"
        ),
        differs="nginx and Apache take it for the final response.",
    ),
    Case(
        "early_hints_are_not_sent_to_http_1_0",
        get_old("/a/x"),
        Answer(200, interim=(), headers={"X-A": "1"}, body=b"body"),
        backend=Reply(
            b"Status: 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
            b"Status: 200 OK\r\nX-A: 1\r\n\r\nbody"
        ),
        differs="RFC 9110 15.2: no 1xx to an HTTP/1.0 client.",
    ),
    Case(
        "a_flood_of_1xx_is_502",
        get("/a/x"),
        Answer(502),
        backend=play(ReadHead(), Write(b"Status: 100 Continue\r\n\r\n" * 4000), ReadToEnd()),
        differs="nginx and Apache take the first for the final response.",
    ),
    Case(
        "nothing_but_a_1xx_is_502",
        get("/a/x"),
        Answer(502),
        backend=Reply(b"Status: 100 Continue\r\n\r\n"),
        differs="nginx and Apache take it for the final response.",
    ),
)

CASES = (*_STATUSES, *_FIRST_LINES, *_LOCATIONS, *_INTERIM)
