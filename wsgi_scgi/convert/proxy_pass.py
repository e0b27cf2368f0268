"""ProxyPass and ProxyPassMatch: which paths go to which target, in the order Apache tests them.

A ``<Location>`` with a ProxyPass is tested before all others, the last one that matches first,
for that is how Apache merges them.  Then come the lines of the main server and, behind them, those
of the virtual host, each in the order of the files.  ProxyPassInherit changes nothing of that
(measured with 2.4.71).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .definitions import is_unresolved
from .directive import Certainty, Directive
from .region import (
    UNKNOWN,
    PathPrefix,
    Pattern,
    Region,
    has_wildcard,
    path_prefix,
    pattern,
    wildcard,
)
from .server_block import ServerBlock

_FLAGS = frozenset({"nocanon", "interpolate", "noquery"})
_AUTHORITY_ALONE = re.compile(r"(?:(?:unix:[^|]*\|)?scgi|balancer)://[^/]+", re.IGNORECASE)
_SCGI = re.compile(r"(?:unix:[^|]*\|)?scgi:|balancer:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One ProxyPass: the requests that it takes, and where they go.

    ``target`` is as written, empty for an exclusion (``!``).  ``problem`` is why it cannot be
    carried over; its requests are still not for those after it.
    """

    directive: Directive
    region: Region
    target: str
    parameters: Mapping[str, str]
    flags: frozenset[str]
    problem: str = ""
    notes: tuple[str, ...] = ()


def entries(blocks: tuple[ServerBlock, ...]) -> Iterator[tuple[Entry, ServerBlock]]:
    """Yield the entries of the main server and a virtual host, and where each comes from.

    Those that are in doubt are left out, but for exclusions.
    """
    yield from reversed([(entry, block) for block in blocks for entry in _in_locations(block)])
    for block in blocks:
        for directive in block.named("proxypass", "proxypassmatch"):
            entry = server_entry(directive)
            if entry is not None and _counts(directive):
                yield entry, block


def _counts(directive: Directive) -> bool:
    return directive.certainty is not Certainty.DOUBTED or "!" in directive.words[:3]


def server_entry(directive: Directive) -> Entry | None:
    """Return the entry of a line outside of all sections; None if no request can match it."""
    words = list(directive.words)
    is_match = directive.key == "proxypassmatch"
    if words[:1] == ["~"]:
        is_match = True
        del words[0]
    if len(words) < 2:
        return None
    path, target, *arguments = words
    if is_unresolved(path):
        return _entry(directive, UNKNOWN, target, arguments)
    region = pattern(path) if is_match else path_prefix(path)
    return None if region is None else _entry(directive, region, target, arguments)


def _in_locations(block: ServerBlock) -> Iterator[Entry]:
    """Yield the entry of each Location, and doubtful exclusions, which come first at the end."""
    for header in block.named("<location", "<locationmatch"):
        lines = [one for one in header.children if one.key in ("proxypass", "proxypassmatch")]
        sure = [one for one in lines if one.certainty is not Certainty.DOUBTED]
        exclusions = [one for one in lines if one not in sure and _counts(one)]
        # A Location has one: a later line replaces an earlier one.
        for directive in [*sure[-1:], *exclusions]:
            entry = location_entry(header, directive)
            if entry is not None:
                yield entry


def location_entry(header: Directive, directive: Directive) -> Entry | None:
    """Return the entry of a line in a Location; None if no request can match it."""
    if not header.words or not directive.words:
        return None
    target, *arguments = directive.words
    path = header.words[-1]
    if is_unresolved(path):
        return _entry(directive, UNKNOWN, target, arguments)
    region: Region | None = path_prefix(path)
    if has_wildcard(path):
        region = pattern(path)
        if header.key == "<location" and header.argument != "~":
            # It must match as a pattern of file names and as a regular expression.
            region = Pattern(path, wildcard(path).literal, False, None)
    return None if region is None else _entry(directive, region, target, arguments)


def _entry(directive: Directive, region: Region, target: str, arguments: list[str]) -> Entry:
    flags = {word.lower() for word in arguments if word.lower() in _FLAGS}
    pairs = [word.partition("=") for word in arguments if word.lower() not in _FLAGS]
    parameters = {key.lower(): value for key, _, value in pairs}
    usable, problem, notes = _target(region, target, flags)
    return Entry(directive, region, usable, parameters, frozenset(flags), problem, notes)


def _target(region: Region, target: str, flags: set[str]) -> tuple[str, str, tuple[str, ...]]:
    """Return the target as we can use it, what is wrong with it, and what was done to it."""
    if target == "!":
        return "", "", ()
    if is_unresolved(target):
        return target, "the ${NAME} in the target has no certain value", ()
    if not _SCGI.match(target):
        return target, "Apache would send these requests elsewhere, by another protocol", ()
    socket, _, url = target.rpartition("|")
    if "$" in socket + url.partition("://")[2].partition("/")[0]:
        return target, "$n may fill the path of a target, not its host, port or socket", ()
    notes: list[str] = []
    if "nocanon" in flags:
        notes.append("nocanon: Apache encodes the path twice for SCGI; here it is encoded once")
    glued = isinstance(region, PathPrefix) and region.path.endswith("/")
    if glued and _AUTHORITY_ALONE.fullmatch(target):
        notes.append(
            f"the target lacks its last slash: Apache joins {target} and what follows"
            f" {region.common} into the name of a host (500); the slash was added"
        )
        target += "/"
    return target, "", tuple(notes)
