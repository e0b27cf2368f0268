"""Mistakes of a document are collected with their places."""

import pytest

from wsgi_scgi.config.balancer_options import StateOptions
from wsgi_scgi.config.configuration import Source
from wsgi_scgi.config.findings import Findings

SOURCE = Source("gateway.toml", {("a",): 2, ("a", "b"): 3})


def told(findings: Findings) -> list[str]:
    return [str(mistake) for mistake in findings.mistakes]


def test_a_mistake_has_the_line_of_its_key() -> None:
    findings = Findings(SOURCE)
    findings.wrong(("a", "b"), "is wrong")
    assert told(findings) == ["gateway.toml:3: a.b: is wrong"]


def test_keys_that_are_not_known_are_told_even_if_they_are_no_strings() -> None:
    findings = Findings(Source())
    table: dict[object, object] = {"path": 1, "pth": 2, 5: 6}
    findings.refuse_unknown(("a",), table, ("path",))  # type: ignore[arg-type]  # as from Python
    assert told(findings) == [
        "a.pth: unknown key; did you mean path?",
        "a.5: unknown key; allowed: path",
    ]


@pytest.mark.parametrize("raw", [None, 1, "x", [], [{}]])
def test_a_table_is_a_table(raw: object) -> None:
    findings = Findings(Source())
    assert findings.table(("a", "b"), {"c": 1}) == {"c": 1}
    assert findings.table(("a", "b"), raw) is None
    assert told(findings) == ["a.b: is a table; write [a.b]"]


@pytest.mark.parametrize("raw", [None, 1, "x", {}, [1], [{}, []]])
def test_a_list_of_tables_is_one(raw: object) -> None:
    findings = Findings(Source())
    assert findings.tables(("a", "b"), [{"c": 1}]) == [{"c": 1}]
    assert findings.tables(("a", "b"), raw) is None
    assert told(findings) == ["a.b: is a list of tables; write [[a.b]]"]


def test_options_are_given_if_they_are_right() -> None:
    findings = Findings(Source())
    assert findings.options(("state",), StateOptions, {"share": "none"}) == StateOptions(
        share="none"
    )
    assert findings.options(("state",), StateOptions, {"share": "all"}) is None
    assert told(findings) == [
        'state.share: "all" is not one of the choices; allowed: "workers" or "none"'
    ]
