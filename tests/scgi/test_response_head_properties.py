"""Properties of the response head: any split gives the same head, garbage one error."""

import itertools
import re
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from wsgi_scgi.errors import ProtocolError
from wsgi_scgi.scgi.response_head import ResponseHead, ResponseHeadParser

_Outcome = tuple[ResponseHead, bytes, list[ResponseHead]] | str | None


def outcome(pieces: Sequence[bytes]) -> _Outcome:
    """Return head, rest and interim heads; the message of ProtocolError; None if incomplete."""
    parser = ResponseHeadParser()
    behind = iter(pieces)
    try:
        for piece in behind:
            head = parser.receive(piece)
            if head is not None:
                return head, parser.rest + b"".join(behind), parser.interim
    except ProtocolError as error:
        return str(error)
    return None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


_TOKENS = st.from_regex(re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", re.ASCII), fullmatch=True)
_VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20
)
_DECIDING = {"status", "location", "content-length", "content-type", "transfer-encoding"}
_KEPT_ONCE = {"etag", "date", "expires", "last-modified", "server", "content-range"}
_FIELDS = st.lists(
    st.tuples(_TOKENS.filter(lambda name: name.lower() not in _DECIDING | _KEPT_ONCE), _VALUES),
    min_size=1,
    max_size=8,
)
_LINE_ENDS = st.sampled_from([b"\n", b"\r\n"])


@given(_FIELDS, st.data(), st.binary(max_size=30))
def test_any_valid_fields_come_back_in_order(
    fields: list[tuple[str, str]], data: st.DataObject, body: bytes
) -> None:
    lines = [f"{name}: {value}".encode("latin-1") for name, value in fields]
    head = b"".join(line + data.draw(_LINE_ENDS) for line in [*lines, b""])

    parsed = outcome(cut(head + body, data.draw(st.lists(st.integers(0)))))

    assert isinstance(parsed, tuple)
    assert parsed[0].fields == tuple((name, value.strip(" \t")) for name, value in fields)
    assert (parsed[0].status, parsed[1], parsed[2]) == (200, body, [])


_PIECES = st.sampled_from(
    [
        b"Status",
        b"HTTP/1.1 ",
        b"200",
        b"103",
        b"404 x",
        b"101",
        b": ",
        b":",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"Location: /x\n",
        b"Content-Length: ",
        b"5",
        b"X-A: b\n",
        b" ",
        b"\t",
        b"\0",
        b"Content-Type: a\n",
        b"Transfer-Encoding: chunked\n",
        b"Set-Cookie: a=1\r\n",
        b"\xff",
    ]
)
_ANYTHING = st.one_of(
    st.binary(max_size=60),
    st.lists(_PIECES, max_size=20).map(b"".join),
    st.builds(
        lambda head, length, tail: head + b"v" * length + tail,
        st.sampled_from([b"", b"X: ", b"X: y\n", b"X: y\nZ: "]),
        st.sampled_from([0, 8180, 8185, 8186, 8187, 8188, 8189, 8190, 8191, 65530, 65536, 65537]),
        st.sampled_from([b"", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"\r\n\nbody"]),
    ),
)


@given(_ANYTHING, st.lists(st.integers(0), max_size=6))
@example(b"X: " + b"v" * 8186 + b"\r\n\n", [8190])
@example(b"X: " + b"v" * 8187 + b"\n\n", [8190])
def test_however_the_bytes_are_split_the_outcome_is_the_same(
    data: bytes, places: list[int]
) -> None:
    whole, parts = outcome([data]), outcome(cut(data, places))

    if isinstance(whole, str) and isinstance(parts, str):
        # Which of two limits is passed first may depend on the split; that one is, may not.
        return
    assert parts == whole


@given(_ANYTHING, st.lists(st.integers(0), max_size=6))
def test_a_head_that_is_delivered_can_be_passed_on_as_it_is(data: bytes, places: list[int]) -> None:
    parsed = outcome(cut(data, places))

    if not isinstance(parsed, tuple):
        return
    head = parsed[0]
    assert 200 <= head.status <= 599
    assert head.reason
    for text in (head.reason, *(value for _, value in head.fields)):
        assert not re.search("[^\t\x20-\x7e\x80-\xff]", text)
        assert text == text.strip(" \t")
    for name, _ in head.fields:
        assert re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)
        assert name.lower() not in ("status", "transfer-encoding")
