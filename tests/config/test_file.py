"""gateway.toml: what is read, and every mistake with its line."""

import tomllib
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType

import pytest

from wsgi_scgi.address import BackendURL, TCPAddress
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
        ["gateway.toml:12", "balancer"],
        ["gateway.toml:13", "[[route]]"],
    ]
    assert "did you mean bind?" in found[0]
    assert 'allowed: a path like "/app/"' in found[2]
    assert "scgi://host:port/" in found[3]
    assert "did you mean timeout?" in found[4]
    assert "/ takes every request" in found[5]
    assert "allowed: seconds" in found[6]
    assert "allowed: server, route" in found[9]
    assert "neither a backend nor exclude = true" in found[10]


def test_the_names_of_a_route_are_suggested_too() -> None:
    (mistake,) = mistakes("[[route]]\npath = '/'\nbackend = 'scgi://h'\nexcluded = true\n")
    assert mistake == "gateway.toml:4: excluded: unknown key; did you mean exclude?"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "gateway.toml:1: route: there is none"),
        ("[server]\n", "gateway.toml:1: route: there is none"),
        ("route = []\n[server]\n", "gateway.toml:1: route: there is none"),
        ("[route]\npath = '/'\n", "gateway.toml:1: route: is a list of tables; write [[route]]"),
        ("route = [1]\n", "gateway.toml:1: route: is a list of tables; write [[route]]"),
        ("server = 1\n[[route]]\npath='/'\nexclude=true\n", "gateway.toml:1: server: is a table"),
    ],
)
def test_the_tables_are_tables(text: str, place: str) -> None:
    (mistake,) = mistakes(text)
    assert mistake.startswith(place)


@pytest.mark.parametrize(
    "path", ["5", '"app"', '""', '"/a/../b"', '"/./"', '"/a\\nb"', '"/\\u0000"', "true"]
)
def test_a_path_starts_with_a_slash_and_is_plain(path: str) -> None:
    (mistake,) = mistakes(f"[[route]]\npath = {path}\nbackend = 'scgi://h'\n")
    assert mistake.startswith("gateway.toml:2: path: ")
    assert mistake.endswith('; allowed: a path like "/app/"')


@pytest.mark.parametrize("backend", ["5", "'localhost:4000'", "'balancer://pool'", "''"])
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
    configuration = parse("""
        [[route]]
        match = "^/café/([a-z]+)$"
        host = ["Example.ORG.", "*.example.net", "[2001:DB8:0::1]"]
        backend = "scgi://h/u/$1"
        [[route]]
        match = "^/private"
        host = "example.org"
        exclude = true
        """)
    taken, excluded = configuration.routes
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


@pytest.mark.parametrize("tables", [None, "x", 5, {"path": "/"}, [1], [[]]])
def test_the_routes_of_a_mapping_are_a_list_of_tables(tables: object) -> None:
    assert mapping_mistakes({"route": tables}) == [
        "route: is a list of tables; write [[route]]",
    ]


def test_keys_that_are_no_strings_are_unknown_keys() -> None:
    table: dict[object, object] = {1: 2, "path": "/", "backend": "scgi://h"}
    (mistake,) = mapping_mistakes({"route": [table]})
    assert mistake.startswith("route[0].1: unknown key; allowed: ")


def test_an_empty_mapping_serves_nothing() -> None:
    (mistake,) = mapping_mistakes({})
    assert mistake.startswith("route: there is none, so nothing is served")


def test_a_mapping_has_warnings_too() -> None:
    route = {"path": "/", "exclude": True}
    (warning,) = configuration_from({"route": [route, route]}).warnings
    assert str(warning) == (
        "route[1].path: warning: never matches: / stands above and takes all of it"
    )
