"""The balancer: elections, rests, probes, limits, sessions and what a member is blamed for."""

import gc
import logging
import threading
from typing import Any

import pytest

from tests.balancer.pools import NAMES, Site
from tests.proxy.steps import request
from tests.transports import BOUND
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.balancer.candidates import PROBE_LOST, Candidates, candidates
from wsgi_scgi.balancer.hash_key import key_reader
from wsgi_scgi.balancer.rests import JITTER
from wsgi_scgi.balancer.rules import AttemptRules, RestRules
from wsgi_scgi.balancer.steering import Change, add_member, change_member, remove_member
from wsgi_scgi.balancer.sticky import Session
from wsgi_scgi.errors import (
    BackendError,
    BackendTimeout,
    ClientDisconnected,
    ConnectError,
    DeadlineExceeded,
    NoMember,
    ResponseError,
)
from wsgi_scgi.scoreboard.status import Status


def limit(site: Site, **limits: int) -> None:
    """Set ``max_connections`` of members."""
    for name, number in limits.items():
        change_member(site.balancer, site.slot(name), Change(max_connections=number))


class TestElections:
    """Who gets a request."""

    def test_members_take_turns(self) -> None:
        assert Site("", "", "").names(9) == "abcabcabc"

    def test_a_member_that_is_changed_at_run_time_is_seen_at_the_next_election(self) -> None:
        site = Site("", "", spare=1)
        assert site.names(2) == "ab"
        site.steer("a", on="D")
        assert site.names(2) == "bb"
        add_member(site.balancer, "scgi://c")
        assert site.names(2) == "bb"  # disabled at first
        site.steer("c", off="D")
        assert set(site.names(4)) == {"b", "c"}
        remove_member(site.balancer, 1)
        assert site.names(2) == "cc"
        assert [member.name for member in site.balancer.members()] == ["scgi://a", "scgi://c"]

    def test_a_weight_that_is_changed_counts_from_the_next_election(self) -> None:
        site = Site("", "")
        site.name()
        change_member(site.balancer, 1, Change(weight=3))
        assert site.names(8).count("b") == 6

    def test_nobody_is_a_member_of_an_empty_pool(self) -> None:
        site = Site(spare=1)
        with pytest.raises(NoMember, match="there is none at all") as caught:
            site.elect()
        assert caught.value.retry_after is None

    def test_whoever_is_missing_is_named_with_the_reason(self) -> None:
        site = Site("D", "", "", "", force_recovery=False)
        site.fail("b")
        site.clock.now += 5
        site.fail("c")
        probe = site.lease_of("b")
        with pytest.raises(NoMember) as caught:
            site.elect(without="d")
        assert str(caught.value).partition(": ")[2].split(", ") == [
            "scgi://a is out (D)",
            "scgi://b is tried by another request",
            f"scgi://c rests for {site.pool.rest_until[2] - site.clock.now:.1f} seconds",
            "scgi://d is busy or was tried",
        ]
        assert caught.value.retry_after == 1
        probe.release()

    def test_the_candidates_are_worked_out_once_while_nothing_changes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site = Site("", "", "")
        limit(site, a=2)
        calls = count_calls(monkeypatch)
        site.names(30)
        assert len(calls) == 1
        held = [site.elect() for _ in range(4)]  # a is full after these
        held += [site.elect() for _ in range(20)]
        assert len(calls) == 2
        for _ in range(5):
            site.name(without="b")
        assert len(calls) == 3
        for lease in held:
            lease.release()
        site.names(3)
        assert len(calls) == 3

    def test_there_is_another_where_an_election_would_find_one(self) -> None:
        site = Site("", "", "", "N", force_recovery=False)
        assert site.balancer.has_candidates([0])
        limit(site, b=1)
        held = site.lease_of("b")
        site.fail("c")
        assert not site.balancer.has_candidates([0])
        assert site.balancer.has_candidates([])
        held.release()
        assert site.balancer.has_candidates([0])
        assert not site.balancer.has_candidates([0, 1])

    def test_sessions_and_keys_are_read_where_they_are_configured(self) -> None:
        asked = request("/a?sid=x.rb")
        assert Site("").balancer.session_of(asked) is None
        assert Site("").balancer.key_of(asked) == b""
        assert Site("", sticky="sid").balancer.session_of(asked) == Session("sid", "rb")
        made = Balancer("pool", Site("").pool, key_of=key_reader("path"))
        assert made.has_key
        assert made.key_of(asked) == b"/a"


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Count how often candidates are worked out."""
    calls: list[object] = []

    def counting(*args: Any, **kwargs: Any) -> Candidates:
        calls.append(args)
        return candidates(*args, **kwargs)

    monkeypatch.setattr("wsgi_scgi.balancer.balancer.candidates", counting)
    return calls


class TestALoneMember:
    """A balancer of one, which is what a single backend is."""

    def test_it_is_lent_without_an_election_once_it_is_known(self) -> None:
        site = Site("")
        assert site.balancer.lend_alone() is None
        site.name()
        lease = site.balancer.lend_alone()
        assert lease is not None
        assert lease.member.name == "scgi://a"
        assert site.busy() == [1]

    def test_where_there_are_two_an_election_is_held(self) -> None:
        site = Site("", "")
        site.name()
        assert site.balancer.lend_alone() is None

    def test_a_session_is_noted_so_the_usual_way_is_taken(self) -> None:
        site = Site("", sticky="sid")
        site.name()
        assert site.balancer.lend_alone() is None

    @pytest.mark.parametrize("change", [Change(on=Status.DRAIN), Change(max_connections=1)])
    def test_one_that_may_not_always_serve_is_elected(self, change: Change) -> None:
        site = Site("")
        site.name()
        change_member(site.balancer, 0, change)
        assert site.balancer.lend_alone() is None
        with site.pool.lock:
            site.balancer.refresh()
        assert site.balancer.lend_alone() is None


class TestRests:
    """When a member is left alone."""

    def test_a_member_to_which_no_connection_can_be_made_rests_at_once(self) -> None:
        site = Site("", "")
        site.fail("a")
        assert site.letters("a") == "E"
        assert site.names(3) == "bbb"

    def test_rests_grow_to_the_longest_and_start_again_after_an_answer(self) -> None:
        site = Site("", "", rest=RestRules(retry=5, retry_max=15))
        for longest in (5, 10, 15, 15):
            began = site.clock.now
            site.fail("a")
            span = site.pool.rest_until[0] - began
            assert longest * (1 - JITTER) <= span <= longest
            site.clock.now = site.pool.rest_until[0]
        site.answer("a")
        assert site.letters("a") == ""
        site.clock.now += 1
        site.fail("a")
        assert site.pool.rest_until[0] - site.clock.now <= 5

    def test_with_retry_0_a_member_is_tried_at_the_next_election(self) -> None:
        site = Site("", "", rest=RestRules(retry=0, retry_max=0))
        for _ in range(100):
            site.fail("a")
        assert set(site.names(4)) == {"a", "b"}

    def test_a_lone_backend_never_rests(self) -> None:
        site = Site("")
        for _ in range(5):
            site.fail("a")
            site.fail("a", ResponseError("garbage"))
        assert site.letters("a") == ""
        assert site.name() == "a"

    def test_whoever_is_left_alone_by_removals_rests_no_longer(self) -> None:
        site = Site("", "", force_recovery=False)
        limit(site, a=5)
        site.fail("a")
        remove_member(site.balancer, 1)
        assert site.name() == "a"
        assert site.letters("a") == ""

    def test_a_member_with_i_never_rests_and_is_never_probed(self) -> None:
        site = Site("", "")
        site.fail("a")
        site.steer("a", on="I")
        site.clock.now += 10
        leases = [site.elect() for _ in range(4)]
        assert not any(lease.is_probe for lease in leases)
        assert sorted(NAMES[lease.member.slot] for lease in leases) == list("aabb")
        site.fail("a")
        assert site.pool.rests[0] == 1

    def test_one_bad_answer_is_forgiven_and_the_third_in_a_row_of_time_is_not(self) -> None:
        site = Site("", "", rest=RestRules(max_fails=3, fail_timeout=10))
        for pause in (0, 11, 9):
            site.clock.now += pause
            site.fail("a", ResponseError("garbage"))
            assert site.letters("a") == ""
        site.fail("a", ResponseError("garbage"))
        assert site.letters("a") == "E"

    def test_good_answers_between_do_not_excuse_faults(self) -> None:
        # U2: two of thirty answers are lost in six, and the member is out with the third.
        site = Site("", "", rest=RestRules(max_fails=3))
        for _ in range(3):
            site.answer("a")
            site.answer("a")
            site.fail("a", ResponseError("closed"))
        assert site.letters("a") == "E"

    @pytest.mark.parametrize(
        ("rules", "letters"), [(RestRules(), ""), (RestRules(fail_on_timeout=True), "E")]
    )
    def test_a_timeout_is_a_reason_to_rest_only_where_it_is_said(
        self, rules: RestRules, letters: str
    ) -> None:
        site = Site("", "", rest=rules)
        site.fail("a", BackendTimeout("silent"))
        assert site.letters("a") == letters

    def test_statuses_are_faults_only_where_it_is_said(self) -> None:
        for fault in (302, 404):
            site = Site("", "", rest=RestRules(fail_on_status=frozenset({fault})))
            for status in (200, 304, 500, 502, 503):
                site.answer("a", status)
            assert site.letters("a") == ""
            site.answer("a", fault)
            assert site.letters("a") == "E"

    def test_of_statuses_for_another_member_only_the_server_s_own_are_faults(self) -> None:
        # U3
        rules = AttemptRules(next_upstream=frozenset({404, 429, 500}))
        for status, letters in ((404, ""), (429, "E"), (500, "E"), (503, "")):
            site = Site("", "", attempts=rules)
            site.answer("a", status)
            assert site.letters("a") == letters, status

    def test_an_answer_to_an_older_request_does_not_end_a_rest(self) -> None:
        site = Site("", "")
        early = site.lease_of("a")
        site.clock.now += 1
        site.fail("a")
        early.answered(200)
        early.release()
        assert site.letters("a") == "E"

    def test_a_fault_of_a_member_that_was_removed_is_nobody_s(self) -> None:
        site = Site("", "", "", spare=1)
        late, later = site.lease_of("a"), site.lease_of("a")
        remove_member(site.balancer, 0)
        late.failed(ConnectError("refused"))
        late.release()
        later.release()
        assert add_member(site.balancer, "scgi://new") == 0
        site.steer("a", off="D")
        later.failed(ConnectError("refused"))
        assert site.letters("a") == ""
        assert site.busy() == [0, 0, 0, 0]

    def test_an_answer_of_a_member_that_was_removed_ends_nobody_s_rest(self) -> None:
        site = Site("", "", "")
        old = site.lease_of("a")
        old.release()
        remove_member(site.balancer, 0)
        add_member(site.balancer, "scgi://new")
        site.steer("a", off="D")
        site.fail("a")
        site.clock.now += 1
        old.started = site.clock.now
        old.answered(200)
        assert site.letters("a") == "E"


class TestProbes:
    """One request finds out whether a member is well."""

    def test_after_a_rest_one_request_at_a_time_goes_there(self) -> None:
        site = Site("", "")
        site.fail("a")
        site.clock.now += 5
        leases = [site.elect() for _ in range(6)]
        assert [NAMES[lease.member.slot] for lease in leases].count("a") == 1
        (probe,) = [lease for lease in leases if lease.is_probe]
        probe.answered(200)
        assert site.letters("a") == ""
        assert set(site.names(2)) == {"a", "b"}

    def test_a_probe_that_fails_is_another_rest_whatever_its_fault(self) -> None:
        site = Site("", "")
        site.fail("a")
        site.clock.now += 5
        site.fail("a", ResponseError("garbage"))
        assert site.pool.rests[0] == 2
        assert site.names(3) == "bbb"

    def test_a_probe_that_ends_without_a_verdict_lets_another_try(self) -> None:
        site = Site("", "")
        site.fail("a")
        site.clock.now += 5
        site.lease_of("a").release()  # the client left
        assert site.lease_of("a").is_probe

    def test_a_probe_that_is_dropped_lets_another_try(self) -> None:
        site = Site("", "")
        site.fail("a")
        site.clock.now += 5
        site.lease_of("a")
        assert site.lease_of("a").is_probe

    def test_the_late_end_of_a_lost_probe_does_not_end_the_next_one(self) -> None:
        site = Site("", "")
        site.fail("a")
        site.clock.now += 5
        lost = site.lease_of("a")
        site.clock.now += PROBE_LOST
        probe = site.lease_of("a")
        assert probe.is_probe
        lost.release()
        assert site.names(4) == "bbbb"
        probe.release()
        assert "a" in site.names(4)


class TestForceRecovery:
    """Those at rest are asked where all of them rest."""

    def test_those_that_are_out_by_hand_neither_serve_nor_hinder(self) -> None:
        # T157
        site = Site("", "", "D", "C", "N", "S")
        site.fail("a")
        site.fail("b")
        assert set(site.names(4)) == {"a", "b"}

    def test_without_it_nobody_serves(self) -> None:
        site = Site("", "", force_recovery=False)
        site.fail("a")
        site.fail("b")
        with pytest.raises(NoMember) as caught:
            site.elect()
        assert caught.value.retry_after == 5
        site.clock.now += 5
        assert site.name() in "ab"

    def test_the_lowest_set_is_asked(self) -> None:
        site = Site("1:", "", "")
        for name in "abc":
            site.fail(name)
        assert site.names(4) == "bcbc"

    def test_they_stay_at_rest_until_one_answers_and_rests_do_not_grow(self) -> None:
        site = Site("", "")
        site.fail("a")
        site.fail("b")
        until = site.pool.rest_until.tolist()
        site.clock.now += 1
        site.fail("a")
        assert site.pool.rest_until.tolist() == until
        site.clock.now += 1
        site.answer("b")
        assert (site.letters("a"), site.letters("b")) == ("E", "")
        assert site.names(3) == "bbb"

    def test_a_request_that_has_tried_all_others_may_ask_those_at_rest(self) -> None:
        site = Site("", "")
        site.fail("a")
        assert site.name(without="b") == "a"

    def test_for_another_answer_nobody_at_rest_is_asked(self) -> None:
        site = Site("", "")
        site.fail("a")
        assert site.balancer.has_candidates([1])
        assert not site.balancer.has_candidates([1], recovers=False)
        with pytest.raises(NoMember):
            site.balancer.elect(without=[1], recovers=False)

    def test_nobody_at_rest_is_asked_where_another_is_only_full(self) -> None:
        site = Site("", "")
        limit(site, b=1)
        site.fail("a")
        held = site.elect()
        with pytest.raises(NoMember):
            site.elect()
        assert site.name(without="b") == "a"
        held.release()
        assert site.name() == "b"

    @pytest.mark.parametrize("no_failover", [False, True])
    def test_sessions_go_to_their_own_members(self, no_failover: bool) -> None:
        site = Site("", "", "", sticky="S", no_failover=no_failover)
        for name in "abc":
            site.fail(name)
        assert [site.name(f"r{name}") for name in "bcab"] == ["b", "c", "a", "b"]

    @pytest.mark.parametrize(
        ("states", "served"), [(("", "H", ""), "ac"), (("R", "", ""), "bc"), (("H", "1:"), "a")]
    )
    def test_standbys_spares_and_sets_are_what_they_are(
        self, states: tuple[str, ...], served: str
    ) -> None:
        site = Site(*states)
        for name, _ in zip("abc", states, strict=False):
            site.fail(name)
        assert set(site.names(4)) == set(served)

    @pytest.mark.parametrize("force_recovery", [False, True])
    @pytest.mark.parametrize("states", [("N", "D"), ("N", "N"), ("N",)])
    def test_a_session_of_a_drained_member_is_served_where_nobody_else_is(
        self, states: tuple[str, ...], force_recovery: bool
    ) -> None:
        site = Site(*states, sticky="S", force_recovery=force_recovery)
        assert site.name("ra") == "a"
        with pytest.raises(NoMember):
            site.elect()

    def test_a_full_member_at_rest_is_nobody_to_wait_for(self) -> None:
        site = Site("", "")
        limit(site, b=1)
        held = site.lease_of("b")
        site.fail("a")
        held.failed(ConnectError("refused"))
        assert site.name() == "a"


class TestLimits:
    """``max_connections``."""

    def test_a_full_member_is_passed_over(self) -> None:
        # U8: both limited, 2 + 3 of 6; the sixth finds nobody.
        site = Site("", "")
        limit(site, a=2, b=3)
        held = [site.elect() for _ in range(5)]
        assert "".join(NAMES[lease.member.slot] for lease in held) == "ababb"
        with pytest.raises(NoMember, match="is busy"):
            site.elect()
        held[0].release()
        assert site.name() == "a"

    def test_a_single_member_has_its_limit(self) -> None:
        site = Site("")
        limit(site, a=3)
        held = [site.elect() for _ in range(3)]
        with pytest.raises(NoMember):
            site.elect()
        held.pop().release()
        site.elect().release()

    def test_a_standby_serves_where_all_others_are_full(self) -> None:
        site = Site("", "H")
        limit(site, a=2)
        held = [site.elect() for _ in range(6)]
        assert "".join(NAMES[lease.member.slot] for lease in held) == "aabbbb"

    def test_a_spare_takes_the_place_of_a_full_member(self) -> None:
        site = Site("", "", "R")
        limit(site, a=1)
        held = [site.elect() for _ in range(5)]
        assert {NAMES[lease.member.slot] for lease in held[2:]} == {"b", "c"}

    def test_a_session_is_served_by_another_where_its_member_is_full(self) -> None:
        site = Site("", "")
        limit(site, a=1)
        held = site.elect("ra")
        assert NAMES[held.member.slot] == "a"
        assert site.name("ra") == "b"

    def test_a_limit_that_is_taken_away_holds_no_longer(self) -> None:
        site = Site("", "D")
        limit(site, a=1)
        held = site.elect()
        limit(site, a=0)
        assert site.name() == "a"
        held.release()


class TestSessions:
    """Stickiness."""

    def test_a_session_stays_with_its_member_and_others_make_up_for_it(self) -> None:
        site = Site("", "", "")
        assert [site.name("rb") for _ in range(2)] == ["b", "b"]
        assert site.names(4) == "acac"

    def test_an_unknown_route_is_no_route(self) -> None:
        site = Site("", "", no_failover=True)
        assert [site.name("r9") for _ in range(2)] == ["a", "b"]

    def test_a_drained_member_keeps_its_sessions(self) -> None:
        site = Site("N", "")
        assert site.name("ra") == "a"
        assert site.names(2) == "bb"

    @pytest.mark.parametrize("letters", ["D", "S", "C"])
    def test_the_session_of_a_member_that_is_out_goes_elsewhere_or_nowhere(
        self, letters: str
    ) -> None:
        assert Site(letters, "").name("ra") == "b"
        site = Site(letters, "", no_failover=True)
        with pytest.raises(NoMember, match="of route ra is out"):
            site.elect("ra")

    def test_normal_members_of_a_route_come_before_standbys(self) -> None:
        site = Site("H", "", "")
        for slot in (0, 1):
            change_member(site.balancer, slot, Change(route="same"))
        assert site.name("same") == "b"
        site.steer("b", on="D")
        assert site.name("same") == "a"

    def test_redirects_are_followed_but_not_in_circles(self) -> None:
        # T176
        site = Site("D", "D", "")
        change_member(site.balancer, 0, Change(redirect="rb"))
        change_member(site.balancer, 1, Change(redirect="rc"))
        assert site.name("ra") == "c"
        assert site.name("rb") == "c"
        change_member(site.balancer, 1, Change(redirect="ra"))
        assert site.name("ra") == "c"  # by election
        site = Site("D", "D", "D")
        change_member(site.balancer, 0, Change(redirect="ra"))
        with pytest.raises(NoMember):
            site.elect("ra")

    def test_a_route_that_is_changed_counts_from_the_next_election(self) -> None:
        site = Site("", "")
        assert site.name("rb") == "b"
        change_member(site.balancer, 0, Change(route="rb"))
        change_member(site.balancer, 1, Change(route="other"))
        assert site.name("rb") == "a"
        assert site.name("other") == "b"

    def test_a_retry_of_a_session_goes_to_another_member(self) -> None:
        site = Site("", "")
        assert site.name("ra", without="a") == "b"

    def test_a_member_after_its_rest_is_probed_by_one_of_its_sessions(self) -> None:
        site = Site("", "")
        site.fail("a")
        assert site.name("ra") == "b"
        site.clock.now += 5
        probe = site.elect("ra")
        assert (NAMES[probe.member.slot], probe.is_probe) == ("a", True)
        assert site.name("ra") == "b"


class TestBlame:
    """What a failure says of the member; more of it is in the tests of leases."""

    @pytest.mark.parametrize(
        ("error", "faults"),
        [
            (ClientDisconnected("left"), 0),
            (DeadlineExceeded("a slow client"), 0),
            (BackendError("any other"), 0),
            (BackendTimeout("silent"), 1),
        ],
    )
    def test_not_every_failure_is_a_fault(self, error: Exception, faults: int) -> None:
        site = Site("", "")
        site.fail("a", error)
        assert site.pool.faults[0] == faults


class TestHealth:
    """Results of health checks."""

    def test_they_change_what_a_member_may_do(self) -> None:
        site = Site("", "")
        assert not site.balancer.health_result(0, False, 0.25, passes=2, fails=2)
        assert site.balancer.health_result(0, False, 0.25, passes=2, fails=2)
        assert site.letters("a") == "C"
        assert site.names(2) == "bb"


class TestSlowStart:
    """A member that comes in grows to its weight."""

    def test_it_follows_a_rest(self) -> None:
        site = Site("", "", slow_start=100)
        site.fail("a")
        site.clock.now += 5
        site.answer("a")
        assert site.names(21).count("a") <= 2
        site.clock.now += 100
        assert site.names(20).count("a") == 10


def test_what_is_logged_is_logged_without_the_lock() -> None:
    site = Site("", "")
    free = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            def take() -> None:
                with site.pool.lock:
                    taken.set()

            taken = threading.Event()
            threading.Thread(target=take, daemon=True).start()
            if taken.wait(BOUND / 2):
                free.append(record.getMessage())

    logger, handler = logging.getLogger("wsgi_scgi"), Handler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        site.fail("a")
        for _ in range(3):
            site.fail("b", ResponseError("garbage"))
        site.clock.now += 1
        site.answer("a")
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
    assert [text.partition("scgi://")[2][:7] for text in free] == ["a rests", "b rests", "a serve"]


def test_an_election_of_the_only_member_survives_that_it_is_joined_by_another() -> None:
    site = Site("", spare=1)
    site.name()
    stop = threading.Event()
    problems: list[BaseException] = []

    def elect() -> None:
        try:
            while not stop.is_set():
                site.name()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=elect) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        add_member(site.balancer, "scgi://b")
        site.balancer.members()
        remove_member(site.balancer, 1)
        site.balancer.members()
    stop.set()
    for thread in threads:
        thread.join(BOUND)
    assert problems == []
    gc.collect()
    assert site.busy() == [0, 0]


def test_states_are_read_and_changed_while_the_lock_is_held_by_the_same_thread() -> None:
    # The garbage collector closes what was dropped, at any moment.
    site = Site("", "")
    site.fail("a")
    site.clock.now += 5
    probe = site.lease_of("a")
    with site.pool.lock:
        probe.release()
    assert site.pool.status[0] & Status.ERROR
    assert site.lease_of("a").is_probe
