"""The compiled twins of choosing: nobody can tell them apart but by a clock."""

from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.balancer.pools import make_pool
from tests.twins import both
from wsgi_scgi.balancer import methods
from wsgi_scgi.compiled import TWINS
from wsgi_scgi.scoreboard.status import Status

NAMES = (
    "candidates",
    "count_bytes",
    "count_turn",
    "full_slots",
    "least_draw",
    "least_load",
    "take_least_busy",
    "take_turn",
)


def test_choosing_has_these_twins() -> None:
    assert {
        name for name, twins in TWINS.items() if twins.reference.__module__.startswith(_PLACES)
    } == set(NAMES)


_PLACES = (methods.__name__, "wsgi_scgi.balancer.candidates")


def column(kind: str, values: Sequence[float]) -> "memoryview[Any]":
    """Return a column of a board."""
    numbers: array[Any] = array(kind, values)
    return memoryview(numbers)


_INTEGERS = st.integers(-(2**40), 2**40)
_SIZE = 8


@st.composite
def members(draw: st.DrawFn) -> tuple["array[int]", "array[int]"]:
    """Return some slots in some order, and weights."""
    slots = draw(st.lists(st.integers(0, _SIZE - 1), min_size=1, unique=True))
    return array("q", slots), array("q", [draw(st.integers(1, 10_000)) for _ in slots])


_COLUMN = st.lists(_INTEGERS, min_size=_SIZE, max_size=_SIZE)
_COUNTS = st.lists(st.integers(0, 5), min_size=_SIZE, max_size=_SIZE)


@given(members(), _COLUMN)
def test_both_forms_take_turns_alike(who: Any, lbstatus: list[int]) -> None:
    reference, twin = both("take_turn")
    ours, theirs = column("q", lbstatus), column("q", lbstatus)

    for _ in range(10):
        assert twin(*who, ours) == reference(*who, theirs)
        assert ours == theirs


@given(members(), _COLUMN, st.integers(0, _SIZE - 1))
def test_both_forms_count_turns_alike(who: Any, lbstatus: list[int], slot: int) -> None:
    reference, twin = both("count_turn")
    ours, theirs = column("q", lbstatus), column("q", lbstatus)

    assert twin(*who, ours, slot=slot) is reference(*who, theirs, slot=slot) is None
    assert ours == theirs


@given(members(), _COUNTS, st.lists(_COUNTS, max_size=3), st.booleans())
def test_both_forms_find_the_same_shortest_queue(
    who: Any, lbstatus: list[int], busy: list[list[int]], weighted: bool
) -> None:
    reference, twin = both("take_least_busy")
    ours, theirs = column("q", lbstatus), column("q", lbstatus)
    rows = [column("q", row) for row in busy]

    for _ in range(5):
        slot = twin(*who, ours, rows=rows, weighted=weighted)
        assert slot == reference(*who, theirs, rows=rows, weighted=weighted)
        assert ours == theirs
        for row in rows[:1]:
            row[slot] += 1


@given(
    st.lists(_COLUMN, max_size=4),
    st.lists(st.integers(0, 2**40), min_size=_SIZE, max_size=_SIZE),
    st.lists(st.floats(0, 1e8), min_size=_SIZE, max_size=_SIZE),
    st.floats(0, 1e8),
)
def test_both_forms_count_bytes_alike(
    columns: list[list[int]], seen: list[int], load: list[float], age: float
) -> None:
    reference, twin = both("count_bytes")
    rows = [column("q", numbers) for numbers in columns]
    ours = column("q", seen), column("d", load)
    theirs = column("q", seen), column("d", load)

    assert twin(rows, *ours, age) is reference(rows, *theirs, age) is None
    assert ours == theirs


@given(
    members(),
    st.lists(st.one_of(st.just(0.0), st.floats(0, 1e8)), min_size=_SIZE, max_size=_SIZE),
    st.floats(0, 1e8),
)
def test_both_forms_find_the_same_least_load(who: Any, load: list[float], age: float) -> None:
    reference, twin = both("least_load")
    log_weights = array("d", who[1])

    assert twin(who[0], log_weights, column("d", load), age) == reference(
        who[0], log_weights, column("d", load), age
    )


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(1, 10_000)), min_size=1),
    st.integers(0, 2**14 - 1),
)
def test_both_forms_draw_alike(draws: list[tuple[int, int]], place: int) -> None:
    reference, twin = both("least_draw")
    seeds = array("Q", [seed for seed, _ in draws])
    weights = array("q", [weight for _, weight in draws])

    assert twin(seeds, weights, place) == reference(seeds, weights, place)


@given(_COUNTS, st.lists(_COUNTS, max_size=3))
def test_both_forms_find_the_same_full_places(limits: list[int], busy: list[list[int]]) -> None:
    reference, twin = both("full_slots")
    columns = column("q", limits), [column("q", row) for row in busy]

    assert twin(*columns) == reference(*columns)


_NEAR = st.sampled_from([0.0, 39.0, 40.0, 95.0, 99.9, 100.0, 100.1, 160.0])
_MEMBER = st.tuples(
    st.sets(st.sampled_from("DSIRHENC"), max_size=4),
    st.sampled_from([0, 0, 1, 99]),
    st.integers(1, 10_000),
    st.tuples(_NEAR, _NEAR, _NEAR),
    st.integers(-1, 1),
)


@given(
    st.lists(_MEMBER, max_size=9),
    st.sets(st.integers(-1, 12), max_size=4),
    st.floats(90, 170),
    st.sampled_from([0.0, 5.0, 30.0]),
)
def test_both_forms_find_the_same_candidates(
    states: list[Any], without: set[int], now: float, slow_start: float
) -> None:
    reference, twin = both("candidates")
    pool = make_pool([1] * len(states), spare=2)
    for slot, (letters, lbset, weight, times, probe_row) in enumerate(states):
        pool.status[slot] |= Status.parse("".join(letters))
        pool.lbset[slot] = lbset
        pool.weight[slot] = weight
        pool.rest_until[slot], pool.probe_at[slot], pool.up_since[slot] = times
        pool.probe_row[slot] = probe_row

    found = twin(pool, now, slow_start=slow_start, without=without)
    assert found == reference(pool, now, slow_start=slow_start, without=without)


_SLOTS, _WEIGHTS, _ROW = array("q", [0, 1]), array("q", [1, 1]), column("q", [0, 0])


@pytest.mark.parametrize("slots", [[0, 2], [0, -3], [2**62, 0], [-(2**62), 0], [0], [0, 1, 0], []])
def test_no_slot_outside_of_the_columns_is_read_or_written(slots: list[int]) -> None:
    who = array("q", slots)
    with pytest.raises(ValueError, match="do not fit together"):
        both("take_turn")[1](who, _WEIGHTS, _ROW)
    with pytest.raises(ValueError, match="do not fit together"):
        both("count_turn")[1](who, _WEIGHTS, _ROW, slot=0)
    with pytest.raises(ValueError, match="do not fit together"):
        both("take_least_busy")[1](who, _WEIGHTS, _ROW, rows=[_ROW], weighted=False)
    with pytest.raises(ValueError, match="do not fit together"):
        both("least_load")[1](who, array("d", [1, 1]), column("d", [0, 0]), 1.0)
    assert list(_ROW) == [0, 0]


def test_columns_of_other_lengths_are_refused() -> None:
    longer = column("q", [0, 0, 0])
    seeds = array("Q", [1])
    with pytest.raises(ValueError, match="do not fit together"):
        both("take_least_busy")[1](_SLOTS, _WEIGHTS, _ROW, rows=[_ROW, longer], weighted=True)
    with pytest.raises(ValueError, match="do not fit together"):
        both("full_slots")[1](_ROW, [_ROW, longer])
    with pytest.raises(ValueError, match="do not fit together"):
        both("count_bytes")[1]([longer], _ROW, column("d", [0, 0]), 1.0)
    with pytest.raises(ValueError, match="do not fit together"):
        both("count_bytes")[1]([_ROW], _ROW, column("d", [0, 0, 0]), 1.0)
    with pytest.raises(ValueError, match="do not fit together"):
        both("least_draw")[1](seeds, _WEIGHTS, 0)
    for slot in (-1, 2):
        with pytest.raises(IndexError):
            both("count_turn")[1](_SLOTS, _WEIGHTS, _ROW, slot=slot)


@pytest.mark.parametrize(
    "numbers", [array("i", [0, 0]), array("d", [0, 0]), b"\0" * 16, memoryview(b"\0" * 16), [0, 0]]
)
def test_what_is_no_column_is_refused(numbers: Any) -> None:
    _, twin = both("take_turn")

    with pytest.raises((TypeError, BufferError)):
        twin(_SLOTS, _WEIGHTS, numbers)
