"""The attempts at one request: who is asked next, and when nobody is."""

from collections.abc import Callable

import pytest

from tests.balancer.pools import NAMES, Site
from tests.proxy.steps import request
from wsgi_scgi.balancer.attempts import (
    IDEMPOTENT,
    LONGEST_PAUSE,
    Attempts,
    OnlyAttempt,
)
from wsgi_scgi.balancer.lease import Lease
from wsgi_scgi.balancer.rules import AttemptRules
from wsgi_scgi.balancer.steering import Change, change_member
from wsgi_scgi.errors import BackendError, BackendTimeout, ConnectError, NoMember, ResponseError
from wsgi_scgi.gateway.body import BodyState

REFUSED = ConnectError("refused")
GARBAGE = ResponseError("garbage")


class Body:
    """A request's body, as far as attempts look at it."""

    def __init__(self, state: BodyState) -> None:
        self.state = state
        self.rewound = 0

    def rewind(self) -> None:
        self.rewound += 1


def attempts_at(
    site: Site,
    method: str = "GET",
    body: Body | None = None,
    pause: Callable[[float], None] | None = None,
    target: str = "/",
    bound: Callable[[float], float] = lambda seconds: seconds,
) -> Attempts:
    """Return the attempts at one request; unless another is given, ``pause`` moves the clock."""
    asked = request(target, REQUEST_METHOD=method)
    if body is not None:
        asked.replace_body(body)  # type: ignore[arg-type]  # as much of one as is needed

    def pass_time(seconds: float) -> None:
        site.clock.now += seconds

    return Attempts(site.balancer, asked, pause or pass_time, bound)


def name_of(lease: Lease) -> str:
    """Release a lease and return whose it was."""
    lease.release()
    return NAMES[lease.member.slot]


def run(attempts: Attempts, error: BackendError) -> str:
    """Fail until there is no other attempt; return who was asked."""
    asked = ""
    while True:
        try:
            lease = attempts.begin()
        except NoMember:
            return asked
        lease.failed(error)
        asked += name_of(lease)
        if not attempts.may_go_on(error):
            return asked


class TestHowMany:
    """The number of attempts."""

    def test_every_member_is_asked_once(self) -> None:
        assert run(attempts_at(Site("", "", "")), REFUSED) == "abc"
        assert run(attempts_at(Site("", "", "")), GARBAGE) == "abc"

    @pytest.mark.parametrize(("most", "asked"), [(0, "a"), (1, "ab"), (2, "abc"), (9, "abc")])
    def test_max_attempts_are_those_after_the_first(self, most: int, asked: str) -> None:
        # U6, T159
        site = Site("", "", "", attempts=AttemptRules(max_attempts=most))
        assert run(attempts_at(site), REFUSED) == asked

    def test_standbys_and_other_sets_are_asked_too(self) -> None:
        assert run(attempts_at(Site("", "H", "1:", "D")), REFUSED) == "abc"

    def test_a_lone_backend_is_asked_once(self) -> None:
        assert run(attempts_at(Site("")), REFUSED) == "a"

    def test_with_three_of_four_dead_and_one_more_attempt_the_second_request_is_served(
        self,
    ) -> None:
        # T159
        site = Site("", "", "", "", attempts=AttemptRules(max_attempts=1))
        assert run(attempts_at(site), REFUSED) == "ab"
        attempts = attempts_at(site)
        lease = attempts.begin()
        lease.failed(REFUSED)
        assert name_of(lease) == "c"
        assert attempts.may_go_on(REFUSED)
        assert name_of(attempts.begin()) == "d"
        assert attempts.number == 2

    def test_after_next_upstream_timeout_nobody_else_is_asked(self) -> None:
        # U7: answers take two seconds, and 3.8 are allowed.
        site = Site("", "", "", attempts=AttemptRules(next_upstream_timeout=3.8))
        attempts = attempts_at(site)
        name_of(attempts.begin())
        site.clock.now += 2
        assert attempts.may_go_on(GARBAGE)
        name_of(attempts.begin())
        site.clock.now += 2
        assert not attempts.may_go_on(GARBAGE)

    def test_the_time_that_was_waited_for_a_member_does_not_count(self) -> None:
        rules = AttemptRules(next_upstream_timeout=3.8, wait=10)
        site = Site("", "", "", attempts=rules)
        for name in "abc":
            site.steer(name, on="D")

        def pause(seconds: float) -> None:
            site.clock.now += seconds
            if site.clock.now > 1008:
                for name in "abc":
                    site.steer(name, off="D")

        attempts = attempts_at(site, pause=pause)
        name_of(attempts.begin())
        assert attempts.may_go_on(GARBAGE)


class TestWhatMayBeRepeated:
    """Nothing happens twice."""

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
    def test_idempotent_methods_may(self, method: str) -> None:
        assert run(attempts_at(Site("", ""), method), GARBAGE) == "ab"

    @pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK", "get", "UNKNOWN"])
    def test_others_may_not_once_a_member_has_seen_them(self, method: str) -> None:
        assert run(attempts_at(Site("", ""), method), GARBAGE) == "a"
        assert run(attempts_at(Site("", ""), method), BackendTimeout("silent")) == "a"
        assert run(attempts_at(Site("", ""), method), REFUSED) == "ab"

    def test_others_may_where_it_is_said(self) -> None:
        site = Site("", "", attempts=AttemptRules(non_idempotent=True))
        assert run(attempts_at(site, "POST"), GARBAGE) == "ab"

    def test_the_registry_s_other_methods_are_not_idempotent(self) -> None:
        assert not IDEMPOTENT & {"POST", "PATCH", "LOCK", "CONNECT", "PRI"}

    @pytest.mark.parametrize("error", [REFUSED, GARBAGE])
    @pytest.mark.parametrize(
        ("state", "asked", "rewound"),
        [
            (BodyState.UNTOUCHED, "ab", 0),
            (BodyState.REPLAYABLE, "ab", 1),
            (BodyState.GONE, "a", 0),
        ],
    )
    def test_a_body_is_sent_whole_or_not_at_all(
        self, error: BackendError, state: BodyState, asked: str, rewound: int
    ) -> None:
        body = Body(state)
        attempts = attempts_at(Site("", ""), "PUT", body)
        name_of(attempts.begin())
        assert attempts.may_go_on(error) is (asked == "ab")
        assert body.rewound == rewound

    def test_nothing_is_repeated_once_the_client_has_got_an_interim_answer(self) -> None:
        attempts = attempts_at(Site("", ""))
        name_of(attempts.begin())
        attempts.spoke_to_client = True
        assert not attempts.may_go_on(GARBAGE)


class TestNextUpstream:
    """Statuses that are not an answer as long as somebody else may have a better one."""

    @staticmethod
    def site(*states: str, **rules: float) -> Site:
        return Site(
            *states,
            attempts=AttemptRules(next_upstream=frozenset({404, 503}), **rules),  # type: ignore[arg-type]  # by name
        )

    @staticmethod
    def ask(attempts: Attempts, status: int) -> tuple[str, bool]:
        lease = attempts.begin()
        lease.answered(status)
        refused = attempts.may_refuse(status)
        return name_of(lease), refused

    def test_another_member_is_asked_until_there_is_none(self) -> None:
        # U4, U5
        attempts = attempts_at(self.site("", "", "D"))
        assert [self.ask(attempts, 404) for _ in range(2)] == [("a", True), ("b", False)]

    def test_other_statuses_are_answers(self) -> None:
        attempts = attempts_at(self.site("", ""))
        assert self.ask(attempts, 500) == ("a", False)

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_the_answer_to_what_may_not_happen_twice_stands(self, method: str) -> None:
        attempts = attempts_at(self.site("", ""), method)
        assert self.ask(attempts, 404) == ("a", False)

    def test_the_answer_stands_where_everybody_else_is_at_rest_full_or_out(self) -> None:
        site = self.site("", "", "", "D", "N")
        site.balancer.rules = type(site.balancer.rules)(
            attempts=site.balancer.rules.attempts, force_recovery=False
        )
        change_member(site.balancer, 2, Change(max_connections=1))
        site.fail("b")
        held = site.lease_of("c")
        attempts = attempts_at(site)
        assert self.ask(attempts, 404) == ("a", False)
        held.release()
        attempts = attempts_at(site)
        assert self.ask(attempts, 404) in {("a", True), ("c", True)}

    def test_an_answer_stands_where_all_others_are_at_rest(self) -> None:
        site = self.site("", "")
        site.fail("a")
        assert self.ask(attempts_at(site), 404) == ("b", False)

    def test_the_answer_stands_for_a_session_that_may_not_go_elsewhere(self) -> None:
        site = Site(
            "",
            "",
            sticky="sid",
            no_failover=True,
            attempts=AttemptRules(next_upstream=frozenset({404})),
        )
        attempts = attempts_at(site, target="/?sid=x.rb")
        assert attempts.session is not None
        assert self.ask(attempts, 404) == ("b", False)
        assert self.ask(attempts_at(site), 404)[1]

    def test_the_member_that_is_asked_next_is_held_for_it(self) -> None:
        site = self.site("", "")
        change_member(site.balancer, 1, Change(max_connections=1))
        attempts = attempts_at(site)
        assert self.ask(attempts, 404) == ("a", True)
        assert site.busy() == [0, 1]
        other = site.elect()
        assert NAMES[other.member.slot] == "a"
        assert name_of(attempts.begin()) == "b"
        other.release()
        assert site.busy() == [0, 0]

    def test_a_request_that_ends_before_lets_it_go(self) -> None:
        site = self.site("", "")
        attempts = attempts_at(site)
        self.ask(attempts, 404)
        del attempts
        assert site.busy() == [0, 0]

    def test_the_number_of_attempts_counts(self) -> None:
        attempts = attempts_at(self.site("", "", "", max_attempts=1))
        assert [self.ask(attempts, 503)[1] for _ in range(2)] == [True, False]

    def test_the_budget_counts(self) -> None:
        site = self.site("", "", retry_budget=0)
        while site.balancer.budget.take():
            pass
        assert self.ask(attempts_at(site), 404) == ("a", False)


class TestWaiting:
    """``wait``: seconds for a member that can take the request."""

    def test_without_it_the_answer_is_given_at_once(self) -> None:
        site = Site("D", "")
        site.steer("b", on="D")
        pauses: list[float] = []
        with pytest.raises(NoMember):
            attempts_at(site, pause=pauses.append).begin()
        assert pauses == []

    def test_a_member_that_comes_in_time_serves(self) -> None:
        site = Site("", attempts=AttemptRules(wait=5))
        change_member(site.balancer, 0, Change(max_connections=1))
        held = site.elect()
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            site.clock.now += seconds
            pauses.append(seconds)
            if len(pauses) == 10:
                held.release()

        assert name_of(attempts_at(site, pause=pause).begin()) == "a"
        assert len(pauses) == 10
        assert max(pauses) <= LONGEST_PAUSE

    @pytest.mark.parametrize("wait", [0.01, 2.0, 30.0])
    def test_the_wait_is_bounded(self, wait: float) -> None:
        site = Site("D", "D", attempts=AttemptRules(wait=wait))
        with pytest.raises(NoMember):
            attempts_at(site).begin()
        assert site.clock.now == pytest.approx(1000 + wait)

    def test_no_longer_than_the_request_has_left(self) -> None:
        site = Site("D", "D", attempts=AttemptRules(wait=30))
        with pytest.raises(NoMember):
            attempts_at(site, bound=lambda seconds: min(seconds, 3.0)).begin()
        assert site.clock.now == pytest.approx(1003)

    def test_only_the_first_attempt_waits(self) -> None:
        site = Site("", "D", attempts=AttemptRules(wait=5))
        attempts = attempts_at(site)
        name_of(attempts.begin())
        assert attempts.may_go_on(REFUSED)
        with pytest.raises(NoMember):
            attempts.begin()
        assert site.clock.now == 1000

    def test_a_rest_that_ends_in_time_is_waited_for(self) -> None:
        site = Site("", "", attempts=AttemptRules(wait=30), force_recovery=False)
        site.fail("a")
        site.fail("b")
        name_of(attempts_at(site).begin())
        assert 1004.4 < site.clock.now < 1005.2


class TestBudget:
    """An outage does not double the load."""

    def test_a_request_that_no_member_has_seen_costs_nothing(self) -> None:
        site = Site("", "", attempts=AttemptRules(retry_budget=0))
        while site.balancer.budget.take():
            pass
        assert run(attempts_at(site), REFUSED) == "ab"
        site = Site("", "", attempts=AttemptRules(retry_budget=0))
        while site.balancer.budget.take():
            pass
        assert run(attempts_at(site), GARBAGE) == "a"

    def test_every_request_adds_to_it_once(self) -> None:
        site = Site("", "", attempts=AttemptRules(retry_budget=1))
        while site.balancer.budget.take():
            pass
        assert run(attempts_at(site), GARBAGE) == "ab"
        assert not site.balancer.budget.take()


def test_a_session_is_led_to_its_member_by_the_request() -> None:
    site = Site("", "", sticky="SID|sid")
    attempts = attempts_at(site, target="/?sid=x.rb")
    assert name_of(attempts.begin()) == "b"
    assert attempts.may_go_on(REFUSED)
    assert name_of(attempts.begin()) == "a"


def test_the_method_hash_goes_by_a_key_of_the_request() -> None:
    from wsgi_scgi.balancer.balancer import Balancer
    from wsgi_scgi.balancer.hash_key import key_reader
    from wsgi_scgi.balancer.steering import change_method

    site = Site("", "", "")
    site.balancer = Balancer("pool", site.pool, key_of=key_reader("path"), clock=site.clock)
    change_method(site.balancer, "hash")
    by_path = {
        path: {name_of(attempts_at(site, target=path).begin()) for _ in range(5)}
        for path in (f"/{number}" for number in range(30))
    }
    assert all(len(names) == 1 for names in by_path.values())
    assert set().union(*by_path.values()) == {"a", "b", "c"}


def test_an_only_attempt_is_neither_repeated_nor_refused() -> None:
    only = OnlyAttempt()
    assert not only.may_go_on(REFUSED)
    assert not only.may_refuse(503)
    assert only.session is None
    assert not only.spoke_to_client
    only.spoke_to_client = True  # as with all attempts, for those who pass hints on
