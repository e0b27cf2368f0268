"""What the backend says about itself, in the client's words: ProxyPassReverse and its cookies.

mod_proxy ignores these directives for SCGI; people who move from HTTP backends expect them.
"""

import re
from dataclasses import dataclass

from ..gateway.request import Request
from ..gateway.response import Handler, Outcome, Response
from ..semantics.path import Prefix

_URL = re.compile(r"(?i:scgi|https?)://([^/?#]*)([^?#]*)(.*)")
_ADDRESSES = frozenset({"location", "content-location", "uri"})

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RewriteRules:
    """Where a route stands on both sides, and how cookies differ.

    ``mount`` is the route's path and ``base`` the backend's, ``authority`` the backend's host
    and port or empty; the pairs are (internal, public) as ProxyPassReverseCookie* has them.
    """

    mount: str
    base: str = "/"
    authority: str = ""
    cookie_path: Pairs = ()
    cookie_domain: Pairs = ()


class RewriteFields:
    """A step of one route: rewrite addresses and cookies in the answer."""

    def __init__(self, inner: Handler, rules: RewriteRules) -> None:
        self._inner = inner
        self._rules = rules
        self._base = Prefix(rules.base)

    def __call__(self, request: Request) -> Outcome:
        """Return the inner answer with its fields rewritten."""
        response = self._inner(request)
        if isinstance(response, Response):
            response.fields = [
                (name, self._rewritten(name.lower(), value, request))
                for name, value in response.fields
            ]
        return response

    def _rewritten(self, name: str, value: str, request: Request) -> str:
        if name in _ADDRESSES:
            return self._reverse(value, request)
        if name == "set-cookie" and (self._rules.cookie_path or self._rules.cookie_domain):
            return rewrite_cookie(value, self._rules.cookie_path, self._rules.cookie_domain)
        return value

    def _reverse(self, value: str, request: Request) -> str:
        """Map a URL of the backend, or a path below its base, to the route's own."""
        url = _URL.fullmatch(value)
        if url is not None:
            if url[1].lower() != self._rules.authority:
                return value
            path = self._public_path(url[2] or "/", request)
            if path is None:
                return value
            scheme = "https" if request.is_https else "http"
            return f"{scheme}://{request.host or request.server_name}{path}{url[3]}"
        # With a base of "/" a path says nothing about whose it is: it stays.
        if self._rules.base == "/" or not value.startswith("/") or value.startswith("//"):
            return value
        path, mark, rest = value.partition("?")
        public = self._public_path(path, request)
        return value if public is None else f"{public}{mark}{rest}"

    def _public_path(self, path: str, request: Request) -> str | None:
        match = self._base.match(path)
        if match is None:
            return None
        rest = match.rest if match.rest.startswith("/") else f"/{match.rest}"
        return request.mount + self._rules.mount.rstrip("/") + rest


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
