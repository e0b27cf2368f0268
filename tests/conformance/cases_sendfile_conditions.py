"""Cases: ranges and conditions for files, RFC 9110 sections 13 and 14."""

from __future__ import annotations

from dataclasses import dataclass

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_sendfile import CONTROL_FIELDS, HAVE_SENDFILE, Fields, names, sent
from tests.conformance.files import A_SECOND_BEFORE, CONTENT, LAST_MODIFIED
from tests.conformance.requests import get, get_old, post
from tests.kit.http import Client, Send
from tests.kit.response import Response

_WHOLE = "Apache sends the whole file: it knows no ranges of it."
_NO_TAG = "Apache's 304 tells the client the path; lighttpd compares no tags."
_NO_DATE = "Neither Apache nor lighttpd compares the date of the file."
_NO_412 = "Apache's 412 tells the client the path; lighttpd knows no If-Match and no 412."
_INVALID = "lighttpd answers 416, or with those parts that it understands."
_LATER = "Mon, 07 Nov 1994 08:49:37 GMT"


def _part(
    name: str,
    ranges: str,
    body: bytes,
    content_range: str,
    *fields: str,
    send: bytes | None = None,
    differs: str = _WHOLE,
) -> Case:
    """Return a case of a part of the file."""
    return sent(
        name,
        names("p.txt", 'ETag: "mine"'),
        {"Content-Range": content_range, "Content-Length": str(len(body))},
        status=206,
        send=send or get("/sf/x", f"Range: {ranges}", *fields),
        body=body,
        differs=differs,
    )


def _whole(name: str, *fields: str, differs: str = "", send: bytes | None = None) -> Case:
    """Return a case in which a Range is ignored."""
    return sent(
        name,
        names("p.txt", 'ETag: "mine"'),
        {"Content-Range": ()},
        send=send or get("/sf/x", *fields),
        differs=differs,
    )


def _unsatisfiable(name: str, ranges: str) -> Case:
    return sent(
        name,
        names("p.txt", 'ETag: "mine"', "Set-Cookie: a=1"),
        {"Content-Range": "bytes */36"},
        status=416,
        send=get("/sf/x", f"Range: {ranges}"),
        body=None,
        without=("ETag", "Last-Modified"),
        differs=f"{_WHOLE} lighttpd does not tell the length.",
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
    _part(
        "a_part_for_http_1_0",
        "",
        b"0123",
        "bytes 0-3/36",
        send=get_old("/sf/x", "Range: bytes=0-3"),
        differs=f"{_WHOLE} lighttpd answers HTTP/1.0 with all.",
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
    _whole("a_range_of_a_post_is_ignored", send=post("/sf/x", b"hello", "Range: bytes=0-3")),
    sent(
        "a_range_of_a_head_is_ignored",
        names("p.txt"),
        {"Content-Range": (), "Content-Length": "36"},
        send=get("/sf/x", "Range: bytes=0-3", method="HEAD"),
        method="HEAD",
        body=b"",
        differs=_WHOLE,
    ),
    sent(
        "a_range_of_an_error_is_ignored",
        names("p.txt", head="Status: 404 Not Found"),
        {"Content-Range": ()},
        status=404,
        send=get("/sf/x", "Range: bytes=0-3"),
    ),
    sent(
        "a_range_of_an_empty_file_is_ignored",
        names("empty.txt"),
        {"Content-Range": (), "Content-Length": "0"},
        send=get("/sf/x", "Range: bytes=-5"),
        body=b"",
        differs="lighttpd may answer 416, for which no Content-Range can be written.",
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


def _condition(
    name: str,
    field: str,
    status: int,
    *more: str,
    differs: str = "",
    send: bytes | None = None,
    method: str = "GET",
    fields: Fields | None = None,
) -> Case:
    """Return a case of one condition on a file with an ETag of the backend's."""
    body = {200: CONTENT, 304: b""}.get(status)
    default = {"ETag": '"mine"'} if status != 412 else {}
    return sent(
        name,
        names("p.txt", 'ETag: "mine"', "Set-Cookie: a=1"),
        default if fields is None else fields,
        status=status,
        send=send or get("/sf/x", field, *more, method=method),
        method=method,
        body=body,
        differs=differs or {304: _NO_TAG, 412: _NO_412}.get(status, ""),
    )


_APACHE_NOW = "Apache takes now for the date of an answer without one, and its 412 tells the path."
_CONDITIONS = (
    _condition("the_tag_that_is_known_is_304", 'If-None-Match: "mine"', 304),
    _condition("the_tag_is_compared_weakly", 'If-None-Match: W/"mine"', 304),
    _condition("one_of_several_tags", 'If-None-Match: "a", "mine" , "b"', 304),
    _condition("any_tag_is_304", "If-None-Match: *", 304),
    _condition("another_tag_is_200", 'If-None-Match: "other"', 200),
    _condition("a_304_for_head", 'If-None-Match: "mine"', 304, method="HEAD"),
    _condition(
        "a_304_keeps_cookies_and_describes_no_content",
        'If-None-Match: "mine"',
        304,
        fields={"Set-Cookie": "a=1", "Content-Type": (), "Content-Length": ()},
    ),
    _condition(
        "the_date_that_is_known_is_304",
        f"If-Modified-Since: {LAST_MODIFIED}",
        304,
        differs=_NO_DATE,
    ),
    _condition("a_later_date_is_304", f"If-Modified-Since: {_LATER}", 304, differs=_NO_DATE),
    _condition("an_earlier_date_is_200", f"If-Modified-Since: {A_SECOND_BEFORE}", 200),
    _condition("a_date_that_is_none_is_200", "If-Modified-Since: yesterday", 200),
    _condition(
        "a_tag_is_stronger_than_a_date",
        'If-None-Match: "other"',
        200,
        f"If-Modified-Since: {LAST_MODIFIED}",
    ),
    _condition(
        "the_obsolete_forms_of_dates_are_understood",
        "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT",
        304,
        differs=_NO_DATE,
    ),
    _condition("the_tag_that_must_be_is", 'If-Match: "mine"', 200),
    _condition("any_tag_will_do", "If-Match: *", 200),
    _condition("a_tag_that_must_be_but_is_not_is_412", 'If-Match: "other"', 412),
    _condition("a_weak_tag_is_no_match", 'If-Match: W/"mine"', 412),
    _condition(
        "unmodified_since_its_date",
        f"If-Unmodified-Since: {LAST_MODIFIED}",
        200,
        differs=_APACHE_NOW,
    ),
    _condition(
        "modified_since_an_earlier_date_is_412",
        f"If-Unmodified-Since: {A_SECOND_BEFORE}",
        412,
    ),
    _condition(
        "if_match_is_stronger_than_a_date",
        'If-Match: "mine"',
        200,
        f"If-Unmodified-Since: {A_SECOND_BEFORE}",
        differs=_APACHE_NOW,
    ),
    _condition(
        "if_match_is_looked_at_before_if_none_match",
        'If-None-Match: "mine"',
        412,
        'If-Match: "other"',
    ),
    _condition("a_304_is_stronger_than_a_range", 'If-None-Match: "mine"', 304, "Range: bytes=0-1"),
    _condition(
        "a_condition_of_a_post_is_the_backend_s",
        "",
        200,
        send=post("/sf/x", b"hello", 'If-None-Match: "mine"'),
        method="POST",
    ),
    sent(
        "a_condition_on_an_error_is_ignored",
        names("p.txt", 'ETag: "mine"', head="Status: 404 Not Found"),
        {"ETag": '"mine"'},
        status=404,
        send=get("/sf/x", 'If-None-Match: "mine"'),
    ),
    sent(
        "a_condition_counts_with_status_200_too",
        names("p.txt", 'ETag: "mine"', head="Status: 200 OK"),
        {"ETag": '"mine"'},
        status=304,
        send=get("/sf/x", 'If-None-Match: "mine"'),
        body=b"",
        differs="Apache compares only where no Status was written; lighttpd compares no tags.",
    ),
    sent(
        "conditions_of_the_backend_and_of_the_file_are_one",
        names("p.txt", 'ETag: "mine"'),
        {"ETag": '"mine"'},
        status=304,
        send=get("/sf/cond/x", "If-None-Match: *"),
        body=b"",
        differs=_NO_TAG,
        peers=HAVE_SENDFILE,
    ),
)


@dataclass(frozen=True, slots=True)
class _SendAgain:
    """Step: read the first response's ETag, and send it with ``field`` in a second request."""

    field: str
    more: tuple[str, ...] = ()

    def __call__(self, client: Client) -> None:
        """Send a request with the ETag, or none where there was none."""
        if not client.await_bytes(CONTENT):
            return
        head = bytes(client.received).partition(b"\r\n\r\n")[0].decode("latin-1")
        tags = [line for line in head.split("\r\n") if line.lower().startswith("etag:")]
        tag = tags[0].partition(":")[2].strip() if tags else '"none"'
        client.send(get("/sf/two", f"{self.field}: {tag}", *self.more))


def _again(name: str, field: str, status: int, body: bytes, *more: str) -> Case:
    """Return a case of a second request with the tag that the gateway made for the file."""
    return Case(
        name,
        (Send(get("/sf/one").replace(b"Connection: close\r\n", b"")), _SendAgain(field, more)),
        (
            Answer(200, body=CONTENT, without=CONTROL_FIELDS),
            Answer(status, body=body, without=CONTROL_FIELDS),
        ),
        (Sees(), Sees()),
        names("p.txt"),
        methods=("GET", "GET"),
        peers=HAVE_SENDFILE,
        differs="Apache has no tag for the file, lighttpd does not compare its own.",
    )


_OWN_TAG = (
    _again("the_tag_of_a_file_is_304", "If-None-Match", 304, b""),
    _again("the_tag_of_a_file_is_strong", "If-Match", 200, CONTENT),
    _again("the_tag_of_a_file_is_good_for_ranges", "If-Range", 206, b"01", "Range: bytes=0-1"),
)

CASES = (*_RANGES, *_MULTIPLE, *_IF_RANGE, *_CONDITIONS, *_OWN_TAG)
