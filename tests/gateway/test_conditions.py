"""Variables that depend on the request: SetEnvIf and its like."""

import re

import pytest

from tests.gateway.environs import server_environ
from wsgi_scgi.gateway.conditions import ATTRIBUTES, Condition, header_reader
from wsgi_scgi.gateway.request import Request


def applied(
    environ: dict[str, object],
    attribute: str,
    expression: str,
    variables: dict[str, str | bool],
) -> dict[str, str]:
    """Return what the condition makes of two variables that are there."""
    read = ATTRIBUTES.get(attribute) or header_reader(attribute)
    result = {"KEPT": "1", "GOING": "2"}
    Condition(read, re.compile(expression), variables).apply(Request(dict(environ)), result)
    return result


@pytest.mark.parametrize(
    ("attribute", "expression"),
    [
        ("path", "^/mount/a b$"),
        ("query", "^q=1$"),
        ("method", "^POST$"),
        ("protocol", "^HTTP/1.1$"),
        ("host", r"^example\.org$"),
        ("address", r"^192\.0\.2\.1$"),
        ("User-Agent", "curl"),
        ("Content-Type", "^a/b$"),
        ("content-length", "^5$"),
    ],
)
def test_a_condition_looks_at_parts_of_the_request_and_at_fields(
    attribute: str, expression: str
) -> None:
    environ = server_environ(
        "/mount/a%20b?q=1",
        method="POST",
        body=b"hello",
        SCRIPT_NAME="/mount",
        PATH_INFO="/a b",
        REMOTE_ADDR="192.0.2.1",
        HTTP_USER_AGENT="curl/8",
        CONTENT_TYPE="a/b",
    )

    assert applied(environ, attribute, expression, {"SEEN": "yes"})["SEEN"] == "yes"
    assert "SEEN" not in applied(environ, attribute, "never", {"SEEN": "yes"})


@pytest.mark.parametrize("attribute", ["address", "X-Absent"])
def test_what_is_not_there_is_empty(attribute: str) -> None:
    assert "SEEN" in applied(server_environ(REMOTE_ADDR=None), attribute, "^$", {"SEEN": ""})


def test_a_condition_sets_empties_and_removes() -> None:
    changes: dict[str, str | bool] = {"NEW": "x", "KEPT": "", "GOING": False, "ABSENT": False}

    assert applied(server_environ(), "path", "", changes) == {"NEW": "x", "KEPT": ""}


def test_a_condition_that_does_not_match_changes_nothing() -> None:
    changes: dict[str, str | bool] = {"KEPT": "x", "GOING": False}

    assert applied(server_environ(), "path", "^/never$", changes) == {"KEPT": "1", "GOING": "2"}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("$0", "/ab/c"),
        ("<$1-$2>", "<ab-c>"),
        ("$3", ""),
        ("$9", ""),
        ("$x $", "$x $"),
        ("$10", "ab0"),
    ],
)
def test_values_may_refer_to_what_was_matched(value: str, result: str) -> None:
    expression = "/([a-z]+)/([a-z]+)(optional)?"

    assert applied(server_environ("/ab/c"), "path", expression, {"V": value})["V"] == result
