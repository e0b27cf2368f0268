"""Rests, probes and the results of health checks, of a pool alone."""

from tests.balancer.pools import Clock, make_pool
from wsgi_scgi.balancer.rests import HISTORY, JITTER, Rests
from wsgi_scgi.balancer.rules import RestRules
from wsgi_scgi.scoreboard.pool import NO_PROBE, Pool
from wsgi_scgi.scoreboard.status import Status

RULES = RestRules(retry=5, retry_max=20, max_fails=3, fail_timeout=10)


def made(rules: RestRules = RULES) -> tuple[Rests, Pool, Clock]:
    """Return the rests of a pool of two."""
    pool, clock = make_pool([1, 1]), Clock()
    return Rests(pool, rules, clock), pool, clock


def letters(pool: Pool, slot: int = 0) -> str:
    return Status(pool.status[slot]).letters()


class TestRests:
    """When they begin and end."""

    def test_each_in_a_row_is_longer_up_to_the_longest(self) -> None:
        rests, pool, clock = made()
        for longest in (5, 10, 20, 20):
            span = rests.begin(0)
            assert span is not None
            assert longest * (1 - JITTER) <= span <= longest
            assert pool.rest_until[0] == clock.now + span
            clock.now += span
        assert (letters(pool), letters(pool, 1)) == ("E", "")

    def test_a_fault_during_a_rest_makes_it_no_longer_but_is_noted(self) -> None:
        rests, pool, clock = made()
        rests.begin(0)
        until = pool.rest_until[0]
        clock.now += 1
        assert rests.begin(0) is None
        assert (pool.rest_until[0], pool.fault_at[0], pool.rests[0]) == (until, clock.now, 1)

    def test_an_answer_ends_it_if_the_request_came_after_the_fault(self) -> None:
        rests, pool, clock = made()
        assert not rests.end(0, clock.now)
        before = clock.now
        rests.begin(0)
        assert not rests.end(0, before)
        epoch = pool.epoch
        clock.now += 1
        assert rests.end(0, clock.now)
        assert pool.epoch > epoch
        assert (letters(pool), pool.rests[0], pool.up_since[0]) == ("", 0, clock.now)

    def test_faults_make_one_where_they_come_close_together(self) -> None:
        rests, pool, clock = made()
        for pause in (0, 11, 9):
            clock.now += pause
            assert rests.count_fault(0) is None
        assert rests.count_fault(0) is not None
        assert letters(pool) == "E"

    def test_one_fault_of_a_probe_is_enough_and_without_max_fails_no_number_of_others(self) -> None:
        rests, pool, clock = made(RestRules(max_fails=0))
        assert [rests.count_fault(0) for _ in range(9)] == [None] * 9
        rests.begin(0)
        clock.now = pool.rest_until[0]
        assert rests.count_fault(0) is not None
        assert pool.rests[0] == 2


class TestProbes:
    """One request at a time finds out whether a member is well again."""

    def test_only_a_member_that_has_rested_is_probed(self) -> None:
        rests, pool, clock = made()
        assert not rests.begin_probe(0, 3, clock.now)
        rests.begin(0)
        assert not rests.begin_probe(0, 3, clock.now)
        clock.now = pool.rest_until[0]
        epoch = pool.epoch
        assert rests.begin_probe(0, 3, clock.now)
        assert (pool.probe_row[0], pool.probe_at[0]) == (3, clock.now)
        assert pool.epoch > epoch

    def test_one_whose_errors_are_ignored_is_not(self) -> None:
        rests, pool, clock = made()
        rests.begin(0)
        pool.status[0] |= Status.IGNORE_ERRORS
        assert not rests.begin_probe(0, 3, clock.now + 100)

    def test_its_end_lets_another_come_but_not_that_of_one_that_was_lost(self) -> None:
        rests, pool, clock = made()
        rests.begin(0)
        clock.now = pool.rest_until[0]
        rests.begin_probe(0, 3, clock.now)
        for other in ((4, clock.now), (3, clock.now - 1)):
            rests.end_probe(0, *other)
            assert pool.probe_row[0] == 3
        rests.end_probe(0, 3, clock.now)
        assert pool.probe_row[0] == NO_PROBE


class TestHealth:
    """Results of health checks."""

    @staticmethod
    def check(rests: Rests, *results: bool) -> list[bool]:
        return [rests.note_check(0, passed, 0.25, passes=2, fails=2) for passed in results]

    def test_results_in_a_row_change_the_state(self) -> None:
        rests, pool, clock = made()
        assert self.check(rests, False, True, False) == [False, False, False]
        assert self.check(rests, False) == [True]
        assert letters(pool) == "C"
        assert self.check(rests, True, False, True) == [False, False, False]
        assert self.check(rests, True) == [True]
        assert letters(pool) == ""
        assert (pool.check_seconds[0], pool.checked_at[0]) == (0.25, clock.now)

    def test_checks_end_a_rest_by_passes_that_come_after_the_fault(self) -> None:
        rests, pool, _ = made()
        self.check(rests, True, True, True)
        rests.begin(0)
        assert self.check(rests, True) == [False]
        assert letters(pool) == "E"
        assert self.check(rests, True) == [True]
        assert letters(pool) == ""

    def test_the_history_has_the_newest_results_however_many_there_were(self) -> None:
        rests, pool, _ = made()
        for number in range(3 * HISTORY):
            self.check(rests, number % 3 == 0)
        kept = f"{pool.history[0]:b}"
        assert len(kept) == HISTORY + 1
        wanted = "".join("01"[n % 3 == 0] for n in range(3 * HISTORY))
        assert kept[1:] == wanted[-HISTORY:]
