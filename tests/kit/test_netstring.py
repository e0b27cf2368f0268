"""The strict reading of SCGI requests finds every departure from the specification."""

from __future__ import annotations

import pytest

from tests.kit import netstring

BLOCK = b"CONTENT_LENGTH\x0027\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/deepthought\0"
BODY = b"What is the answer to life?"
# The example of the specification.
EXAMPLE = b"70:" + BLOCK + b"," + BODY


def _request(block: bytes, body: bytes = b"") -> bytes:
    return b"%d:%b,%b" % (len(block), block, body)


def test_the_example_of_the_specification_is_read_without_a_complaint() -> None:
    request = netstring.parse(EXAMPLE)
    assert request.violations == ()
    assert request.names == ("CONTENT_LENGTH", "SCGI", "REQUEST_METHOD", "REQUEST_URI")
    assert request.get("REQUEST_URI") == b"/deepthought"
    assert request.body == BODY
    assert request.body_complete


def test_every_shorter_head_is_incomplete_and_nothing_worse() -> None:
    end = len(EXAMPLE) - len(BODY)
    for size in range(end):
        assert netstring.head_end(EXAMPLE[:size]) is None
    assert netstring.head_end(EXAMPLE[:end]) == end


def test_a_body_that_is_not_all_there_is_told() -> None:
    request = netstring.parse(EXAMPLE[:-1])
    assert request.violations == ()
    assert not request.body_complete


@pytest.mark.parametrize("raw", [b"x", b"-1:", b"007:", b"GET / HTTP/1.1\r\n", b"1" * 13])
def test_what_can_never_become_a_netstring_is_refused_at_once(raw: bytes) -> None:
    with pytest.raises(ValueError, match="not a netstring"):
        netstring.head_end(raw)
    assert netstring.parse(raw).violations


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (_request(b"CONTENT_LENGTH\x000\0SCGI\x001\0").replace(b",", b";"), "not in a comma"),
        (_request(b"CONTENT_LENGTH\x000\0SCGI\x001"), "not terminated by NUL"),
        (_request(b"CONTENT_LENGTH\x000\0SCGI\x001\0A\0"), "has no value"),
        (_request(b"SCGI\x001\0CONTENT_LENGTH\x000\0"), "not CONTENT_LENGTH"),
        (_request(b"CONTENT_LENGTH\0\0SCGI\x001\0"), "CONTENT_LENGTH is b''"),
        (_request(b"CONTENT_LENGTH\0+1\0SCGI\x001\0"), "CONTENT_LENGTH is"),
        (_request(b"CONTENT_LENGTH\x000\0"), "SCGI is None"),
        (_request(b"CONTENT_LENGTH\x000\0SCGI\x002\0"), "SCGI is b'2'"),
        (_request(b"CONTENT_LENGTH\x000\0SCGI\x001\0\0v\0"), "a name is empty"),
        (_request(b"CONTENT_LENGTH\x000\0SCGI\x001\0A\x001\0A\x002\0"), "A came twice"),
        (_request(b"CONTENT_LENGTH\x001\0SCGI\x001\0", b"ab"), "2 body bytes, 1 announced"),
    ],
)
def test_each_departure_is_listed(raw: bytes, complaint: str) -> None:
    assert complaint in "; ".join(netstring.parse(raw).violations)
