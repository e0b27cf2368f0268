"""How options are declared: one declaration, from which checks, flags and pages are made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, Self

from .kinds import Kind, VariableMistakes
from .mistakes import InvalidConfiguration, Mistake, unknown_key

_METADATA: Final = "option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is known of one option beside its name.

    ``apache`` and ``nginx`` are the names that those servers have for it, ``flag`` is that of
    the command line; each is empty where there is none.  One that is ``required`` has no
    default that could be used.
    """

    default: object
    kind: Kind[Any]
    text: str
    apache: str = ""
    nginx: str = ""
    flag: str = ""
    required: bool = False


def declare(option: Option) -> Any:
    """Return a dataclass field for ``option``."""
    # A factory, since dataclasses refuse a frozen mapping as a default.
    return field(default_factory=lambda: option.default, metadata={_METADATA: option})


def declared(options: type) -> Mapping[str, Option]:
    """Return the options that a dataclass declares by their names, in the order of the pages."""
    return MappingProxyType(
        {one.name: one.metadata[_METADATA] for one in fields(options) if one.metadata}
    )


def parse(
    values: Mapping[str, object], options: Mapping[str, Option], mistakes: list[Mistake]
) -> dict[str, Any]:
    """Return the parsed values of those that are right; add the others to ``mistakes``."""
    parsed: dict[str, Any] = {}
    for name, raw in values.items():
        option = options.get(name)
        if option is None:
            mistakes.append(Mistake(name, unknown_key(name, list(options))))
            continue
        try:
            parsed[name] = option.kind.parse(raw)
        except VariableMistakes as error:
            mistakes.extend(Mistake(f"{name}.{key}", text) for key, text in error.texts.items())
        except ValueError as error:
            mistakes.append(Mistake(name, f"{error}; allowed: {option.kind.allowed}"))
    for name, option in options.items():
        if option.required and name not in values:
            mistakes.append(Mistake(name, f"is missing; allowed: {option.kind.allowed}"))
    return parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a configuration, with options as its fields."""

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> Self:
        """Check raw values, as from TOML.

        Raises InvalidConfiguration with every mistake; contradictions are looked for only among
        values that are right.
        """
        mistakes: list[Mistake] = []
        table = cls(**parse(values, declared(cls), mistakes))
        mistakes = mistakes or [*table.contradictions()]
        if mistakes:
            raise InvalidConfiguration(mistakes)
        return table

    def contradictions(self) -> Iterator[Mistake]:
        """Yield what is wrong among options that are right one by one."""
        return iter(())

    def changed(self) -> Iterator[str]:
        """Yield ``name = value``, as TOML has it, for what has a default and differs from it."""
        for name, option in declared(type(self)).items():
            value = getattr(self, name)
            if value != option.default and not option.required:
                yield f"{name} = {option.kind.show(value)}"
