"""Paths: decoding, dot segments, slash runs, prefixes, and Apache's arithmetic for PATH_INFO.

Paths here are "bytes as str" (PEP 3333).  Routing and the backend see one and the same decoded
path, or a check made on one could be evaded on the other (CVE-2024-38473 and its like).
"""

import enum
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(r"%2[Ff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SLASHES = re.compile(r"//+")
_REFERENCE = re.compile(r"\$([0-9])")
_DOT_SEGMENT = re.compile(r"/\.\.?(?:/|\Z)")

# What mod_proxy's canonicalisation leaves unencoded in a path.
_APACHE_SAFE = "~$-_.+!*'(),;:@&=/"


class EncodedSlash(enum.Enum):
    """What to do with ``%2F`` in a path: Apache's AllowEncodedSlashes Off, On and NoDecode."""

    REFUSE = "refuse"
    DECODE = "decode"
    KEEP = "keep"


class PathInfo(enum.Enum):
    """How the path is divided: Apache's ``proxy-scgi-pathinfo``."""

    OFF = "false"
    """SCRIPT_NAME is the whole path, there is no PATH_INFO (mod_proxy_scgi's default)."""
    ON = "true"
    """SCRIPT_NAME is where the backend is mounted, PATH_INFO the rest."""
    APACHE = "apache"
    """What mod_proxy_scgi guesses when ``proxy-scgi-pathinfo`` is set."""


def has_encoded_slash(raw: str) -> bool:
    """Tell whether an undecoded path contains ``%2F``."""
    return _ENCODED_SLASH.search(raw) is not None


def decode_path(raw: str, *, keep_encoded_slash: bool = False) -> str:
    """Percent-decode a path once.

    Raises ValueError for an escape that is not one, and for control characters in the result:
    ``%00`` and line ends are what attacks on paths are made of (CVE-2019-11043).
    """
    if "%" in raw:
        if _BAD_ESCAPE.search(raw):
            raise ValueError("the path contains a % that starts no escape")
        if keep_encoded_slash:
            pieces = _ENCODED_SLASH.split(raw)
            escapes = _ENCODED_SLASH.findall(raw)
            decoded = unquote_to_bytes(pieces[0].encode("latin-1"))
            for escape, piece in zip(escapes, pieces[1:], strict=True):
                decoded += escape.encode("ascii") + unquote_to_bytes(piece.encode("latin-1"))
            raw = decoded.decode("latin-1")
        else:
            raw = unquote_to_bytes(raw.encode("latin-1")).decode("latin-1")
    if _CONTROL.search(raw):
        raise ValueError("the path contains a control character")
    return raw


def resolve_dot_segments(path: str) -> str:
    """Resolve ``.`` and ``..`` (RFC 3986 5.2.4); slash runs stay.

    To ``..`` a run is one slash, as it is to routes, and to Apache and nginx, which merge runs
    first.  Raises ValueError where ``..`` would climb over the root.
    """
    if "/." not in path:
        return path
    resolved: list[str] = []
    *segments, last = path[1:].split("/")
    for segment in [*segments, last]:
        if segment == "..":
            while resolved and not resolved[-1]:
                resolved.pop()
            if not resolved:
                raise ValueError("the path climbs over its root")
            resolved.pop()
        elif segment != ".":
            resolved.append(segment)
    if last in (".", ".."):
        resolved.append("")
    return "/" + "/".join(resolved)


def merge_slashes(path: str) -> str:
    """Replace every run of slashes by one."""
    return _SLASHES.sub("/", path) if "//" in path else path


def first_segment(path: str) -> str:
    """Return what stands between the first run of slashes and the next slash."""
    return path.lstrip("/").partition("/")[0]


class PathMatch(NamedTuple):
    """How a route divides a path that it takes."""

    mount: str
    """The route's part as SCRIPT_NAME has it: without its last slash, empty for the root."""
    rest: str
    """What follows, with its slashes."""
    unmatched: str
    """What ProxyPass leaves over: the same, slash runs merged, less a slash of the prefix.

    Of a regular expression it is the whole path of the backend as Apache makes it.
    """
    target: str | None = None
    """The backend's whole path, where the route makes it from a regular expression."""


_new_match: Callable[..., PathMatch] = tuple.__new__


class Prefix:
    """The path of a route, matched like ProxyPass: whole segments, any run of slashes as one.

    >>> Prefix("/app").match("/app//x")
    PathMatch(mount='/app', rest='//x', unmatched='/x', target=None)
    >>> Prefix("/app/").match("/app//x")
    PathMatch(mount='/app', rest='//x', unmatched='x', target=None)
    >>> Prefix("/app").match("/apple"), Prefix("/app/").match("/app")
    (None, None)
    """

    __slots__ = ("_ends_with_slash", "_mount", "_pattern", "first_segment")

    def __init__(self, path: str) -> None:
        """Raise ValueError unless ``path`` starts with a slash and is free of dot segments."""
        if not path.startswith("/"):
            raise ValueError("a path starts with /")
        path = merge_slashes(path)
        if resolve_dot_segments(path) != path:
            raise ValueError("a path has no . or .. segments")
        self.first_segment = first_segment(path)
        """That of every path that it takes; empty where it takes all."""
        self._mount = path.rstrip("/")
        self._ends_with_slash = path.endswith("/")
        segments = "/+".join(re.escape(segment) for segment in self._mount.split("/"))
        end = "(?=/)" if self._ends_with_slash else r"(?=/|\Z)"
        self._pattern = re.compile(segments + end)

    def match(self, path: str) -> PathMatch | None:
        """Return how the prefix divides ``path``, None if it does not take it."""
        rest = path
        if self._mount:
            match = self._pattern.match(path)
            if match is None:
                return None
            rest = path[match.end() :]
        merged = merge_slashes(rest) if "//" in rest else rest
        # Made as the tuple that it is: the constructor would take five times as long.
        return _new_match(PathMatch, (self._mount, rest, merged[self._ends_with_slash :], None))


class Pattern:
    """The regular expression of a route, as ProxyPassMatch has it, and the path it makes.

    ``$0`` to ``$9`` in ``target``, which starts with a slash, stand for what was matched; a
    target without any gets the whole path appended.  Only paths are made this way, never a host
    (CVE-2021-40438).

    >>> Pattern("^/user/([a-z]+)$", "/u/$1").match("/user/jane")
    PathMatch(mount='/user', rest='/jane', unmatched='/u/jane', target='/u/jane')
    """

    __slots__ = ("_expression", "_target")

    def __init__(self, expression: str, target: str) -> None:
        """Raise ValueError for an expression that cannot be compiled or lacks a group."""
        try:
            self._expression = re.compile(expression)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"the expression is invalid: {error}") from error
        self._target = target
        for digit in _REFERENCE.findall(target):
            if int(digit) > self._expression.groups:
                raise ValueError(f"${digit} stands for a group that the expression does not have")

    def match(self, path: str) -> PathMatch | None:
        """Return how the expression, searched for as in Apache, divides ``path``.

        A path of the backend with dot segments is not made: groups may end within a segment, and
        ``..`` would lead out of the target.
        """
        path = merge_slashes(path) or "/"
        match = self._expression.search(path)
        if match is None:
            return None
        if _REFERENCE.search(self._target):
            target = _REFERENCE.sub(lambda found: match[int(found[1])] or "", self._target)
            if _DOT_SEGMENT.search(target):
                return None
            as_apache = target
        else:
            target = self._target.rstrip("/") + path
            as_apache = path if self._target == "/" else self._target + path
        mount = apache_script_name(path, target)
        return PathMatch(mount, path[len(mount) :], as_apache, target)


def join_base(base: str, rest: str) -> str:
    """Return the base path of a backend URL plus the rest of a request's path.

    A base of ``/`` counts as none, so that SCRIPT_NAME and PATH_INFO together stay the path of
    the request.  The slash between the two is not doubled.
    """
    if base == "/":
        return rest
    return base.rstrip("/") + rest if rest else base


def apache_path_info(base: str, rest: str) -> str:
    """Return PATH_INFO as mod_proxy_scgi makes it: the encoded backend path after one slash.

    Apache joins the target of ProxyPass and what the prefix left over without looking at
    slashes, and encodes the result again.  ``rest`` is what follows the prefix as written.
    """
    joined = (base + rest).encode("latin-1")
    return "/" + quote(joined[1:], safe=_APACHE_SAFE)


def apache_script_name(path: str, path_info: str) -> str:
    """Return SCRIPT_NAME as Apache guesses it: the front of ``path`` that PATH_INFO leaves over.

    The two are compared from the right for as long as they agree; runs of slashes in ``path``
    count as one; what remains is extended to the end of its segment.
    """
    at, other = len(path), len(path_info)
    while at and other and path[at - 1] == path_info[other - 1]:
        at -= 1
        other -= 1
        while at and path[at] == "/" and path[at - 1] == "/":
            at -= 1
    # The first character that was left over, or the slash before all, starts the search.
    end = path.find("/", max(at - 1, 0))
    return path if end < 0 else path[:end]
