"""A configuration as values: places of mistakes, routes in words."""

import pytest

from wsgi_scgi.address import BalancerURL, parse_backend_url
from wsgi_scgi.config.balancer_options import (
    BalancerOptions,
    HealthOptions,
    MemberOptions,
    StickyCookieOptions,
)
from wsgi_scgi.config.configuration import (
    Balancer,
    Route,
    Source,
    path_info_warning,
    single_backend,
)
from wsgi_scgi.config.lines import KeyPath
from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.config.options import RouteOptions
from wsgi_scgi.errors import AddressError

SOURCE = Source(
    "gateway.toml", {("server",): 2, ("server", "bind"): 3, ("route",): 5, ("route", 0): 5}
)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("server", "bind"), "gateway.toml:3: bind: x"),
        (("server",), "gateway.toml:2: server: x"),
        (("route", 0), "gateway.toml:5: [[route]]: x"),
        (("route", 0, "path"), "gateway.toml:5: path: x"),
        (("route", 0, "variables", "A"), "gateway.toml:5: variables.A: x"),
        (("route",), "gateway.toml:5: route: x"),
        (("balancer", "pool"), "gateway.toml:1: balancer.pool: x"),
        (("balancer", "pool", "retry"), "gateway.toml:1: retry: x"),
        (("balancer", "pool", "member"), "gateway.toml:1: member: x"),
        (("balancer", "pool", "member", 0), "gateway.toml:1: [[balancer.pool.member]]: x"),
        (("balancer", "pool", "member", 0, "url"), "gateway.toml:1: url: x"),
        (("balancer", "pool", "health"), "gateway.toml:1: balancer.pool.health: x"),
        (("balancer", "pool", "health", "variables", "A"), "gateway.toml:1: variables.A: x"),
        (("balancer", "pool", "sticky_cookie", "path"), "gateway.toml:1: path: x"),
        (("state", "share"), "gateway.toml:1: share: x"),
        (("admin",), "gateway.toml:1: admin: x"),
    ],
)
def test_a_mistake_stands_at_its_key_or_at_the_nearest_table(path: KeyPath, text: str) -> None:
    assert str(SOURCE.mistake(path, "x")) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("route", 1, "path"), "route[1].path: x"),
        (("route", 0), "route[0]: x"),
        (("route",), "route: x"),
        (("balancer", "pool", "member", 0, "url"), "balancer.pool.member[0].url: x"),
    ],
)
def test_without_a_file_the_key_says_which_table_is_meant(path: KeyPath, text: str) -> None:
    assert str(Source().mistake(path, "x")) == text


def route(url: str, **options: object) -> Route:
    return Route(
        path="/caf\xc3\xa9/",
        backend=parse_backend_url(url),
        options=RouteOptions.from_values(options),
    )


def test_a_route_in_words_has_its_backend_and_what_is_not_the_default() -> None:
    assert str(route("scgi://localhost")) == "/café/ -> scgi://localhost:4000"
    with_options = route("unix:/run/a.sock|scgi://x/base/", path_info=True, timeout=9)
    assert str(with_options) == (
        "/café/ -> scgi+unix:///run/a.sock/base/ (path_info = true, timeout = 9)"
    )


def test_an_excluded_route_in_words_has_no_backend() -> None:
    assert str(Route(path="/private/", exclude=True)) == "/private/ -> excluded"


def test_a_route_in_words_has_its_hosts_and_its_expression() -> None:
    url = "scgi://localhost/\N{LATIN SMALL LETTER E WITH ACUTE}/$1"
    only = Route(match="^/(.*)$", host=("a.test", "*.b.test"), backend=parse_backend_url(url))
    assert only.name == "a.test *.b.test ^/(.*)$"
    assert str(only) == "a.test *.b.test ^/(.*)$ -> scgi://localhost:4000/é/$1"


def test_a_route_in_words_has_its_balancer() -> None:
    assert str(Route(path="/", backend=BalancerURL("pool"))) == "/ -> balancer://pool"
    assert str(Route(path="/", backend=BalancerURL("pool", "/b/"))) == "/ -> balancer://pool/b/"


def test_a_balancer_in_words_has_its_members_and_what_is_not_the_default() -> None:
    member = MemberOptions.from_values({"url": "scgi://h", "weight": 2, "status": "+H"})
    plain = Balancer(name="pool", options=BalancerOptions(), members=(member,))
    assert list(plain.lines()) == ["balancer pool", 'member  scgi://h (weight = 2, status = "H")']
    full = Balancer(
        name="pool",
        options=BalancerOptions(sticky_session="SID|sid"),
        members=(),
        health=HealthOptions(uri="/up"),
        sticky_cookie=StickyCookieOptions(secret="0123456789abcdef", secure=True),
    )
    assert list(full.lines()) == [
        'balancer pool (sticky_session = "SID|sid")',
        'health  of pool (uri = "/up")',
        "cookie  SID (secure = true)",
    ]


def test_one_backend_takes_everything() -> None:
    configuration = single_backend("scgi://localhost", {"preset": "wsgi"})
    (only,) = configuration.routes
    assert str(only) == '/ -> scgi://localhost:4000 (path_info = true, preset = "wsgi")'
    assert configuration.server == {}
    assert configuration.warnings == ()
    with pytest.raises(AddressError):
        single_backend("http://localhost", {})
    with pytest.raises(InvalidConfiguration):
        single_backend("scgi://localhost", {"preset": "php"})


@pytest.mark.parametrize(
    ("url", "path_info", "warned"),
    [
        ("scgi://localhost/base/", True, True),
        ("scgi://localhost/", True, False),
        ("scgi://localhost", True, False),
        ("scgi://localhost/base/", False, False),
        ("scgi://localhost/base/", "apache", False),
    ],
)
def test_a_base_path_with_path_info_is_warned_of(
    url: str, path_info: bool | str, warned: bool
) -> None:
    assert bool(path_info_warning(route(url, path_info=path_info))) is warned


def test_an_excluded_route_has_no_base_path_to_warn_of() -> None:
    assert path_info_warning(Route(path="/", exclude=True)) == ""
