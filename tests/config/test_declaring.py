"""Options are declared once; tables are checked by their declarations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from wsgi_scgi.config.declaring import Option, Table, declare, declared
from wsgi_scgi.config.kinds import Duration, Text, Variables
from wsgi_scgi.config.mistakes import InvalidConfiguration, Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Table):
    name: str = declare(Option(default="", kind=Text(), text="A name.", required=True))
    span: float = declare(Option(default=5.0, kind=Duration(), text="Seconds."))
    variables: Mapping[str, str] = declare(
        Option(default={}, kind=Variables(), text="Variables.", apache="SetEnv")
    )
    beside: int = 0

    def contradictions(self) -> Iterator[Mistake]:
        if self.name == "short" and self.span > 1:
            yield Mistake("span", "is too long for short")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain(Table):
    name: str = declare(Option(default="", kind=Text(), text="A name."))


def mistakes(**values: object) -> dict[str, str]:
    with pytest.raises(InvalidConfiguration) as caught:
        Example.from_values(values)
    return {mistake.key: mistake.text for mistake in caught.value.mistakes}


def test_options_are_the_fields_that_were_declared() -> None:
    assert list(declared(Example)) == ["name", "span", "variables"]
    assert declared(Example)["variables"].apache == "SetEnv"


def test_right_values_make_a_table() -> None:
    assert Example.from_values({"name": "a", "span": 1}) == Example(name="a", span=1.0)
    assert Plain.from_values({}) == Plain()


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes(nam="x", span="x", variables={"SCGI": "1", "a": "b"})
    assert list(found) == ["nam", "span", "variables.SCGI", "variables.a", "name"]
    assert found["nam"] == "unknown key; did you mean name?"
    assert found["span"] == (
        '"x" is not a number of seconds; allowed: seconds as a number greater than 0'
    )
    assert found["name"] == "is missing; allowed: a string without control characters"


def test_contradictions_are_looked_for_among_values_that_are_right() -> None:
    assert mistakes(name="short") == {"span": "is too long for short"}
    assert list(mistakes(name="short", spam=1)) == ["spam"]


def test_what_differs_from_the_defaults_is_shown() -> None:
    example = Example(name="a", span=2.0, variables={"A": "b"})
    assert list(example.changed()) == ["span = 2", 'variables = { A = "b" }']
