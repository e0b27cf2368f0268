"""Cases: request bodies of every length and framing, and clients that do not finish them."""

from __future__ import annotations

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.reasons import APACHE_411
from tests.conformance.requests import (
    chunked,
    get,
    head_of_post,
    post,
    post_chunked,
    two,
)
from tests.kit.gates import Open, Wait
from tests.kit.http import Await, Break, HalfClose, Send, SendPieces, SendReading
from tests.kit.response import End
from tests.kit.script import ReadBody, ReadHead, ReadToEnd, Write, play

_POST = ("POST",)
_BIG = bytes(range(256)) * 1200  # 300 kB
_HALF_MEGABYTE = b"u" * (512 * 1024)


def _with_length(name: str, value: str, differs: str = "") -> Case:
    raw = head_of_post("/a/x", value) + b"hello"
    return Case(name, raw, Answer(400), (), methods=_POST, differs=differs)


_LENGTHS = (
    Case(
        "a_get_with_a_body_is_passed",
        post("/a/x", b"foobar", method="GET"),
        FINE,
        Sees(has={"CONTENT_LENGTH": "6", "REQUEST_METHOD": "GET"}, body=b"foobar"),
        differs="lighttpd answers 400.",
    ),
    Case(
        "a_delete_with_a_body_is_passed",
        post("/a/x", b"foobar", method="DELETE"),
        FINE,
        Sees(has={"REQUEST_METHOD": "DELETE"}, body=b"foobar"),
        methods=("DELETE",),
    ),
    Case(
        "a_head_with_a_body_is_passed",
        post("/a/x", b"foobar", method="HEAD"),
        Answer(200, body=b""),
        Sees(has={"REQUEST_METHOD": "HEAD"}, body=b"foobar"),
        methods=("HEAD",),
        differs="lighttpd answers 400 to a GET or HEAD with a body.",
    ),
    Case(
        "length_zero_is_no_body",
        post("/a/x", b""),
        FINE,
        Sees(has={"CONTENT_LENGTH": "0"}, body=b""),
        methods=_POST,
    ),
    Case(
        "a_body_of_300_kb_arrives_whole",
        post("/a/x", _BIG, method="PUT"),
        FINE,
        Sees(has={"CONTENT_LENGTH": str(len(_BIG))}, body=_BIG),
        methods=("PUT",),
        smoke=True,
    ),
    Case(
        "a_body_sent_byte_by_byte_arrives_whole",
        (Send(head_of_post("/a/x", 64)), SendPieces(_BIG[:64])),
        FINE,
        Sees(body=_BIG[:64]),
        methods=_POST,
    ),
    Case(
        "a_head_sent_byte_by_byte_is_understood",
        (SendPieces(post("/a/x?q", b"hello", "X-A: 1")),),
        FINE,
        Sees(has={"QUERY_STRING": "q", "HTTP_X_A": "1"}, body=b"hello"),
        methods=_POST,
    ),
    Case(
        "the_backend_has_the_head_before_the_body_is_there",
        (Send(head_of_post("/stream/x", 10)), Wait("head"), Send(b"0123456789")),
        FINE,
        Sees(body=b"0123456789"),
        differs="nginx before 1.29.6 announces less than it sends.",
        backend=play(ReadHead(), Open("head"), ReadBody(), Write(OK)),
        methods=_POST,
    ),
    Case(
        "a_body_streams_through_piece_by_piece",
        (
            Send(head_of_post("/stream/x", 6)),
            Wait("head"),
            Send(b"abc"),
            Wait("abc"),
            Send(b"def"),
        ),
        FINE,
        Sees(body=b"abcdef"),
        differs="nginx before 1.29.6 announces less than it sends.",
        backend=play(ReadHead(), Open("head"), ReadBody(3), Open("abc"), ReadBody(), Write(OK)),
        methods=_POST,
    ),
    Case(
        "a_buffered_body_costs_no_connection_until_it_is_whole",
        (Send(head_of_post("/buffered/x", 10) + b"abc"), HalfClose()),
        Answer(400),
        (),
        methods=_POST,
        differs="Apache connects before it looks at the body.",
    ),
    Case(
        "a_buffered_body_arrives_whole",
        post("/buffered/x", _BIG),
        FINE,
        Sees(has={"CONTENT_LENGTH": str(len(_BIG))}, body=_BIG),
        methods=_POST,
    ),
    Case(
        "a_line_end_behind_the_body_belongs_to_nobody",
        post("/a/x", b"foobar") + b"\n",
        FINE,
        Sees(body=b"foobar"),
        methods=_POST,
    ),
    Case(
        "a_pipelined_request_is_not_part_of_the_body",
        two(post("/a/one", b"hello"), get("/a/two")),
        (FINE, FINE),
        (
            Sees(has={"REQUEST_URI": "/a/one"}, body=b"hello"),
            Sees(has={"REQUEST_URI": "/a/two", "REQUEST_METHOD": "GET"}, body=b""),
        ),
        methods=("POST", "GET"),
    ),
    _with_length("a_length_with_letters_is_refused", "5x"),
    _with_length("a_negative_length_is_refused", "-5"),
    _with_length("a_signed_length_is_refused", "+5"),
    _with_length("an_empty_length_is_refused", "", "lighttpd answers 411."),
    _with_length("a_length_with_underscore_is_refused", "1_0"),
    _with_length("a_list_of_lengths_is_refused", "5, 5"),
    _with_length("a_length_of_20_digits_is_refused", "9" * 20),
    Case(
        "two_equal_lengths_are_refused",
        get("/a/x", "Content-Length: 5", "Content-Length: 5", method="POST") + b"hello",
        Answer(400),
        (),
        methods=_POST,
    ),
    Case(
        "two_different_lengths_are_refused",
        get("/a/x", "Content-Length: 5", "Content-Length: 6", method="POST") + b"hello!",
        Answer(400),
        (),
        methods=_POST,
    ),
)

_LIMITS = (
    Case(
        "a_body_at_the_limit_is_passed",
        post("/small/x", b"0123456789"),
        FINE,
        Sees(body=b"0123456789"),
        methods=_POST,
    ),
    Case(
        "a_body_over_the_limit_is_413",
        post("/small/x", b"0123456789a"),
        Answer(413),
        (),
        methods=_POST,
        differs="Apache connects to the backend first.",
        smoke=True,
    ),
    Case(
        "a_chunked_body_at_the_limit_is_passed",
        post_chunked("/small/x", chunked(b"01234", b"56789")),
        FINE,
        Sees(body=b"0123456789"),
        methods=_POST,
        differs=APACHE_411,
    ),
    Case(
        "a_chunked_body_over_the_limit_is_413",
        post_chunked("/small/x", chunked(b"01234", b"56789", b"a")),
        Answer(413),
        (),
        methods=_POST,
        differs=APACHE_411 + " lighttpd's limits are in kilobytes.",
    ),
    Case(
        "a_client_that_does_not_listen_while_sending_gets_its_413",
        post("/small/x", _HALF_MEGABYTE),
        Answer(413),
        (),
        differs="Apache connects to the backend first; lighttpd's limits are in kilobytes.",
        methods=_POST,
        # A reset would tell such a client that its request failed, and nothing else.
        client_end=End.EOF,
    ),
    Case(
        "a_client_that_does_not_listen_while_sending_gets_its_503",
        post("/refused/x", _HALF_MEGABYTE),
        Answer(503),
        (),
        differs="nginx answers 502.",
        methods=_POST,
        # A reset would tell such a client that its request failed, and nothing else.
        client_end=End.EOF,
    ),
    Case(
        "a_body_far_over_the_limit_is_not_read_to_its_end",
        (SendReading(head_of_post("/small/x", 64 * 1024 * 1024) + b"u" * (4 * 1024 * 1024)),),
        Answer(413),
        (),
        differs="Apache connects to the backend first; nginx reads on for seconds.",
        methods=_POST,
    ),
)

_BROKEN_OFF = (
    Case(
        "a_client_that_sends_less_than_it_said_gets_400",
        (Send(head_of_post("/a/x", 10) + b"abc"), HalfClose()),
        Answer(400),
        Sees(cut=True),
        backend=ReadToEnd(),
        methods=_POST,
        differs="Apache answers 500; the peers that buffer never contact the backend.",
        smoke=True,
    ),
    Case(
        "a_client_that_resets_in_its_body_ends_the_backend_s_connection",
        (Send(head_of_post("/stream/x", 10) + b"abc"), Wait("abc"), Break()),
        (),
        Sees(cut=True),
        backend=play(ReadHead(), ReadBody(3), Open("abc"), ReadToEnd()),
        methods=_POST,
        differs="nginx before 1.29.6 announces less than it sends.",
        client_stays=False,
    ),
    Case(
        "a_client_that_falls_silent_in_its_body_gets_408",
        head_of_post("/quick/x", 10) + b"abc",
        Answer(408),
        Sees(cut=True),
        backend=ReadToEnd(),
        methods=_POST,
        differs="Apache answers 500 and blames the backend; nginx never contacts it.",
    ),
    Case(
        "a_client_that_falls_silent_in_a_chunked_body_gets_408",
        post_chunked("/quick/x", b"3\r\nfoo\r\n"),
        Answer(408),
        (),
        methods=_POST,
        differs="nginx and lighttpd close without an answer; Apache answers 411.",
    ),
)

_EXPECT = (
    Case(
        "expect_100_is_answered_here_and_not_forwarded",
        (
            Send(head_of_post("/a/x", 5, "Expect: 100-continue")),
            Await(b"100 Continue\r\n\r\n"),
            Send(b"hello"),
        ),
        Answer(200, body=b"ok", interim=(100,)),
        Sees(lacks=("HTTP_EXPECT",), body=b"hello"),
        methods=_POST,
        show=("HTTP_EXPECT",),
        differs="nginx and Apache forward the header too; it is only meant for this hop.",
    ),
    Case(
        "expect_100_before_a_chunked_body",
        (
            Send(post_chunked("/a/x", b"", "Expect: 100-Continue")),
            Await(b"100 Continue\r\n\r\n"),
            Send(chunked(b"hello")),
        ),
        Answer(200, body=b"ok", interim=(100,)),
        Sees(lacks=("HTTP_EXPECT",), body=b"hello"),
        methods=_POST,
        differs=APACHE_411,
    ),
    Case(
        "an_unknown_expectation_is_417",
        get("/a/x", "Expect: foo"),
        Answer(417),
        (),
        differs="nginx ignores it.",
    ),
)

CASES = (*_LENGTHS, *_LIMITS, *_BROKEN_OFF, *_EXPECT)
