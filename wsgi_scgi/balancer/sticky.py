"""Sessions that stay with their member: Apache's ``stickysession`` and what belongs to it.

A session identifier ends in the route of the member that made it, behind a separator:
``JSESSIONID=abc.n1``.  It comes as a parameter of the URL or as a cookie; where both are there,
the URL decides.  Nothing here knows which member has which route.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Self

SIGNATURE_BYTES = 16
"""Bytes of HMAC-SHA256 that are kept: 128 bits, 22 characters."""

SAME_SITE = ("lax", "strict", "none", "")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_COOKIE_OCTETS = re.compile(r"[!#-+\--:<-\[\]-~]*")
_DOMAIN = re.compile(r"\.?[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*")
_PATH = re.compile(r"/[ -:<-~]*")


@dataclass(frozen=True, slots=True)
class Session:
    """The route that a request asks for, and the name of the parameter or cookie that did."""

    name: str
    route: str


class Signature:
    """Signs routes, so that a client cannot choose its member: ``<signature>.<route>``.

    The signature is url-safe base64 of HMAC-SHA256 (RFC 2104), cut to 128 bits.
    """

    __slots__ = ("_key",)

    def __init__(self, secret: str) -> None:
        """Raise ValueError for a secret that is empty."""
        if not secret:
            raise ValueError("the secret of a signature is not empty")
        self._key = hashlib.sha256(b"wsgi-scgi route\0" + _encoded(secret)).digest()

    def sign(self, route: str) -> str:
        """Return the value of a cookie that leads to ``route``."""
        digest = hmac.digest(self._key, _encoded(route), "sha256")
        text = base64.urlsafe_b64encode(digest[:SIGNATURE_BYTES]).rstrip(b"=").decode()
        return f"{text}.{route}"

    def verify(self, value: str) -> str | None:
        """Return the route in ``value``, None if ``sign`` has not made it."""
        route = value.partition(".")[2]
        # Of bytes: of texts that are not ASCII compare_digest knows nothing.
        is_made_here = hmac.compare_digest(_encoded(self.sign(route)), _encoded(value))
        return route if is_made_here else None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class StickySession:
    """Where the session identifier is found: ``cookie``, or ``parameter`` of the URL.

    ``separator`` is one character, or empty where the whole value is the route.  With
    ``path_delimiter`` a semicolon ends a value in the URL (``scolonpathdelim``).  With a
    ``signature`` only values that it has made count; they have a separator of their own.
    """

    cookie: str
    parameter: str
    separator: str = "."
    path_delimiter: bool = False
    signature: Signature | None = None
    _in_path: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _in_query: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _in_cookies: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raise ValueError for an empty name, a cookie's that is no token or a long separator."""
        if not self.parameter or re.search(r"[\s/?&;=#]", self.parameter):
            raise ValueError(f"{self.parameter!r} is no name of a parameter in a URL")
        check_cookie_name(self.cookie)
        if len(self.separator) > 1:
            raise ValueError("the separator is one character, or empty")
        # No two parts of a pattern can take the same character, so none ever looks back: the
        # time is linear in what a client sends.
        value = "[^?&;]+" if self.path_delimiter else "[^?&]+"
        parameter = re.escape(self.parameter)
        patterns = {
            "_in_path": rf";{parameter}=({value})",
            "_in_query": rf"(?:^|[&;]){parameter}=({value})",
            "_in_cookies": rf"(?:^|[;,\s]){re.escape(self.cookie)}\s*+=([^;,]*)",
        }
        for name, pattern in patterns.items():
            object.__setattr__(self, name, re.compile(pattern, re.ASCII))

    @classmethod
    def parse(
        cls,
        names: str,
        *,
        separator: str = ".",
        path_delimiter: bool = False,
        signature: Signature | None = None,
    ) -> Self:
        """Read ``"COOKIE|parameter"``; one name is for both.  Raises ValueError."""
        cookie, bar, parameter = names.partition("|")
        return cls(cookie, parameter if bar else cookie, separator, path_delimiter, signature)

    def session_of(self, target: str, cookie: str | None) -> Session | None:
        """Return the session of a request, None if it names no route.

        ``target`` is the path as it was sent with its query, ``cookie`` the Cookie field.  A
        value in the URL decides, even if there is no route in it.
        """
        name, value = self.parameter, self._from_url(target)
        if value is None and cookie:
            name, value = self.cookie, self._from_cookies(cookie)
        route = self._route(value) if value else None
        return Session(name, route) if route else None

    def _from_url(self, target: str) -> str | None:
        path, _, query = target.partition("?")
        found = self._in_path.search(path) or self._in_query.search(query)
        return None if found is None else found[1]

    def _from_cookies(self, cookies: str) -> str | None:
        found = self._in_cookies.search(cookies)
        return None if found is None else found[1]

    def _route(self, value: str) -> str | None:
        if self.signature is not None:
            return self.signature.verify(value)
        return value.partition(self.separator)[2] if self.separator else value


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieAttributes:
    """The attributes of the cookie that the gateway sets (RFC 6265 4.1).

    ``max_age`` is in seconds; with 0 the cookie lasts as long as the browser runs.  An empty
    ``same_site`` leaves it to the browser, an empty ``path`` to the path of the request.
    """

    path: str = "/"
    domain: str = ""
    secure: bool = False
    http_only: bool = True
    same_site: str = "lax"
    max_age: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for what a browser would not take."""
        if self.path and not _PATH.fullmatch(self.path):
            raise ValueError(f"{self.path!r} is no path of a cookie")
        if self.domain and not _DOMAIN.fullmatch(self.domain):
            raise ValueError(f"{self.domain!r} is no domain of a cookie")
        if self.same_site not in SAME_SITE:
            raise ValueError(f"{self.same_site!r} is no same_site; allowed: lax, strict, none")
        if self.same_site == "none" and not self.secure:
            raise ValueError("browsers drop a cookie with same_site none that is not secure")
        if self.max_age < 0:
            raise ValueError("max_age is a number of seconds, 0 for the time of the browser")


def set_cookie(name: str, value: str, attributes: CookieAttributes) -> str:
    """Return the value of a Set-Cookie field.

    Raises ValueError where a browser would drop the cookie: for characters that it cannot have,
    and for the prefixes ``__Secure-`` and ``__Host-`` without what these promise.
    """
    check_cookie_name(name)
    check_route(value)
    if name.startswith(("__Secure-", "__Host-")) and not attributes.secure:
        raise ValueError(f"the cookie {name} must be secure")
    if name.startswith("__Host-") and (attributes.domain or attributes.path != "/"):
        raise ValueError(f"the cookie {name} has the path / and no domain")
    parts = [f"{name}={value}"]
    if attributes.max_age:
        parts.append(f"Max-Age={attributes.max_age}")
    if attributes.domain:
        parts.append(f"Domain={attributes.domain}")
    if attributes.path:
        parts.append(f"Path={attributes.path}")
    if attributes.secure:
        parts.append("Secure")
    if attributes.http_only:
        parts.append("HttpOnly")
    if attributes.same_site:
        parts.append(f"SameSite={attributes.same_site.capitalize()}")
    return "; ".join(parts)


def check_cookie_name(name: str) -> None:
    """Raise ValueError unless ``name`` is a token, as RFC 6265 wants it."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a cookie")


def check_route(route: str) -> None:
    """Raise ValueError for a route that no cookie can carry (``cookie-octet``, RFC 6265 4.1.1)."""
    if not _COOKIE_OCTETS.fullmatch(route):
        raise ValueError(f"{route!r} has a character that no cookie can have")
