"""What an administrator changes while the gateway runs."""

import pytest

from tests.balancer.pools import Site
from wsgi_scgi.balancer.methods import METHODS
from wsgi_scgi.balancer.steering import (
    Change,
    add_member,
    change_member,
    change_method,
    lbfactor,
    remove_member,
)
from wsgi_scgi.errors import AddressError, ConnectError
from wsgi_scgi.scoreboard.pool import MemberText
from wsgi_scgi.scoreboard.status import Status


def test_only_what_is_named_is_changed() -> None:
    site = Site("H", "1:")
    change_member(site.balancer, 1, Change(weight=2.5, route="x"))
    change_member(site.balancer, 1, Change(redirect="y", lbset=9, max_connections=4))
    change_member(site.balancer, 0, Change(on=Status.DISABLED, off=Status.HOT_STANDBY))
    pool = site.pool
    assert pool.text(1) == MemberText("scgi://b", "x", "y")
    assert (pool.weight[1], pool.lbset[1], pool.max_connections[1]) == (250, 9, 4)
    assert pool.text(0) == MemberText("scgi://a", "ra")
    assert (pool.weight[0], pool.lbset[0], pool.max_connections[0]) == (100, 0, 0)
    assert (site.letters("a"), site.letters("b")) == ("D", "")


def test_a_new_weight_starts_all_counters_again() -> None:
    site = Site("", "")
    site.names(1)
    assert site.pool.lbstatus.tolist() == [-100, 100]
    change_member(site.balancer, 0, Change(lbset=0))
    assert site.pool.lbstatus.tolist() == [-100, 100]
    change_member(site.balancer, 0, Change(weight=1))
    assert site.pool.lbstatus.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (Change(weight=0.5), "from 1 to 100"),
        (Change(weight=100.01), "from 1 to 100"),
        (Change(weight=float("nan")), "from 1 to 100"),
        (Change(lbset=100), "from 0 to 99"),
        (Change(lbset=-1), "from 0 to 99"),
        (Change(max_connections=-1), "0 for no limit"),
        (Change(route="r" * 96), "longer than 95 bytes"),
        (Change(redirect="a\0b"), "contains NUL"),
    ],
)
def test_a_change_with_a_mistake_changes_nothing(change: Change, cause: str) -> None:
    site = Site("", "")
    before = {name: column.tolist() for name, column in site.pool.columns.items()}
    with pytest.raises(ValueError, match=cause):
        change_member(
            site.balancer,
            0,
            Change(
                on=Status.DISABLED,
                weight=2 if change.weight is None else change.weight,
                route=change.route,
                redirect=change.redirect,
                lbset=change.lbset,
                max_connections=change.max_connections,
            ),
        )
    assert {name: column.tolist() for name, column in site.pool.columns.items()} == before
    assert site.pool.text(0) == MemberText("scgi://a", "ra")


def test_a_member_that_comes_in_again_is_rested_and_starts_slowly() -> None:
    site = Site("", "", slow_start=100)
    site.fail("a")
    site.steer("a", on="D")
    assert site.letters("a") == "DE"
    site.clock.now += 1
    site.steer("a", off="D")
    assert site.letters("a") == ""
    assert site.names(21).count("a") <= 2


def test_one_that_is_still_out_by_another_state_is_not_in_again() -> None:
    site = Site("DS", "")
    site.pool.status[0] |= Status.ERROR
    site.steer("a", off="D")
    assert site.letters("a") == "SE"


def test_a_member_that_is_gone_cannot_be_changed() -> None:
    site = Site("", "", "")
    remove_member(site.balancer, 1)
    with pytest.raises(ValueError, match="has been removed"):
        change_member(site.balancer, 1, Change(on=Status.DISABLED))
    assert site.pool.status[1] == 0


def test_a_member_is_added_disabled() -> None:
    site = Site("", spare=1)
    slot = add_member(site.balancer, "scgi://b:4001/x", route="rb", weight=3)
    assert slot == 1
    assert site.letters("b") == "D"
    assert site.pool.text(1) == MemberText("scgi://b:4001/x", "rb")
    assert site.pool.weight[1] == 300
    assert not site.pool.configured[1]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("scgi://a", "member already"),
        ("scgi://a:4000/", "member already"),
        ("unix:/run/a.sock|scgi://x", "places of pool are taken"),
        ("http://a", "scgi://"),
        ("scgi://b\0", "scgi://b"),
    ],
)
def test_no_member_is_added_twice_or_without_a_place_or_an_address(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        add_member(Site("").balancer, url)


def test_a_member_s_requests_go_on_when_it_is_removed() -> None:
    site = Site("", "")
    lease = site.lease_of("a")
    remove_member(site.balancer, 0)
    assert site.busy() == [1, 0]
    lease.failed(ConnectError("refused"))
    lease.release(5, 6)
    assert site.busy() == [0, 0]
    assert site.names(2) == "bb"


def test_the_method_is_changed_for_all() -> None:
    site = Site("", "")
    change_method(site.balancer, "bybusyness")
    assert METHODS[site.pool.method].name == "bybusyness"
    held = [site.elect(), site.elect()]
    assert site.busy() == [1, 1]
    held.clear()


@pytest.mark.parametrize("name", ["heartbeat", "", "hash"])
def test_a_method_that_cannot_be_is_refused(name: str) -> None:
    site = Site("")
    with pytest.raises(ValueError, match=r"is no method; allowed: byrequests|needs hash_key"):
        change_method(site.balancer, name)
    assert site.pool.method == 0


def test_weights_are_kept_in_hundredths() -> None:
    assert [lbfactor(weight) for weight in (1, 1.004, 1.25, 100)] == [100, 100, 125, 10000]


def test_a_url_that_is_none_is_an_address_error() -> None:
    with pytest.raises(AddressError):
        add_member(Site("").balancer, "scgi://")
