"""On which line of a TOML file each key stands.

tomllib keeps no positions.  The libraries that do are a writer's whole syntax tree (tomlrt,
tomlkit, which does not give them out) or a fork of tomli that nobody has touched since 2022
(spanned-toml), so that two readers would have to agree on what is valid.  Here tomllib alone
decides that, and what it has accepted is scanned a second time for its keys only.  A property
test holds the two together: they find the same keys in every document.
"""

import re
import tomllib
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""A key and the tables that it is in; members of arrays count from 0."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# Longest first.  A string of many lines may end in up to five quotes, the last three close it.
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Return the line, from 1, of every key, table and array member of a valid document.

    A table or key that is written more than once has the line of its first mention.
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walk over a document that tomllib has accepted, so that nothing needs checking."""

    def __init__(self, text: str) -> None:
        # tomllib reads CRLF as LF as well.
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._line = 1
        self._counted = 0
        self._array_lengths: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                table = self._array_header()
            elif self._text[self._at] == "[":
                self._at += 1
                table = self._keys(())
                self._at += 1
            else:
                self._pair(table)
            self._skip_blank()
        return self._lines

    def _array_header(self) -> KeyPath:
        self._at += 2
        array = self._keys(())
        self._at += 2
        number = self._array_lengths.get(array, 0)
        self._array_lengths[array] = number + 1
        table = (*array, number)
        self._mark(table)
        return table

    def _keys(self, table: KeyPath) -> KeyPath:
        """Read a dotted key; mark and return the path of each part.

        A header names an array of tables to mean its last member.
        """
        while True:
            self._skip_blank()
            table = (*table, self._key())
            self._mark(table)
            self._skip_blank()
            if self._text[self._at] != ".":
                return table
            self._at += 1
            if table in self._array_lengths:
                table = (*table, self._array_lengths[table] - 1)

    def _key(self) -> str:
        if self._text[self._at] in "\"'":
            (value,) = tomllib.loads(f"key = {self._take(_STRING)}").values()
            return str(value)
        return self._take(_BARE_KEY)

    def _pair(self, table: KeyPath) -> None:
        path = self._keys(table)
        self._at += 1  # the equals sign
        self._skip_blank()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        match self._text[self._at]:
            case '"' | "'":
                self._take(_STRING)
            case "[":
                self._members(path)
            case "{":
                self._inline_table(path)
            case _:
                self._take(_PLAIN_VALUE)

    def _members(self, path: KeyPath) -> None:
        self._at += 1
        number = 0
        while self._next_member("]"):
            self._mark((*path, number))
            self._value((*path, number))
            number += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._next_member("}"):
            self._pair(path)

    def _next_member(self, closing: str) -> bool:
        """Skip to the next member; step over ``closing`` and return False if there is none."""
        self._skip_blank()
        if self._text[self._at] == ",":
            self._at += 1
            self._skip_blank()
        if self._text[self._at] == closing:
            self._at += 1
            return False
        return True

    def _skip_blank(self) -> None:
        self._take(_BLANK)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        assert match is not None, "tomllib accepts what cannot be scanned"
        self._at = match.end()
        return match[0]

    def _mark(self, path: KeyPath) -> None:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        self._lines.setdefault(path, self._line)
