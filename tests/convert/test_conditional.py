"""SetEnvIf and its family, line by line."""

import pytest

from tests.convert.apache_text import only
from wsgi_scgi.convert.conditional import Assignment, Condition, Truth, read_assignment
from wsgi_scgi.convert.region import EVERYTHING, PathPrefix, Region


def read(line: str, *assigned: str) -> Assignment:
    return read_assignment(only(f"{line}\n"), frozenset(assigned))


def truth(line: str, target: Region = EVERYTHING) -> Truth:
    return read(f"{line} X").condition.truth(target)


def test_values_are_set_to_one_set_to_a_text_or_unset() -> None:
    assert read("SetEnvIf Host x A 'B=b c' !C D=").values == {
        "A": "1",
        "B": "b c",
        "C": None,
        "D": "",
    }


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        ("SetEnvIf Request_URI ^/a X", Condition("path", "", "^/a")),
        ("SetEnvIf request_method POST X", Condition("method", "", "POST")),
        ("SetEnvIf Request_Protocol 1.0 X", Condition("protocol", "", "1.0")),
        ("SetEnvIf Remote_Addr ^10 X", Condition("address", "", "^10")),
        ("SetEnvIf X-Thing yes X", Condition("", "X-Thing", "yes")),
        ("SetEnvIfNoCase Host a X", Condition("", "Host", "a", True)),
        ("BrowserMatch Moz X", Condition("", "User-Agent", "Moz")),
        ("BrowserMatchNoCase moz X", Condition("", "User-Agent", "moz", True)),
        ("SetEnvIfExpr true X", Condition()),
        ("SetEnvIfExpr '%{REQUEST_URI} =~ /^a/' X", Condition("path", "", "^a")),
        ("SetEnvIfExpr '%{REQUEST_URI} =~ m#^/a#i' X", Condition("path", "", "^/a", True)),
        ("SetEnvIfExpr '%{QUERY_STRING} =~ m!a!' X", Condition("query", "", "a")),
        ("SetEnvIfExpr '%{HTTP_HOST} =~ /a/' X", Condition("", "Host", "a")),
        ("SetEnvIfExpr '%{HTTP:X-Thing}=~/a/' X", Condition("", "X-Thing", "a")),
    ],
)
def test_a_condition_has_an_attribute_or_a_header_and_an_expression(
    line: str, condition: Condition
) -> None:
    assert read(line).condition == condition


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("SetEnvIf Remote_Host a X", "cannot be asked for"),
        ("SetEnvIf Server_Addr a X", "cannot be asked for"),
        ("SetEnvIf ^X-.* a X", "cannot be asked for"),
        ("SetEnvIf Seen a X", "a variable that was set before"),
        (r"SetEnvIf Host \h X", "something else in Python"),
        ("SetEnvIf Host ${H} X", "no certain value"),
        ("SetEnvIfExpr '%{TIME_HOUR} =~ /1/' X", "cannot be asked for"),
        ("SetEnvIfExpr '%{REQUEST_URI} =~ m#\\h#' X", "differs in Python"),
        ("SetEnvIfExpr '-n req(\"A\")' X", "expressions are not carried over"),
        ("SetEnvIfExpr", "expressions are not carried over"),
    ],
)
def test_what_set_if_cannot_ask_is_a_problem(line: str, problem: str) -> None:
    condition = read(line, "Seen").condition

    assert problem in condition.problem
    assert condition.truth(EVERYTHING) is Truth.SOMETIMES


@pytest.mark.parametrize(
    "line",
    [
        "SetEnvIf Request_URI .",
        "SetEnvIf Request_URI ^/",
        "SetEnvIf Request_URI /",
        "SetEnvIf Request_Method ^.+$",
        "SetEnvIf Remote_Addr .+",
        "SetEnvIf X-Thing .*",
        "SetEnvIf X-Thing ^",
        'SetEnvIf X-Thing ""',
        "SetEnvIfNoCase Request_Protocol .",
        "BrowserMatch .*",
        "SetEnvIfExpr true",
        "SetEnvIfExpr '%{REQUEST_URI} =~ /./'",
    ],
)
def test_some_conditions_always_hold(line: str) -> None:
    assert truth(line) is Truth.ALWAYS


@pytest.mark.parametrize(
    "line",
    [
        "SetEnvIf X-Thing .",
        "SetEnvIfExpr '%{QUERY_STRING} =~ /./'",
        "SetEnvIf Request_Method GET",
        "SetEnvIf Request_URI ^/a",
        "SetEnvIfNoCase Request_URI ^/",
    ],
)
def test_others_hold_sometimes(line: str) -> None:
    assert truth(line) is Truth.SOMETIMES


def test_a_condition_on_the_path_is_known_where_the_route_decides_it() -> None:
    line = "SetEnvIf Request_URI ^/a/"

    assert truth(line, PathPrefix("/a/b")) is Truth.ALWAYS
    assert truth(line, PathPrefix("/b")) is Truth.NEVER
    assert truth(line, PathPrefix("/a")) is Truth.SOMETIMES


def test_a_table_has_the_keys_of_set_if() -> None:
    assert Condition("path", "", r"^/\d", True).table() == {
        "attribute": "path",
        "matches": r"(?a)^/\d",
        "ignore_case": True,
    }
    assert Condition("", "Host", "a").table() == {"header": "Host", "matches": "a"}
