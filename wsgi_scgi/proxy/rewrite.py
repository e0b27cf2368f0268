"""What the backend says about itself, in the client's words: ProxyPassReverse and its cookies.

mod_proxy ignores these directives for SCGI; people who move from HTTP backends expect them.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote

from ..gateway.request import Request
from ..gateway.response import Fields, Handler, LocalRedirect, Outcome, Response
from ..semantics.host import canonical_name, parse_host
from ..semantics.path import Prefix

_URL = re.compile(r"(?:((?i:scgi|https?)):)?//([^/?#]*)([^?#]*)(.*)")
_DEFAULT_PORTS = {"scgi": 4000, "http": 80, "https": 443}
_ADDRESSES = frozenset({"location", "content-location", "uri"})
_REWRITTEN = _ADDRESSES | {"set-cookie"}
_SAFE = "/!$&'()*+,;=:@~"  # of a path, RFC 3986 3.3

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What a backend may call itself: its host and port, or nothing, and its base path."""

    authority: str = ""
    base: str = "/"


@dataclass(frozen=True, slots=True)
class RewriteRules:
    """Where a route stands on both sides, and how cookies differ.

    ``mount`` is the route's path, ``places`` are those of its backend or of a balancer's members;
    the pairs are (internal, public) as ProxyPassReverseCookie* has them.
    """

    mount: str
    places: tuple[Place, ...] = ()
    cookie_path: Pairs = ()
    cookie_domain: Pairs = ()


class RewriteFields:
    """A step of one route: rewrite addresses and cookies in the answer."""

    def __init__(self, inner: Handler, rules: RewriteRules) -> None:
        self._inner = inner
        self._rules = rules
        self._places = [
            (
                _place_of(place.authority, "scgi") if place.authority else None,
                Prefix(quote(place.base, safe=f"{_SAFE}%", encoding="latin-1")),
            )
            for place in rules.places
        ]
        # With a base of "/" a path says nothing about whose it is: it stays.
        bases = dict.fromkeys(place.base for place in rules.places if place.base != "/")
        self._bases = [
            (base, Prefix(quote(base, safe=f"{_SAFE}%", encoding="latin-1"))) for base in bases
        ]

    def __call__(self, request: Request) -> Outcome:
        """Return the inner answer with its fields rewritten, those that a redirect keeps too."""
        outcome = self._inner(request)
        if isinstance(outcome, Response):
            outcome.fields = self._rewritten(outcome.fields, request)
        elif isinstance(outcome, LocalRedirect):
            outcome = replace(outcome, fields=self._rewritten(outcome.fields, request))
        return outcome

    def _rewritten(self, fields: Fields, request: Request) -> Fields:
        """Return ``fields`` as they are where, as in most answers, none is about places."""
        for name, _ in fields:
            if name.lower() in _REWRITTEN:
                break
        else:
            return fields
        return [(name, self._value(name.lower(), value, request)) for name, value in fields]

    def _value(self, name: str, value: str, request: Request) -> str:
        if name in _ADDRESSES:
            return self._reverse(value, request)
        if name == "set-cookie" and (self._rules.cookie_path or self._rules.cookie_domain):
            return rewrite_cookie(value, self._rules.cookie_path, self._rules.cookie_domain)
        return value

    def _reverse(self, value: str, request: Request) -> str:
        """Map a URL of the backend, or a path below its base, to the route's own."""
        url = _URL.fullmatch(value)
        if url is None:
            return self._reverse_path(value, request)
        scheme, authority, path, rest = url.groups()
        of_client = "https" if request.is_https else "http"
        named = _place_of(authority, scheme or of_client)
        for place, base in self._places:
            public = self._public_path(path or "/", base, request) if place == named else None
            if named is not None and public is not None:
                break
        else:
            return value
        if request.host is None:  # HTTP/1.0 need not say which host it means
            return f"{public}{rest}"
        return f"{f'{of_client}:' if scheme else ''}//{request.host}{public}{rest}"

    def _reverse_path(self, value: str, request: Request) -> str:
        if not value.startswith("/"):
            return value
        path = re.split("[?#]", value, maxsplit=1)[0]
        mount = self._mount(request)
        for base, prefix in self._bases:
            # Below the route's path and the base alike: the longer of the two is meant.
            if f"{path}/".startswith(f"{mount}/") and len(mount) > len(base.rstrip("/")):
                continue
            public = self._public_path(path, prefix, request)
            if public is not None:
                return public + value[len(path) :]
        return value

    def _public_path(self, path: str, base: Prefix, request: Request) -> str | None:
        match = base.match(path)
        if match is None:
            return None
        rest = match.rest or ("/" if self._rules.mount.endswith("/") else "")
        return self._mount(request) + rest or "/"

    def _mount(self, request: Request) -> str:
        mount = request.mount + self._rules.mount.rstrip("/")
        return quote(mount, safe=_SAFE, encoding="latin-1")


def _place_of(authority: str, scheme: str) -> tuple[str, int] | None:
    """Return host and port in the one spelling of each, None for what is no authority."""
    try:
        host = parse_host(authority)
    except ValueError:
        return None
    return canonical_name(host.name), host.port or _DEFAULT_PORTS[scheme.lower()]


def rewrite_cookie(cookie: str, paths: Pairs, domains: Pairs) -> str:
    """Rewrite the Path and Domain attributes of a Set-Cookie field, never its name or value.

    The first pair that applies counts: a path that begins with the internal one, a domain that
    equals it without regard to case or a leading dot.
    """
    pair, *attributes = cookie.split(";")
    rewritten = [pair]
    for attribute in attributes:
        name, equals, value = attribute.partition("=")
        plain = value.strip(" \t")
        match name.strip(" \t").lower():
            case "path" if equals:
                new = next((p + plain[len(i) :] for i, p in paths if plain.startswith(i)), plain)
            case "domain" if equals:
                bare = plain.removeprefix(".").lower()
                new = next((p for i, p in domains if i.removeprefix(".").lower() == bare), plain)
            case _:
                new = plain
        rewritten.append(attribute if new == plain else f"{name}={new}")
    return ";".join(rewritten)
