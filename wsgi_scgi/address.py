"""Backend URLs: where an SCGI backend listens, and the path that its URL carries.

Three spellings are understood::

    scgi://host[:port][/path]            TCP; port 4000 if none, IPv6 in brackets
    scgi+unix:///run/app.sock            a Unix socket
    unix:/run/app.sock|scgi://name/path  the same in Apache's words (ProxyPass, since 2.4.7)

Targets come from configuration only, never from a request (CVE-2021-40438).
"""

import ipaddress
import os
import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from .errors import AddressError

DEFAULT_PORT = 4000
"""The port of ``scgi://host/``, as in mod_proxy_scgi."""

MAX_UNIX_PATH = 107
"""Bytes in ``sockaddr_un.sun_path`` on Linux, less the final NUL."""

_REG_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_PORT = re.compile(r"[0-9]{1,5}")
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[^:]*))?")


class TCPAddress(NamedTuple):
    """A host, by name or as a literal address without brackets, and a port."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"scgi://{host}:{self.port}"


class UnixAddress(NamedTuple):
    """The absolute path of a Unix stream socket."""

    path: str

    def __str__(self) -> str:
        return f"scgi+unix://{self.path}"


@dataclass(frozen=True, slots=True)
class BackendURL:
    """An address, and the base path, "bytes as str", that requests are mapped below."""

    address: TCPAddress | UnixAddress
    path: str = "/"


@dataclass(frozen=True, slots=True)
class BalancerURL:
    """The name of a balancer, and the base path, "bytes as str", that requests are mapped below."""

    name: str
    path: str = "/"

    def __str__(self) -> str:
        return f"balancer://{self.name}"


def address_url(address: TCPAddress | UnixAddress) -> str:
    """Return the backend URL of an address, which ``parse_backend_url`` understands."""
    if isinstance(address, TCPAddress):
        return str(address)
    return f"scgi+unix://{quote(os.fsencode(address.path))}"


def parse_backend_url(url: str) -> BackendURL:
    """Parse any of the three spellings.

    The path is taken as it is written, nothing in it is decoded.  Raises AddressError with the
    cause and the cure.
    """
    if any(character <= " " or character == "\x7f" for character in url):
        raise AddressError(f"{url!r} contains a blank or a control character")
    scheme, colon, rest = url.partition(":")
    match scheme.lower():
        case "scgi" if colon:
            host, port, path = _parse_hierarchy(url, rest)
            if not host:
                raise AddressError(f"{url!r} names no host; write scgi://host:port/")
            return BackendURL(TCPAddress(host, port), path)
        case "scgi+unix" if colon:
            return BackendURL(UnixAddress(_unix_path(url, _without_authority(url, rest))))
        case "unix" if colon:
            return _parse_apache_unix(url, rest)
    raise AddressError(
        f"{url!r} is not a backend URL; write scgi://host:port/, scgi+unix:///path/to/socket"
        " or unix:/path/to/socket|scgi://name/"
    )


def parse_balancer_url(url: str) -> BalancerURL | None:
    """Parse ``balancer://name[/path]``; return None for a URL of another scheme.

    The name is compared as it is written.  Raises AddressError with the cause and the cure.
    """
    scheme, _, rest = url.partition(":")
    if scheme.lower() != "balancer":
        return None
    if any(character <= " " or character == "\x7f" for character in url):
        raise AddressError(f"{url!r} contains a blank or a control character")
    if "?" in rest or "#" in rest:
        raise AddressError(f"{url!r} has a query or a fragment; a backend URL takes neither")
    name, slash, path = rest.removeprefix("//").partition("/")
    if not rest.startswith("//") or not is_balancer_name(name):
        raise AddressError(f"{url!r} names no balancer; write balancer://name/")
    return BalancerURL(name, _path_as_bytes(slash + path))


def is_balancer_name(name: str) -> bool:
    """Tell whether a balancer may have this name: one that a host might have."""
    return _REG_NAME.fullmatch(name) is not None


def _path_as_bytes(path: str) -> str:
    return (path or "/").encode("utf-8", "surrogateescape").decode("latin-1")


def _parse_apache_unix(url: str, rest: str) -> BackendURL:
    socket_path, bar, target = rest.partition("|")
    scheme, _, hierarchy = target.partition(":")
    if not bar or scheme.lower() != "scgi":
        raise AddressError(f"{url!r} lacks the target; write unix:/path/to/socket|scgi://name/")
    path = "/"
    if hierarchy not in ("", "//"):
        _, _, path = _parse_hierarchy(url, hierarchy)
    return BackendURL(UnixAddress(_unix_path(url, socket_path)), path)


def _parse_hierarchy(url: str, rest: str) -> tuple[str, int, str]:
    if not rest.startswith("//"):
        raise AddressError(f"{url!r} lacks the two slashes after the scheme")
    authority, slash, path = rest[2:].partition("/")
    if "?" in rest or "#" in rest:
        raise AddressError(f"{url!r} has a query or a fragment; a backend URL takes neither")
    if "@" in authority:
        raise AddressError(f"{url!r} has user information; SCGI knows no login")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise AddressError(f"{url!r}: {authority!r} is not host:port (IPv6 goes in brackets)")
    port = _parse_port(url, match["port"])
    return _parse_host(url, match["host"]), port, _path_as_bytes(slash + path)


def _parse_host(url: str, host: str) -> str:
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError as error:
            raise AddressError(f"{url!r}: {host} is not an IPv6 address") from error
    if host and not _REG_NAME.fullmatch(host):
        raise AddressError(f"{url!r}: {host!r} is not a host name")
    return host.lower()


def _parse_port(url: str, port: str | None) -> int:
    if not port:
        return DEFAULT_PORT
    if _PORT.fullmatch(port) and 1 <= int(port) <= 65535:
        return int(port)
    raise AddressError(f"{url!r}: the port {port!r} is not a number from 1 to 65535")


def _without_authority(url: str, rest: str) -> str:
    if not rest.startswith("//"):
        return os.fsdecode(unquote_to_bytes(rest))
    if not rest.startswith("///"):
        raise AddressError(
            f"{url!r} needs three slashes before the path: scgi+unix:///run/app.sock"
        )
    return os.fsdecode(unquote_to_bytes(rest[2:]))


def _unix_path(url: str, path: str) -> str:
    # "//run" and "/run" are one file; Apache's users write unix:///run/app.sock too.
    path = "/" + path.lstrip("/") if path.startswith("/") else path
    if not path.startswith("/") or path.endswith("/"):
        raise AddressError(f"{url!r}: {path!r} is not the absolute path of a socket")
    if "\0" in path:
        raise AddressError(f"{url!r}: the path of the socket contains a NUL")
    if len(os.fsencode(path)) > MAX_UNIX_PATH:
        raise AddressError(
            f"{url!r}: the path is longer than the {MAX_UNIX_PATH} bytes of a socket"
        )
    return path
