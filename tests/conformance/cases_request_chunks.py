"""Cases: chunked requests (RFC 9112 section 7.1), which SCGI can only carry with a length."""

from __future__ import annotations

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.reasons import APACHE_411
from tests.conformance.requests import (
    chunked,
    get,
    post_chunked,
    request,
)
from tests.kit.http import HalfClose, Send, SendPieces

_POST = ("POST",)


_BIG = bytes(range(256)) * 1200  # 300 kB


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
        differs=APACHE_411,
        smoke=name == "a_chunked_body_gets_its_true_length",
    )


def _bad_chunks(name: str, raw_body: bytes, differs: str = APACHE_411) -> Case:
    steps = (Send(post_chunked("/a/x", raw_body)), HalfClose())
    return Case(name, steps, Answer(400), (), methods=_POST, differs=differs)


def _coding(
    name: str, fields: tuple[str, ...], status: int | tuple[int, ...], differs: str = ""
) -> Case:
    raw = get("/a/x", *fields, method="POST") + chunked(b"hello")
    return Case(name, raw, Answer(status), (), methods=_POST, differs=differs)


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
        APACHE_411,
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
        differs=APACHE_411,
    ),
)


CASES = (*_CHUNKS,)
