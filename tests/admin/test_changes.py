"""What the manager does, what it refuses with nothing changed, and what the log tells."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.admin.balancers import letters, make_balancer
from wsgi_scgi.admin.changes import apply_change
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.balancer.methods import METHODS
from wsgi_scgi.scoreboard.status import Status


def change(balancers: Balancer | Sequence[Balancer], **order: str) -> str:
    """Change something of a balancer, by default of member a of app."""
    if isinstance(balancers, Balancer):
        balancers = [balancers]
    return apply_change(balancers, {"balancer": "app", **order}, "me from 192.0.2.1")


def snapshot(balancer: Balancer) -> object:
    pool = balancer.pool
    columns = {name: values.tolist() for name, values in pool.columns.items()}
    return columns, [pool.text(slot) for slot in range(pool.capacity)], pool.method


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("drain", "", "N"),
        ("disable", "", "D"),
        ("stop", "", "S"),
        ("drain", "HI", "IHN"),
        ("enable", "DSEN", ""),
        ("enable", "HN", "H"),
        ("enable", "C", ""),
        ("enable", "", ""),
    ],
)
def test_states_are_changed(action: str, before: str, after: str) -> None:
    balancer = make_balancer()
    balancer.pool.status[0] |= Status.parse(before)
    epoch = balancer.pool.epoch
    told = change(balancer, action=action, member="scgi://a")
    shown = Status.parse(before).letters() or "-"
    assert told == f"app: {action} scgi://a (status {shown} -> {after or '-'})"
    assert letters(balancer) == after and letters(balancer, 1) == ""
    assert balancer.pool.epoch > epoch


def test_only_a_health_check_ends_what_one_has_found() -> None:
    balancer = make_balancer()
    balancer.rules = replace(balancer.rules, is_checked=True)
    balancer.pool.status[0] |= Status.parse("CD")
    change(balancer, action="enable", member="scgi://a")
    assert letters(balancer) == "C"


def test_a_rest_is_ended_by_hand() -> None:
    balancer = make_balancer()
    (member, _) = balancer.members()
    balancer.rest(member, "test")
    assert letters(balancer) == "E"
    change(balancer, action="enable", member="scgi://a")
    assert balancer.elect().member.name == "scgi://a"


def test_the_weight_is_changed() -> None:
    balancer = make_balancer()
    told = change(balancer, action="weigh", member="scgi://b", weight="2.5")
    assert told == "app: weigh scgi://b (weight 1 -> 2.5)"
    assert balancer.pool.weight.tolist()[:2] == [100, 250]


def test_everything_about_a_member_is_set_at_once() -> None:
    balancer = make_balancer()
    change(
        balancer,
        action="set",
        member="scgi://a",
        weight="3",
        route="x",
        redirect="1",
        lbset="2",
        max_connections="7",
        ignore_errors="yes",
        spare="no",
        standby="yes",
    )
    member = balancer.members()[0]
    pool = balancer.pool
    assert (member.route, member.redirect) == ("x", "1")
    assert (pool.weight[0], pool.lbset[0], pool.max_connections[0]) == (300, 2, 7)
    assert letters(balancer) == "IH"
    change(balancer, action="set", member="scgi://a", standby="no", spare="yes", redirect="")
    assert letters(balancer) == "IR"
    assert (balancer.members()[0].route, balancer.members()[0].redirect) == ("x", "")


def test_a_weight_that_stays_lets_the_counters_stay() -> None:
    balancer = make_balancer()
    balancer.pool.lbstatus[1] = 5
    change(balancer, action="set", member="scgi://a", weight="1.00", lbset="0")
    assert balancer.pool.lbstatus[1] == 5
    change(balancer, action="set", member="scgi://a", weight="1.01")
    assert balancer.pool.lbstatus[1] == 0


def test_a_member_is_added_and_takes_nothing_until_it_is_enabled() -> None:
    balancer = make_balancer(urls=["scgi://a"])
    told = change(balancer, action="add", member="scgi://new:1/", route="n", weight="2")
    assert told == "app: add scgi://new:1/ (disabled at first)"
    added = balancer.members()[1]
    assert (added.name, added.route, letters(balancer, 1)) == ("scgi://new:1/", "n", "D")
    assert {balancer.elect().member.name for _ in range(5)} == {"scgi://a"}
    change(balancer, action="enable", member="scgi://new:1/")
    assert {balancer.elect().member.name for _ in range(5)} == {"scgi://a", "scgi://new:1/"}


def test_a_member_is_removed() -> None:
    balancer = make_balancer()
    assert change(balancer, action="remove", member="scgi://a") == "app: remove scgi://a"
    assert [member.name for member in balancer.members()] == ["scgi://b"]


def test_the_method_is_changed() -> None:
    balancer = make_balancer()
    assert change(balancer, action="method", method="leastconn") == "app: method leastconn"
    assert METHODS[balancer.pool.method].name == "leastconn"


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({}, "'' is no action; allowed: enable, drain"),
        ({"action": "explode"}, "'explode' is no action"),
        ({"action": "drain"}, "'' is no member of app; there are: scgi://a, scgi://b"),
        ({"action": "drain", "member": "scgi://c"}, "'scgi://c' is no member of app"),
        (
            {"action": "drain", "member": "scgi://a", "balancer": "x"},
            "there is no balancer 'x'; there are: app",
        ),
        ({"action": "drain", "member": "scgi://a", "balancer": "lone"}, "no balancer 'lone'"),
        (
            {"action": "drain", "member": "scgi://a", "weight": "1", "nonsense": ""},
            "drain does not take nonsense, weight; allowed: balancer, member",
        ),
        ({"action": "weigh", "member": "scgi://a"}, "weight: '' is not a number"),
        ({"action": "weigh", "member": "scgi://a", "weight": "nan"}, "'nan' is not a number"),
        ({"action": "weigh", "member": "scgi://a", "weight": "inf"}, "'inf' is not a number"),
        ({"action": "weigh", "member": "scgi://a", "weight": "-1"}, "'-1' is not a number"),
        ({"action": "weigh", "member": "scgi://a", "weight": "1_0"}, "'1_0' is not a number"),
        ({"action": "weigh", "member": "scgi://a", "weight": "٣"}, "is not a number"),
        ({"action": "weigh", "member": "scgi://a", "weight": "0"}, "from 1 to 100"),
        ({"action": "weigh", "member": "scgi://a", "weight": "101"}, "from 1 to 100"),
        ({"action": "set", "member": "scgi://a"}, "nothing to set; allowed: ignore_errors, lbset"),
        ({"action": "set", "member": "scgi://a", "lbset": "x"}, "lbset: 'x' is not a whole"),
        ({"action": "set", "member": "scgi://a", "lbset": "1.5"}, "lbset: '1.5' is not a whole"),
        ({"action": "set", "member": "scgi://a", "lbset": "100"}, "from 0 to 99"),
        ({"action": "set", "member": "scgi://a", "max_connections": "-1"}, "not a whole"),
        ({"action": "set", "member": "scgi://a", "max_connections": "9" * 20}, "not a whole"),
        ({"action": "set", "member": "scgi://a", "standby": "perhaps"}, "neither yes nor no"),
        ({"action": "set", "member": "scgi://a", "route": "a b"}, 'route: "a b" is not a route'),
        ({"action": "set", "member": "scgi://a", "route": "é"}, 'route: "é" is not a route'),
        ({"action": "set", "member": "scgi://a", "redirect": "a" * 96}, "redirect: "),
        ({"action": "add", "member": "http://c"}, "'http://c' is not a backend URL"),
        ({"action": "add", "member": ""}, "'' is not a backend URL"),
        ({"action": "add", "member": "scgi://a/"}, "scgi://a/ is a member already"),
        ({"action": "add", "member": "scgi://c", "weight": "x"}, "'x' is not a number"),
        ({"action": "add", "member": f"scgi://c/{'x' * 600}"}, "longer than 511 bytes"),
        ({"action": "add", "member": "scgi://c", "lbset": "1"}, "add does not take lbset"),
        ({"action": "method", "method": "luck"}, "'luck' is no method; allowed: byrequests"),
        ({"action": "method", "method": "hash"}, "hash needs hash_key"),
    ],
)
def test_what_cannot_be_is_refused_with_nothing_changed_or_logged(
    order: dict[str, str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    balancer = make_balancer()
    lone = make_balancer("lone", ["scgi://a"], is_named=False)
    balancer.members()
    before = snapshot(balancer), snapshot(lone)
    with caplog.at_level(logging.INFO), pytest.raises(ValueError, match=re.escape(told)):
        change([balancer, lone], **order)
    assert (snapshot(balancer), snapshot(lone)) == before
    assert caplog.messages == []


def test_one_wrong_setting_leaves_all_as_they_are() -> None:
    balancer = make_balancer()
    balancer.members()
    before = snapshot(balancer)
    with pytest.raises(ValueError, match="from 0 to 99"):
        change(balancer, action="set", member="scgi://a", weight="2", route="x", lbset="100")
    assert snapshot(balancer) == before


def test_all_places_may_be_taken() -> None:
    balancer = make_balancer(spare=0)
    with pytest.raises(ValueError, match="all 2 places of app are taken"):
        change(balancer, action="add", member="scgi://c")


@pytest.mark.parametrize("route", ["a;b", "a,b", 'a"b', "a\\b"])
def test_a_route_that_no_cookie_can_carry_is_refused_where_the_gateway_sets_one(route: str) -> None:
    change(make_balancer(), action="set", member="scgi://a", route=route)
    with pytest.raises(ValueError, match="no cookie can have"):
        change(make_balancer(secret="x"), action="set", member="scgi://a", route=route)
    with pytest.raises(ValueError, match="no cookie can have"):
        change(make_balancer(secret="x"), action="add", member="scgi://c", route=route)


def test_no_more_than_ten_names_are_listed() -> None:
    balancer = make_balancer(urls=[f"scgi://m{number}" for number in range(1000)])
    with pytest.raises(ValueError, match=r"m9 and 990 more$"):
        change(balancer, action="drain", member="x")
    with pytest.raises(ValueError, match=r"there is none$"):
        change([], action="drain", member="x")


def test_every_change_is_in_the_log_with_who_asked_from_where(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        change(make_balancer(), action="drain", member="scgi://a")
        change(make_balancer(), action="add", member="scgi://c/\x85\u2028")
    assert caplog.messages == [
        "balancer app: drain scgi://a (status - -> N), by me from 192.0.2.1",
        r"balancer app: add scgi://c/\x85\u2028 (disabled at first), by me from 192.0.2.1",
    ]
