"""Options of balancers: defaults, checks, what contradicts what."""

import re
from pathlib import Path

import pytest

from wsgi_scgi.balancer.sticky import CookieAttributes
from wsgi_scgi.config.balancer_options import (
    AdminOptions,
    BalancerOptions,
    HealthOptions,
    MemberOptions,
    StateOptions,
    StickyCookieOptions,
)
from wsgi_scgi.config.declaring import Table, declared
from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.scoreboard.status import Status

SECRET = "0123456789abcdef"
TABLES: tuple[type[Table], ...] = (
    BalancerOptions,
    MemberOptions,
    HealthOptions,
    StickyCookieOptions,
    StateOptions,
    AdminOptions,
)


def mistakes(table: type[Table], **values: object) -> dict[str, str]:
    with pytest.raises(InvalidConfiguration) as caught:
        table.from_values(values)
    return {mistake.key: mistake.text for mistake in caught.value.mistakes}


def values_of(table: Table) -> dict[str, object]:
    return {name: getattr(table, name) for name in declared(type(table))}


def test_the_defaults_are_those_of_the_manual() -> None:
    assert values_of(BalancerOptions.from_values({})) == {
        "method": "byrequests",
        "hash_key": "",
        "sticky_session": "",
        "sticky_separator": ".",
        "scolon_path_delim": False,
        "max_attempts": None,
        "retry": 5.0,
        "retry_max": 60.0,
        "force_recovery": True,
        "fail_on_status": frozenset(),
        "fail_on_timeout": False,
        "no_failover": False,
        "wait": 0.0,
        "max_fails": 3,
        "fail_timeout": 10.0,
        "next_upstream": frozenset(),
        "next_upstream_timeout": 0.0,
        "non_idempotent": False,
        "retry_budget": 0.2,
        "slow_start": 0.0,
        "growth": 8,
    }
    member = MemberOptions.from_values({"url": "scgi://h"})
    assert values_of(member) == {
        "url": member.url,
        "weight": 1.0,
        "route": "",
        "redirect": "",
        "status": Status(0),
        "max_connections": 0,
        "lbset": 0,
    }
    assert values_of(HealthOptions.from_values({})) == {
        "method": "scgi",
        "uri": "/",
        "interval": 10.0,
        "timeout": 5.0,
        "passes": 1,
        "fails": 1,
        "expect": frozenset(),
        "match": None,
        "variables": {},
    }
    assert values_of(StickyCookieOptions.from_values({"secret": SECRET})) == {
        "secret": SECRET,
        "path": "/",
        "domain": "",
        "secure": False,
        "http_only": True,
        "same_site": "lax",
        "max_age": 0,
    }
    assert values_of(StateOptions.from_values({})) == {"share": "workers"}


def test_every_option_takes_a_value() -> None:
    balancer = {
        "method": "hash",
        "hash_key": "header:X-User",
        "sticky_session": "SID|sid",
        "sticky_separator": "!",
        "scolon_path_delim": True,
        "max_attempts": 0,
        "retry": 0,
        "retry_max": 30,
        "force_recovery": False,
        "fail_on_status": [503],
        "fail_on_timeout": True,
        "no_failover": True,
        "wait": 1.5,
        "max_fails": 1,
        "fail_timeout": 5,
        "next_upstream": [502, 503],
        "next_upstream_timeout": 3,
        "non_idempotent": True,
        "retry_budget": 1,
        "slow_start": 10,
        "growth": 0,
    }
    assert balancer.keys() == declared(BalancerOptions).keys()
    options = BalancerOptions.from_values(balancer)
    assert values_of(options) == {
        **balancer,
        "fail_on_status": {503},
        "next_upstream": {502, 503},
    }
    member = {
        "url": "scgi://h:1/base",
        "weight": 2.5,
        "route": "a",
        "redirect": "b",
        "status": "+H",
        "max_connections": 3,
        "lbset": 99,
    }
    assert member.keys() == declared(MemberOptions).keys()
    options_of_member = MemberOptions.from_values(member)
    assert options_of_member.name == "scgi://h:1/base"
    assert options_of_member.url.path == "/base"
    assert values_of(options_of_member) == {
        **member,
        "url": options_of_member.url,
        "status": Status.HOT_STANDBY,
    }


def test_a_health_check_takes_every_option() -> None:
    options = HealthOptions.from_values(
        {
            "method": "scgi",
            "uri": "/up",
            "interval": 0.1,
            "timeout": 1,
            "passes": 2,
            "fails": 3,
            "expect": [200],
            "match": "ok",
            "variables": {"A": "b"},
        }
    )
    assert options.match == re.compile("ok")
    assert options.expect == {200}
    assert mistakes(HealthOptions, interval=0.09, passes=0, fails=0).keys() == {
        "interval",
        "passes",
        "fails",
    }


@pytest.mark.parametrize("table", TABLES)
def test_a_default_is_shown_and_explained(table: type[Table]) -> None:
    for option in declared(table).values():
        assert option.kind.allowed
        assert option.text.endswith(".")
        if not option.required:
            assert option.kind.show(option.default)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"method": "hash"}, "hash_key"),
        ({"hash_key": "client"}, "hash_key"),
        ({"scolon_path_delim": True}, "scolon_path_delim"),
        ({"method": "heartbeat"}, "method"),
        ({"retry": -1}, "retry"),
        ({"retry_budget": 1.5}, "retry_budget"),
        ({"max_attempts": -1}, "max_attempts"),
        ({"fail_on_status": [200]}, "fail_on_status"),
        ({"sticky_separator": "::"}, "sticky_separator"),
        ({"stickysession": "x"}, "stickysession"),
    ],
)
def test_what_is_wrong_with_a_balancer_is_told_at_its_key(
    values: dict[str, object], key: str
) -> None:
    assert mistakes(BalancerOptions, **values).keys() == {key}


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"weight": 0.5}, "weight"),
        ({"lbset": 100}, "lbset"),
        ({"max_connections": -1}, "max_connections"),
        ({"status": "x"}, "status"),
    ],
)
def test_what_is_wrong_with_a_member_is_told_at_its_key(
    values: dict[str, object], key: str
) -> None:
    assert mistakes(MemberOptions, url="scgi://h", **values).keys() == {key}


def test_a_member_needs_a_url() -> None:
    assert mistakes(MemberOptions)["url"].startswith("is missing; allowed: a URL like ")


def test_a_check_that_only_connects_asks_for_nothing() -> None:
    assert HealthOptions.from_values({"method": "tcp", "uri": "/"}).uri == "/"
    found = mistakes(HealthOptions, method="tcp", uri="/up", match="ok", expect=[200])
    assert found == dict.fromkeys(("uri", "expect", "match"), 'does nothing with method = "tcp"')


def test_a_cookie_for_other_sites_is_secure() -> None:
    found = mistakes(StickyCookieOptions, secret=SECRET, same_site="none")
    assert found == {"same_site": "none needs secure = true; browsers drop the cookie"}
    values = {"secret": SECRET, "same_site": "none", "secure": True}
    assert StickyCookieOptions.from_values(values).same_site == "none"


def test_a_cookie_needs_a_secret() -> None:
    assert mistakes(StickyCookieOptions)["secret"].startswith("is missing; allowed: ")
    assert list(StickyCookieOptions(secret=SECRET).changed()) == []


def test_the_administrator_needs_a_way_in() -> None:
    found = mistakes(AdminOptions, path="/a/")
    assert found == {"token": "is missing; one of token, token_file and users is needed"}
    assert mistakes(AdminOptions, users=["*"])["path"].startswith("is missing; ")


def test_a_token_stands_in_one_place() -> None:
    found = mistakes(AdminOptions, path="/a/", token=SECRET, token_file="/x")
    assert found == {"token_file": "stands beside token; only one of them is allowed"}


def test_the_administrators_pages_need_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsgi_scgi.config.balancer_options.find_spec", lambda _: None)
    assert mistakes(AdminOptions, path="/a/", token=SECRET) == {
        "path": "needs jinja2 and prometheus_client: pip install 'wsgi-scgi[admin]'"
    }


def test_a_token_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    assert AdminOptions(path="/a/", token_file=str(path)).secret() == SECRET
    assert AdminOptions(path="/a/", token=SECRET).secret() == SECRET
    assert AdminOptions(path="/a/", users=frozenset({"anna"})).secret() == ""


def test_a_file_without_a_token_is_told(tmp_path: Path) -> None:
    path = tmp_path / "token"
    options = AdminOptions(path="/a/", token_file=str(path))
    with pytest.raises(ConfigurationError, match=r"cannot read .*token: No such file"):
        options.secret()
    path.write_text("short\n")
    with pytest.raises(ConfigurationError, match="token: 5 characters are too few; allowed: "):
        options.secret()


def test_the_options_of_a_cookie_are_its_attributes() -> None:
    options = StickyCookieOptions.from_values(
        {"secret": "0123456789abcdef", "path": "/app", "secure": True, "max_age": 60}
    )

    assert options.attributes() == CookieAttributes(path="/app", secure=True, max_age=60)
