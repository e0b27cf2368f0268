"""The authority of a request: ``Host`` of RFC 9110 7.2 in the grammar of RFC 3986 3.2."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

_HOST = re.compile(
    r"(?P<name>\[(?P<literal>[0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)"
    r"(?::(?P<port>[0-9]{0,5}))?"
)


@dataclass(frozen=True, slots=True)
class Host:
    """``name`` in lower case, an IPv6 address in brackets; ``port`` None if none was written."""

    name: str
    port: int | None


@lru_cache(maxsize=256)  # a site has few names; an attacker cannot make it grow
def parse_host(value: str) -> Host:
    """Parse the value of a Host field or the authority of a target.

    User information is refused (RFC 9110 4.2.4).  Raises ValueError for an empty or invalid
    value and for a port over 65535.
    """
    match = _HOST.fullmatch(value)
    if match is None:
        raise ValueError("the Host is missing or invalid")
    if match["literal"] is not None:
        try:
            ipaddress.IPv6Address(match["literal"])
        except ValueError:
            raise ValueError("the Host is not an IPv6 address") from None
    port = int(match["port"]) if match["port"] else None
    if port is not None and port > 65535:
        raise ValueError("the port of the Host is over 65535")
    return Host(match["name"].lower(), port)


def canonical_name(name: str) -> str:
    """Return the one spelling of a host's name: two that mean the same host become equal.

    Lower case, without the root's dot at the end, an IPv6 address compressed.  ``name`` has no
    port.  Raises ValueError for brackets without an IPv6 address.
    """
    if name.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(name[1:-1]).compressed}]"
        except ValueError:
            raise ValueError("the brackets hold no IPv6 address") from None
    return name.lower().rstrip(".")


def is_among(name: str, names: Collection[str]) -> bool:
    """Tell whether ``names`` has the name of a host; all are canonical.

    ``*.`` in front of one of them stands for one label or more.  ``name`` may be such a one
    itself: then the question is whether all of its hosts are among them.
    """
    while name:
        if name in names:
            return True
        _, _, name = name.removeprefix("*.").partition(".")
        name = f"*.{name}" if name else ""
    return False
