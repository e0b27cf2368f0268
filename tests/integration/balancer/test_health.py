"""Health checks of the gateway: who is out, who comes back, and after how many checks."""

from __future__ import annotations

import pytest

from tests.integration.backends.process import wait_for
from tests.integration.balancer.conftest import NewMember, Start
from tests.integration.balancer.members import BOUND
from tests.integration.balancer.sites import ADMIN, Lines

CHECKS = "[balancer.pool.health]\ninterval = 0.1\ntimeout = 30.0\npasses = 2\nfails = 2\n"


@pytest.mark.parametrize("method", ["tcp", "scgi"])
def test_a_member_goes_and_comes_back_after_two_checks(
    start: Start, new_member: NewMember, method: str
) -> None:
    first, second = new_member("a"), new_member("b")
    site = start([first, second], Lines(rest=f'{CHECKS}method = "{method}"\n{ADMIN}', workers=2))
    wait_for(lambda: len(first.connections) > 1, "checks", BOUND)
    if method == "scgi":
        assert {request.violations for request in first.requests} == {()}
        assert (first.variables()["REQUEST_METHOD"], first.variables()["PATH_INFO"]) == ("GET", "/")
    assert site.states() == {"a": "", "b": ""}
    first.fall()
    wait_for(lambda: site.states()["a"] == "C", "the failed state", BOUND)
    # No request has found it out.
    assert [site.get() for _ in range(4)] == ["b"] * 4
    assert "; trying scgi://" not in site.gateway.log()
    checked = len(first.connections)
    first.rise()
    wait_for(lambda: site.states()["a"] == "", "its return", BOUND)
    first.settle()
    assert len(first.connections) - checked > 2  # the last has marked the place
    assert {site.get() for _ in range(4)} == {"a", "b"}


def test_only_fails_in_a_row_take_a_member_out(start: Start, new_member: NewMember) -> None:
    # Apache counts all that ever were.
    member = new_member("a")
    member.next_words.extend(["500", "200", "200", "200", "200"] * 2)
    site = start([member, new_member("b")], Lines(rest=CHECKS + ADMIN, workers=2))
    wait_for(lambda: not member.next_words, "the checks", BOUND)
    assert site.states()["a"] == ""
    assert "is out, its health check failed" not in site.gateway.log()
    member.next_words.extend(["500"] * 1000)
    wait_for(lambda: site.states()["a"] == "C", "the failed state", BOUND)
    member.next_words.clear()
    wait_for(lambda: site.states()["a"] == "", "its return", BOUND)


def test_checks_end_a_rest(start: Start, new_member: NewMember) -> None:
    first, second = new_member("a", up=False), new_member("b")
    fails = CHECKS.replace("fails = 2", "fails = 1000")
    site = start([first, second], Lines(rest=fails + ADMIN, balancer="retry = 600.0", workers=2))
    assert [site.get() for _ in range(3)] == ["b"] * 3
    assert site.states()["a"] == "E"
    first.rise()
    wait_for(lambda: site.states()["a"] == "", "its return", BOUND)
    assert {site.get() for _ in range(2)} == {"a", "b"}
