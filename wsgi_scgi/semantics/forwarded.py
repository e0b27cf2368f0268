"""Telling the backend who came through: X-Forwarded-* and Forwarded (RFC 7239).

Only a proxy that the administrator trusts may add to the story; what anybody else says about
himself is replaced.
"""

import enum
import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FIELDS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_SERVER",
)


class Style(enum.Enum):
    """Which fields are added."""

    OFF = "off"
    X_FORWARDED = "x-forwarded"
    FORWARDED = "forwarded"


def is_trusted(address: str, networks: Iterable[Network]) -> bool:
    """Tell whether the peer at ``address`` is one of ``networks``; a Unix socket has none."""
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(peer in network for network in networks)


def forwarding_fields(
    style: Style, *, peer: str, host: str, scheme: str, before: dict[str, str]
) -> dict[str, str]:
    """Return the variables to add; ``before`` has those of a trusted proxy, or is empty."""
    if style is Style.X_FORWARDED:
        hops = [hop for hop in (before.get("HTTP_X_FORWARDED_FOR"), peer) if hop]
        return {
            # A peer on a Unix socket has no address.
            "HTTP_X_FORWARDED_FOR": ", ".join(hops) or "unknown",
            "HTTP_X_FORWARDED_HOST": before.get("HTTP_X_FORWARDED_HOST") or host,
            "HTTP_X_FORWARDED_PROTO": before.get("HTTP_X_FORWARDED_PROTO") or scheme,
        }
    if style is Style.FORWARDED:
        node = f'"[{peer}]"' if ":" in peer else peer or "unknown"
        element = f'for={node};host="{host}";proto={scheme}'
        hops = [hop for hop in (before.get("HTTP_FORWARDED"), element) if hop]
        return {"HTTP_FORWARDED": ", ".join(hops)}
    return {}
