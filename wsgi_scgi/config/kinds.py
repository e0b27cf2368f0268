"""Kinds of option values: what is allowed, how it is read, how it is shown.

A raw value comes from TOML or from Python (``parse``), or as text from the command line
(``parse_text``).  Booleans are never numbers, and neither NaN nor infinity is a duration.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Kind(Protocol[T_co]):
    """What the declaration of an option needs of the kind of its values."""

    @property
    def allowed(self) -> str:
        """Return what may be written, in words that fit after "allowed:"."""

    def parse(self, raw: object) -> T_co:
        """Return the value for ``raw``; raise ValueError that says what is wrong."""

    def parse_text(self, text: str) -> object:
        """Return what ``text``, an argument of the command line, stands for; ``parse`` judges."""

    def show(self, value: object) -> str:
        """Return ``value`` as TOML has it."""


@dataclass(frozen=True, slots=True)
class Switch:
    """true or false."""

    allowed: str = "true or false"

    def parse(self, raw: object) -> bool:
        """Return ``raw`` itself if it is a boolean."""
        if isinstance(raw, bool):
            return raw
        raise ValueError(f"{describe(raw)} is not a boolean")

    def parse_text(self, text: str) -> object:
        """Read ``true`` and ``false``."""
        return _boolean_of(text)

    def show(self, value: object) -> str:
        """Return the boolean in TOML."""
        return show(value)


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One of a few words; a word may also be ``true`` or ``false``."""

    values: Mapping[str | bool, T]

    @property
    def allowed(self) -> str:
        """Return all the words."""
        *some, last = (show(word) for word in self.values)
        return f"{', '.join(some)} or {last}"

    def parse(self, raw: object) -> T:
        """Return what the word stands for."""
        # Zero equals false, so the types are compared as well.
        if isinstance(raw, str | bool) and raw in self.values:
            return self.values[raw]
        raise ValueError(f"{describe(raw)} is not one of the choices")

    def parse_text(self, text: str) -> object:
        """Read the boolean words as booleans."""
        return _boolean_of(text)

    def show(self, value: object) -> str:
        """Return the word for ``value``."""
        return next(show(word) for word, stands_for in self.values.items() if stands_for == value)


_LONGEST = 10**9
"""Seconds; thirty years, and less than what select and its like can wait."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds as a number; ``zero`` says what 0 means, it is refused where that is empty."""

    zero: str = ""
    minimum: float = 0.0

    @property
    def allowed(self) -> str:
        """Return the range and the meaning of 0."""
        if self.zero:
            return f"seconds as a number, 0 for {self.zero}"
        if self.minimum:
            return f"seconds as a number, at least {self.minimum:g}"
        return "seconds as a number greater than 0"

    def parse(self, raw: object) -> float:
        """Return the seconds as a float."""
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            raise ValueError(f"{describe(raw)} is not a number of seconds")
        # NaN is within no range.
        if not 0 <= raw <= _LONGEST:
            raise ValueError(f"{describe(raw)} is not a number of seconds from 0 to {_LONGEST}")
        if raw < self.minimum or (raw == 0 and not self.zero):
            raise ValueError(f"{raw:.15g} seconds is too short")
        return float(raw)

    def parse_text(self, text: str) -> object:
        """Read a number."""
        try:
            return float(text)
        except ValueError:
            return text

    def show(self, value: object) -> str:
        """Return the number."""
        return f"{value:.15g}"


_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"([0-9]{1,15}) ?(?:([kmgt])(?:i?b)?|b)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes: a whole number, or text with a unit; ``zero`` says what 0 means.

    ``K``, ``KB`` and ``KiB`` are all 1024 bytes, as in nginx's and Apache's configurations.
    """

    zero: str = ""
    minimum: int = 1

    @property
    def allowed(self) -> str:
        """Return the spellings, the range and the meaning of 0."""
        spellings = 'bytes as a whole number or with a unit, like "64KiB", "10M" or "1GiB"'
        if self.zero:
            return f"{spellings}; 0 for {self.zero}"
        return f"{spellings}; at least {self.minimum}"

    def parse(self, raw: object) -> int:
        """Return the number of bytes."""
        size = self._bytes_of(raw)
        if size is None or size < 0:
            raise ValueError(f"{describe(raw)} is not a size")
        if size < self.minimum and not (size == 0 and self.zero):
            raise ValueError(f"{describe(raw)} is too small")
        return size

    def parse_text(self, text: str) -> object:
        """Leave the units to ``parse``."""
        return text

    def show(self, value: object) -> str:
        """Return the size with the largest unit that leaves a whole number."""
        if isinstance(value, int) and value:
            for unit in reversed(_UNITS):
                number, rest = divmod(value, _UNITS[unit])
                if unit and not rest:
                    return f'"{number}{unit.upper()}iB"'
        return str(value)

    @staticmethod
    def _bytes_of(raw: object) -> int | None:
        if isinstance(raw, int) and not isinstance(raw, bool):
            return raw
        match = _SIZE.fullmatch(raw) if isinstance(raw, str) else None
        if match is None:
            return None
        return int(match[1]) * _UNITS[(match[2] or "").lower()]


@dataclass(frozen=True, slots=True)
class Text:
    """A string without control characters; the value is "bytes as str", from UTF-8."""

    allowed: str = "a string without control characters"

    def parse(self, raw: object) -> str:
        """Return the bytes of ``raw`` as str (PEP 3333)."""
        if not isinstance(raw, str):
            raise ValueError(f"{describe(raw)} is not a string")
        if any(character < " " or character == "\x7f" for character in raw):
            raise ValueError("the string has a control character")
        return bytes_as_str(raw)

    def parse_text(self, text: str) -> object:
        """Return ``text`` itself."""
        return text

    def show(self, value: object) -> str:
        """Return the string in TOML."""
        return show(str_as_text(str(value)))


_VARIABLE_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")

_FRAMING = frozenset({"CONTENT_LENGTH", "SCGI"})
FROM_REQUEST_LINE = frozenset(
    {"REQUEST_METHOD", "REQUEST_URI", "QUERY_STRING", "SCRIPT_NAME", "SERVER_PROTOCOL"}
)
"""Variables computed from the request line; PATH_INFO joins them where it is sent."""

WHY_COMPUTED = (
    "it is computed from the request line; a fixed value would belie the request (CVE-2025-65082)"
)


@dataclass(frozen=True, slots=True)
class Variables:
    """A table of variables to send: a string sets, ``false`` removes; empty strings are sent."""

    allowed: str = 'a table of NAME = "value", or NAME = false to remove'

    def parse(self, raw: object) -> Mapping[str, str | bool]:
        """Return the table, frozen, its strings as "bytes as str".

        Raises VariableMistakes, a ValueError, with one text for each wrong name.
        """
        if not isinstance(raw, Mapping):
            raise ValueError(f"{describe(raw)} is not a table")
        values: dict[str, str | bool] = {}
        wrong: dict[str, str] = {}
        for name, value in raw.items():
            text = _wrong_variable(name, value)
            if text:
                wrong[str(name)] = text
            else:
                values[name] = bytes_as_str(value) if isinstance(value, str) else False
        if wrong:
            raise VariableMistakes(wrong)
        return MappingProxyType(values)

    def parse_text(self, text: str) -> object:
        """Read one NAME=VALUE."""
        name, equals, value = text.partition("=")
        return {name: value} if equals else text

    def show(self, value: object) -> str:
        """Return the inline table."""
        if not isinstance(value, Mapping) or not value:
            return "{}"
        shown = (
            f"{name} = {show(str_as_text(text) if isinstance(text, str) else text)}"
            for name, text in value.items()
        )
        return "{ " + ", ".join(shown) + " }"


class VariableMistakes(ValueError):
    """What is wrong with the names of a table of variables, by name."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in texts.items()))
        self.texts = texts


def _wrong_variable(name: object, value: object) -> str:
    if not isinstance(name, str) or not _VARIABLE_NAME.fullmatch(name):
        return "not the name of a variable; allowed: capital letters, digits and _"
    if name in _FRAMING:
        return "may be neither set nor removed; the SCGI specification fixes it"
    if name in FROM_REQUEST_LINE:
        return f"may be neither set nor removed; {WHY_COMPUTED}"
    if isinstance(value, str):
        return "the value has a NUL, which ends a value in SCGI" if "\0" in value else ""
    if value is False:
        return ""
    return f'{describe(value)} is no value; allowed: a string ("" sends it empty), false removes'


def bytes_as_str(text: str) -> str:
    """Return the UTF-8 bytes of ``text`` as PEP 3333 writes bytes: one character each."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def str_as_text(value: str) -> str:
    """Return what ``bytes_as_str`` was given, as far as it can be read."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")


def _boolean_of(text: str) -> object:
    return {"true": True, "false": False}.get(text, text)


def describe(raw: object) -> str:
    """Name a raw value in a message."""
    if isinstance(raw, bool | str | int | float):
        return show(raw)
    if isinstance(raw, Mapping):
        return "a table"
    if isinstance(raw, list | tuple):
        return "an array"
    return repr(raw)


def show(value: object) -> str:
    """Return a string, boolean or number as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        printable = (c if c.isprintable() else f"\\U{ord(c):08X}" for c in text)
        return '"' + "".join(printable) + '"'
    return str(value)
