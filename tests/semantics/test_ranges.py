"""The Range field: RFC 9110 14.1.1, 14.1.2 and 14.2 as tables and as properties."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsgi_scgi.semantics.ranges import MAX_RANGES, ByteRange, select_ranges

Pairs = list[tuple[int, int]]


def selected(value: str, size: int, *, limit: int = MAX_RANGES) -> Pairs | None:
    ranges = select_ranges(value, size, limit=limit)
    return None if ranges is None else [(range_.first, range_.last) for range_ in ranges]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # The examples of 14.1.2, on a representation of 10000 bytes.
        ("bytes=0-499", [(0, 499)]),
        ("bytes=500-999", [(500, 999)]),
        ("bytes=-500", [(9500, 9999)]),
        ("bytes=9500-", [(9500, 9999)]),
        ("bytes=0-0,-1", [(0, 0), (9999, 9999)]),
        ("bytes= 0-999, 4500-5499, -1000", [(0, 999), (4500, 5499), (9000, 9999)]),
        ("bytes=500-600,601-999", [(500, 999)]),
        ("bytes=500-700,601-999", [(500, 999)]),
    ],
)
def test_the_examples_of_the_rfc(value: str, expected: Pairs | None) -> None:
    assert selected(value, 10000) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-4", [(0, 4)]),
        ("bytes=5-", [(5, 9)]),
        ("bytes=-3", [(7, 9)]),
        ("bytes=0-9", [(0, 9)]),
        ("bytes=0-99", [(0, 9)]),
        ("bytes=9-9", [(9, 9)]),
        ("bytes=9-", [(9, 9)]),
        ("bytes=-10", [(0, 9)]),
        ("bytes=-99", [(0, 9)]),
        ("bytes=000-0004", [(0, 4)]),
        ("bytes=0-" + "9" * 1000, [(0, 9)]),
        ("bytes=-" + "9" * 1000, [(0, 9)]),
        ("BYTES=0-4", [(0, 4)]),  # 14.1: range units are case-insensitive
        ("Bytes=0-4", [(0, 4)]),
    ],
)
def test_one_range_is_selected(value: str, expected: Pairs) -> None:
    assert selected(value, 10) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-1,4-5", [(0, 1), (4, 5)]),
        ("bytes=4-5,0-1", [(4, 5), (0, 1)]),
        ("bytes=0-1, 4-5", [(0, 1), (4, 5)]),
        ("bytes=0-1\t ,\t 4-5", [(0, 1), (4, 5)]),
        ("bytes=,0-1,,4-5,", [(0, 1), (4, 5)]),
        ("bytes=\t0-1 ", [(0, 1)]),
        ("bytes=0-1,20-30", [(0, 1)]),
        ("bytes=20-30,0-1", [(0, 1)]),
        ("bytes=-0,0-1", [(0, 1)]),
        ("bytes=-5,0-1", [(5, 9), (0, 1)]),
    ],
)
def test_several_ranges_keep_the_order_of_the_field(value: str, expected: Pairs) -> None:
    assert selected(value, 10) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-4,2-6", [(0, 6)]),
        ("bytes=2-6,0-4", [(0, 6)]),
        ("bytes=0-4,5-6", [(0, 6)]),
        ("bytes=0-9,2-3", [(0, 9)]),
        ("bytes=5-,-2", [(5, 9)]),
        ("bytes=0-,0-,0-,0-", [(0, 9)]),
        ("bytes=8-9,0-1,7-7", [(7, 9), (0, 1)]),
        ("bytes=0-1,8-9,2-3", [(0, 3), (8, 9)]),
        ("bytes=4-5,0-1,2-3", [(0, 5)]),
        ("bytes=0-1,3-4", [(0, 1), (3, 4)]),
    ],
)
def test_ranges_that_overlap_or_touch_are_joined(value: str, expected: Pairs) -> None:
    assert selected(value, 10) == expected


@pytest.mark.parametrize(
    "value", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=-000", "bytes=20-30,40-,-0"]
)
def test_ranges_beyond_the_end_are_unsatisfiable(value: str) -> None:
    assert selected(value, 10) == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes= ",
        "bytes=-",
        "bytes=--1",
        "bytes=1--1",
        "bytes=4-2",
        "bytes=20-10",
        "bytes=a-b",
        "bytes=0-1,x",
        "bytes=0-1,5-3",
        "bytes=0-1;4-5",
        "bytes=0-4;x",
        "bytes=0 - 4",
        "bytes =0-4",
        " bytes=0-4",
        "bytes=+1-4",
        "bytes=-+1",
        "bytes=1_0-20",
        "bytes=0x1-4",
        "bytes=1.0-4",
        "bytes=0-4\n",
        "bytes=0-4\r\nX: y",
        "bytes=\u0660-\u0664",
        "bytes=0-1 4-5",
        "bytes=0",
        "bytes:0-4",
        "octets=0-4",
        "items=0-4",
        "none",
        "bytes=0-4,bytes=5-6",
        "bytes=0-" + "9" * 1001,
    ],
)
def test_what_breaks_the_grammar_or_has_another_unit_is_ignored(value: str) -> None:
    assert selected(value, 10) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-", []),
        ("bytes=0-0", []),
        ("bytes=-0", []),
        ("bytes=-5", None),
        ("bytes=0-,-1", None),
    ],
)
def test_the_end_of_nothing_is_ignored_and_its_start_unsatisfiable(
    value: str, expected: Pairs | None
) -> None:
    assert selected(value, 0) == expected


def test_more_ranges_than_the_limit_are_ignored() -> None:
    many = ",".join(f"{position}-{position}" for position in range(0, 2 * MAX_RANGES, 2))
    assert len(selected(f"bytes={many}", 1000) or []) == MAX_RANGES
    assert selected(f"bytes={many},500-500", 1000) is None
    assert selected(f"bytes={many},2000-", 1000) is None
    assert selected("bytes=0-0,2-2", 10, limit=1) is None
    assert selected("bytes=0-0", 10, limit=1) == [(0, 0)]


def test_a_range_knows_its_length_and_its_content_range() -> None:
    assert ByteRange(2, 4).length == 3
    assert ByteRange(2, 4).content_range(10) == "bytes 2-4/10"


_NUMBERS = st.one_of(st.just(""), st.integers(min_value=0, max_value=40).map(str))
_SPECS = st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=1, max_size=6)


def naive(specs: list[tuple[str, str]], size: int) -> set[int] | None:
    """Return the positions that are asked for, byte by byte, or None for an invalid field."""
    wanted: set[int] = set()
    for first, last in specs:
        if not first and not last:
            return None
        if first and last and int(last) < int(first):
            return None
        for position in range(size):
            if first:
                taken = int(first) <= position <= (int(last) if last else size)
            else:
                taken = position >= size - int(last)
            if taken:
                wanted.add(position)
    return wanted


@given(_SPECS, st.integers(min_value=0, max_value=30))
@example([("", "5"), ("0", "1")], 0)
def test_the_bytes_selected_are_those_asked_for(specs: list[tuple[str, str]], size: int) -> None:
    pairs = selected("bytes=" + ",".join(f"{first}-{last}" for first, last in specs), size)
    wanted = naive(specs, size)
    if pairs is None:
        # Invalid, or the end of nothing.
        assert wanted is None or (size == 0 and any(not first for first, _ in specs))
        return
    served = [position for first, last in pairs for position in range(first, last + 1)]
    assert len(served) == len(set(served))
    assert set(served) == wanted


@given(st.text(max_size=40), st.integers(min_value=0, max_value=1 << 62))
@example("bytes=0-0,,", 1)
def test_any_text_selects_distinct_bytes_or_nothing(value: str, size: int) -> None:
    for field in (value, f"bytes={value}"):
        end = -1
        for first, last in sorted(selected(field, size) or []):
            assert end < first <= last < size
            end = last + 1  # a gap of one byte at least, or the two would have been joined
