"""Warnings of ``check`` about balancers and [admin]."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from wsgi_scgi.address import BalancerURL, parse_backend_url
from wsgi_scgi.config.balancer_advice import advice_on_admin, advice_on_balancers
from wsgi_scgi.config.balancer_options import (
    AdminOptions,
    BalancerOptions,
    HealthOptions,
    MemberOptions,
    StickyCookieOptions,
)
from wsgi_scgi.config.configuration import Balancer, Route
from wsgi_scgi.config.lines import KeyPath

SECRET = "0123456789abcdef"
SESSION = {"sticky_session": "SID"}
TO_POOL = Route(path="/", backend=BalancerURL("pool"))


def advice(
    *members: Mapping[str, object],
    cookie: bool = False,
    health: dict[str, object] | None = None,
    route: Route = TO_POOL,
    options: Mapping[str, object] | None = None,
) -> list[tuple[KeyPath, str]]:
    """Return what is found in the balancer ``pool``."""
    pool = Balancer(
        name="pool",
        options=BalancerOptions.from_values(options or {}),
        members=tuple(MemberOptions.from_values({"url": "scgi://h", **one}) for one in members),
        health=None if health is None else HealthOptions.from_values(health),
        sticky_cookie=StickyCookieOptions(secret=SECRET) if cookie else None,
    )
    return list(advice_on_balancers({"pool": pool}, [(("route", 0), route)]))


def at(*keys: str | int) -> KeyPath:
    return ("balancer", "pool", *keys)


def test_a_balancer_without_routes_is_told() -> None:
    told = [(at(), "no route has the backend balancer://pool/")]
    assert advice({}) == []
    for other in (
        Route(path="/", backend=parse_backend_url("scgi://h")),
        Route(path="/", exclude=True),
        Route(path="/", backend=BalancerURL("pond")),
    ):
        assert advice({}, route=other) == told


NOBODY = [
    (at("member"), "no member can serve, by their states, until somebody or something changes that")
]


@pytest.mark.parametrize(
    "statuses", [["D"], ["D", "S", "N"], ["C", "D"], ["R"], ["R", "HD"], ["RH"], ["D", "RD"]]
)
def test_members_of_whom_nobody_can_serve_are_told(statuses: list[str]) -> None:
    assert advice(*({"status": status} for status in statuses)) == NOBODY


@pytest.mark.parametrize(
    "statuses", [[""], ["D", ""], ["H"], ["D", "R"], ["N", "R"], ["E"], ["I"], ["S", "H"]]
)
def test_one_who_can_serve_is_enough(statuses: list[str]) -> None:
    assert advice(*({"status": status} for status in statuses)) == []


def test_every_set_is_looked_at() -> None:
    assert advice({"status": "D"}, {"lbset": 1}) == []
    # A spare stands in for members of its own set.
    assert advice({"status": "D"}, {"status": "R", "lbset": 1}) == NOBODY


def test_a_member_that_failed_its_check_comes_back_where_there_are_checks() -> None:
    assert advice({"status": "C"}, health={}) == []
    assert advice({"status": "C"}) == NOBODY


def test_a_redirect_leads_to_the_route_of_a_member() -> None:
    assert advice({"route": "a"}, {"route": "b", "redirect": "a"}, options=SESSION) == []
    assert advice({"route": "a"}, {"route": "b", "redirect": "c"}, options=SESSION) == [
        (at("member", 1, "redirect"), "no member has the route c")
    ]


def test_beside_a_cookie_members_have_routes() -> None:
    assert advice({}, {"route": "a"}, options=SESSION) == []
    assert advice({}, {"route": "a"}, options=SESSION, cookie=True) == [
        (at("member", 0), "without a route its sessions do not come back to it")
    ]


@pytest.mark.parametrize("cookie", [False, True])
def test_stickiness_without_any_route_is_told_once(cookie: bool) -> None:
    assert advice({}, {}, options=SESSION, cookie=cookie) == [
        (at("sticky_session"), "no member has a route, so no session comes back to its member")
    ]


def test_what_is_about_sessions_needs_sessions() -> None:
    text = "does nothing without sticky_session"
    assert advice({}, options={"no_failover": True, "sticky_separator": "!"}) == [
        (at("no_failover"), text),
        (at("sticky_separator"), text),
    ]
    options = {"no_failover": True, "sticky_separator": "!", "sticky_session": "SID"}
    assert advice({"route": "a"}, options=options) == []


def test_a_weight_needs_another_member_to_be_compared_with() -> None:
    text = "does nothing: there is no other member in the same lbset"
    assert advice({"weight": 2}) == [(at("member", 0, "weight"), text)]
    assert advice({"weight": 2, "lbset": 1}, {}) == [(at("member", 0, "weight"), text)]
    assert advice({"weight": 2}, {}) == []


def test_a_method_that_hardly_heeds_weights_is_told() -> None:
    ((key, text),) = advice({"weight": 2}, {}, options={"method": "bybusyness"})
    assert key == at("member", 0, "weight")
    assert text.startswith("counts only between members with equally many requests in progress")
    assert advice({}, {}, options={"method": "bybusyness"}) == []


def test_a_check_that_takes_longer_than_its_interval_is_told() -> None:
    assert advice({}, health={"interval": 1}) == []
    assert advice({}, health={"interval": 10, "timeout": 10}) == []
    assert advice({}, health={"interval": 2, "timeout": 3}) == [
        (
            at("health", "timeout"),
            "longer than interval: a member that is silent is checked every 3 seconds, not every 2",
        )
    ]


# [admin]


def admin_advice(route: Route, path: str = "/gateway/") -> list[tuple[KeyPath, str]]:
    admin = AdminOptions.from_values({"path": path, "token": SECRET})
    return list(advice_on_admin(admin, [(("route", 0), route)]))


def test_without_pages_of_the_administrator_there_is_nothing_to_tell() -> None:
    assert list(advice_on_admin(None, [(("route", 0), TO_POOL)])) == []


@pytest.mark.parametrize(
    ("taken", "key"),
    [
        ("/gateway/", "path"),
        ("/gateway", "path"),
        ("/gateway/x", "path"),
        ("//gateway//x", "path"),
        ("^/gateway/", "match"),
        ("^/gateway/x(.*)$", "match"),
    ],
)
def test_a_route_below_the_path_of_the_administrator_is_told(taken: str, key: str) -> None:
    route = Route(
        path="" if key == "match" else taken,
        match=taken if key == "match" else "",
        backend=parse_backend_url("scgi://h"),
    )
    text = "never matches: [admin] has all requests below /gateway/"
    assert admin_advice(route) == [(("route", 0, key), text)]


@pytest.mark.parametrize("taken", ["/", "/gateways/", "^/gateway", "^/(gateway|x)/"])
def test_other_routes_are_not(taken: str) -> None:
    is_path = taken.startswith("/")
    route = Route(
        path=taken if is_path else "",
        match="" if is_path else taken,
        backend=parse_backend_url("scgi://h"),
    )
    assert admin_advice(route) == []


def test_of_an_excluded_route_nothing_is_lost() -> None:
    assert admin_advice(Route(path="/gateway/", exclude=True)) == []


def test_a_file_without_a_token_is_told(tmp_path: Path) -> None:
    path = tmp_path / "token"
    admin = AdminOptions(path="/gateway/", token_file=str(path))
    assert list(advice_on_admin(admin, [])) == [
        (("admin", "token_file"), f"cannot read {path}: No such file or directory")
    ]
    path.write_text(SECRET)
    assert list(advice_on_admin(admin, [])) == []
