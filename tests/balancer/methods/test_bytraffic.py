"""bytraffic: the fewest bytes for its weight, and that the past is forgotten."""

from array import array
from collections.abc import Sequence
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.balancer.pools import NAMES, elect, make_pool, put_out, schedules
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import bytraffic
from wsgi_scgi.balancer.methods.bytraffic import HALF_LIFE, ByTraffic, count_bytes, least_load
from wsgi_scgi.scoreboard.pool import Pool
from wsgi_scgi.scoreboard.status import Status

START = 1_000_000.0
"""Seconds: a host that runs for some days."""


class Traffic:
    """Requests one at a time to a pool, and a clock that is told to go on."""

    def __init__(self, pool: Pool) -> None:
        self.now = START
        self.pool = pool
        self.method = ByTraffic(lambda: self.now)

    def request(self, size: int, *, seconds: float = 0.1) -> str:
        """Let somebody serve an answer of ``size`` bytes, and return its name."""
        slot = elect(self.method, self.pool)
        self.pool.row.received[slot] += size
        self.now += seconds
        return NAMES[slot]

    def requests(self, sizes: Sequence[int], *, seconds: float = 0.1) -> str:
        return " ".join(self.request(size, seconds=seconds) for size in sizes)

    def loads(self) -> list[float]:
        """Return the loads, in bytes of now."""
        elect(self.method, self.pool)
        return [2 ** (load - self.now / HALF_LIFE) for load in self.pool.load]


def test_the_schedules_of_the_docstring() -> None:
    one, other = schedules(bytraffic)

    assert Traffic(make_pool([1, 1, 1])).requests([200_000] + [1000] * 6) == one
    assert Traffic(make_pool([1, 2])).requests([1000] * 6) == other


def test_after_one_large_answer_the_others_are_next() -> None:
    # T153, with two members
    served = Traffic(make_pool([1, 1])).requests([200_000] + [100] * 6)

    assert served == "a b b b b b b"


def test_where_nothing_was_moved_the_first_is_chosen_whatever_the_weights() -> None:
    traffic = Traffic(make_pool([1, 100]))

    assert [elect(traffic.method, traffic.pool) for _ in range(3)] == [0, 0, 0]


def test_what_is_known_of_the_candidates_is_used_again() -> None:
    traffic = Traffic(make_pool([1, 2]))
    who = candidates(traffic.pool, 0.0)
    served = []
    for _ in range(6):
        served.append(traffic.method.choose(who, traffic.pool, b""))
        traffic.pool.row.received[served[-1]] += 1000
        traffic.now += 0.1

    assert served == [0, 1, 1, 0, 1, 1]


def test_requests_count_as_answers_do() -> None:
    pool = make_pool([1, 1])
    pool.row.sent[0] = 10
    pool.row.received[1] = 9

    assert elect(Traffic(pool).method, pool) == 1


def test_bytes_of_all_processes_count_once() -> None:
    pool = make_pool([1, 1])
    seen, load = pool.seen, pool.load
    columns = [memoryview(array("q", numbers)) for numbers in ([3, 0], [0, 0], [5, 4], [0, 0])]

    count_bytes(columns, seen, load, 100.0)
    assert list(seen) == [8, 4]
    assert [2 ** (each - 100) for each in load] == pytest.approx([8, 4])
    count_bytes(columns, seen, load, 101.0)
    assert [2 ** (each - 100) for each in load] == pytest.approx([8, 4])
    # A process that counts for itself alone is not seen by the others.
    count_bytes(columns[:2], seen, load, 101.0)
    assert list(seen) == [8, 4]


def test_a_byte_counts_half_after_the_half_life() -> None:
    pool = make_pool([1, 1])
    traffic = Traffic(pool)
    traffic.request(1 << 20)
    assert traffic.loads()[0] == pytest.approx(1 << 20)

    traffic.now += HALF_LIFE
    assert traffic.loads()[0] == pytest.approx(1 << 19)

    pool.row.received[0] += 1 << 19
    assert traffic.loads()[0] == pytest.approx(1 << 20)
    traffic.now += 100 * HALF_LIFE
    assert traffic.loads() == pytest.approx([0, 0], abs=0.001)


def test_one_large_answer_is_not_held_against_a_member_for_ever() -> None:
    traffic = Traffic(make_pool([1, 1]))
    assert traffic.request(1_000_000) == "a"
    before = traffic.requests([1000] * 50)
    assert set(before) <= set("b ")

    # Ten half-lives, in which a thousandth of it is left.
    after = traffic.requests([1000] * 1000)
    assert after.split()[-100:].count("a") == pytest.approx(50, abs=2)


def test_a_member_that_comes_in_has_caught_up_within_seconds() -> None:
    pool = make_pool([1, 1, 1])
    put_out(pool, 2)
    traffic = Traffic(pool)
    traffic.requests([1000] * 3000)

    pool.status[2] = Status.IN_USE
    served = traffic.requests([1000] * 200).split()
    # In the first second it gets everything, in the tenth its share.
    assert set(served[:10]) == {"c"}
    assert served[100:].count("c") == pytest.approx(33, abs=2)


def test_shares_of_bytes_follow_the_weights() -> None:
    traffic = Traffic(make_pool([1, 2, 5]))
    traffic.requests([1000 + 977 * number % 5000 for number in range(4000)])

    received = traffic.pool.row.received.tolist()
    shares = [part / sum(received) for part in received]
    assert shares == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.005)


def test_sessions_need_no_count_of_their_own() -> None:
    pool = make_pool([1, 1])
    method = Traffic(pool).method
    method.took(candidates(pool, 0.0), pool, 0)

    assert not any(pool.lbstatus)
    assert elect(method, pool) == 0


def test_without_a_clock_it_is_the_boards() -> None:
    pool = make_pool([1, 1])
    pool.row.received[0] = 1 << 40

    assert elect(ByTraffic(), pool) == 1


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(100, 10_000)), min_size=1, max_size=6),
    st.floats(0, 1e8),
)
def test_nobody_has_less_load_for_its_weight_than_the_winner(
    members: list[tuple[int, int]], age: float
) -> None:
    pool = make_pool([1] * len(members))
    count_bytes(
        [memoryview(array("q", [moved for moved, _ in members]))], pool.seen, pool.load, age
    )
    log_weights = array("d", [log2(weight) for _, weight in members])
    winner = least_load(array("q", range(len(members))), log_weights, pool.load, age)

    # What a float can tell of the logarithm of a load so long after the clock began.
    close = 1 + 1e-6
    ratios = [moved / weight if moved > 1 else 0 for moved, weight in members]
    assert all(ratios[winner] <= ratio * close for ratio in ratios)
