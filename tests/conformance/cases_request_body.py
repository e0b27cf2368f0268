"""Cases: request bodies of every length and framing, and clients that do not finish them."""

from __future__ import annotations

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import (
    chunked,
    get,
    head_of_post,
    post,
    post_chunked,
    request,
    two,
)
from tests.kit.gates import Open, Wait
from tests.kit.http import Await, Break, HalfClose, Send, SendPieces, SendReading
from tests.kit.response import End
from tests.kit.script import ReadBody, ReadHead, ReadToEnd, Write, play

_POST = ("POST",)
_APACHE_411 = "Apache answers 411 to every chunked request, after it connected."
_BIG = bytes(range(256)) * 1200  # 300 kB
_HALF_MEGABYTE = b"u" * (512 * 1024)


def _with_length(name: str, value: str, differs: str = "") -> Case:
    raw = head_of_post("/a/x", value) + b"hello"
    return Case(name, raw, Answer(400), (), methods=_POST, differs=differs)


def _chunked(name: str, raw_body: bytes, body: bytes, *fields: str) -> Case:
    return Case(
        name,
        post_chunked("/a/x", raw_body, *fields),
        FINE,
        Sees(
            has={"CONTENT_LENGTH": str(len(body))},
            lacks=("HTTP_TRANSFER_ENCODING", "HTTP_TRAILER", "HTTP_X_T", "HTTP_X_FORWARDED_FOR"),
            body=body,
        ),
        methods=_POST,
        show=("CONTENT_LENGTH",),
        differs=_APACHE_411,
        smoke=name == "a_chunked_body_gets_its_true_length",
    )


def _bad_chunks(name: str, raw_body: bytes, differs: str = _APACHE_411) -> Case:
    steps = (Send(post_chunked("/a/x", raw_body)), HalfClose())
    return Case(name, steps, Answer(400), (), methods=_POST, differs=differs)


def _coding(
    name: str, fields: tuple[str, ...], status: int | tuple[int, ...], differs: str = ""
) -> Case:
    raw = get("/a/x", *fields, method="POST") + chunked(b"hello")
    return Case(name, raw, Answer(status), (), methods=_POST, differs=differs)


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

_CHUNKS = (
    _chunked("a_chunked_body_gets_its_true_length", chunked(b"foobar"), b"foobar"),
    _chunked("an_empty_chunked_body_has_length_zero", chunked(), b""),
    _chunked(
        "several_chunks_are_one_body", chunked(b"foo", b"b", b"ar" * 100), b"foob" + b"ar" * 100
    ),
    _chunked("chunk_extensions_are_ignored", b"3;a=b\r\nfoo\r\n0\r\n\r\n", b"foo"),
    _chunked("a_chunked_body_of_300_kb_arrives_whole", chunked(_BIG), _BIG),
    _chunked(
        "trailers_are_dropped",
        chunked(b"foo", trailer=b"X-T: 1\r\nX-Forwarded-For: 6.6.6.6\r\n"),
        b"foo",
        "Trailer: X-T",
    ),
    Case(
        "a_trailer_that_would_change_the_request_is_refused",
        post_chunked("/a/x", chunked(b"foo", trailer=b"Content-Length: 9\r\nHost: evil\r\n")),
        Answer(400),
        (),
        methods=_POST,
        differs="RFC 9110 6.5.1 forbids them; nginx drops them like any other.",
    ),
    Case(
        "a_chunked_body_that_comes_in_pieces_gets_its_true_length",
        (SendPieces(post_chunked("/stream/x", chunked(b"foo", b"bar"))),),
        FINE,
        Sees(has={"CONTENT_LENGTH": "6"}, body=b"foobar"),
        methods=_POST,
        show=("CONTENT_LENGTH",),
        differs="Apache answers 411; lighttpd does too when it streams.",
    ),
    _bad_chunks("a_chunk_size_that_is_none_is_refused", b"zz\r\nfoo\r\n0\r\n\r\n"),
    _bad_chunks("a_negative_chunk_size_is_refused", b"-3\r\nfoo\r\n0\r\n\r\n"),
    _bad_chunks("a_chunk_longer_than_it_says_is_refused", b"3\r\nfoobar\r\n0\r\n\r\n"),
    _bad_chunks(
        "a_chunked_body_without_end_is_refused",
        b"3\r\nfoo\r\n",
        "nginx and lighttpd close without an answer; Apache answers 411.",
    ),
    _coding(
        "length_and_chunked_together_are_refused",
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        400,
        _APACHE_411,
    ),
    _coding(
        "a_coding_before_chunked_is_501",
        ("Transfer-Encoding: gzip, chunked",),
        501,
        "Apache connects to the backend first.",
    ),
    _coding(
        "a_body_that_does_not_end_in_chunked_is_refused",
        ("Transfer-Encoding: gzip",),
        400,
        "Its end cannot be known: RFC 9112 6.3 asks for 400.",
    ),
    # gunicorn's two parsers do not agree; RFC 9112 6.1 and 6.3 allow either.
    _coding(
        "a_coding_that_only_looks_like_chunked_is_refused",
        ("Transfer-Encoding: xchunked",),
        (400, 501),
    ),
    Case(
        "chunked_in_http_1_0_is_refused",
        request("POST /a/x HTTP/1.0", "Transfer-Encoding: chunked", body=chunked(b"hello")),
        Answer(400),
        (),
        methods=_POST,
        differs=_APACHE_411,
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
        differs=_APACHE_411,
    ),
    Case(
        "a_chunked_body_over_the_limit_is_413",
        post_chunked("/small/x", chunked(b"01234", b"56789", b"a")),
        Answer(413),
        (),
        methods=_POST,
        differs=_APACHE_411 + " lighttpd's limits are in kilobytes.",
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
        "a_client_that_resets_in_a_chunked_body_costs_no_connection",
        (Send(post_chunked("/a/x", b"3\r\nfoo\r\n")), Break()),
        (),
        (),
        methods=_POST,
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
        differs=_APACHE_411,
    ),
    Case(
        "an_unknown_expectation_is_417",
        get("/a/x", "Expect: foo"),
        Answer(417),
        (),
        differs="nginx ignores it.",
    ),
)

CASES = (*_LENGTHS, *_CHUNKS, *_LIMITS, *_BROKEN_OFF, *_EXPECT)
