"""leastconn: the shortest queue for its weight."""

from hypothesis import given
from hypothesis import strategies as st

from tests.balancer.pools import NAMES, elect, make_pool, run, schedules
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import leastconn
from wsgi_scgi.balancer.methods.leastconn import LeastConn

METHOD = LeastConn()


def test_the_schedule_of_the_docstring() -> None:
    (schedule,) = schedules(leastconn)
    pool = make_pool([1, 2, 4])
    winners = []
    for _ in schedule.split():
        winners.append(elect(METHOD, pool))
        pool.row.busy[winners[-1]] += 1

    assert " ".join(NAMES[slot] for slot in winners) == schedule


def test_of_idle_members_the_heaviest_is_first() -> None:
    assert run(METHOD, make_pool([1, 10]), 3) == "b b b"


def test_equal_members_take_turns() -> None:
    assert run(METHOD, make_pool([1, 1, 1]), 6) == "a b c a b c"


def test_a_session_moves_the_turn() -> None:
    pool = make_pool([1, 1])
    METHOD.took(candidates(pool, 0.0), pool, 0)

    assert run(METHOD, pool, 3) == "b a b"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 9))
def test_queues_fill_by_weight(weights: list[int], rounds: int) -> None:
    pool = make_pool(weights)
    for _ in range(rounds * sum(weights)):
        pool.row.busy[elect(METHOD, pool)] += 1

    assert list(pool.row.busy) == [rounds * weight for weight in weights]
