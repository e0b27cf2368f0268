"""twochoices: two are drawn by weight, and the less busy serves."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.balancer.pools import NAMES, elect, make_pool, schedules
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import twochoices
from wsgi_scgi.balancer.methods.twochoices import TwoChoices


def drawing(*lots: int) -> TwoChoices:
    """Return the method with these lots."""
    rest = iter(lots)

    def lot(limit: int) -> int:
        number = next(rest)
        assert 0 <= number < limit
        return number

    return TwoChoices(lot)


def test_the_schedule_of_the_docstring() -> None:
    (schedule,) = schedules(twochoices)
    pool = make_pool([3, 1])
    method = drawing(150, 0, 350, 0, 150, 0)
    winners = []
    for _ in range(3):
        winners.append(elect(method, pool))
        pool.row.busy[winners[-1]] += 1

    assert " ".join(NAMES[slot] for slot in winners) == schedule
    with pytest.raises(StopIteration):
        elect(method, pool)


@pytest.mark.parametrize(
    ("lots", "drawn"),
    [
        ((0, 0), "ab"),
        ((0, 599), "ab"),
        ((0, 600), "ac"),
        ((199, 799), "ac"),
        ((200, 0), "ba"),
        ((200, 199), "ba"),
        ((799, 200), "bc"),
        ((799, 399), "bc"),
        ((999, 0), "ca"),
        ((800, 199), "ca"),
        ((800, 200), "cb"),
        ((999, 799), "cb"),
    ],
)
def test_each_is_drawn_by_its_weight_and_nobody_twice(lots: Sequence[int], drawn: str) -> None:
    pool = make_pool([2, 6, 2])
    for name in drawn:
        others = [slot for slot in range(3) if NAMES[slot] != name]
        for slot in range(3):
            pool.row.busy[slot] = 1000 if slot in others else 0
        # Only if it was drawn can it win.
        assert NAMES[elect(drawing(*lots), pool)] == name


def test_of_two_idle_members_the_first_drawn_serves() -> None:
    pool = make_pool([1, 9])

    assert elect(drawing(99, 0), pool) == 0
    assert elect(drawing(100, 0), pool) == 1


def test_queues_are_compared_by_weight() -> None:
    pool = make_pool([1, 2])
    pool.row.busy[0], pool.row.busy[1] = 1, 2
    assert elect(drawing(0, 0), pool) == 0
    assert elect(drawing(100, 0), pool) == 1
    pool.row.busy[1] = 1
    assert elect(drawing(0, 0), pool) == 1
    pool.row.busy[1] = 3
    assert elect(drawing(100, 0), pool) == 0


def test_one_candidate_needs_no_lot() -> None:
    assert elect(drawing(), make_pool([1])) == 0


def test_sessions_need_no_count_of_their_own() -> None:
    pool = make_pool([1, 1])
    drawing().took(candidates(pool, 0.0), pool, 0)

    assert not any(pool.lbstatus)


def test_where_nobody_is_busy_shares_follow_the_weights() -> None:
    pool = make_pool([1, 2, 5])
    method = TwoChoices(random.Random(6).randrange)
    who = candidates(pool, 0.0)
    served = [0, 0, 0]
    for _ in range(20_000):
        served[method.choose(who, pool, b"")] += 1

    assert [number / 20_000 for number in served] == pytest.approx([1 / 8, 2 / 8, 5 / 8], rel=0.05)


def test_queues_are_much_shorter_than_with_one_choice() -> None:
    members = 200
    pool = make_pool([1] * members)
    chance = random.Random(6)
    method = TwoChoices(chance.randrange)
    who = candidates(pool, 0.0)
    one = [0] * members
    for _ in range(10 * members):
        pool.row.busy[method.choose(who, pool, b"")] += 1
        one[chance.randrange(members)] += 1

    assert max(pool.row.busy) <= 13
    assert max(one) >= 18


@given(st.lists(st.floats(1, 100), min_size=2, max_size=6), st.data())
def test_the_winner_is_no_busier_than_some_other(weights: list[float], data: st.DataObject) -> None:
    pool = make_pool(weights)
    for slot in range(len(weights)):
        pool.row.busy[slot] = data.draw(st.integers(0, 5))
    slot = elect(TwoChoices(lambda limit: data.draw(st.integers(0, limit - 1))), pool)
    loads = [busy / weight for busy, weight in zip(pool.row.busy, pool.weight, strict=True)]

    assert any(loads[slot] <= load for other, load in enumerate(loads) if other != slot)
