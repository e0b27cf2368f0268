"""Who may be chosen: states, sets, spares, standbys, rests, probes and slow starts."""

from array import array
from dataclasses import FrozenInstanceError
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.balancer.pools import NAMES, make_pool, put_out
from wsgi_scgi.balancer.candidates import (
    PROBE_LOST,
    SLOW_START_STEPS,
    Candidates,
    Recovered,
    candidates,
    full_slots,
    usable,
)
from wsgi_scgi.scoreboard.pool import Pool
from wsgi_scgi.scoreboard.status import Status

NOW = 1000.0


def pool_of(*states: str) -> Pool:
    """Return a pool of members in these states: letters, and before a colon their set."""
    pool = make_pool([1] * len(states))
    for slot, state in enumerate(states):
        lbset, _, letters = state.rpartition(":")
        pool.lbset[slot] = int(lbset or 0)
        pool.status[slot] |= Status.parse(letters)
        if "E" in letters:
            pool.rest_until[slot] = NOW + 5
    return pool


def names(found: Candidates) -> str:
    return "".join(NAMES[slot] for slot in found.slots)


def offered(*states: str) -> str:
    """Return the names of the candidates, in order."""
    return names(candidates(pool_of(*states), NOW))


def test_all_members_that_are_well_are_candidates_in_the_order_of_the_configuration() -> None:
    pool = make_pool([1, 2.5, 4])
    found = candidates(pool, NOW)

    assert list(found.slots) == list(found.usable) == [0, 1, 2]
    assert list(found.weights) == list(found.usable_weights) == [100, 250, 400]
    assert found.next_change == inf


@pytest.mark.parametrize("state", ["D", "S", "C", "E", "DI", "SI", "CI", "DN"])
def test_a_member_is_out_by_each_of_these_states(state: str) -> None:
    pool = pool_of(state, "")

    assert names(candidates(pool, NOW)) == "b"
    assert list(candidates(pool, NOW).usable) == [1]
    assert [usable(pool, slot, NOW) for slot in (0, 1)] == [False, True]


def test_free_places_are_no_members() -> None:
    pool = make_pool([1, 1], spare=3)
    pool.remove(0)

    assert names(candidates(pool, NOW)) == "b"
    assert [slot for slot in range(5) if usable(pool, slot, NOW)] == [1]


def test_nobody_is_a_candidate_where_nobody_is_usable() -> None:
    assert offered() == offered("D", "S", "C", "E", "N", "HD", "1:D") == ""


def test_a_member_with_i_never_rests() -> None:
    pool = pool_of("IE", "")

    assert names(candidates(pool, NOW)) == "ab"
    assert candidates(pool, NOW).next_change == inf
    assert usable(pool, 0, NOW)


def test_a_drained_member_is_there_for_its_sessions_only() -> None:
    pool = pool_of("N", "")

    assert names(candidates(pool, NOW)) == "b"
    assert list(candidates(pool, NOW).usable) == [0, 1]
    assert usable(pool, 0, NOW)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        # The first set that has anybody (T163).
        (["", "1:", "2:"], "a"),
        (["2:", "1:", "1:"], "bc"),
        (["D", "1:E", "99:"], "c"),
        (["5:", "5:", "7:"], "ab"),
        # A standby where nobody else is there, before any member of the next set.
        (["", "H"], "a"),
        (["D", "H", "H"], "bc"),
        (["D", "H", "1:"], "b"),
        (["D", "HD", "1:"], "c"),
        (["N", "H"], "b"),
        # As many spares as normal members are missing, after these (T164).
        (["", "R"], "a"),
        (["R", "", "D"], "ba"),
        (["E", "", "R", "R"], "bc"),
        (["E", "C", "R", "R", "R"], "cd"),
        (["E", "D", "RD", "R"], "d"),
        (["N", "R"], "b"),
        (["D", "R", "H"], "b"),
        # Drained spares and standbys are not missing, nor members of other sets.
        (["", "RN", "R"], "a"),
        (["", "HN", "R"], "a"),
        (["", "R", "1:D"], "a"),
        (["R", "1:"], "b"),
        # A spare that is a standby too is a spare.
        (["", "RH"], "a"),
        (["D", "RH", "H"], "b"),
        (["RH", "1:"], "b"),
    ],
)
def test_sets_standbys_and_spares(states: list[str], expected: str) -> None:
    assert offered(*states) == expected


def test_whoever_was_tried_or_is_full_is_passed_over_and_replaced_by_a_spare() -> None:
    pool = pool_of("", "", "R", "H", "1:")

    assert names(candidates(pool, NOW, without=(0,))) == "bc"
    assert names(candidates(pool, NOW, without=[0, 1])) == "c"
    assert names(candidates(pool, NOW, without={0, 1, 2})) == "d"
    assert names(candidates(pool, NOW, without=(0, 1, 2, 3))) == "e"
    assert names(candidates(pool, NOW, without=range(-1, 9))) == ""
    assert list(candidates(pool, NOW, without=(0, 4)).usable) == [1, 2, 3]


def test_a_rest_ends_by_itself() -> None:
    pool = pool_of("E", "E", "")
    pool.rest_until[1] = NOW + 2

    found = candidates(pool, NOW)
    assert names(found) == "c"
    assert found.next_change == NOW + 2
    found = candidates(pool, found.next_change)
    assert names(found) == "bc"
    assert found.next_change == NOW + 5
    assert names(candidates(pool, found.next_change)) == "abc"


def test_a_member_that_is_out_anyway_changes_nothing_when_its_rest_ends() -> None:
    assert candidates(pool_of("ED", ""), NOW).next_change == inf


def test_one_probe_at_a_time_finds_out_whether_a_member_is_well() -> None:
    pool = pool_of("E", "")
    pool.rest_until[0] = NOW - 1
    assert names(candidates(pool, NOW)) == "ab"
    assert usable(pool, 0, NOW)

    pool.probe_row[0], pool.probe_at[0] = 3, NOW
    found = candidates(pool, NOW + 1)
    assert names(found) == "b"
    assert found.next_change == NOW + PROBE_LOST
    assert not usable(pool, 0, NOW + 1)

    pool.probe_row[0] = -1
    assert names(candidates(pool, NOW + 1)) == "ab"


def test_a_probe_that_nobody_hears_of_again_is_lost() -> None:
    pool = pool_of("E", "")
    pool.rest_until[0] = NOW - 1
    pool.probe_row[0], pool.probe_at[0] = 0, NOW

    end = candidates(pool, NOW).next_change
    assert names(candidates(pool, end)) == "ab"
    assert candidates(pool, end).next_change == inf
    assert usable(pool, 0, end)


def test_a_rest_after_a_failed_probe_counts_while_the_probe_is_on_its_way() -> None:
    pool = pool_of("E", "")
    pool.probe_row[0], pool.probe_at[0] = 0, NOW - 1

    assert candidates(pool, NOW).next_change == NOW + 5


def test_a_slow_start_grows_in_steps_to_the_whole_weight() -> None:
    pool = make_pool([10, 1])
    pool.up_since[0] = NOW

    times, weights = [NOW], []
    while times[-1] != inf:
        found = candidates(pool, times[-1], slow_start=40.0)
        assert found.weights == found.usable_weights
        weights.append(found.weights[0])
        assert found.weights[1] == 100
        times.append(found.next_change)

    steps = range(1, SLOW_START_STEPS + 1)
    assert weights == [*(1000 * step // SLOW_START_STEPS for step in steps), 1000]
    assert times[1:-1] == [NOW + 2 * step for step in steps]


def test_a_slow_start_begins_with_more_than_nothing() -> None:
    pool = make_pool([1])
    pool.weight[0] = 7
    pool.up_since[0] = NOW

    assert list(candidates(pool, NOW, slow_start=10.0).weights) == [1]


def test_a_clock_that_another_process_read_a_moment_later_is_no_harm() -> None:
    pool = make_pool([1])
    pool.up_since[0] = NOW + 0.001

    assert list(candidates(pool, NOW).weights) == [100]
    found = candidates(pool, NOW, slow_start=10.0)
    assert list(found.weights) == [5]
    assert found.next_change == NOW + 0.501


def test_nobody_starts_slowly_who_was_always_there_or_where_it_is_not_asked_for() -> None:
    pool = make_pool([1, 1])
    pool.up_since[1] = NOW

    assert list(candidates(pool, NOW, slow_start=10.0).weights) == [100, 5]
    assert list(candidates(pool, NOW).weights) == [100, 100]
    assert candidates(pool, NOW).next_change == inf


def test_places_are_full_by_the_requests_of_all_processes_together() -> None:
    def column(*numbers: int) -> "memoryview[int]":
        return memoryview(array("q", numbers))

    limits = column(0, 1, 2, 3, 2)
    rows = [column(9, 0, 1, 1, 2), column(9, 0, 1, 1, 3)]

    assert full_slots(limits, rows) == (2, 4)
    assert full_slots(limits, rows[:1]) == (4,)
    assert full_slots(limits, []) == ()


def test_of_a_recovered_pool_nobody_is_at_rest_and_all_else_is_as_it_was() -> None:
    pool = make_pool([1, 2, 3, 4])
    put_out(pool, 2)
    for slot in range(4):
        pool.status[slot] |= Status.ERROR
        pool.rest_until[slot] = NOW + 60
    pool.status[3] |= Status.DRAIN

    assert not candidates(pool, NOW).slots
    found = candidates(Recovered(pool), NOW, without=(0,))

    assert list(found.slots) == [1]
    assert list(found.weights) == [200]
    assert list(found.usable) == [1, 3]
    assert usable(Recovered(pool), 0, NOW)
    assert not usable(Recovered(pool), 2, NOW)
    assert not usable(pool, 0, NOW)


def test_candidates_are_values() -> None:
    pool = make_pool([1, 2])
    found = candidates(pool, NOW)
    found.derived["x"] = 1

    assert found == candidates(pool, NOW)
    assert found != candidates(pool, NOW, without=(0,))
    with pytest.raises(FrozenInstanceError):
        found.next_change = 0.0  # type: ignore[misc]  # this is what is tested


_STATES = st.lists(
    st.tuples(st.sets(st.sampled_from("DSIRHENC"), max_size=3), st.integers(0, 2)), max_size=7
)


@given(_STATES, st.sets(st.integers(0, 6), max_size=3))
def test_what_holds_for_all_pools(states: list[tuple[set[str], int]], without: set[int]) -> None:
    pool = pool_of(*(f"{lbset}:{''.join(letters)}" for letters, lbset in states))
    found = candidates(pool, NOW, without=without)
    members = range(len(states))
    fit = [slot for slot in members if usable(pool, slot, NOW) and slot not in without]

    assert list(found.usable) == fit
    assert set(found.slots) <= set(fit)
    assert not any(pool.status[slot] & Status.DRAIN for slot in found.slots)
    assert len({pool.lbset[slot] for slot in found.slots}) <= 1
    # There is nobody only where everybody is drained, or a spare of a set that misses none.
    if not found.slots:
        assert all(pool.status[slot] & (Status.DRAIN | Status.HOT_SPARE) for slot in fit)
    kinds = [bool(pool.status[slot] & Status.HOT_SPARE) for slot in found.slots]
    assert kinds == sorted(kinds)
