"""The response head: what a valid one is, and each way not to be one."""

from collections.abc import Sequence
from http import HTTPStatus

import pytest

from tests.splitting import Splitting, at_once, every_splitting
from wsgi_scgi.errors import ProtocolError
from wsgi_scgi.scgi.response_head import (
    MAX_LINE,
    MAX_LINES,
    MAX_SIZE,
    ResponseHead,
    ResponseHeadParser,
)

trailing_data = pytest.mark.parametrize(
    "trailing", [b"", b"body", b"\n\n", b"\0Status: 500\n\n", b"x" * 70000]
)


def receive(pieces: Sequence[bytes]) -> tuple[ResponseHead, bytes, list[ResponseHead]]:
    """Return the head, what came behind it, and the interim heads before it."""
    parser = ResponseHeadParser()
    behind = iter(pieces)
    for piece in behind:
        head = parser.receive(piece)
        if head is not None:
            return head, parser.rest + b"".join(behind), parser.interim
    raise AssertionError("no head in all of the bytes")


def parse(data: bytes, split: Splitting = at_once) -> ResponseHead:
    return receive(split(data))[0]


def refuse(data: bytes, split: Splitting, cause: str) -> None:
    """Expect ProtocolError with this cause."""
    with pytest.raises(ProtocolError, match=cause):
        receive(split(data))


@every_splitting
@trailing_data
def test_a_head_ends_with_an_empty_line_and_the_rest_is_the_body(
    split: Splitting, trailing: bytes
) -> None:
    data = b"Status: 404 Not Here\r\nContent-Type: text/plain\r\n\r\n"

    head, rest, interim = receive(split(data + trailing))

    assert head == ResponseHead(
        404, "Not Here", (("Content-Type", "text/plain"),), None, explicit_status=True
    )
    assert rest == trailing
    assert interim == []


def test_a_parser_tells_whether_any_byte_has_come() -> None:
    fresh, used = ResponseHeadParser(), ResponseHeadParser()
    used.receive(b"S")

    assert (fresh.started, used.started) == (False, True)


@every_splitting
@trailing_data
@pytest.mark.parametrize(
    "data",
    [
        b"Content-Type: a\nX: b\n\n",
        b"Content-Type: a\r\nX: b\r\n\r\n",
        b"Content-Type: a\nX: b\r\n\n",
        b"Content-Type: a\r\nX: b\n\r\n",
        b"Content-Type:a\nX:b\n\n",
        b"Content-Type: \t a \t\nX:\tb\n\n",
    ],
)
def test_lines_end_with_lf_or_crlf_and_blanks_around_a_value_do_not_count(
    split: Splitting, trailing: bytes, data: bytes
) -> None:
    head, rest, _ = receive(split(data + trailing))

    assert head.fields == (("Content-Type", "a"), ("X", "b"))
    assert rest == trailing


@every_splitting
@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"garbage with blanks",
        b": no name",
        b"X A: 1",
        b"X-A : 1",
        b"X-A\t: 1",
        b" X-A: 1",
        b"\tX-A: 1",
        b"X(A): 1",
        b"X-\xc3\xa9: 1",
        b"X-A: 1\r2",
        b"X-A: 1\r",
        b"\r",
        b"\rX-A: 1",
        b"X-A: a\x00b",
        b"X\x00A: b",
        b"X-A: a\x01b",
        b"X-A: a\x1bb",
        b"X-A: a\x7fb",
        b"X-A: a\x0bb",
        b"  a folded line",
        b"HTTP/1.1 200 OK",
        b"HTTP/2 200",
        b"\x00",
        b"24:CONTENT_LENGTH\x000\x00,",
    ],
)
def test_a_line_that_is_no_field_makes_the_head_invalid(split: Splitting, line: bytes) -> None:
    refuse(b"X-First: 1\r\n" + line + b"\r\n\r\nbody", split, "is not a line of a response head")


def test_a_bad_line_is_found_out_before_the_head_is_complete() -> None:
    parser = ResponseHeadParser()

    with pytest.raises(ProtocolError, match="220 smtp ready"):
        parser.receive(b"220 smtp ready\r\n")


def test_an_error_message_shows_only_the_start_of_a_line() -> None:
    with pytest.raises(ProtocolError) as caught:
        ResponseHeadParser().receive(b"y" * 5000 + b"\n")

    assert len(str(caught.value)) < 200


@every_splitting
@pytest.mark.parametrize(
    ("value", "status", "reason"),
    [
        ("200", 200, "OK"),
        ("200 OK", 200, "OK"),
        ("404 Custom", 404, "Custom"),
        ("404  two  blanks ", 404, "two  blanks"),
        ("404\tTab", 404, "Tab"),
        ("299", 299, "Unknown"),
        ("299 Foo", 299, "Foo"),
        ("599 x", 599, "x"),
        ("500 \xe9t\xe9", 500, "\xe9t\xe9"),
        ("418", 418, HTTPStatus(418).phrase),
    ],
)
@pytest.mark.parametrize("form", ["Status: {}", "status:{}", "STATUS: {}\t"])
def test_a_status_keeps_its_reason_or_gets_its_own(
    split: Splitting, form: str, value: str, status: int, reason: str
) -> None:
    head = parse(form.format(value).encode("latin-1") + b"\n\n", split)

    assert (head.status, head.reason, head.explicit_status) == (status, reason, True)
    assert head.fields == ()


@every_splitting
@pytest.mark.parametrize(
    "value",
    [
        "",
        "abc",
        "99",
        "000",
        "099",
        "600",
        "999",
        "2000",
        "2000 Far",
        "-5",
        "+200",
        "0200",
        "200OK",
        "404.5 x",
        "404Custom",
        "101",
        "101 Switching Protocols",
        "\xb2\xb2\xb2",
        "20 0",
    ],
)
def test_what_is_no_status_of_three_digits_from_200_to_599_is_refused(
    split: Splitting, value: str
) -> None:
    refuse(f"Status: {value}\nX: y\n\n".encode("latin-1"), split, "is not a status")


@every_splitting
@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        ("HTTP/1.1 200 OK", 200, "OK"),
        ("HTTP/1.0 404 Not Here", 404, "Not Here"),
        ("HTTP/1.1 204", 204, "No Content"),
        ("HTTP/1.1 204 ", 204, "No Content"),
        ("HTTP/1.1  302  Go", 302, "Go"),
        ("HTTP/1.1 500 it: failed", 500, "it: failed"),
    ],
)
def test_a_well_formed_status_line_may_come_first(
    split: Splitting, line: str, status: int, reason: str
) -> None:
    head = parse(f"{line}\r\nX: y\r\n\r\n".encode(), split)

    assert (head.status, head.reason, head.explicit_status) == (status, reason, True)
    assert head.fields == (("X", "y"),)


@every_splitting
@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("HTTP/1.1 xyz", "is not a line"),
        ("HTTP/1.1", "is not a line"),
        ("HTTP/1.1 20", "is not a line"),
        ("HTTP/1.1 2000 OK", "is not a line"),
        ("HTTP/1.1\t200 OK", "is not a line"),
        ("HTTP/2.0 200 OK", "is not a line"),
        ("HTTP/1.11 200 OK", "is not a line"),
        ("http/1.1 200 OK", "is not a line"),
        (" HTTP/1.1 200 OK", "is not a line"),
        ("HTTP/1.1 101 Switching Protocols", "is not a status"),
        ("HTTP/1.1 099 x", "is not a status"),
        ("HTTP/1.1 600 x", "is not a status"),
        ("HTTP/1.1 200 OK\nHTTP/1.1 200 OK", "is not a line"),
        ("HTTP/1.1 200 OK\nStatus: 200", "two statuses"),
        ("Status: 200\nHTTP/1.1 200 OK", "is not a line"),
        ("Status: 200\nStatus: 200", "two statuses"),
        ("Status: 200\nX: y\nstatus: 404", "two statuses"),
    ],
)
def test_a_malformed_or_second_status_is_refused(split: Splitting, line: str, cause: str) -> None:
    refuse(f"{line}\nX: y\n\n".encode(), split, cause)


@every_splitting
@trailing_data
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_an_empty_head_is_refused(split: Splitting, trailing: bytes, line_end: bytes) -> None:
    refuse(line_end + trailing, split, "is empty")


@every_splitting
@pytest.mark.parametrize(
    ("fields", "status", "explicit"),
    [
        ("Location: http://a.test/x", 302, False),
        ("Location: /local", 302, False),
        ("location: /local\nContent-Type: text/plain", 302, False),
        ("Location:", 200, False),
        ("Status: 200\nLocation: /x", 200, True),
        ("Location: /x\nStatus: 201 Made", 201, True),
        ("Content-Type: text/plain", 200, False),
    ],
)
def test_a_location_without_a_status_is_302(
    split: Splitting, fields: str, status: int, explicit: bool
) -> None:
    head = parse(f"{fields}\n\n".encode(), split)

    assert (head.status, head.explicit_status) == (status, explicit)


def test_302_without_a_status_says_found() -> None:
    assert parse(b"Location: /x\n\n").reason == "Found"


@every_splitting
@pytest.mark.parametrize(
    ("value", "length"),
    [("0", 0), ("5", 5), ("0005", 5), ("9223372036854775807", 2**63 - 1)],
)
def test_a_content_length_is_a_decimal_number(split: Splitting, value: str, length: int) -> None:
    head = parse(f"content-LENGTH: {value}\n\n".encode(), split)

    assert head.content_length == length
    assert head.fields == (("content-LENGTH", value),)


@every_splitting
@pytest.mark.parametrize(
    "value",
    ["", "abc", "-1", "+2", "1 2", "1,1", "0x10", "1.0", "9223372036854775808", "1" * 20, "\xb2"],
)
def test_a_malformed_content_length_is_refused(split: Splitting, value: str) -> None:
    data = f"Content-Length: {value}\n\n".encode("latin-1")

    refuse(data, split, "is not a Content-Length")


@every_splitting
@pytest.mark.parametrize("value", ["chunked", "identity", "gzip, chunked", ""])
@pytest.mark.parametrize("other", ["", "Content-Length: 2\n"])
def test_any_transfer_encoding_is_refused(split: Splitting, value: str, other: str) -> None:
    refuse(f"{other}transfer-Encoding: {value}\n\n".encode(), split, "Transfer-Encoding")


@every_splitting
@pytest.mark.parametrize("name", ["Content-Length", "Content-Type", "Location"])
def test_a_field_that_decides_something_may_not_stand_twice(split: Splitting, name: str) -> None:
    refuse(f"{name}: 1\nX: y\n{name.lower()}: 1\n\n".encode(), split, "two content-|two location")


@every_splitting
@pytest.mark.parametrize(
    "name", ["ETag", "Date", "Expires", "Last-Modified", "Server", "Content-Range"]
)
def test_of_repeated_validators_the_first_counts(split: Splitting, name: str) -> None:
    head = parse(f"{name}: 1\nX: y\n{name.upper()}: 2\n\n".encode(), split)

    assert head.fields == ((name, "1"), ("X", "y"))


@every_splitting
def test_all_other_repeated_fields_stay_apart_and_in_order(split: Splitting) -> None:
    lines = ["Set-Cookie: a=1", "Vary: A", "set-cookie: b=2", "Link: <x>", "Vary: B", "Link: <y>"]
    lines += ["Set-Cookie: a=1", "X-A:", "X-A: \xe9\x80"]

    head = parse("".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1"), split)

    assert [f"{name}: {value}".rstrip() for name, value in head.fields] == lines


@every_splitting
@trailing_data
def test_interim_heads_are_set_apart_from_the_final_one(split: Splitting, trailing: bytes) -> None:
    data = (
        b"Status: 100 Continue\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\nLink: </a.css>\nLink: </b.css>\n\n"
        b"Status: 201\nX: y\n\n"
    )

    head, rest, interim = receive(split(data + trailing))

    assert (head.status, head.fields, rest) == (201, (("X", "y"),), trailing)
    assert [(hint.status, hint.fields) for hint in interim] == [
        (100, ()),
        (103, (("Link", "</a.css>"), ("Link", "</b.css>"))),
    ]


@every_splitting
def test_an_interim_head_is_as_strict_as_a_final_one(split: Splitting) -> None:
    refuse(b"Status: 103\nContent-Length: x\n\n", split, "Content-Length")
    refuse(b"Status: 103\n\n\n", split, "is empty")


@every_splitting
@trailing_data
def test_the_heads_can_be_had_as_they_came(split: Splitting, trailing: bytes) -> None:
    data = b"Status: 103\r\nLink: </a>\n\nStatus:200\n\n"
    parser = ResponseHeadParser()
    assert parser.raw == b""

    for piece in split(data + trailing):
        if parser.receive(piece) is not None:
            break

    assert parser.raw == data


def test_an_interim_head_is_there_before_the_final_one() -> None:
    parser = ResponseHeadParser()

    assert parser.receive(b"Status: 103\nLink: <x>\n\nSta") is None
    assert [hint.status for hint in parser.interim] == [103]


@every_splitting
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_line_may_have_8189_bytes_without_its_end(split: Splitting, line_end: bytes) -> None:
    line = b"X-Long: " + b"v" * (MAX_LINE - 8)
    assert len(line) == MAX_LINE

    head = parse(line + line_end * 2, split)

    assert len(head.fields[0][1]) == MAX_LINE - 8
    refuse(line + b"v" + line_end * 2, split, f"longer than {MAX_LINE} bytes")


@every_splitting
def test_an_endless_line_is_cut_short_by_its_length(split: Splitting) -> None:
    refuse(b"X: " + b"v" * (MAX_LINE + 2), split, "longer than")


@every_splitting
@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 103 x\n\n"])
def test_a_head_has_at_most_1000_lines_interim_ones_included(
    split: Splitting, first: bytes
) -> None:
    lines = b"X:\n" * (MAX_LINES - bool(first))

    assert len(parse(first + lines + b"\n", split).fields) == MAX_LINES - bool(first)
    refuse(first + lines + b"X:\n\n", split, f"more than {MAX_LINES} lines")


@every_splitting
def test_a_head_has_at_most_65536_bytes_with_the_empty_line(split: Splitting) -> None:
    line = b"X: " + b"v" * 4000 + b"\n"
    start = line * (MAX_SIZE // len(line))
    # The last LF may stand behind that many bytes, not further.
    last = b"Y: " + b"w" * (MAX_SIZE - len(start) - 4) + b"\n"
    assert len(start + last) == MAX_SIZE

    assert parse(start + last + b"\n", split).status == 200
    refuse(start + last.replace(b"w", b"ww", 1) + b"\n", split, f"larger than {MAX_SIZE} bytes")


@every_splitting
def test_interim_heads_count_towards_the_size(split: Splitting) -> None:
    hint = b"Status: 103\nX: " + b"v" * 8000 + b"\n\n"

    refuse(hint * 10, split, "larger than")
