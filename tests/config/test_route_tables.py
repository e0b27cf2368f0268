"""``[[route]]``: what is read, and every mistake with its line."""

from textwrap import dedent

import pytest

from wsgi_scgi.address import BackendURL, BalancerURL, TCPAddress
from wsgi_scgi.config.configuration import Route, Source
from wsgi_scgi.config.file import configuration_from, parse_configuration
from wsgi_scgi.config.findings import Findings
from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.config.route_tables import RouteReader


def parse(text: str) -> tuple[Route, ...]:
    return parse_configuration(dedent(text).removeprefix("\n"), "gateway.toml").routes


def mistakes(text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        parse(text)
    return str(caught.value).splitlines()


def mapping_mistakes(mapping: dict[str, object]) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        configuration_from(mapping)
    return str(caught.value).splitlines()


def test_a_right_table_is_a_route() -> None:
    (route,) = parse("[[route]]\npath = '/app/'\nbackend = 'scgi://h'\ntimeout = 5\n")
    assert (route.path, route.exclude) == ("/app/", False)
    assert route.backend == BackendURL(TCPAddress("h"))
    assert route.options.timeout == 5


def test_a_route_without_a_path_has_an_expression() -> None:
    found = mistakes("[[route]]\nbackend = 'scgi://h'\n")
    assert found == [
        "gateway.toml:1: path: is missing; the route needs one, or match; / takes every request"
    ]


def test_a_route_without_a_backend_is_excluded() -> None:
    found = mistakes("[[route]]\npath = '/'\n")
    assert found == ["gateway.toml:1: [[route]]: has neither a backend nor exclude = true"]


def test_without_routes_nothing_is_served() -> None:
    (mistake,) = mistakes("route = []\n")
    assert mistake.startswith("gateway.toml:1: route: there is none, so nothing is served")


def read_route(backend: str) -> tuple[list[Route], list[str]]:
    findings = Findings(Source())
    reader = RouteReader(findings, {"pool", "pond"})
    routes = [route for _, route in reader.routes([{"path": "/", "backend": backend}])]
    return routes, [str(mistake) for mistake in findings.mistakes]


def test_the_backend_may_be_a_balancer_with_a_path() -> None:
    (route,), found = read_route("balancer://pool/base/")
    assert (route.backend, found) == (BalancerURL("pool", "/base/"), [])


@pytest.mark.parametrize(
    ("backend", "cause"),
    [
        ("balancer://pol/", "there is no balancer pol; did you mean pool?"),
        ("balancer://other", "there is no balancer other; write [balancer.other]"),
        ("balancer:///", "'balancer:///' names no balancer; write balancer://name/"),
    ],
)
def test_a_balancer_that_there_is_not_is_told(backend: str, cause: str) -> None:
    assert read_route(backend) == ([], [f"route[0].backend: {cause}"])


def test_the_names_of_a_route_are_suggested_too() -> None:
    (mistake,) = mistakes("[[route]]\npath = '/'\nbackend = 'scgi://h'\nexcluded = true\n")
    assert mistake == "gateway.toml:4: excluded: unknown key; did you mean exclude?"


@pytest.mark.parametrize(
    "path", ["5", '"app"', '""', '"/a/../b"', '"/./"', '"/a\\nb"', '"/\\u0000"', "true"]
)
def test_a_path_starts_with_a_slash_and_is_plain(path: str) -> None:
    (mistake,) = mistakes(f"[[route]]\npath = {path}\nbackend = 'scgi://h'\n")
    assert mistake.startswith("gateway.toml:2: path: ")
    assert mistake.endswith('; allowed: a path like "/app/"')


@pytest.mark.parametrize("backend", ["5", "'localhost:4000'", "''"])
def test_a_backend_is_a_url_of_a_known_form(backend: str) -> None:
    (mistake,) = mistakes(f"[[route]]\npath = '/'\nbackend = {backend}\n")
    assert mistake.startswith("gateway.toml:3: backend: ")
    assert "scgi://host:port/" in mistake


def test_exclude_is_a_boolean() -> None:
    (mistake,) = mistakes("[[route]]\npath = '/'\nbackend = 'scgi://h'\nexclude = 0\n")
    assert mistake == "gateway.toml:4: exclude: 0 is not a boolean; allowed: true or false"


def test_exclude_false_alone_says_nothing() -> None:
    (mistake,) = mistakes("[[route]]\npath = '/'\nexclude = false\n")
    assert mistake == "gateway.toml:3: exclude: false needs a backend in the same route"


def test_an_excluded_route_takes_no_other_key() -> None:
    found = mistakes(
        "[[route]]\npath = '/'\nexclude = true\nbackend = 'scgi://h'\npath_info = true\n"
    )
    assert found == [
        "gateway.toml:4: backend: an excluded route has a path, match or host only",
        "gateway.toml:5: path_info: an excluded route has a path, match or host only",
    ]


# Expressions and hosts


def test_a_route_may_have_an_expression_and_hosts() -> None:
    taken, excluded = parse("""
        [[route]]
        match = "^/café/([a-z]+)$"
        host = ["Example.ORG.", "*.example.net", "[2001:DB8:0::1]"]
        backend = "scgi://h/u/$1"
        [[route]]
        match = "^/private"
        host = "example.org"
        exclude = true
        """)
    assert (taken.path, taken.match) == ("", "^/caf\xc3\xa9/([a-z]+)$")
    assert taken.host == ("example.org", "*.example.net", "[2001:db8::1]")
    assert taken.backend == BackendURL(TCPAddress("h", 4000), "/u/$1")
    assert (excluded.match, excluded.host, excluded.backend) == (
        "^/private",
        ("example.org",),
        None,
    )


@pytest.mark.parametrize(
    ("match", "cause"),
    [
        ("5", "5 is not a string"),
        ("''", "is empty"),
        ("'('", "the expression is invalid"),
        ("'a{99999999999999999999}'", "the expression is invalid"),
        ("'^/(a)$'", "$2 stands for a group that the expression does not have"),
        ('"/\\n"', "control character"),
    ],
)
def test_an_expression_can_be_compiled_and_has_the_groups(match: str, cause: str) -> None:
    (mistake,) = mistakes(f"[[route]]\nmatch = {match}\nbackend = 'scgi://h/$2'\n")
    assert mistake.startswith("gateway.toml:2: match: ")
    assert cause in mistake
    assert mistake.endswith("instead of path")


def test_a_route_has_either_a_path_or_an_expression() -> None:
    (mistake,) = mistakes("[[route]]\npath = '/'\nmatch = '^/'\nbackend = 'scgi://h'\n")
    assert mistake.startswith("gateway.toml:3: match: stands beside path; allowed: ")


def test_beside_a_wrong_backend_an_expression_is_judged_all_the_same() -> None:
    found = mistakes("[[route]]\nmatch = '('\nbackend = 'http://h'\n")
    assert [mistake.split(": ")[1] for mistake in found] == ["match", "backend"]


@pytest.mark.parametrize(
    "host",
    [
        "5",
        "[5]",
        "[]",
        "''",
        "'example.org:80'",
        "'http://example.org'",
        "'*'",
        "'*.'",
        "'a.*.org'",
        "'.org'",
        "'a..org'",
        "'b\u00fccher.example'",
        "'::1'",
        "'[::g]'",
        "'[1:2]'",
        "['example.org', '']",
    ],
)
def test_a_host_is_a_name_without_port(host: str) -> None:
    (mistake,) = mistakes(f"[[route]]\npath = '/'\nhost = {host}\nexclude = true\n")
    assert mistake.startswith("gateway.toml:3: host: ")
    assert mistake.endswith('; allowed: an array of names like "example.org" or "*.example.org"')


@pytest.mark.parametrize("tables", [None, "x", 5, {"path": "/"}, [1], [[]]])
def test_the_routes_of_a_mapping_are_a_list_of_tables(tables: object) -> None:
    assert mapping_mistakes({"route": tables}) == [
        "route: is a list of tables; write [[route]]",
    ]


def test_keys_that_are_no_strings_are_unknown_keys() -> None:
    table: dict[object, object] = {1: 2, "path": "/", "backend": "scgi://h"}
    (mistake,) = mapping_mistakes({"route": [table]})
    assert mistake.startswith("route[0].1: unknown key; allowed: ")
