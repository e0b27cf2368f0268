"""Request targets: RFC 9112 section 3.2, in origin-form and absolute-form."""

import re
from dataclasses import dataclass

# RFC 3986 2: a URI is printable ASCII; RFC 9112 3.2 leaves no place for a fragment.
_ALLOWED = re.compile(r"[\x21-\x22\x24-\x7e]*")
_ABSOLUTE = re.compile(r"(?i:https?)://([^/?]*)(.*)")


@dataclass(frozen=True, slots=True)
class Target:
    """A target in parts: ``authority`` is None in origin-form, ``query`` None without a ``?``."""

    path: str
    query: str | None
    authority: str | None = None

    def __str__(self) -> str:
        """Return path and query as received: the REQUEST_URI of CGI."""
        return self.path if self.query is None else f"{self.path}?{self.query}"


def parse_target(target: str) -> Target:
    """Split a target into its parts without decoding anything.

    Raises ValueError for a target that is neither a path nor an http URL, or that contains a
    blank, a control character, a byte over 0x7e or a ``#``.
    """
    if not _ALLOWED.fullmatch(target):
        raise ValueError("the request target contains a character that no URI has")
    authority = None
    if not target.startswith("/"):
        match = _ABSOLUTE.fullmatch(target)
        if match is None:
            raise ValueError("the request target is neither a path nor an http URL")
        authority, target = match[1], match[2]
        if not target.startswith("/"):
            target = f"/{target}"
    path, mark, query = target.partition("?")
    return Target(path, query if mark else None, authority)
