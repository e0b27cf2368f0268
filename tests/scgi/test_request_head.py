"""The request head on the wire, both directions: the bytes, the limits, the refusals."""

from collections.abc import Sequence

import pytest

from tests.splitting import Splitting, every_splitting
from wsgi_scgi.errors import ProtocolError
from wsgi_scgi.scgi.request_head import (
    DEFAULT_LIMIT,
    RequestHeadTooLarge,
    encode_request_head,
    parse_request_head,
)

# The example of the specification, section 3, byte for byte.
EXAMPLE = (
    b"70:CONTENT_LENGTH\x0027\x00SCGI\x001\x00REQUEST_METHOD\x00POST\x00"
    b"REQUEST_URI\x00/deepthought\x00,"
)
EXAMPLE_VARIABLES = {"REQUEST_METHOD": "POST", "REQUEST_URI": "/deepthought"}


def parse_arriving(
    pieces: Sequence[bytes], *, limit: int = DEFAULT_LIMIT
) -> tuple[dict[str, str], int]:
    """Parse what has arrived after each piece, as a server does."""
    data = bytearray()
    for piece in pieces:
        data += piece
        parsed = parse_request_head(data, limit=limit)
        if parsed is not None:
            return parsed
    raise AssertionError("no head in all of the bytes")


def netstring(block: bytes) -> bytes:
    return b"%d:%b," % (len(block), block)


def test_the_example_of_the_specification_is_written_byte_for_byte() -> None:
    assert encode_request_head(27, EXAMPLE_VARIABLES) == EXAMPLE


@every_splitting
@pytest.mark.parametrize("trailing", [b"", b"body", b"70:CONTENT", b"\0"])
def test_the_example_of_the_specification_is_read(split: Splitting, trailing: bytes) -> None:
    variables, used = parse_arriving(split(EXAMPLE + trailing))

    assert variables == {"CONTENT_LENGTH": "27", "SCGI": "1", **EXAMPLE_VARIABLES}
    assert used == len(EXAMPLE)


def test_content_length_is_first_and_scgi_second_without_any_variable() -> None:
    assert encode_request_head(0, {}) == b"24:CONTENT_LENGTH\x000\x00SCGI\x001\x00,"


def test_variables_keep_their_order_and_empty_values_are_sent() -> None:
    head = encode_request_head(1, {"B": "2", "A": "", "C": "x=y"})

    assert head.endswith(b"SCGI\x001\x00B\x002\x00A\x00\x00C\x00x=y\x00,")


def test_values_are_bytes_as_str() -> None:
    head = encode_request_head(0, {"PATH_INFO": "/caf\xc3\xa9\xff"})

    assert b"PATH_INFO\x00/caf\xc3\xa9\xff\x00" in head
    parsed = parse_request_head(head)
    assert parsed is not None
    assert parsed[0]["PATH_INFO"] == "/caf\xc3\xa9\xff"


@pytest.mark.parametrize(
    ("variables", "cause"),
    [
        ({"": "x"}, "an empty name"),
        ({"SCGI": "1"}, "SCGI"),
        ({"CONTENT_LENGTH": "5"}, "CONTENT_LENGTH"),
        ({"A\0B": "x"}, "a NUL"),
        ({"A": "x\0REMOTE_USER\0root"}, "a NUL"),
        ({"A": "\0"}, "a NUL"),
        ({"A": "\u20ac"}, "'\u20ac'"),
        ({"\u0100": ""}, "'\u0100'"),
        ({"A": "\udc80"}, "no byte"),
    ],
)
def test_what_would_forge_variables_or_is_no_byte_is_refused(
    variables: dict[str, str], cause: str
) -> None:
    with pytest.raises(ProtocolError, match=cause) as caught:
        encode_request_head(0, variables)

    assert not isinstance(caught.value, RequestHeadTooLarge)


def test_the_block_may_be_as_large_as_its_limit_and_not_a_byte_larger() -> None:
    size = len(encode_request_head(0, {"A": ""})) - len(b"26:,")

    head = encode_request_head(0, {"A": "x" * 10}, limit=size + 10)
    assert parse_request_head(head, limit=size + 10) is not None
    with pytest.raises(RequestHeadTooLarge, match=f"take {size + 11} bytes of {size + 10}"):
        encode_request_head(0, {"A": "x" * 11}, limit=size + 10)


@every_splitting
def test_a_block_over_the_limit_is_refused_by_its_length_alone(split: Splitting) -> None:
    with pytest.raises(RequestHeadTooLarge, match="70 bytes is over the limit of 69"):
        parse_arriving(split(EXAMPLE), limit=69)
    with pytest.raises(RequestHeadTooLarge, match="over the limit of 65536"):
        parse_arriving(split(b"65537:"))


@every_splitting
@pytest.mark.parametrize(
    "data",
    [
        b":",
        b"GET / HTTP/1.1\r\n",
        b"-1:",
        b"+1:",
        b" 1:",
        b"1 :",
        b"01:",
        b"00:",
        b"1x",
        b"99999999999",
        b"\x00",
        b"\xff",
    ],
)
def test_what_starts_no_netstring_is_refused_as_soon_as_it_is_certain(
    split: Splitting, data: bytes
) -> None:
    with pytest.raises(ProtocolError, match="does not start with a netstring"):
        parse_arriving(split(data))


@pytest.mark.parametrize("end", range(len(EXAMPLE)))
def test_every_part_of_a_head_is_incomplete_and_no_error(end: int) -> None:
    assert parse_request_head(EXAMPLE[:end]) is None
    assert parse_request_head(bytearray(EXAMPLE[:end])) is None


@every_splitting
@pytest.mark.parametrize("end", [b";", b"\0", b"C"])
def test_a_netstring_ends_with_a_comma(split: Splitting, end: bytes) -> None:
    with pytest.raises(ProtocolError, match="comma"):
        parse_arriving(split(EXAMPLE[:-1] + end))


@every_splitting
@pytest.mark.parametrize(
    ("block", "cause"),
    [
        (b"", "CONTENT_LENGTH is not the first name"),
        (b"CONTENT_LENGTH", "NUL-terminated pairs"),
        (b"CONTENT_LENGTH\0", "NUL-terminated pairs"),
        (b"CONTENT_LENGTH\0000", "NUL-terminated pairs"),
        (b"CONTENT_LENGTH\0000\0SCGI\0", "NUL-terminated pairs"),
        (b"CONTENT_LENGTH\0000\0SCGI\0001\0A\0002", "NUL-terminated pairs"),
        (b"SCGI\0001\0CONTENT_LENGTH\0000\0", "CONTENT_LENGTH is not the first name"),
        (b"SCGI\0001\0", "CONTENT_LENGTH is not the first name"),
        (b"content_length\0000\0SCGI\0001\0", "CONTENT_LENGTH is not the first name"),
        (b"CONTENT_LENGTH\000\0SCGI\0001\0", "not a decimal number"),
        (b"CONTENT_LENGTH\000-1\0SCGI\0001\0", "not a decimal number"),
        (b"CONTENT_LENGTH\000+1\0SCGI\0001\0", "not a decimal number"),
        (b"CONTENT_LENGTH\0001 \0SCGI\0001\0", "not a decimal number"),
        (b"CONTENT_LENGTH\0001\n\0SCGI\0001\0", "not a decimal number"),
        (b"CONTENT_LENGTH\000\xb2\0SCGI\0001\0", "not a decimal number"),
        (b"CONTENT_LENGTH\000" + b"1" * 20 + b"\0SCGI\0001\0", "not a decimal number"),
        (b"CONTENT_LENGTH\0000\0", "SCGI is not 1"),
        (b"CONTENT_LENGTH\0000\0SCGI\0000\0", "SCGI is not 1"),
        (b"CONTENT_LENGTH\0000\0SCGI\000\0", "SCGI is not 1"),
        (b"CONTENT_LENGTH\0000\0SCGI\0001\0\0x\0", "a name is empty"),
        (b"CONTENT_LENGTH\0000\0SCGI\0001\0A\000x\0A\000y\0", "stands twice"),
        (b"CONTENT_LENGTH\0000\0SCGI\0001\0SCGI\0001\0", "stands twice"),
        (b"CONTENT_LENGTH\0000\0SCGI\0001\0CONTENT_LENGTH\0005\0", "stands twice"),
    ],
)
def test_a_block_that_breaks_the_specification_is_refused(
    split: Splitting, block: bytes, cause: str
) -> None:
    with pytest.raises(ProtocolError, match=cause):
        parse_arriving(split(netstring(block)))


@every_splitting
@pytest.mark.parametrize(
    ("block", "name", "value"),
    [
        # What nginx 1.22 makes of fields that a client sends more than once.
        (b"HTTP_A\0x\0HTTP_A\0y\0HTTP_A\0z\0", "HTTP_A", "x, y, z"),
        (b"HTTP_COOKIE\0a=1\0B\0\0HTTP_COOKIE\0b=2\0", "HTTP_COOKIE", "a=1; b=2"),
        (b"HTTP_A\0\0HTTP_A\0x\0", "HTTP_A", ", x"),
    ],
)
def test_a_header_field_that_stands_twice_is_joined(
    split: Splitting, block: bytes, name: str, value: str
) -> None:
    variables, _ = parse_arriving(split(netstring(b"CONTENT_LENGTH\0000\0SCGI\0001\0" + block)))

    assert variables[name] == value
    assert list(variables)[:3] == ["CONTENT_LENGTH", "SCGI", name]


@pytest.mark.parametrize("name", [b"REMOTE_USER", b"http_a", b"HTTPS", b"HTTP"])
def test_only_header_fields_are_joined(name: bytes) -> None:
    repeated = (name + b"\0x\0") * 2
    with pytest.raises(ProtocolError, match=f"the name '{name.decode()}' stands twice"):
        parse_request_head(netstring(b"CONTENT_LENGTH\0000\0SCGI\0001\0" + repeated))
