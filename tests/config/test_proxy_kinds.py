"""Kinds of the options around forwarding: what is taken, what is refused and why, what is shown."""

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.environs import server_environ
from wsgi_scgi.config.kinds import Kind
from wsgi_scgi.config.proxy_kinds import (
    Aliases,
    Conditions,
    Directories,
    Documents,
    FieldNames,
    FieldSwitch,
    FilePath,
    MethodPatterns,
    Networks,
    Pairs,
    Statuses,
    show_value,
)
from wsgi_scgi.gateway.request import Request

SWITCH = FieldSwitch("X-Sendfile")


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (SWITCH, True, "x-sendfile"),
        (SWITCH, False, ""),
        (SWITCH, "X-Send-Static", "x-send-static"),
        (SWITCH, "true", "true"),  # TOML has booleans; a string is a name
        (FieldNames(), [], frozenset()),
        (FieldNames(), ["X-A", "x-a", "B"], {"x-a", "b"}),
        (Directories(), [], ()),
        (Directories(), ["/srv/é", "/"], ("/srv/\xc3\xa9", "/")),
        (Directories(), ("/srv",), ("/srv",)),
        (Aliases(), {}, {}),
        (Aliases(), {"/é/": "/srv/é"}, {"/\xc3\xa9/": "/srv/\xc3\xa9"}),
        (Pairs(), [], ()),
        (Pairs(), [["/", "/app/"], ("a", "é")], (("/", "/app/"), ("a", "\xc3\xa9"))),
        (Networks(), [], ()),
        (
            Networks(),
            ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "unix:"],
            (
                ipaddress.IPv4Network("10.0.0.0/8"),
                ipaddress.IPv4Network("192.0.2.1/32"),
                ipaddress.IPv6Network("2001:db8::/32"),
                "unix:",
            ),
        ),
        (Statuses(), True, True),
        (Statuses(), False, False),
        (Statuses(), [400, 599, 404, 404], {400, 404, 599}),
        (Documents(), {}, {}),
        (
            Documents(),
            {"404": "/é?a=%2F..", 500: "Später", "599": ""},
            {404: "/\xc3\xa9?a=%2F..", 500: "Später", 599: ""},
        ),
        (Conditions(), [], ()),
    ],
)
def test_what_is_right_is_taken(kind: Kind[Any], raw: object, value: object) -> None:
    assert kind.parse(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "why"),
    [
        (SWITCH, 1, "1 is not the name of a field"),
        (SWITCH, "", '"" is not the name of a field'),
        (SWITCH, "X Y", '"X Y" is not the name of a field'),
        (SWITCH, "X:", '"X:" is not the name of a field'),
        (SWITCH, "X\n", "is not the name of a field"),
        (SWITCH, [], "an array is not the name of a field"),
        (FieldNames(), "X-A", '"X-A" is not an array'),
        (FieldNames(), True, "true is not an array"),
        (FieldNames(), ["X-A", "é"], '"é" is not the name of a field'),
        (FieldNames(), [5], "5 is not the name of a field"),
        (Directories(), "/srv", '"/srv" is not an array'),
        (Directories(), ["/srv", "srv"], '"srv" is not an absolute path'),
        (Directories(), [""], '"" is not an absolute path'),
        (Directories(), [1], "1 is not a string"),
        (Directories(), ["/a\0"], "control character"),
        (Aliases(), [], "an array is not a table"),
        (Aliases(), {"a": "/srv"}, "a path starts with /"),
        (Aliases(), {"/a/../b": "/srv"}, "no . or .. segments"),
        (Aliases(), {"/a": "srv"}, '"srv" is not an absolute path'),
        (Aliases(), {1: "/srv"}, "1 is not a string"),
        (Pairs(), {}, "a table is not an array"),
        (Pairs(), ["ab"], '"ab" is not an array'),
        (Pairs(), [["a"]], "not a pair"),
        (Pairs(), [["a", "b", "c"]], "not a pair"),
        (Pairs(), [["a", 1]], "1 is not a string"),
        (Pairs(), [["a", "b; HttpOnly"]], "contains ;"),
        (Pairs(), [["a;", "b"]], "contains ;"),
        (Pairs(), [["a", "b\r\nX: 1"]], "control character"),
        (Networks(), "10.0.0.0/8", '"10.0.0.0/8" is not an array'),
        (Networks(), [1], "1 is not a string"),
        (Networks(), ["10.0.0.1/8"], "10.0.0.1/8 has host bits set"),
        (Networks(), ["localhost"], "does not appear to be an IPv4 or IPv6 network"),
        (Networks(), ["unix"], "does not appear to be"),
        (Statuses(), 404, "404 is not an array"),
        (Statuses(), [399], "399 is not a status from 400 to 599"),
        (Statuses(), [600], "600 is not a status from 400 to 599"),
        (Statuses(), [True], "true is not a status"),
        (Statuses(), ["404"], '"404" is not a status'),
        (Documents(), ["404"], "an array is not a table"),
        (Documents(), {"x": "/"}, '"x" is not a status from 400 to 599'),
        (Documents(), {"600": "/"}, '"600" is not a status'),
        (Documents(), {399: "/"}, "399 is not a status"),
        (Documents(), {"4040": "/"}, '"4040" is not a status'),
        (Documents(), {"404": 5}, "5 is not a string"),
        (Documents(), {"404": "/a\n"}, "control character"),
        (Documents(), {"404": "/%zz"}, "a % that starts no escape"),
        (Documents(), {"404": "/a/../../b"}, "climbs over its root"),
        (Documents(), {"404": "\udc80"}, "surrogates not allowed"),
    ],
)
def test_what_is_wrong_is_refused_with_the_reason(kind: Kind[Any], raw: object, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        kind.parse(raw)
    assert kind.allowed


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (SWITCH, "", "false"),
        (SWITCH, "x-sendfile", "true"),
        (SWITCH, "x-send-static", '"x-send-static"'),
        (FieldNames(), frozenset({"b", "a"}), '["a", "b"]'),
        (FieldNames(), frozenset(), "[]"),
        (Directories(), ("/srv/\xc3\xa9",), '["/srv/é"]'),
        (Aliases(), {"/a/": "/srv/\xc3\xa9"}, '{ "/a/" = "/srv/é" }'),
        (Aliases(), {}, "{}"),
        (Pairs(), (("/", "/app/"),), '[["/", "/app/"]]'),
        (Networks(), (ipaddress.ip_network("10.0.0.0/8"), "unix:"), '["10.0.0.0/8", "unix:"]'),
        (Statuses(), True, "true"),
        (Statuses(), frozenset({500, 404}), "[404, 500]"),
        (
            Documents(),
            {404: "/\xc3\xa9", 500: "Später"},
            '{ "404" = "/é", "500" = "Später" }',
        ),
        (Documents(), {}, "{}"),
    ],
)
def test_a_value_is_shown_as_toml_has_it(kind: Kind[Any], value: object, shown: str) -> None:
    assert kind.show(value) == shown


def test_a_number_is_shown_as_it_is() -> None:
    assert show_value(1.5) == "1.5"


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("on", True),
        ("True", True),
        ("off", False),
        ("FALSE", False),
        ("X-Location", "X-Location"),
    ],
)
def test_a_switch_is_written_on_the_command_line_as_in_apache(text: str, raw: object) -> None:
    assert SWITCH.parse_text(text) == raw


def test_one_directory_is_an_argument_of_the_command_line() -> None:
    assert Directories().parse_text("/srv") == ["/srv"]
    assert FieldNames().parse_text("X-A") == "X-A"


# Conditions


def conditions(**changes: object) -> list[dict[str, object]]:
    """Return one condition with ``changes``; None removes a key."""
    table: dict[str, object] = {"attribute": "path", "matches": "^/a", "set": {"A": "1"}}
    table |= {name.rstrip("_"): value for name, value in changes.items()}
    return [{name: value for name, value in table.items() if value is not None}]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extra": 1}, '"extra" is not a key of a condition'),
        ({"attribute": None}, "either an attribute or a header"),
        ({"header": "X-A"}, "either an attribute or a header"),
        ({"attribute": "url"}, '"url" is not an attribute'),
        ({"attribute": True}, "true is not an attribute"),
        ({"attribute": None, "header": "X A"}, '"X A" is not the name of a field'),
        ({"attribute": None, "header": 1}, "1 is not the name of a field"),
        ({"matches": None}, "matches is a string"),
        ({"matches": 1}, "matches is a string"),
        ({"ignore_case": 1}, "ignore_case true or false"),
        ({"matches": "("}, '"(" is not a regular expression: missing )'),
        ({"matches": "a{99999999999999999999}"}, "is not a regular expression"),
        ({"set": None}, "None is not a table"),
        ({"set": {"a": "1"}}, "a: not the name of a variable"),
        ({"set": {"SCGI": False}}, "SCGI: may be neither set nor removed"),
        ({"set": {"QUERY_STRING": "x"}}, "QUERY_STRING: may be neither set nor removed"),
    ],
)
def test_a_condition_has_a_place_an_expression_and_variables(
    changes: dict[str, object], why: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        Conditions().parse(conditions(**changes))


@pytest.mark.parametrize("raw", [{}, "x", [1], [[]]])
def test_conditions_are_an_array_of_tables(raw: object) -> None:
    with pytest.raises(ValueError, match=r"is not a(n array| table)"):
        Conditions().parse(raw)


@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        ({}, True),
        ({"matches": "^/A"}, False),
        ({"matches": "^/A", "ignore_case": True}, True),
        ({"matches": "é$"}, True),
        ({"attribute": None, "header": "x-name", "matches": "^value$"}, True),
        ({"attribute": None, "header": "Content-Type", "matches": "^text/"}, True),
        ({"attribute": None, "header": "X-Absent", "matches": "."}, False),
    ],
)
def test_a_condition_that_is_parsed_looks_where_it_says(
    changes: dict[str, object], matches: bool
) -> None:
    (condition,) = Conditions().parse(conditions(**changes))
    environ = server_environ("/a/%C3%A9", HTTP_X_NAME="value", CONTENT_TYPE="text/plain")
    variables: dict[str, str] = {}
    condition.apply(Request(environ), variables)
    assert variables == ({"A": "1"} if matches else {})


def test_conditions_are_shown_as_far_as_they_can_be() -> None:
    assert Conditions().show(Conditions().parse(conditions())) == "[{ ... }]"


def test_a_file_has_an_absolute_path_and_none_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert FilePath().parse("é") == f"{tmp_path}/\xc3\xa9"
    assert FilePath().parse("/a/b") == "/a/b"
    assert FilePath().parse("") == ""


def test_methods_are_names_and_patterns() -> None:
    assert MethodPatterns().parse(["d.directory.set", "network.*"]) == (
        "d.directory.set",
        "network.*",
    )
    with pytest.raises(ValueError, match='"a b" is not the name of a method'):
        MethodPatterns().parse(["a b"])
    with pytest.raises(ValueError, match="1 is not the name of a method"):
        MethodPatterns().parse([1])
