"""What a configuration says that is allowed and can hardly be meant: the warnings of ``check``."""

import re
from collections.abc import Iterator, Sequence

from ..semantics.host import is_among
from ..semantics.path import Prefix, merge_slashes
from .configuration import Route
from .lines import KeyPath

Advice = Iterator[tuple[KeyPath, str]]

# What an expression says in plain characters, and what may follow where it takes all the rest.
_PLAIN = r"((?:[A-Za-z0-9/_~-]|\\[^A-Za-z0-9])*)"
_TAKES_ALL_THAT_STARTS_WITH = re.compile(rf"\^?{_PLAIN}(?:(?:\.\*|\(\.\*\))\$?)?")
_STARTS_WITH = re.compile(rf"\^{_PLAIN}(?P<quantifier>[*?+{{]?)")


def advice_on(routes: Sequence[tuple[KeyPath, Route]]) -> Advice:
    """Yield the key and what is to be thought about, for routes in the order of matching."""
    earlier: list[Route] = []
    for at, route in routes:
        taker = next((one for one in earlier if takes_all(one, route)), None)
        if taker is not None:
            key = "match" if route.match else "path"
            yield (*at, key), f"never matches: {taker.name} stands above and takes all of it"
        if route.backend is not None:
            yield from _on_base_path(at, route)
            yield from _on_same_backend(at, route, earlier)
            yield from _on_directories(at, route)
            yield from _on_documents(at, route, [route for _, route in routes])
        earlier.append(route)


def takes_all(earlier: Route, later: Route) -> bool:
    """Tell whether it is certain that ``earlier`` takes every request that ``later`` could."""
    if earlier.host and not (
        later.host and all(is_among(name, earlier.host) for name in later.host)
    ):
        return False
    if earlier.match:
        return earlier.match == later.match or _expression_takes_all(earlier.match, later)
    if later.match:
        start = _start_of(later.match)
        return f"{start}/".startswith(f"{merge_slashes(earlier.path).rstrip('/')}/") and (
            earlier.path == "/" or start.startswith(f"{merge_slashes(earlier.path).rstrip('/')}/")
        )
    # All paths that a prefix takes begin with the shortest of them.
    return Prefix(earlier.path).match(later.path) is not None
