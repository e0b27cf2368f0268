"""The shortest queue, summed over processes, and whose turn it is among equals."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.balancer.methods.byrequests import take_turn
from wsgi_scgi.balancer.methods.in_flight import take_least_busy


def numbers(*values: int) -> "memoryview[int]":
    """Return a column of a board."""
    return memoryview(array("q", values))


def take(
    busy: list[list[int]],
    weights: list[int],
    lbstatus: "memoryview[int]",
    *,
    weighted: bool = False,
) -> int:
    """Choose among all slots."""
    return take_least_busy(
        array("q", range(len(weights))),
        array("q", weights),
        lbstatus,
        rows=[numbers(*row) for row in busy],
        weighted=weighted,
    )


def test_the_shortest_queue_wins_whatever_the_turn() -> None:
    lbstatus = numbers(900, 0, 0)

    assert take([[2, 2, 1]], [100, 100, 100], lbstatus) == 2
    assert list(lbstatus) == [1000, 100, -200]


def test_requests_of_all_processes_count() -> None:
    assert take([[1, 0, 0], [0, 1, 2], [1, 0, 0]], [100, 100, 100], numbers(0, 0, 0)) == 1


def test_before_any_process_has_counted_nobody_is_busy() -> None:
    assert take([], [100, 200], numbers(0, 0)) == 1


def test_among_equal_queues_it_is_whose_turn_it_is() -> None:
    lbstatus = numbers(0, 0, 50)

    assert [take([[3, 3, 3]], [100, 100, 100], lbstatus) for _ in range(4)] == [2, 0, 1, 2]


def test_among_equals_in_everything_the_first_wins() -> None:
    assert take([[1, 0, 0]], [100, 100, 100], numbers(0, 0, 0)) == 1


@pytest.mark.parametrize(
    ("busy", "winner"),
    [([0, 0], 1), ([0, 1], 0), ([1, 1], 1), ([0, 2], 0), ([1, 2], 1), ([1, 4], 0), ([2, 4], 1)],
)
def test_weighted_queues_are_as_long_as_they_will_be(busy: list[int], winner: int) -> None:
    # a is ahead of b, whose weight is twice its own
    assert take([busy], [100, 200], numbers(150, 0), weighted=True) == winner


def test_only_candidates_are_chosen_and_counted() -> None:
    lbstatus = numbers(1, 2, 3, 4)

    slot = take_least_busy(
        array("q", [3, 1]),
        array("q", [100, 100]),
        lbstatus,
        rows=[numbers(0, 5, 0, 5)],
        weighted=False,
    )

    assert slot == 3
    assert list(lbstatus) == [1, 102, 3, 104 - 200]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(100, 400)), min_size=1, max_size=6),
    st.booleans(),
)
def test_nobody_has_a_shorter_queue_than_the_winner(
    members: list[tuple[int, int]], weighted: bool
) -> None:
    busy = [requests for requests, _ in members]
    weights = [weight for _, weight in members]
    lbstatus = numbers(*(0 for _ in members))
    slot = take([busy], weights, lbstatus, weighted=weighted)

    for other in range(len(members)):
        theirs, ours = busy[other] + 1, busy[slot] + 1
        if weighted:
            theirs, ours = theirs * weights[slot], ours * weights[other]
        assert ours <= theirs
    assert sum(lbstatus) == 0


@given(st.lists(st.integers(100, 400), min_size=1, max_size=6), st.integers(0, 3))
def test_where_all_are_equally_busy_it_goes_by_requests(weights: list[int], requests: int) -> None:
    slots = array("q", range(len(weights)))
    ours, theirs = (numbers(*(0 for _ in weights)) for _ in range(2))
    for _ in range(20):
        slot = take([[requests] * len(weights)], weights, ours)
        assert slot == take_turn(slots, array("q", weights), theirs)
    assert ours == theirs
