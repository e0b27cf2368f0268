"""byrequests: Apache's order, and what it means for shares."""

from hypothesis import given
from hypothesis import strategies as st

from tests.balancer.pools import elect, make_pool, put_out, run, schedules
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import byrequests
from wsgi_scgi.balancer.methods.byrequests import ByRequests
from wsgi_scgi.scoreboard.status import Status

METHOD = ByRequests()


def test_the_schedules_of_the_docstring_which_are_apaches() -> None:
    one, other = schedules(byrequests)

    assert run(METHOD, make_pool([1, 2, 4]), 21) == " ".join([one] * 3)
    assert one == "c b c a c b c"
    assert run(METHOD, make_pool([70, 30]), 30) == " ".join([other] * 3)
    assert other == "a b a a a b a a b a"


def test_equal_members_take_turns_in_the_order_of_the_configuration() -> None:
    assert run(METHOD, make_pool([1, 1, 1]), 9) == "a b c a b c a b c"


def test_a_weight_may_have_hundredths() -> None:
    assert run(METHOD, make_pool([1, 1.5]), 5) == "b a b a b"


def test_one_member_gets_everything() -> None:
    assert run(METHOD, make_pool([3]), 3) == "a a a"


def test_a_member_that_is_out_keeps_its_counter() -> None:
    pool = make_pool([1, 1, 1])
    assert run(METHOD, pool, 1) == "a"
    before = pool.lbstatus[0]

    put_out(pool, 0)
    assert run(METHOD, pool, 4) == "b c b c"
    assert pool.lbstatus[0] == before == -200

    pool.status[0] = Status.IN_USE
    # Its debt is that of one turn: the others go first.
    assert run(METHOD, pool, 6) == "b c a b c a"


def test_other_requests_make_up_for_sessions() -> None:
    pool = make_pool([1, 1])
    for _ in range(3):
        METHOD.took(candidates(pool, 0.0), pool, 0)

    assert list(pool.lbstatus) == [-300, 300]
    assert run(METHOD, pool, 6) == "b b b a b a"


def test_a_session_counts_for_all_usable_members_of_all_sets() -> None:
    pool = make_pool([1, 2, 3, 4, 5])
    pool.lbset[1] = 1
    pool.status[2] |= Status.HOT_STANDBY
    pool.status[3] |= Status.DRAIN
    put_out(pool, 4)

    METHOD.took(candidates(pool, 0.0), pool, 3)

    assert list(pool.lbstatus) == [100, 200, 300, 400 - 1000, 0]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_in_one_round_each_serves_as_often_as_its_weight_says(weights: list[int]) -> None:
    pool = make_pool(weights)
    winners = [elect(METHOD, pool) for _ in range(sum(weights))]

    assert [winners.count(slot) for slot in range(len(weights))] == weights
    assert not any(pool.lbstatus)


@given(st.lists(st.floats(1, 100), min_size=1, max_size=8), st.integers(1, 300))
def test_nobody_is_ever_a_whole_turn_ahead_of_its_share(weights: list[float], number: int) -> None:
    pool = make_pool(weights)
    winners = [elect(METHOD, pool) for _ in range(number)]

    for slot, weight in enumerate(pool.weight):
        assert winners.count(slot) < number * weight / sum(pool.weight) + 1
    assert sum(pool.lbstatus) == 0
