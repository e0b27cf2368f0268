"""The picture of a balancer: states in words, counts over all workers, history of checks."""

import os

import pytest

from tests.admin.balancers import NOW, make_balancer
from tests.balancer.pools import Site
from wsgi_scgi.admin.view import MemberView, is_ready, view
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.balancer.rests import HISTORY
from wsgi_scgi.balancer.steering import Change, change_member
from wsgi_scgi.scoreboard.layout import BUCKETS
from wsgi_scgi.scoreboard.status import Status


def member(balancer: Balancer, slot: int = 0) -> MemberView:
    (picture,) = view([balancer])
    return picture.members[slot]


@pytest.mark.parametrize(
    ("letters", "state", "condition", "usable", "orders"),
    [
        ("", "ok", "good", True, ("drain", "disable")),
        ("N", "draining", "out", False, ("enable", "disable")),
        ("D", "disabled", "out", False, ("enable",)),
        ("S", "stopped", "out", False, ("enable",)),
        ("SDN", "stopped, disabled, draining", "out", False, ("enable",)),
        ("C", "failed its health check", "bad", False, ("drain", "disable")),
        ("CN", "failed its health check, draining", "bad", False, ("enable", "disable")),
        ("E", "resting, 30 s left", "bad", False, ("enable", "drain", "disable")),
        ("H", "standing by", "waiting", True, ("drain", "disable")),
        ("R", "spare", "waiting", True, ("drain", "disable")),
        ("HN", "draining", "out", False, ("enable", "disable")),
        ("IE", "ok", "good", True, ("drain", "disable")),
    ],
)
def test_states_are_words(
    letters: str, state: str, condition: str, usable: bool, orders: tuple[str, ...]
) -> None:
    balancer = make_balancer()
    balancer.pool.status[0] |= Status.parse(letters)
    balancer.pool.rest_until[0] = NOW + 30
    seen = member(balancer)
    assert (seen.state, seen.condition, seen.is_usable) == (state, condition, usable)
    assert seen.orders == orders
    assert seen.status == Status.parse(letters).letters()
    assert seen.rest_seconds == (30.0 if state.startswith("resting") else 0.0)


def test_a_rest_that_is_over_ends_with_a_request() -> None:
    balancer = make_balancer()
    balancer.pool.status[0] |= Status.ERROR
    balancer.pool.rest_until[0] = NOW - 1
    assert member(balancer).state == "to be tried again"


def test_the_counts_are_those_of_all_workers() -> None:
    balancer = make_balancer(shared=True)
    pool = balancer.pool
    pool.row.elected[0] = 3
    worker = os.fork()
    if not worker:
        with pool.row.lock:
            pool.row.elected[0] += 4
            pool.row.sent[0] += 100
            pool.row.statuses[1][0] += 5
            pool.row.statuses[4][0] += 1
        os._exit(0)
    assert os.waitpid(worker, 0)[1] == 0
    seen = member(balancer)
    assert (seen.elected, seen.sent, seen.answers) == (7, 100, 6)
    assert seen.statuses == (0, 5, 0, 0, 1)
    assert member(balancer, 1).elected == 0


def test_quantiles_are_the_bounds_of_buckets() -> None:
    balancer = make_balancer()
    assert member(balancer).quantile(0.5) is None
    for number, count in ((0, 9), (3, 10), (len(BUCKETS), 1)):
        balancer.pool.row.buckets[number][0] = count
    seen = member(balancer)
    assert seen.quantile(0.45) == BUCKETS[0]
    assert seen.quantile(0.5) == seen.quantile(0.95) == BUCKETS[3]
    assert seen.quantile(0.99) is None


def test_the_history_of_checks_has_the_newest_last() -> None:
    balancer = make_balancer()
    assert member(balancer).checks == () and member(balancer).checked_ago is None
    for passed in (False, True, True, False):
        balancer.health_result(0, passed, 0.25, passes=2, fails=3)
    seen = member(balancer)
    assert seen.checks == (False, True, True, False)
    assert (seen.check_seconds, seen.checked_ago) == (0.25, 0.0)
    for _ in range(HISTORY + 5):
        balancer.health_result(0, True, 0.25, passes=2, fails=3)
    assert member(balancer).checks == (True,) * HISTORY


def test_readiness_is_that_somebody_can_serve() -> None:
    balancer = make_balancer()
    assert is_ready(balancer)
    for slot, flag in enumerate((Status.DRAIN, Status.HEALTH_FAILED)):
        balancer.pool.status[slot] |= flag
        balancer.pool.bump()
    assert not is_ready(balancer)
    assert [picture.is_ready for picture in view([balancer])] == [False]
    lone = make_balancer("scgi://a", ["scgi://a"], is_named=False)
    assert is_ready(lone)


@pytest.mark.parametrize("force_recovery", [True, False])
def test_where_all_rest_it_depends_on_who_would_be_asked_all_the_same(force_recovery: bool) -> None:
    site = Site("", "", force_recovery=force_recovery)
    for name in "ab":
        site.fail(name)
    assert is_ready(site.balancer) is force_recovery
    site.steer("a", on="D")
    site.steer("b", on="D")
    assert not is_ready(site.balancer)


def test_nobody_is_ready_while_all_have_the_requests_that_they_may() -> None:
    site = Site("", "D")
    change_member(site.balancer, 0, Change(max_connections=1))
    lease = site.elect()
    assert not is_ready(site.balancer)
    lease.release()
    assert is_ready(site.balancer)


def test_a_balancer_may_have_lost_all_its_members() -> None:
    balancer = make_balancer(urls=["scgi://a"])
    with balancer.pool.lock:
        balancer.pool.remove(0)
        balancer.pool.bump()
    (picture,) = view([balancer])
    assert picture.members == () and not picture.is_ready
