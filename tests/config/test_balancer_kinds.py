"""Kinds of values for balancers: what each takes, refuses and shows."""

import math
import re
import tomllib

import pytest

from wsgi_scgi.address import TCPAddress, UnixAddress
from wsgi_scgi.config.balancer_kinds import (
    AddedVariables,
    AdminPath,
    CheckURI,
    CookieDomain,
    CookiePath,
    Count,
    Expression,
    HashKey,
    MemberURL,
    Number,
    RouteName,
    Secret,
    Separator,
    SessionNames,
    States,
    StatusList,
    UserNames,
    WrittenURL,
)
from wsgi_scgi.config.kinds import Kind
from wsgi_scgi.scoreboard.status import Status


def refusal(kind: Kind[object], raw: object) -> str:
    try:
        value = kind.parse(raw)
    except ValueError as error:
        return str(error)
    pytest.fail(f"{raw!r} became {value!r}")


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (Count(), 0, 0),
        (Count(1, 3), 3, 3),
        (Number(1, 100), 1, 1.0),
        (Number(1, 100), 2.25, 2.25),
        (Number(1, 100), 33.33, 33.33),
        (Number(0, 1), 0.2, 0.2),
        (StatusList(), [], frozenset()),
        (StatusList(), [500, 503, 503], {500, 503}),
        (StatusList(lowest=200), (200, 599), {200, 599}),
        (StatusList(), ["5xx", 404], {404, *range(500, 600)}),
        (States(), "", Status(0)),
        (States(), "+H", Status.HOT_STANDBY),
        (States(), "+D+R-D", Status.HOT_SPARE),
        (States(), "dn", Status.DISABLED | Status.DRAIN),
        (RouteName(), "", ""),
        (RouteName(), "n1.a", "n1.a"),
        (RouteName(), "a" * 95, "a" * 95),
        (SessionNames(), "", ""),
        (SessionNames(), "JSESSIONID|jsessionid", "JSESSIONID|jsessionid"),
        (Separator(), "", ""),
        (Separator(), "!", "!"),
        (HashKey(), "", ""),
        (HashKey(), "client", "client"),
        (HashKey(), "path", "path"),
        (HashKey(), "header:X-User", "header:X-User"),
        (HashKey(), "cookie:SID", "cookie:SID"),
        (Secret(), "0123456789abcdef", "0123456789abcdef"),
        (CookiePath(), "/app", "/app"),
        (CookiePath(), "", ""),
        (CookieDomain(), "example.org", "example.org"),
        (CookieDomain(), "", ""),
        (CheckURI(), "/up?a=%20", "/up?a=%20"),
        (AddedVariables(), {"HTTP_HOST": "\u00e9"}, {"HTTP_HOST": "\xc3\xa9"}),
        (AdminPath(), "/a/", "/a/"),
        (AdminPath(), "/.well-known/b-c_d~e/", "/.well-known/b-c_d~e/"),
        (UserNames(), ["anna", "*"], {"anna", "*"}),
        (UserNames(), [], frozenset()),
    ],
)
def test_a_right_value_is_taken(kind: Kind[object], raw: object, value: object) -> None:
    assert kind.parse(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "cause"),
    [
        (Count(), True, "true is not a whole number"),
        (Count(), 1.0, "1.0 is not a whole number"),
        (Count(), "1", '"1" is not a whole number'),
        (Count(), -1, "-1 is too small"),
        (Count(1, 3), 0, "0 is too small"),
        (Count(1, 3), 4, "4 is too large"),
        (Number(1, 100), True, "true is not a number"),
        (Number(1, 100), "1", '"1" is not a number'),
        (Number(1, 100), 0.99, "0.99 is out of range"),
        (Number(1, 100), 100.01, "100.01 is out of range"),
        (Number(1, 100), math.nan, "nan is out of range"),
        (Number(1, 100), math.inf, "inf is out of range"),
        (Number(1, 100), 1.005, "1.005 has more than two decimals"),
        (StatusList(), 500, "500 is not an array"),
        (StatusList(), [True], "true is not a status"),
        (StatusList(), ["500"], '"500" is not a status'),
        (StatusList(), ["3xx"], "3xx is not a status from 400 to 599"),
        (StatusList(), ["6xx"], '"6xx" is not a status'),
        (StatusList(), [5.5], "5.5 is not a status"),
        (StatusList(), [399], "399 is not a status from 400 to 599"),
        (StatusList(), [600], "600 is not a status from 400 to 599"),
        (StatusList(lowest=200), [199], "199 is not a status from 200 to 599"),
        (States(), 5, "5 is not a string"),
        (States(), "+X", '"+X" has a letter of no state'),
        (MemberURL(), 5, "5 is not a string"),
        (MemberURL(), "http://h", "'http://h' is not a backend URL"),
        (MemberURL(), "balancer://a/", "'balancer://a/' is not a backend URL"),
        (MemberURL(), "scgi://h/" + "a" * 512, "the URL is longer than 511 bytes"),
        (RouteName(), 5, "5 is not a string"),
        (RouteName(), "a b", '"a b" is not a route'),
        (RouteName(), "\u00e9", "is not a route"),
        (RouteName(), "a" * 96, "is not a route"),
        (SessionNames(), 5, "5 is not a string"),
        (SessionNames(), "a b", "is no name of a"),
        (SessionNames(), "|", "is no name of a"),
        (Separator(), "..", '".." is not a separator'),
        (Separator(), " ", '" " is not a separator'),
        (HashKey(), "host", '"host" is not a key'),
        (HashKey(), "header:", '"header:" is not a key'),
        (HashKey(), [], "an array is not a string"),
        (Secret(), 5, "it is not a string"),
        (Secret(), "0123456789abcde", "15 characters are too few"),
        (CookiePath(), "app", "'app' is no path of a cookie"),
        (CookieDomain(), "a b", "'a b' is no domain of a cookie"),
        (CheckURI(), "up", '"up" does not start with /'),
        (CheckURI(), "/a b", "the request target contains a character that no URI has"),
        (Expression(), "(", '"(" is not a regular expression: missing )'),
        (Expression(), 5, "5 is not a string"),
        (AddedVariables(), [], "an array is not a table"),
        (AddedVariables(), {"A": False}, "A: false removes, and there is nothing to remove"),
        (AddedVariables(), {"SCGI": "2"}, "the SCGI specification fixes it"),
        (UserNames(), "anna", '"anna" is not an array'),
        (UserNames(), [5], "5 is not a string"),
        (UserNames(), [""], "an empty name is nobody"),
    ],
)
def test_a_wrong_value_is_refused_with_the_cause(
    kind: Kind[object], raw: object, cause: str
) -> None:
    assert cause in refusal(kind, raw)


@pytest.mark.parametrize(
    "path",
    ["", "/", "a/", "/a", "//", "/a//b/", "/./", "/a/../", "/%61/", "/a b/", "/a?b/", "/a\n/"],
)
def test_the_path_of_the_administrator_is_plain(path: str) -> None:
    assert refusal(AdminPath(), path).endswith("is not such a path")


def test_a_url_is_kept_as_it_is_written() -> None:
    url = MemberURL().parse("UNIX:/run/a.sock|scgi://x/base/")
    assert url == WrittenURL(
        UnixAddress("/run/a.sock"), "/base/", "UNIX:/run/a.sock|scgi://x/base/"
    )
    assert MemberURL().parse("scgi://H").address == TCPAddress("h")


def test_an_expression_is_compiled() -> None:
    assert Expression().parse("^ok$") == re.compile("^ok$")
    assert Expression().parse("") is None


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Count(absent="as many as there are"), None, "as many as there are"),
        (Count(), 5, "5"),
        (Number(1, 100), 2.5, "2.5"),
        (Number(1, 100), 2.0, "2"),
        (StatusList(), frozenset({503, 500}), "[500, 503]"),
        (StatusList(), frozenset(), "[]"),
        (StatusList(), [503], "[]"),
        (StatusList(), frozenset({404, *range(500, 600)}), '[404, "5xx"]'),
        (States(), Status.DISABLED | Status.DRAIN, '"DN"'),
        (States(), None, '""'),
        (MemberURL(), WrittenURL(TCPAddress("h"), "/", "scgi://h"), '"scgi://h"'),
        (MemberURL(), None, '""'),
        (RouteName(), "a", '"a"'),
        (Secret(), "0123456789abcdef", '"..."'),
        (Secret(), "", '""'),
        (Expression(), re.compile("a"), '"a"'),
        (Expression(), None, '""'),
        (AddedVariables(), {"A": "\xc3\xa9"}, '{ "A" = "\u00e9" }'),
        (UserNames(), frozenset({"b", "a"}), '["a", "b"]'),
    ],
)
def test_a_value_is_shown_as_toml(kind: Kind[object], value: object, text: str) -> None:
    assert kind.show(value) == text
    if value is not None:
        assert tomllib.loads(f"a = {text}")


def test_what_is_allowed_has_the_ranges() -> None:
    assert Count(1, 3).allowed == "a whole number from 1 to 3"
    assert Count(zero="none").allowed == "a whole number from 0 to 1000000000; 0 for none"
    assert Number(1, 100).allowed == "a number from 1 to 100 with at most two decimals"
    assert StatusList(lowest=200).allowed == (
        'an array of statuses from 200 to 599, "5xx" for all from 500 to 599'
    )


def test_on_the_command_line_a_value_is_its_text() -> None:
    assert RouteName().parse_text("a") == "a"
