"""gateway.toml: what is read, and every mistake with its line."""

from pathlib import Path
from textwrap import dedent

import pytest

from wsgi_scgi.address import BackendURL, TCPAddress
from wsgi_scgi.config.configuration import Configuration
from wsgi_scgi.config.file import load_configuration, parse_configuration
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
        "gateway.toml:4: backend: an excluded route has a path and nothing else",
        "gateway.toml:5: path_info: an excluded route has a path and nothing else",
    ]


@pytest.mark.parametrize(
    ("first", "second", "warned"),
    [
        ("/", "/app/", True),
        ("/app", "/app/", True),
        ("/app/", "/app/", True),
        ("/app", "//app//x", True),
        ("/app/", "/app", False),
        ("/app", "/apple", False),
        ("/app/x", "/app/", False),
        ("/a", "/", False),
    ],
)
@pytest.mark.parametrize("key", ["exclude = true", 'backend = "scgi://h"'])
def test_a_route_that_never_matches_is_warned_of(
    first: str, second: str, warned: bool, key: str
) -> None:
    text = f"[[route]]\npath = '{first}'\n{key}\n[[route]]\npath = '{second}'\n{key}\n"
    expected = f"gateway.toml:5: path: warning: never matches: {first} stands above"
    assert [line.startswith(expected) for line in warnings(text)] == [True] * warned


def test_a_base_path_with_path_info_is_warned_of_at_the_backend() -> None:
    (warning,) = warnings(
        "[[route]]\npath = '/'\nbackend = 'scgi://h/base/'\npreset = 'wsgi'\n",
    )
    assert warning.startswith("gateway.toml:3: backend: warning: the base path /base/")
