"""Telling the backend who came through: X-Forwarded-* and Forwarded (RFC 7239).

Only a proxy that the administrator trusts may add to the story; what anybody else says about
himself is replaced.
"""

import enum
import ipaddress
from collections.abc import Collection

UNIX = "unix:"
"""What stands for every peer on a Unix socket among the trusted: nginx's word."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network | str
"""Addresses of peers; the only string is ``UNIX``."""

_FIELDS = frozenset({"HTTP_FORWARDED", "HTTP_X_REAL_IP"})


class Style(enum.Enum):
    """Which fields are added."""

    OFF = "off"
    X_FORWARDED = "x-forwarded"
    FORWARDED = "forwarded"


def is_about_the_way(name: str) -> bool:
    """Tell whether a variable says where a request comes from: X-Forwarded-* and their like."""
    return name.startswith("HTTP_X_FORWARDED") or name in _FIELDS


def is_trusted(address: str, networks: Collection[Network]) -> bool:
    """Tell whether the peer at ``address`` is one of ``networks``.

    A peer on a Unix socket has an empty address; any other text that is no address is trusted by
    nobody, since middleware may have taken it from a field.
    """
    peer = _address(address)
    if peer is None:
        return not address and UNIX in networks
    return any(not isinstance(network, str) and peer in network for network in networks)


def forwarding_fields(
    style: Style, *, peer: str, host: str, scheme: str, before: dict[str, str]
) -> dict[str, str]:
    """Return the variables to add; ``before`` has those of a trusted proxy, or is empty."""
    address = _address(peer)
    if style is Style.X_FORWARDED:
        hops = before.get("HTTP_X_FORWARDED_FOR", ""), str(address or "")
        return {
            # A peer on a Unix socket has no address.
            "HTTP_X_FORWARDED_FOR": ", ".join(filter(None, hops)) or "unknown",
            "HTTP_X_FORWARDED_HOST": before.get("HTTP_X_FORWARDED_HOST") or host,
            "HTTP_X_FORWARDED_PROTO": before.get("HTTP_X_FORWARDED_PROTO") or scheme,
        }
    if style is Style.FORWARDED:
        # RFC 7239 6: brackets and colons need quotes, and so does a port in the host.
        node = f'"[{address}]"' if ":" in str(address) else address or "unknown"
        element = f'for={node};host="{host}";proto={scheme}'
        hops = before.get("HTTP_FORWARDED", ""), element
        return {"HTTP_FORWARDED": ", ".join(filter(None, hops))}
    return {}


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address in ``text``, an IPv4 one where a socket for both says ``::ffff:``."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
