"""The answer with a file: RFC 9110 13 to 15 as tables and as properties."""

import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsgi_scgi.files.opened import FileFacts
from wsgi_scgi.files.response import FileAnswer, answer_with_file, entity_tag_of
from wsgi_scgi.gateway.response import Response
from wsgi_scgi.semantics.ranges import ByteRange

NOW = 1_767_225_600.0
MODIFIED = 784_111_777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT"
CONTENT = b"0123456789"
FACTS = FileFacts(
    name=b"/srv/files/a.txt", size=len(CONTENT), mtime_ns=MODIFIED * 10**9 + 5, inode=255
)
ETAG = f'"ff-a-{FACTS.mtime_ns:x}"'


def answer(
    method: str = "GET",
    line: str = "200 OK",
    fields: list[tuple[str, str]] | None = None,
    *,
    facts: FileFacts = FACTS,
    now: float = NOW,
    asked: Mapping[str, str] = MappingProxyType({}),
) -> FileAnswer:
    environ = {f"HTTP_{name.upper()}": value for name, value in asked.items()}
    code, reason = line.split(" ", 1)
    backend = Response(int(code), reason, fields or [])
    return answer_with_file(facts, method, environ, backend, now=now)


def field(response: FileAnswer, name: str) -> str | None:
    values = [value for key, value in response.fields if key.lower() == name]
    assert len(values) < 2, values
    return values[0] if values else None


def body(response: FileAnswer, content: bytes = CONTENT) -> bytes:
    return b"".join(
        piece if isinstance(piece, bytes) else content[piece.first : piece.last + 1]
        for piece in response.pieces
    )


# The whole file


def test_a_file_is_sent_whole_with_what_is_known_of_it() -> None:
    response = answer()
    assert (response.status, response.reason) == (200, "OK")
    assert response.pieces == (ByteRange(0, 9),)
    assert dict(response.fields) == {
        "Content-Type": "text/plain",
        "Content-Length": "10",
        "Last-Modified": DATE,
        "ETag": ETAG,
        "Accept-Ranges": "bytes",
    }


def test_an_empty_file_has_a_length_and_nothing_to_send() -> None:
    empty = FileFacts(name=b"/srv/a", size=0, mtime_ns=0, inode=1)
    response = answer(facts=empty)
    assert (response.status, field(response, "content-length")) == (200, "0")
    assert response.pieces == ()


def test_what_the_backend_said_stays() -> None:
    said = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("content-encoding", "gzip"),
        ("ETag", '"theirs"'),
        ("last-modified", BEFORE),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Cache-Control", "max-age=5"),
        ("Content-Disposition", "attachment"),
        ("X-Any", "thing"),
    ]
    response = answer(fields=said)
    assert list(response.fields[: len(said)]) == said
    assert response.fields[len(said) :] == (("Accept-Ranges", "bytes"), ("Content-Length", "10"))


def test_what_the_backend_said_of_its_own_body_is_replaced() -> None:
    said = [("Content-Length", "0"), ("Content-Range", "bytes 0-0/1"), ("Accept-Ranges", "none")]
    response = answer(fields=said)
    assert field(response, "content-length") == "10"
    assert field(response, "content-range") is None
    assert field(response, "accept-ranges") == "bytes"


def test_head_has_the_fields_of_get_and_nothing_to_send() -> None:
    assert answer("HEAD").fields == answer().fields
    assert answer("HEAD").pieces == ()
    assert answer("HEAD", asked={"range": "bytes=0-1"}).fields == answer().fields


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_answer_to_another_method_is_the_whole_file_whatever_the_conditions(
    method: str,
) -> None:
    response = answer(method, asked={"range": "bytes=0-1", "if_none_match": "*", "if_match": '"x"'})
    assert response.status == 200
    assert body(response) == CONTENT
    # What the file says of itself is not said of the resource that was posted to.
    assert dict(response.fields) == {"Content-Type": "text/plain", "Content-Length": "10"}


@pytest.mark.parametrize(
    "line", ["404 Not Found", "500 Sorry", "302 Found", "201 Created", "203 X"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_another_status_stays_and_gets_the_file_whole(method: str, line: str) -> None:
    fields = [("Location", "/x"), ("ETag", '"e"')]
    response = answer(
        method,
        line,
        fields,
        asked={"range": "bytes=0-1", "if_none_match": '"e"', "if_modified_since": DATE},
    )
    assert f"{response.status} {response.reason}" == line
    assert response.pieces == (() if method == "HEAD" else (ByteRange(0, 9),))
    assert list(response.fields) == [
        *fields,
        ("Content-Type", "text/plain"),
        ("Content-Length", "10"),
    ]


@pytest.mark.parametrize("line", ["204 No Content", "205 Reset Content", "304 Not Modified"])
def test_a_status_that_allows_no_content_gets_none(line: str) -> None:
    response = answer("GET", line, [("ETag", '"e"'), ("Content-Length", "0")])
    code, reason = line.split(" ", 1)
    assert response == FileAnswer(int(code), reason, (("ETag", '"e"'),))


def test_a_206_of_the_backend_counts_as_200() -> None:
    said = [("Content-Range", "bytes 0-4/10"), ("Content-Length", "5")]
    whole = answer("GET", "206 Partial Content", said)
    assert whole == answer()
    part = answer("GET", "206 Partial Content", said, asked={"range": "bytes=5-6"})
    assert (part.status, field(part, "content-range")) == (206, "bytes 5-6/10")


# Validators


def test_the_modification_date_is_never_in_the_future() -> None:
    ahead = FileFacts(name=b"/a", size=1, mtime_ns=int(NOW + 3600) * 10**9, inode=1)
    assert field(answer(facts=ahead), "last-modified") == "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize("years", [-60, -3000])
def test_a_modification_before_dates_began_is_given_as_their_beginning(years: int) -> None:
    old = FileFacts(name=b"/a", size=1, mtime_ns=years * 31_556_952 * 10**9, inode=1)
    assert field(answer(facts=old), "last-modified") == "Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize(
    ("mtime_ns", "age", "weak"),
    [
        (MODIFIED * 10**9 + 5, 0.2, False),
        (MODIFIED * 10**9 + 5, 0.05, True),
        (MODIFIED * 10**9 + 5, -1.0, True),
        (MODIFIED * 10**9, 1.5, True),  # no fraction: the clock may have steps of two seconds
        (MODIFIED * 10**9, 2.5, False),
    ],
)
def test_an_entity_tag_is_weak_while_a_change_could_go_unnoticed(
    mtime_ns: int, age: float, weak: bool
) -> None:
    facts = FileFacts(name=b"/a", size=1, mtime_ns=mtime_ns, inode=1)
    tag = entity_tag_of(facts, now=mtime_ns / 10**9 + age)
    assert tag.weak is weak
    later = entity_tag_of(facts, now=mtime_ns / 10**9 + 3600)
    assert not later.weak and tag.matches_weakly(later)


@pytest.mark.parametrize(
    "other",
    [
        FileFacts(name=FACTS.name, size=10, mtime_ns=FACTS.mtime_ns, inode=254),
        FileFacts(name=FACTS.name, size=11, mtime_ns=FACTS.mtime_ns, inode=255),
        FileFacts(name=FACTS.name, size=10, mtime_ns=FACTS.mtime_ns + 1, inode=255),
    ],
)
def test_another_file_size_or_time_is_another_entity_tag(other: FileFacts) -> None:
    assert not entity_tag_of(FACTS, now=NOW).matches_weakly(entity_tag_of(other, now=NOW))


# Conditions


@pytest.mark.parametrize(
    ("request_fields", "expected"),
    [
        ({"if_none_match": ETAG}, 304),
        ({"if_none_match": f"W/{ETAG}"}, 304),
        ({"if_none_match": f'"x", {ETAG}'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"x"'}, 200),
        ({"if_none_match": '"x"', "if_modified_since": DATE}, 200),
        ({"if_modified_since": DATE}, 304),
        ({"if_modified_since": BEFORE}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({"if_match": ETAG}, 200),
        ({"if_match": "*"}, 200),
        ({"if_match": f"W/{ETAG}"}, 412),
        ({"if_match": '"x"'}, 412),
        ({"if_match": '"x"', "if_none_match": ETAG}, 412),
        ({"if_unmodified_since": DATE}, 200),
        ({"if_unmodified_since": BEFORE}, 412),
        ({"if_unmodified_since": BEFORE, "if_match": ETAG}, 200),
        # Conditions come before ranges.
        ({"if_none_match": ETAG, "range": "bytes=0-1"}, 304),
        ({"if_none_match": ETAG, "range": "bytes=99-"}, 304),
        ({"if_match": '"x"', "range": "bytes=99-"}, 412),
        ({"if_match": ETAG, "range": "bytes=0-1"}, 206),
        ({"if_match": ETAG, "range": "bytes=99-"}, 416),
    ],
)
def test_conditions_on_the_validators_of_the_file(
    request_fields: dict[str, str], expected: int
) -> None:
    assert answer("GET", asked=request_fields).status == expected
    of_head = answer("HEAD", asked=request_fields).status
    assert of_head == (200 if expected in (206, 416) else expected)


@pytest.mark.parametrize(
    ("request_fields", "expected"),
    [
        ({"if_none_match": '"theirs"'}, 304),
        ({"if_none_match": ETAG}, 200),
        ({"if_modified_since": BEFORE}, 304),
        ({"if_match": '"theirs"'}, 200),
        ({"range": "bytes=0-1", "if_range": '"theirs"'}, 206),
        ({"range": "bytes=0-1", "if_range": ETAG}, 200),
        ({"range": "bytes=0-1", "if_range": DATE}, 200),
        ({"range": "bytes=0-1", "if_range": BEFORE}, 206),
    ],
)
def test_conditions_on_the_validators_of_the_backend(
    request_fields: dict[str, str], expected: int
) -> None:
    theirs = [("ETag", '"theirs"'), ("Last-Modified", BEFORE)]
    assert answer("GET", fields=theirs, asked=request_fields).status == expected


def test_304_has_the_fields_that_update_a_cache_and_no_others() -> None:
    said = [
        ("Content-Type", "text/html"),
        ("Content-Encoding", "gzip"),
        ("Content-Location", "/other"),
        ("Cache-Control", "max-age=5"),
        ("Expires", DATE),
        ("Vary", "Accept"),
        ("Set-Cookie", "a=1"),
    ]
    response = answer(fields=said, asked={"if_none_match": ETAG})
    assert (response.status, response.reason) == (304, "Not Modified")
    assert list(response.fields) == [*said[2:], ("ETag", ETAG)]
    assert response.pieces == ()


@pytest.mark.parametrize(
    ("request_fields", "code"),
    [({"if_match": '"x"'}, 412), ({"range": "bytes=10-"}, 416)],
)
def test_412_and_416_say_nothing_of_the_file_and_are_not_cached(
    request_fields: dict[str, str], code: int
) -> None:
    said = [
        ("Content-Type", "text/html"),
        ("Content-Encoding", "gzip"),
        ("Cache-Control", "public, max-age=31536000"),
        ("Expires", DATE),
        ("ETag", '"e"'),
        ("Set-Cookie", "a=1"),
    ]
    response = answer(fields=said, asked=request_fields)
    assert response.status == code
    expected = {"Set-Cookie": "a=1", "Cache-Control": "no-store", "Content-Length": "0"}
    if code == 416:
        expected["Content-Range"] = "bytes */10"
    assert dict(response.fields) == expected
    assert response.pieces == ()


# Ranges


@pytest.mark.parametrize(
    ("wanted", "content_range", "content"),
    [
        ("bytes=0-4", "bytes 0-4/10", b"01234"),
        ("bytes=5-", "bytes 5-9/10", b"56789"),
        ("bytes=-3", "bytes 7-9/10", b"789"),
        ("bytes=0-", "bytes 0-9/10", CONTENT),
        ("bytes=9-99", "bytes 9-9/10", b"9"),
        ("bytes=0-1,1-4", "bytes 0-4/10", b"01234"),
        ("bytes=4-5,99-", "bytes 4-5/10", b"45"),
    ],
)
def test_one_range_is_206_with_its_length(wanted: str, content_range: str, content: bytes) -> None:
    response = answer(asked={"range": wanted})
    assert (response.status, response.reason) == (206, "Partial Content")
    assert field(response, "content-range") == content_range
    assert field(response, "content-length") == str(len(content))
    assert field(response, "content-type") == "text/plain"
    assert field(response, "etag") == ETAG
    assert field(response, "last-modified") == DATE
    assert field(response, "accept-ranges") == "bytes"
    assert body(response) == content


@pytest.mark.parametrize(
    "wanted", ["bytes=4-2", "bytes=x", "bytes=-", "items=0-1", "bytes=0-1;", "", "bytes=0-1,x"]
)
def test_an_invalid_range_is_ignored(wanted: str) -> None:
    assert answer(asked={"range": wanted}) == answer()


def test_a_range_of_an_empty_file() -> None:
    empty = FileFacts(name=b"/srv/a", size=0, mtime_ns=0, inode=1)
    refused = answer(facts=empty, asked={"range": "bytes=0-"})
    assert (refused.status, field(refused, "content-range")) == (416, "bytes */0")
    assert answer(facts=empty, asked={"range": "bytes=-5"}).status == 200


def test_very_many_ranges_are_ignored() -> None:
    many = ",".join(f"{position}-{position}" for position in range(0, 2000, 2))
    large = FileFacts(name=b"/a", size=2000, mtime_ns=0, inode=1)
    assert answer(facts=large, asked={"range": f"bytes={many}"}).pieces == (ByteRange(0, 1999),)


def test_very_many_ranges_that_overlap_send_no_byte_twice() -> None:
    large = FileFacts(name=b"/a", size=2000, mtime_ns=0, inode=1)
    response = answer(facts=large, asked={"range": "bytes=" + ",".join(["0-"] * 64)})
    assert response.pieces == (ByteRange(0, 1999),)


@pytest.mark.parametrize(
    ("if_range", "expected"),
    [
        (ETAG, 206),
        (DATE, 206),
        (f"W/{ETAG}", 200),
        ('"x"', 200),
        (BEFORE, 200),
        ("Sun, 06 Nov 1994 08:49:38 GMT", 200),
        ("yesterday", 200),
    ],
)
def test_if_range_decides_whether_the_range_counts(if_range: str, expected: int) -> None:
    assert answer(asked={"range": "bytes=0-1", "if_range": if_range}).status == expected
    unsatisfiable = answer(asked={"range": "bytes=99-", "if_range": if_range})
    assert unsatisfiable.status == (416 if expected == 206 else 200)
    assert answer(asked={"if_range": if_range}).status == 200


def test_a_fresh_file_has_no_strong_validator_for_if_range() -> None:
    fresh = MODIFIED + 0.05
    weak = field(answer(now=fresh), "etag")
    assert weak == f"W/{ETAG}"
    for if_range in (weak, ETAG, DATE):
        assert answer(now=fresh, asked={"range": "bytes=0-1", "if_range": if_range}).status == 200
    assert answer(now=fresh, asked={"range": "bytes=0-1"}).status == 206
    assert answer(now=fresh, asked={"if_none_match": weak}).status == 304


def parts_of(response: FileAnswer, content: bytes) -> list[tuple[str, str, bytes]]:
    """Read a multipart body with the standard library's parser of MIME."""
    content_type = field(response, "content-type") or ""
    sent = body(response, content)
    assert field(response, "content-length") == str(len(sent))
    message = message_from_bytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + sent, policy=policy.HTTP
    )
    assert message.get_content_type() == "multipart/byteranges"
    return [
        (part["Content-Type"], part["Content-Range"], bytes(part.get_payload(decode=True)))
        for part in message.iter_parts()
    ]


def test_several_ranges_are_parts_in_the_order_of_the_request() -> None:
    response = answer(asked={"range": "bytes=8-9, 0-1, 4-4"})
    assert response.status == 206
    assert field(response, "content-range") is None
    assert parts_of(response, CONTENT) == [
        ("text/plain", "bytes 8-9/10", b"89"),
        ("text/plain", "bytes 0-1/10", b"01"),
        ("text/plain", "bytes 4-4/10", b"4"),
    ]


def test_a_multipart_body_is_framed_to_the_byte() -> None:
    response = answer(fields=[("Content-Type", "a/b; c=\xe9")], asked={"range": "bytes=0-0,9-9"})
    match = re.fullmatch(
        r"multipart/byteranges; boundary=([0-9a-f]{24})", field(response, "content-type") or ""
    )
    assert match is not None
    boundary = match[1].encode()
    assert body(response) == (
        b"--" + boundary + b"\r\nContent-Type: a/b; c=\xe9\r\nContent-Range: bytes 0-0/10\r\n\r\n0"
        b"\r\n--" + boundary + b"\r\nContent-Type: a/b; c=\xe9\r\n"
        b"Content-Range: bytes 9-9/10\r\n\r\n9\r\n--" + boundary + b"--\r\n"
    )


def test_no_two_answers_share_a_boundary() -> None:
    types = {field(answer(asked={"range": "bytes=0-0,9-9"}), "content-type") for _ in range(20)}
    assert len(types) == 20


def test_a_part_does_not_carry_the_digest_of_the_whole() -> None:
    said = [("Content-MD5", "x"), ("Content-Digest", "sha-256=:x:"), ("Repr-Digest", "y")]
    assert {name for name, _ in answer(fields=said).fields} >= {"Content-MD5", "Content-Digest"}
    part = answer(fields=said, asked={"range": "bytes=0-1"})
    assert field(part, "content-md5") is field(part, "content-digest") is None
    assert field(part, "repr-digest") == "y"


_NUMBERS = st.one_of(st.just(""), st.integers(min_value=0, max_value=60).map(str))
_RANGES = st.one_of(
    st.text(max_size=20),
    st.lists(st.tuples(_NUMBERS, _NUMBERS).map("-".join), max_size=8).map(
        lambda specs: "bytes=" + ",".join(specs)
    ),
)


@given(_RANGES, st.binary(max_size=40))
@example("bytes=0-0,2-2", b"--\r\n")
def test_whatever_the_range_the_bytes_are_right_and_counted(wanted: str, content: bytes) -> None:
    facts = FileFacts(name=b"/a.bin", size=len(content), mtime_ns=0, inode=1)
    response = answer(facts=facts, asked={"range": wanted})
    length = int(field(response, "content-length") or "-1")
    if response.status == 200:
        assert body(response, content) == content
        assert length == len(content)
    elif response.status == 416:
        assert field(response, "content-range") == f"bytes */{len(content)}"
        assert (length, response.pieces) == (0, ())
    else:
        assert response.status == 206
        assert length == len(body(response, content))
        single = field(response, "content-range")
        if single is not None:
            parts = [("", single, body(response, content))]
        else:
            parts = parts_of(response, content)
            assert len(parts) > 1
        for _, content_range, part in parts:
            match = re.fullmatch(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)", content_range)
            assert match is not None
            first, last, size = map(int, match.groups())
            assert size == len(content)
            assert part == content[first : last + 1] and len(part) == last - first + 1


@given(
    st.sampled_from(["GET", "HEAD", "POST"]),
    st.sampled_from(["200 OK", "206 Partial Content", "404 Not Found", "204 No Content"]),
    st.dictionaries(
        st.sampled_from(["range", "if_range", "if_match", "if_none_match", "if_modified_since"]),
        st.sampled_from(
            ["*", ETAG, '"x"', DATE, BEFORE, "bytes=0-1", "bytes=0-0,4-4", "bytes=99-"]
        ),
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["ETag", "Content-Length", "Content-Type", "Content-Range", "X"]),
            st.sampled_from(['"x"', "5", "text/css"]),
        ),
        max_size=4,
        unique_by=lambda pair: pair[0],
    ),
)
def test_every_answer_is_framed_by_one_length_or_none(
    method: str, line: str, request_fields: dict[str, str], said: list[tuple[str, str]]
) -> None:
    response = answer(method, line, said, asked=request_fields)
    length = field(response, "content-length")
    if response.status in (204, 304):
        assert (length, response.pieces) == (None, ())
        return
    assert length is not None
    if method != "HEAD":
        assert int(length) == len(body(response))
    assert (response.status == 416) is ((field(response, "content-range") or "")[:7] == "bytes *")
    for name in ("etag", "last-modified", "content-type", "accept-ranges", "cache-control"):
        field(response, name)  # once at most
