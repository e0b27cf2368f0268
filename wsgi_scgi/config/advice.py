"""What a configuration says that is allowed and can hardly be meant: the warnings of ``check``."""

import os
import re
from collections.abc import Iterator, Sequence

from ..address import BackendURL
from ..semantics.host import is_among
from ..semantics.path import EncodedSlash, Pattern, Prefix, decode_path, merge_slashes
from .configuration import Route, path_info_warning
from .kinds import str_as_text
from .lines import KeyPath

Advice = Iterator[tuple[KeyPath, str]]

# What an expression says in plain characters, and what may follow where it takes all the rest.
_PLAIN = r"((?:[A-Za-z0-9/_~-]|\\[^A-Za-z0-9])*)"
_TAKES_ALL_THAT_STARTS_WITH = re.compile(rf"\^?{_PLAIN}(?:(?:\.\*|\(\.\*\))\$?)?")
_STARTS_WITH = re.compile(rf"\^{_PLAIN}(?P<quantifier>[*?+{{]?)")
_LAST = re.compile(r"\\?.\Z")


def advice_on(routes: Sequence[tuple[KeyPath, Route]]) -> Advice:
    """Yield the key and what is to be thought about, for routes in the order of matching."""
    earlier: list[Route] = []
    for at, route in routes:
        taker = next((one for one in earlier if takes_all(one, route)), None)
        if taker is not None:
            key = "match" if route.match else "path"
            yield (*at, key), f"never matches: {taker.name} stands above and takes all of it"
        if route.backend is not None:
            text = path_info_warning(route)
            if text:
                yield (*at, "backend"), text
            yield from _on_same_backend(at, route, earlier)
            yield from _on_directories(at, route)
            yield from _on_auth_file(at, route)
            yield from _on_documents(at, route, [route for _, route in routes])
        earlier.append(route)


def takes_all(earlier: Route, later: Route) -> bool:
    """Tell whether it is certain that ``earlier`` takes every request that ``later`` could."""
    if earlier.host and not (
        later.host and all(is_among(name, earlier.host) for name in later.host)
    ):
        return False
    slash = earlier.options.encoded_slash
    if slash not in (EncodedSlash.REFUSE, later.options.encoded_slash):
        return False  # the two do not see the same path
    if earlier.match:
        return earlier.match == later.match or _expression_takes_all(earlier.match, later)
    if later.match:
        return start_of(later).startswith(f"{merge_slashes(earlier.path).rstrip('/')}/")
    # All paths that a prefix takes begin with the shortest of them.
    return Prefix(earlier.path).match(later.path) is not None


def _expression_takes_all(expression: str, later: Route) -> bool:
    match = _TAKES_ALL_THAT_STARTS_WITH.fullmatch(expression)
    return match is not None and start_of(later).startswith(_unescaped(match[1]))


def start_of(route: Route) -> str:
    """Return what all paths that ``route`` takes begin with, as far as it is certain."""
    if not route.match:
        return merge_slashes(route.path)
    match = _STARTS_WITH.match(route.match)
    if match is None or "|" in route.match:
        return "/"
    return _unescaped(_LAST.sub("", match[1]) if match["quantifier"] else match[1]) or "/"


def _unescaped(plain: str) -> str:
    return plain.replace("\\", "")


def _on_same_backend(at: KeyPath, route: Route, earlier: Sequence[Route]) -> Advice:
    """Find options that belong to a backend and differ between two routes to it."""
    first = next((one for one in earlier if _address(one) == _address(route)), route)
    for name in ("connect_timeout", "timeout"):
        here, there = getattr(route.options, name), getattr(first.options, name)
        if here != there:
            yield (*at, name), f"{here:g} here and {there:g} in {first.name}, for the same backend"


def _address(route: Route) -> object:
    backend = route.backend
    return backend.address if isinstance(backend, BackendURL) else backend and backend.name


def _on_directories(at: KeyPath, route: Route) -> Advice:
    keys = {"sendfile_roots": route.options.sendfile_roots, "accel": route.options.accel.values()}
    for key, directories in keys.items():
        for directory in directories:
            path = directory.encode("latin-1")
            if not os.path.isdir(path):
                what = "is not a directory" if os.path.exists(path) else "does not exist"
                yield (*at, key), f"{str_as_text(directory)} {what}"


def _on_auth_file(at: KeyPath, route: Route) -> Advice:
    path = route.options.auth_file
    if path and not os.access(path.encode("latin-1"), os.R_OK):
        yield (*at, "auth_file"), f"{str_as_text(path)} cannot be read, nobody would be let in"


def _on_documents(at: KeyPath, route: Route, routes: Sequence[Route]) -> Advice:
    for status, document in route.options.error_document.items():
        if document.startswith("/") and not _is_served(document, routes):
            yield (
                (*at, "error_document", str(status)),
                f"no route serves {str_as_text(document)}, only a fallback could",
            )


def _is_served(document: str, routes: Sequence[Route]) -> bool:
    """Tell whether a route may serve ``document``: a route for some hosts counts if it does."""
    path = decode_path(document.partition("?")[0])
    for route in routes:
        matcher = Pattern(route.match, "/") if route.match else Prefix(route.path)
        if matcher.match(path) is not None:
            if route.backend is not None:
                return True
            if not route.host:
                return False
    return False
