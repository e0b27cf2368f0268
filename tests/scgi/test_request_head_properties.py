"""Properties of the request head: round trips, and one error for everything else."""

from hypothesis import given
from hypothesis import strategies as st

from tests.kit import netstring
from wsgi_scgi.errors import ProtocolError
from wsgi_scgi.scgi.request_head import encode_request_head, parse_request_head

_BYTES = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=40)
_NAMES = _BYTES.filter(lambda name: name not in ("", "SCGI", "CONTENT_LENGTH"))
_VARIABLES = st.dictionaries(_NAMES, _BYTES, max_size=12)
_LENGTHS = st.integers(0, 2**63 - 1)


@given(_LENGTHS, _VARIABLES, st.binary(max_size=20))
def test_what_is_encoded_is_parsed_again_in_the_same_order(
    length: int, variables: dict[str, str], body: bytes
) -> None:
    head = encode_request_head(length, variables)
    parsed = parse_request_head(head + body)

    assert parsed is not None
    assert list(parsed[0].items()) == [
        ("CONTENT_LENGTH", str(length)),
        ("SCGI", "1"),
        *variables.items(),
    ]
    assert parsed[1] == len(head)


@given(_LENGTHS, _VARIABLES)
def test_a_reader_written_from_the_specification_alone_finds_no_fault(
    length: int, variables: dict[str, str]
) -> None:
    request = netstring.parse(encode_request_head(length, variables))

    assert request.violations == ()
    assert request.content_length == length
    assert request.variables[2:] == tuple(
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in variables.items()
    )


@given(_VARIABLES, st.data())
def test_no_part_of_a_head_is_an_error(variables: dict[str, str], data: st.DataObject) -> None:
    head = encode_request_head(0, variables)

    assert parse_request_head(head[: data.draw(st.integers(0, len(head) - 1))]) is None


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5))
def test_any_variables_at_all_are_encoded_or_one_error(variables: dict[str, str]) -> None:
    try:
        head = encode_request_head(0, variables)
    except ProtocolError:
        return
    parsed = parse_request_head(head)
    assert parsed is not None
    assert parsed[0] == {"CONTENT_LENGTH": "0", "SCGI": "1", **variables}


_ALMOST = st.lists(
    st.sampled_from(
        [b"CONTENT_LENGTH", b"SCGI", b"1", b"0", b"\0", b"\0", b"A", b"", b"\xff", b","]
    ),
    max_size=12,
).map(b"".join)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.from_regex(rb"\A[0-9]{1,3}:[A-Z\x00,]*", fullmatch=True),
        _ALMOST.map(lambda block: b"%d:%b," % (len(block), block)),
        _ALMOST.map(lambda rest: b"CONTENT_LENGTH\x000\x00SCGI\x001\x00" + rest).map(
            lambda block: b"%d:%b," % (len(block), block)
        ),
    )
)
def test_any_bytes_give_a_strict_head_nothing_yet_or_one_error(data: bytes) -> None:
    try:
        parsed = parse_request_head(data)
    except ProtocolError:
        return
    if parsed is None:
        return
    variables, used = parsed
    assert netstring.parse(data[:used]).violations == ()
    assert len(variables) == len(netstring.parse(data[:used]).variables)


_FIELDS = st.lists(st.tuples(st.sampled_from(["HTTP_A", "HTTP_B", "HTTP_COOKIE"]), _BYTES))


@given(_FIELDS)
def test_repeated_fields_lose_nothing_and_keep_their_order(fields: list[tuple[str, str]]) -> None:
    pairs = [("CONTENT_LENGTH", "0"), ("SCGI", "1"), *fields]
    block = "".join(f"{name}\0{value}\0" for name, value in pairs).encode("latin-1")
    parsed = parse_request_head(b"%d:%b," % (len(block), block))

    assert parsed is not None
    assert list(parsed[0]) == list(dict(pairs))
    for name in dict(fields):
        separator = "; " if name == "HTTP_COOKIE" else ", "
        assert parsed[0][name] == separator.join(v for n, v in fields if n == name)
