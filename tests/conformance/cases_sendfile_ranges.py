"""Cases: parts of files, RFC 9110 sections 13.1.5 and 14."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_sendfile import CONTROL_FIELDS, HAVE_SENDFILE, names, sent
from tests.conformance.files import CONTENT, LAST_MODIFIED
from tests.conformance.requests import get, get_old, post
from tests.kit.response import Response

_WHOLE = "Apache sends the whole file: it knows no ranges of it."
_INVALID = "lighttpd answers 416, or with those parts that it understands."
_LATER = "Mon, 07 Nov 1994 08:49:37 GMT"


def _part(
    name: str,
    ranges: str,
    body: bytes,
    content_range: str,
    *fields: str,
    differs: str = _WHOLE,
) -> Case:
    """Return a case of a part of the file."""
    return replace(
        sent(
            name,
            names("p.txt", 'ETag: "mine"'),
            {"Content-Range": content_range, "Content-Length": str(len(body))},
            status=206,
            body=body,
            differs=differs,
        ),
        send=get("/sf/x", f"Range: {ranges}", *fields),
    )


def _whole(name: str, *fields: str, differs: str = "") -> Case:
    """Return a case in which a Range is ignored."""
    return replace(
        sent(
            name,
            names("p.txt", 'ETag: "mine"'),
            {"Content-Range": ()},
            differs=differs,
        ),
        send=get("/sf/x", *fields),
    )


def _unsatisfiable(name: str, ranges: str) -> Case:
    return replace(
        sent(
            name,
            names("p.txt", 'ETag: "mine"', "Set-Cookie: a=1"),
            {"Content-Range": "bytes */36", "ETag": (), "Last-Modified": ()},
            status=416,
            body=None,
            differs=f"{_WHOLE} lighttpd does not tell the length.",
        ),
        send=get("/sf/x", f"Range: {ranges}"),
    )


_RANGES = (
    _part("the_first_bytes_of_a_file", "bytes=0-3", b"0123", "bytes 0-3/36"),
    _part("one_byte_of_a_file", "bytes=5-5", b"5", "bytes 5-5/36"),
    _part("the_middle_of_a_file", "bytes=10-12", b"abc", "bytes 10-12/36"),
    _part("the_rest_of_a_file", "bytes=30-", b"uvwxyz", "bytes 30-35/36"),
    _part("the_last_bytes_of_a_file", "bytes=-3", b"xyz", "bytes 33-35/36"),
    _part("more_last_bytes_than_there_are", "bytes=-99", CONTENT, "bytes 0-35/36"),
    _part("a_range_that_ends_behind_the_file", "bytes=34-99", b"yz", "bytes 34-35/36"),
    _part(
        "the_unit_is_compared_without_case",
        "Bytes=0-1",
        b"01",
        "bytes 0-1/36",
        differs=f"{_WHOLE} lighttpd compares case.",
    ),
    _part(
        "empty_members_of_a_range_are_ignored",
        "bytes=,0-1 ,",
        b"01",
        "bytes 0-1/36",
        differs=f"{_WHOLE} lighttpd wants no blanks.",
    ),
    _part("ranges_that_touch_are_one", "bytes=0-1,2-3", b"0123", "bytes 0-3/36"),
    _part("ranges_that_overlap_are_one", "bytes=0-5,2-7", b"01234567", "bytes 0-7/36"),
    _part("a_range_that_cannot_be_is_left_out", "bytes=99-,0-1", b"01", "bytes 0-1/36"),
    replace(
        _part(
            "a_part_for_http_1_0",
            "",
            b"0123",
            "bytes 0-3/36",
            differs=f"{_WHOLE} lighttpd answers HTTP/1.0 with all.",
        ),
        send=get_old("/sf/x", "Range: bytes=0-3"),
    ),
    _unsatisfiable("a_range_behind_the_file_is_416", "bytes=36-"),
    _unsatisfiable("ranges_behind_the_file_are_416", "bytes=36-40,50-"),
    _unsatisfiable("the_last_no_bytes_are_416", "bytes=-0"),
    _whole("a_range_backwards_is_ignored", "Range: bytes=5-2", differs=_INVALID),
    _whole("a_range_of_letters_is_ignored", "Range: bytes=a-b", differs=_INVALID),
    _whole("a_range_of_nothing_is_ignored", "Range: bytes=", differs=_INVALID),
    _whole("a_range_with_an_invalid_member_is_ignored", "Range: bytes=0-1,x", differs=_INVALID),
    _whole("a_range_in_another_unit_is_ignored", "Range: lines=0-1"),
    _whole(
        "very_many_ranges_are_ignored",
        "Range: bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(70)),
        differs="lighttpd takes the first few.",
    ),
    replace(
        _whole(
            "a_range_of_a_post_is_ignored",
        ),
        send=post("/sf/x", b"hello", "Range: bytes=0-3"),
    ),
    replace(
        sent(
            "a_range_of_a_head_is_ignored",
            names("p.txt"),
            {"Content-Range": (), "Content-Length": "36"},
            body=b"",
            differs=_WHOLE,
        ),
        send=get("/sf/x", "Range: bytes=0-3", method="HEAD"),
        methods=("HEAD",),
    ),
    replace(
        sent(
            "a_range_of_an_error_is_ignored",
            names("p.txt", head="Status: 404 Not Found"),
            {"Content-Range": ()},
            status=404,
        ),
        send=get("/sf/x", "Range: bytes=0-3"),
    ),
    replace(
        sent(
            "a_range_of_an_empty_file_is_ignored",
            names("empty.txt"),
            {"Content-Range": (), "Content-Length": "0"},
            body=b"",
            differs="lighttpd may answer 416, for which no Content-Range can be written.",
        ),
        send=get("/sf/x", "Range: bytes=-5"),
    ),
)


def _two_parts(response: Response) -> str | None:
    kind, _, boundary = (response.get("Content-Type") or "").partition("; boundary=")
    if kind != "multipart/byteranges":
        return f"the type is {kind}"
    head = "--{}\r\nContent-Type: text/plain\r\nContent-Range: bytes {}/36\r\n\r\n{}\r\n"
    parts = [head.format(boundary, *part) for part in (("0-1", "01"), ("10-11", "ab"))]
    expected = "".join([*parts, f"--{boundary}--\r\n"]).encode()
    return None if response.body == expected else f"the body is {response.body!r}"


_MULTIPLE = (
    Case(
        "two_parts_of_a_file",
        get("/sf/x", "Range: bytes=0-1,10-11"),
        Answer(206, without=(*CONTROL_FIELDS, "Content-Range"), check=_two_parts),
        Sees(),
        names("p.txt", "Content-Type: text/plain"),
        peers=HAVE_SENDFILE,
        differs=f"{_WHOLE} lighttpd sends one part with all that lies between.",
    ),
)

_IF_RANGE = (
    _part("if_range_with_the_tag", "bytes=0-1", b"01", "bytes 0-1/36", 'If-Range: "mine"'),
    _part(
        "if_range_with_the_date",
        "bytes=0-1",
        b"01",
        "bytes 0-1/36",
        f"If-Range: {LAST_MODIFIED}",
        differs=f"{_WHOLE} lighttpd compares tags only.",
    ),
    _whole("if_range_with_another_tag", "Range: bytes=0-1", 'If-Range: "other"'),
    _whole("if_range_with_a_weak_tag", "Range: bytes=0-1", 'If-Range: W/"mine"'),
    _whole("if_range_with_a_later_date", "Range: bytes=0-1", f"If-Range: {_LATER}"),
    _whole("if_range_with_nonsense", "Range: bytes=0-1", "If-Range: mine"),
)

CASES = (*_RANGES, *_MULTIPLE, *_IF_RANGE)
