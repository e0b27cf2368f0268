"""One line of an Apache configuration, and how sure it is that Apache heeds it."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass


class Certainty(enum.IntEnum):
    """Whether a directive is in effect, as far as the files can tell.

    What an uncertain directive forbids counts as forbidden; what it allows does not count.
    """

    DOUBTED = 0
    """Only under a condition that is taken not to hold, or for some requests: ``<If>``."""
    ASSUMED = 1
    """Under a condition that is taken to hold, like a module that may be loaded."""
    CERTAIN = 2
    """In effect."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a directive begins; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Directive:
    """A directive, or a section with those in it.

    ``key`` is the name in lower case, with ``<`` before it for a section; ``text`` is the whole
    line, for comments; ``condition`` is the section that makes it uncertain.  ``late`` is True
    inside ``<If>``, which Apache merges after all other sections.
    """

    key: str
    words: tuple[str, ...]
    text: str
    place: Place
    certainty: Certainty = Certainty.CERTAIN
    condition: str = ""
    late: bool = False
    children: tuple["Directive", ...] = ()

    def __str__(self) -> str:
        """Return place and text, with the condition that it depends on."""
        return f"{self.place}: {self.text}{f' (in {self.condition})' if self.condition else ''}"

    @property
    def argument(self) -> str:
        """The first word; empty if there is none."""
        return self.words[0] if self.words else ""

    def walk(self) -> Iterator["Directive"]:
        """Yield the directive and all those in it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()
