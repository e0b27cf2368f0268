"""Sets of request paths: what a Location, a ProxyPass or a RewriteRule applies to.

Two questions are answered, each on the safe side: ``covers`` is True only where it is certain,
``overlaps`` is False only where it is certain.  Between the two a rule covers a part.
"""

import re
import warnings
from dataclasses import dataclass
from typing import TypeAlias

from ..semantics.path import merge_slashes

# In these Python and PCRE read one text in two ways; what Python refuses is refused anyway.
_READ_DIFFERENTLY = re.compile(r"\[[:.=]|\{,|\\[ZQEKGRXhHvVN]|\(\?[|#&'R0-9+-]")
_QUANTIFIER = "*?{+"
_SPECIAL = "\\^$.|?*+()[]{}"
_CLASS_ESCAPE = re.compile(r"\\[wWdDsSbB]")
# After a literal, and without one: expressions that take whatever a path can be.
_ANY_REST = frozenset({"", ".*", ".*$", "(.*)", "(.*)$"})
_ANY_PATH = _ANY_REST | {".", ".+", ".+$", "(.+)", "(.+)$", "/", "/.*"}


@dataclass(frozen=True, slots=True)
class PathPrefix:
    """Whole segments, as ProxyPass and Location have it: ``/a`` is ``/a`` and ``/a/...``."""

    path: str

    @property
    def common(self) -> str:
        """What every path of the region starts with."""
        return self.path


@dataclass(frozen=True, slots=True)
class Pattern:
    """The paths in which a regular expression is found.

    ``literal`` is what all of them start with; if ``complete``, everything that starts with it
    belongs to the region.  ``python`` is the expression if Python reads it as Apache does.
    """

    text: str
    literal: str
    complete: bool
    python: str | None

    @property
    def common(self) -> str:
        """What every path of the region starts with."""
        return self.literal


Region: TypeAlias = PathPrefix | Pattern

EVERYTHING = PathPrefix("/")
UNKNOWN = Pattern("", "", False, None)
"""Paths that nothing is known of: they may be all or none."""


def path_prefix(path: str) -> PathPrefix | None:
    """Return the region of a path; None if it is none, so that no request can match it."""
    return PathPrefix(merge_slashes(path)) if path.startswith("/") else None


def pattern(text: str) -> Pattern:
    """Return the region of a regular expression."""
    literal, rest = _literal_start(text)
    complete = rest in (_ANY_REST if literal else _ANY_PATH)
    return Pattern(text, literal, complete, python_form(text))


def wildcard(text: str) -> Pattern:
    """Return the region of a Location with ``*``, ``?`` or ``[``: none of them takes a slash."""
    expression, at = "", 0
    while at < len(text):
        letter = text[at]
        end = text.find("]", at + 2) if letter == "[" else -1
        if end > 0:
            inside = text[at + 1 : end].replace("\\", "\\\\")
            negated = inside[0] in "!^"
            inside = inside[negated:]
            expression += f"(?!/)[{'^' * negated}{inside}]"
            at = end
        elif letter in "*?":
            expression += "[^/]*" if letter == "*" else "[^/]"
        else:
            at += letter == "\\" and at + 1 < len(text)
            expression += re.escape(text[at])
        at += 1
    return pattern(f"^{expression}$")


def has_wildcard(text: str) -> bool:
    """Tell whether Apache takes ``text`` as a pattern of file names."""
    return re.search(r"[*?]|\[.*\]", text) is not None


def python_form(text: str) -> str | None:
    """Return what Python's ``re`` finds where Apache's PCRE finds ``text``; None if not known."""
    if _READ_DIFFERENTLY.search(text) or not text.isascii():
        return None
    # PCRE's classes are those of ASCII.
    form = f"(?a){text}" if _CLASS_ESCAPE.search(text) else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(form)
    except (re.error, Warning, RecursionError, OverflowError):
        return None
    return form


def covers(region: Region, target: Region) -> bool:
    """Tell whether every path of ``target`` certainly belongs to ``region``."""
    if region == target:
        return True
    if isinstance(region, Pattern):
        return region.complete and target.common.startswith(region.literal)
    prefix = region.path
    if prefix.endswith("/"):
        return target.common.startswith(prefix) or prefix == "/"
    within = target.common.startswith(f"{prefix}/")
    return within or (isinstance(target, PathPrefix) and target.path == prefix)


def overlaps(region: Region, target: Region) -> bool:
    """Tell whether a path may belong to both."""
    return _may_meet(region, target) or _may_meet(target, region)


def _may_meet(outer: Region, inner: Region) -> bool:
    """Tell whether what ``inner`` has in common may be in ``outer``."""
    if isinstance(outer, Pattern):
        return inner.common.startswith(outer.literal)
    if isinstance(inner, Pattern):
        # "/ap" may go on to "/app": that is seen from the other side.
        return inner.literal == outer.path or covers(outer, inner)
    return covers(outer, inner)


def is_writable(region: Region) -> bool:
    """Tell whether our file has words for a region."""
    return isinstance(region, PathPrefix) or region.python is not None


def widened(region: Region) -> PathPrefix:
    """Return a path that everything in ``region`` is below."""
    if isinstance(region, PathPrefix):
        return region
    directory = region.literal[: region.literal.rfind("/") + 1]
    return PathPrefix(merge_slashes(directory) or "/")


def parent(region: PathPrefix) -> PathPrefix:
    """Return the path one segment up; the root is its own."""
    return PathPrefix(region.path.rstrip("/").rpartition("/")[0] + "/")


def _literal_start(text: str) -> tuple[str, str]:
    """Return what every match begins with, and the rest of the expression."""
    if not text.startswith("^") or _has_choice(text):
        return "", text
    literal, at = "", 1
    while at < len(text):
        width = 1
        letter = text[at]
        if letter == "\\" and text[at + 1 : at + 2] and not text[at + 1].isalnum():
            letter, width = text[at + 1], 2
        elif letter in _SPECIAL:
            break
        if text[at + width : at + width + 1] in tuple(_QUANTIFIER):
            break
        literal += letter
        at += width
    return literal, text[at:]


def _has_choice(text: str) -> bool:
    """Tell whether the expression may have a choice outside of all groups."""
    depth, at = 0, 0
    while at < len(text):
        match text[at]:
            case "\\":
                at += 1
            case "[":
                at = max(text.find("]", at + 2), at)
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case "|" if depth <= 0:
                return True
        at += 1
    return False
