"""Paths: decoding, dot segments, slash runs, prefixes, and Apache's arithmetic for PATH_INFO.

Paths here are "bytes as str" (PEP 3333).  Routing and the backend see one and the same decoded
path, or a check made on one could be evaded on the other (CVE-2024-38473 and its like).
"""

import enum
import re
from urllib.parse import quote, unquote_to_bytes

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(r"%2[Ff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SLASHES = re.compile(r"//+")

# What mod_proxy's canonicalisation leaves unencoded in a path.
_APACHE_SAFE = "~$-_.+!*'(),;:@&=/"


class EncodedSlash(enum.Enum):
    """What to do with ``%2F`` in a path: Apache's AllowEncodedSlashes Off, On and NoDecode."""

    REFUSE = "refuse"
    DECODE = "decode"
    KEEP = "keep"


def has_encoded_slash(raw: str) -> bool:
    """Tell whether an undecoded path contains ``%2F``."""
    return "%" in raw and _ENCODED_SLASH.search(raw) is not None


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
            decoded = unquote_to_bytes(pieces[0])
            for escape, piece in zip(escapes, pieces[1:], strict=True):
                decoded += escape.encode("ascii") + unquote_to_bytes(piece)
            raw = decoded.decode("latin-1")
        else:
            raw = unquote_to_bytes(raw).decode("latin-1")
    if _CONTROL.search(raw):
        raise ValueError("the path contains a control character")
    return raw


def resolve_dot_segments(path: str) -> str:
    """Resolve ``.`` and ``..`` (RFC 3986 5.2.4); slash runs stay.

    Raises ValueError where ``..`` would climb over the root.
    """
    if "/." not in path:
        return path
    resolved: list[str] = []
    *segments, last = path[1:].split("/")
    for segment in [*segments, last]:
        if segment == "..":
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


class Prefix:
    """The path of a route, matched like ProxyPass: whole segments, any run of slashes as one.

    >>> Prefix("/app").rest_of("/app//x"), Prefix("/app").rest_of("/apple")
    ('//x', None)
    >>> Prefix("/app/").rest_of("/app/x"), Prefix("/app/").rest_of("/app")
    ('/x', None)
    """

    __slots__ = ("ends_with_slash", "mount", "_pattern")

    def __init__(self, path: str) -> None:
        """Raise ValueError unless ``path`` starts with a slash and is free of dot segments."""
        if not path.startswith("/"):
            raise ValueError("a path starts with /")
        path = merge_slashes(path)
        if resolve_dot_segments(path) != path:
            raise ValueError("a path has no . or .. segments")
        self.mount = path.rstrip("/")
        """The prefix as SCRIPT_NAME has it: without its last slash, empty for the root."""
        self.ends_with_slash = path.endswith("/")
        segments = "/+".join(re.escape(segment) for segment in self.mount.split("/"))
        end = "(?=/)" if self.ends_with_slash else r"(?=/|\Z)"
        self._pattern = re.compile(segments + end)

    def rest_of(self, path: str) -> str | None:
        """Return what follows the prefix in ``path``, with its slashes, or None if no match."""
        if not self.mount:
            return path
        match = self._pattern.match(path)
        return None if match is None else path[match.end() :]


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
