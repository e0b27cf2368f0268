"""Include and IncludeOptional: which files a pattern means, in Apache's order."""

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence

_DEEPEST_DIRECTORY = 20
_WILDCARD = re.compile(r"[*?\[]")


def included_files(pattern: str, directories: Sequence[str]) -> list[str]:
    """Return the files that ``pattern`` names.

    A relative pattern is looked for below each of ``directories``; the first that has any file
    is the one.  A directory stands for all files below it.

    Raises OSError for a directory that cannot be read, RecursionError for one too deep: what
    could not be looked at might hold an access rule.
    """
    for directory in directories:
        start, *segments = os.path.join(directory, pattern).split("/")
        found = [
            os.path.normpath(file)
            for path in _matches(start or "/", segments)
            for file in _files_in(path, 0)
        ]
        if found:
            return found
    return []


def _matches(path: str, segments: list[str]) -> Iterator[str]:
    """Yield what matches below ``path``; each directory is sorted by itself, as Apache does."""
    if not segments:
        if os.path.lexists(path):  # a link that leads nowhere is an error later
            yield path
        return
    segment, *rest = segments
    names = [segment]
    if _WILDCARD.search(segment):
        names = [
            name
            for name in (sorted(os.listdir(path)) if os.path.isdir(path) else [])
            if fnmatch.fnmatchcase(name, segment) and name[0] != "."
        ]
    for name in names:
        yield from _matches(os.path.join(path, name), rest)


def _files_in(path: str, depth: int) -> Iterator[str]:
    """Yield ``path`` itself or, if it is a directory, what is in it."""
    if not os.path.isdir(path):
        yield path
        return
    if depth >= _DEEPEST_DIRECTORY:
        raise RecursionError(f"{path} is more than {_DEEPEST_DIRECTORY} directories deep")
    for name in sorted(os.listdir(path)):
        yield from _files_in(os.path.join(path, name), depth + 1)
