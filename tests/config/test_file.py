"""gateway.toml: what is read, and every mistake with its line."""

import tomllib
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType

import pytest

from wsgi_scgi.address import BackendURL, BalancerURL, TCPAddress
from wsgi_scgi.config.balancer_options import AdminOptions
from wsgi_scgi.config.configuration import Configuration
from wsgi_scgi.config.file import (
    configuration_from,
    load_configuration,
    parse_configuration,
)
from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.semantics.path import PathInfo


def parse(text: str) -> Configuration:
    return parse_configuration(dedent(text).removeprefix("\n"), "gateway.toml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        parse(text)
    return str(caught.value).splitlines()


def warnings(text: str) -> list[str]:
    return [str(warning) for warning in parse(text).warnings]


def test_a_file_gives_settings_and_routes_in_order(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        dedent("""\
            [server]
            bind = ["127.0.0.1:8000", "unix:/run/gateway.sock"]
            workers = 2

            [[route]]
            path = "/scgi-bin/private/"
            exclude = true

            [[route]]
            path = "/café/"
            exclude = false
            backend = "scgi://localhost:4001/base/"
            path_info = "apache"
            variables = { APP_ENV = "prod", SERVER_SOFTWARE = false }
            """),
        encoding="utf-8",
    )
    configuration = load_configuration(path)
    assert configuration.server == {
        "bind": ["127.0.0.1:8000", "unix:/run/gateway.sock"],
        "workers": 2,
    }
    excluded, taken = configuration.routes
    assert (excluded.path, excluded.exclude, excluded.backend) == (
        "/scgi-bin/private/",
        True,
        None,
    )
    assert (taken.path, taken.exclude, taken.backend) == (
        "/caf\xc3\xa9/",
        False,
        BackendURL(TCPAddress("localhost", 4001), "/base/"),
    )
    assert taken.options.path_info is PathInfo.APACHE
    assert taken.options.variables == {"APP_ENV": "prod", "SERVER_SOFTWARE": False}
    assert configuration.warnings == ()
    assert configuration.source.name == str(path)


def test_the_settings_cannot_be_changed() -> None:
    configuration = parse('[[route]]\npath = "/"\nbackend = "scgi://localhost"\n')
    with pytest.raises(TypeError):
        configuration.server["bind"] = "0.0.0.0:80"  # type: ignore[index]  # what is tried here


def test_a_relative_name_is_below_the_directory_and_told_as_given(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("[[route]]\n")
    with pytest.raises(InvalidConfiguration) as caught:
        load_configuration("gateway.toml", directory=str(tmp_path))
    assert str(caught.value).startswith("gateway.toml:1: ")


def test_a_file_that_cannot_be_read_is_named_with_the_cause(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.toml")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(missing)
    assert str(caught.value) == f"cannot read {missing}: No such file or directory"


def test_a_file_that_is_not_utf_8_has_the_line(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(b"# one\n# two \xff\n")
    with pytest.raises(InvalidConfiguration) as caught:
        load_configuration(path)
    assert str(caught.value) == f"{path}:2: syntax: the file is not UTF-8"


def test_a_syntax_error_has_the_line() -> None:
    assert mistakes("[server]\nbind = \n") == ["gateway.toml:2: syntax: invalid value"]


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb", 2), ("a = 1\nb = '''\n", 2)])
def test_a_syntax_error_at_the_end_has_the_last_line(text: str, line: int) -> None:
    (mistake,) = mistakes(text)
    assert mistake.startswith(f"gateway.toml:{line}: syntax: ")
    assert "(at" not in mistake


def test_a_key_twice_has_a_line() -> None:
    (mistake,) = mistakes("[[route]]\npath = '/'\npath = '/'\n")
    assert mistake.startswith("gateway.toml:3: syntax: ")


def test_all_mistakes_are_told_in_the_order_of_the_lines() -> None:
    text = """
        [server]
        bindd = "127.0.0.1:8000"
        workers = "two"
        [[route]]
        path = "app"
        backend = "http://localhost"
        tiemout = 3
        [[route]]
        backend = "scgi://localhost"
        timeout = 0
        variables = { SCGI = "1",  y = "" }
        [balancer.pool]
        [balanser]
        [[route]]
        path = "/x/"
        """
    found = mistakes(text)
    starts = [mistake.split(": ", 2)[:2] for mistake in found]
    assert starts == [
        ["gateway.toml:2", "bindd"],
        ["gateway.toml:3", "workers"],
        ["gateway.toml:5", "path"],
        ["gateway.toml:6", "backend"],
        ["gateway.toml:7", "tiemout"],
        ["gateway.toml:8", "path"],
        ["gateway.toml:10", "timeout"],
        ["gateway.toml:11", "variables.SCGI"],
        ["gateway.toml:11", "variables.y"],
        ["gateway.toml:12", "member"],
        ["gateway.toml:13", "balanser"],
        ["gateway.toml:14", "[[route]]"],
    ]
    assert "did you mean bind?" in found[0]
    assert 'allowed: a path like "/app/"' in found[2]
    assert "scgi://host:port/" in found[3]
    assert "did you mean timeout?" in found[4]
    assert "/ takes every request" in found[5]
    assert "allowed: seconds" in found[6]
    assert "did you mean balancer?" in found[10]
    assert "neither a backend nor exclude = true" in found[11]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "gateway.toml:1: route: there is none"),
        ("[server]\n", "gateway.toml:1: route: there is none"),
        ("route = []\n[server]\n", "gateway.toml:1: route: there is none"),
        ("[route]\npath = '/'\n", "gateway.toml:1: route: is a list of tables; write [[route]]"),
        ("route = [1]\n", "gateway.toml:1: route: is a list of tables; write [[route]]"),
        ("state = 1\n[[route]]\npath='/'\nexclude=true\n", "gateway.toml:1: state: is a table"),
        ("admin = 1\n[[route]]\npath='/'\nexclude=true\n", "gateway.toml:1: admin: is a table"),
        ("server = 1\n[[route]]\npath='/'\nexclude=true\n", "gateway.toml:1: server: is a table"),
    ],
)
def test_the_tables_are_tables(text: str, place: str) -> None:
    (mistake,) = mistakes(text)
    assert mistake.startswith(place)


# Balancers

BALANCED = """
    [balancer.pool]
    method = "bytraffic"
    [[balancer.pool.member]]
    url = "scgi://h:1"
    [[route]]
    path = "/"
    backend = "balancer://pool/base/"
    """


def test_a_route_may_lead_to_a_balancer() -> None:
    configuration = parse(BALANCED)
    (pool,) = configuration.balancers.values()
    (route,) = configuration.routes
    assert route.backend == BalancerURL("pool", "/base/")
    assert (pool.name, pool.options.method) == ("pool", "bytraffic")
    assert [member.name for member in pool.members] == ["scgi://h:1"]
    assert (configuration.share, configuration.admin) == ("workers", None)
    assert configuration.warnings == ()


def test_the_balancers_cannot_be_changed() -> None:
    balancers = parse(BALANCED).balancers
    with pytest.raises(TypeError):
        balancers["x"] = balancers["pool"]  # type: ignore[index]  # what is tried here


def test_a_balancer_with_mistakes_is_there_for_the_routes_all_the_same() -> None:
    (mistake,) = mistakes(BALANCED.replace("bytraffic", "x"))
    assert mistake.startswith('gateway.toml:2: method: "x" is not one of the choices; allowed: ')


def test_the_warnings_of_balancers_follow() -> None:
    text = BALANCED.replace("balancer://pool/base/", "scgi://h:1")
    assert warnings(text) == [
        "gateway.toml:1: balancer.pool: warning: no route has the backend balancer://pool/"
    ]


def test_state_and_admin_are_tables_of_their_own() -> None:
    configuration = parse(
        dedent("""
        [state]
        share = "none"
        [admin]
        path = "/gateway/"
        users = ["anna"]
        """)
        + dedent(BALANCED)
    )
    assert configuration.share == "none"
    assert configuration.admin == AdminOptions(path="/gateway/", users=frozenset({"anna"}))


def test_mistakes_in_state_and_admin_have_lines() -> None:
    text = "[state]\nshare = 1\n[admin]\npath = '/'\n[[route]]\npath = '/'\nexclude = true\n"
    assert [mistake.split(": ")[:2] for mistake in mistakes(text)] == [
        ["gateway.toml:2", "share"],
        ["gateway.toml:4", "path"],
    ]


# Warnings


def test_warnings_have_the_line_of_their_key() -> None:
    assert warnings("""
        [[route]]
        path = "/app/"
        backend = "scgi://h/base/"
        preset = "wsgi"
        [[route]]
        path = "/app/x/"
        backend = "scgi://h"
        timeout = 5
        """) == [
        "gateway.toml:3: backend: warning: the base path /base/ goes into PATH_INFO, so SCRIPT_NAME"
        " and PATH_INFO together are not the path of the request; applications that make links"
        " from them need the base path /",
        "gateway.toml:6: path: warning: never matches: /app/ stands above and takes all of it",
        "gateway.toml:8: timeout: warning: 5 here and 60 in /app/, for the same backend",
    ]


# Without a file


def mapping_mistakes(mapping: dict[str, object]) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        configuration_from(mapping)
    return str(caught.value).splitlines()


def test_a_mapping_is_read_like_the_file_of_the_same_structure() -> None:
    text = """
        [[route]]
        path = "/private/"
        exclude = true
        [[route]]
        match = "^/(é+)$"
        host = ["example.org"]
        backend = "scgi://h/$1"
        variables = { APP = "ü", SERVER_SOFTWARE = false }
        error_override = true
        error_document = { 404 = "/404.html" }
        """
    document = tomllib.loads(dedent(text))
    from_mapping = configuration_from(document)
    assert from_mapping.routes == parse(text).routes
    assert from_mapping.server == {}


def test_a_mapping_may_have_tuples_and_mappings_of_any_kind() -> None:
    table = MappingProxyType({"path": "/", "host": ("a.test",), "backend": "scgi://h"})
    (route,) = configuration_from({"route": (table,)}).routes
    assert (route.path, route.host) == ("/", ("a.test",))


def test_all_mistakes_of_a_mapping_are_told_with_the_table_that_has_them() -> None:
    assert mapping_mistakes(
        {
            "server": {"bind": "127.0.0.1:8000"},
            "rout": [],
            "route": [
                {"path": "/", "backend": "scgi://h"},
                {"path": "app", "backend": "http://h", "tiemout": 1},
                {"path": "/x/", "backend": "scgi://h", "variables": {"SCGI": "1"}, "timeout": 0},
                {},
            ],
        }
    ) == [
        "server: is for wsgi-scgi serve; here nobody would read it",
        "rout: unknown key; did you mean route?",
        "route[1].tiemout: unknown key; did you mean timeout?",
        'route[1].path: a path starts with /; allowed: a path like "/app/"',
        "route[1].backend: 'http://h' is not a backend URL; write scgi://host:port/,"
        " scgi+unix:///path/to/socket or unix:/path/to/socket|scgi://name/",
        "route[2].variables.SCGI: may be neither set nor removed; the SCGI specification fixes it",
        "route[2].timeout: 0 seconds is too short; allowed: seconds as a number greater than 0",
        "route[3].path: is missing; the route needs one, or match; / takes every request",
        "route[3]: has neither a backend nor exclude = true",
    ]


def test_an_empty_mapping_serves_nothing() -> None:
    (mistake,) = mapping_mistakes({})
    assert mistake.startswith("route: there is none, so nothing is served")


def test_a_mapping_has_warnings_too() -> None:
    route = {"path": "/", "exclude": True}
    (warning,) = configuration_from({"route": [route, route]}).warnings
    assert str(warning) == (
        "route[1].path: warning: never matches: / stands above and takes all of it"
    )
