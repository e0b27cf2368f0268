"""The fenced blocks of a Markdown page, and what the comment before each says about running it.

============================================  ==================================================
``<!-- file: NAME -->``                       the block is the content of the file NAME
``<!-- server on ADDRESS -->``                its last command runs on until the page is done;
                                              ADDRESS (``host:port`` or a path) tells it is ready
``<!-- install -->``                          tells how to install what the page needs
``<!-- from a clone -->``                     run in a fresh copy of the project by
                                              ``tests/test_packaging.py``
no comment, ``console``                       ``$ `` starts a command, what follows is its output
no comment, ``pycon``                         a session of the Python interpreter
no comment, ``text``                          only shown
============================================  ==================================================
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"^(?:<!-- (?P<comment>[^\n]*) -->\n+)?```(?P<language>\S*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Kind(enum.Enum):
    """What a test does with a block."""

    FILE = "file: "
    SERVER = "server on "
    INSTALL = "install"
    CLONE = "from a clone"
    CONSOLE = "console"
    PYTHON = "pycon"
    SHOWN = "text"


@dataclass(frozen=True, slots=True)
class Block:
    """A block: ``argument`` is the name of a file or the address of a server, else empty."""

    kind: Kind
    argument: str
    text: str
    line: int

    def commands(self) -> list[tuple[str, str]]:
        """Return each command of a console with the output that the page shows for it."""
        commands = []
        for piece in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, output = re.sub(r"\\\n> ?", "", piece).partition("\n")
            commands.append((command, output))
        return commands


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page in order; ValueError for one of which nobody knows what it is."""
    source = page.read_text(encoding="utf-8")
    blocks = []
    for match in _FENCE.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        language = match["language"]
        if language.startswith("{"):  # a directive of MyST
            continue
        kind, argument = _kind(match["comment"], language)
        if kind is None:
            raise ValueError(f"{page.name}:{line}: nothing says how to run this {language} block")
        blocks.append(Block(kind, argument, match["text"], line))
    return blocks


def _kind(comment: str | None, language: str) -> tuple[Kind | None, str]:
    if comment is not None:
        for kind in (Kind.FILE, Kind.SERVER, Kind.INSTALL, Kind.CLONE):
            if comment.startswith(kind.value):
                return kind, comment.removeprefix(kind.value)
        return None, ""
    named = {kind.value: kind for kind in (Kind.CONSOLE, Kind.PYTHON, Kind.SHOWN)}
    return named.get(language), ""
