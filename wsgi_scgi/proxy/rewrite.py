"""What the backend says about itself, in the client's words: ProxyPassReverse and its cookies.

mod_proxy ignores these directives for SCGI; people who move from HTTP backends expect them.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import quote

from ..gateway.request import Request
from ..gateway.response import Fields, Foreign, Handler, Outcome
from ..semantics.host import canonical_name, parse_host
from ..semantics.path import Prefix

_URL = re.compile(r"(?:((?i:scgi|https?)):)?//([^/?#]*)([^?#]*)(.*)")
_PATH = re.compile(r"([^?#]*)(.*)")
_DEFAULT_PORTS = {"scgi": 4000, "http": 80, "https": 443}
_ADDRESSES = frozenset({"location", "content-location", "uri"})
_SAFE = "/!$&'()*+,;=:@~"

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
        self._place = _place_of(rules.authority, "scgi") if rules.authority else None

    def __call__(self, request: Request) -> Outcome:
        """Return the inner answer with its fields rewritten, those that a redirect keeps too."""
        outcome = self._inner(request)
        if isinstance(outcome, Foreign):
            return outcome
        return replace(outcome, fields=self._rewritten(outcome.fields, request))
