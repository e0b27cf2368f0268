"""Mistakes in a configuration: found all at once, each told with its place and its cure."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to put right, or to think about.

    ``key`` is the key as its table has it, ``text`` what is wrong and what is allowed.  ``source``
    is the name of the file and ``line`` the line in it; both are empty where there is no file.
    """

    key: str
    text: str
    source: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}: " if self.source else ""
        return f"{place}{self.key}: {self.text}"


class InvalidConfiguration(ConfigurationError):
    """A configuration with mistakes; ``str()`` tells them all, one a line."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def unknown_key(name: str, known: Sequence[str]) -> str:
    """Return the words for a key that does not exist, with the nearest that does."""
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        return f"unknown key; did you mean {nearest[0]}?"
    return f"unknown key; allowed: {', '.join(known)}"
