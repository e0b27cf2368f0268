"""bybusyness: the fewest requests in flight, whatever the weights."""

from tests.balancer.pools import NAMES, elect, make_pool, run, schedules
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import bybusyness
from wsgi_scgi.balancer.methods.bybusyness import ByBusyness

METHOD = ByBusyness()


def test_the_schedule_of_the_docstring() -> None:
    (schedule,) = schedules(bybusyness)
    pool = make_pool([1, 1, 1])
    winners = []
    for _ in range(2):
        winners.append(elect(METHOD, pool))
        pool.row.busy[winners[-1]] += 1
    winners += [elect(METHOD, pool) for _ in range(len(schedule.split()) - 2)]

    assert " ".join(NAMES[slot] for slot in winners) == schedule
    assert schedule.endswith("c c c c c")


def test_where_requests_come_one_at_a_time_it_goes_by_weights() -> None:
    assert run(METHOD, make_pool([1, 2, 4]), 7) == "c b c a c b c"


def test_a_slow_member_is_given_as_little_as_it_can_take() -> None:
    pool = make_pool([1, 1])
    served = [0, 0]
    for time in range(300):
        slot = elect(METHOD, pool)
        served[slot] += 1
        pool.row.busy[slot] += 1
        # a ends a request in every third moment, b in each
        for other, pace in ((0, 3), (1, 1)):
            if pool.row.busy[other] and time % pace == 0:
                pool.row.busy[other] -= 1

    assert served[0] <= 110
    assert served[1] >= 190


def test_a_session_moves_the_turn() -> None:
    pool = make_pool([1, 1])
    METHOD.took(candidates(pool, 0.0), pool, 0)

    assert run(METHOD, pool, 3) == "b a b"
