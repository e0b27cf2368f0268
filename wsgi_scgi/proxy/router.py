"""Which route takes a request: ProxyPass, in the order written, the first that matches."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from ..errors import RequestError
from ..gateway.request import Request
from ..gateway.response import Handler, Outcome
from ..semantics.host import canonical_name, is_among
from ..semantics.path import EncodedSlash, Pattern, Prefix, first_segment


@dataclass(frozen=True, slots=True)
class Route:
    """What it takes and what handles that; None excludes it (``ProxyPass ... !``).

    ``name`` is for the log and error pages; ``hosts`` are names as ``semantics.host.is_among``
    has them, none at all stands for every host.
    """

    name: str
    matcher: Prefix | Pattern
    handler: Handler | None
    hosts: frozenset[str] = frozenset()
    encoded_slash: EncodedSlash = EncodedSlash.REFUSE


class Router:
    """A Handler that gives a request to the first route that matches, else to the fallback.

    A prefix takes only paths with its own first segment, so that of a hundred routes few are
    looked at; expressions, and the prefix ``/``, are looked at for every path.
    """

    def __init__(self, routes: Sequence[Route], fallback: Handler | None = None) -> None:
        self._routes = tuple(routes)
        self._fallback = fallback
        self._has_hosts = any(route.hosts for route in routes)
        self._anywhere = self._routes_for("")
        segments = {_first_segment_of(route) for route in routes} - {""}
        self._by_segment = {segment: self._routes_for(segment) for segment in segments}

    def _routes_for(self, segment: str) -> tuple[Route, ...]:
        """Return the routes, in their order, that may take a path with this first segment."""
        return tuple(route for route in self._routes if _first_segment_of(route) in ("", segment))

    def __call__(self, request: Request) -> Outcome:
        """Raise RequestError (404) if nothing takes the request."""
        path = request.path
        routes, take = self._anywhere, _take
        if self._by_segment:
            routes = self._by_segment.get(first_segment(path), routes)
        if request.has_encoded_slash:  # and so a second path
            routes, take = self._routes, _take_encoded_slash
        host = canonical_name(request.server_name) if self._has_hosts else ""
        handler = self._fallback
        for route in routes:
            if route.hosts and not is_among(host, route.hosts):
                continue
            if take(route, request, path):
                handler = route.handler or handler
                break
        if handler is None:
            raise RequestError(
                f"no route takes the path {request.path!r}",
                status=HTTPStatus.NOT_FOUND,
                public="Nothing is served at this address.",
            )
        return handler(request)


def _first_segment_of(route: Route) -> str:
    return route.matcher.first_segment if isinstance(route.matcher, Prefix) else ""


def _take(route: Route, request: Request, path: str) -> bool:
    match = route.matcher.match(path)
    if match is None:
        return False
    request.take(route.name, path, match)
    return True


def _take_encoded_slash(route: Route, request: Request, path: str) -> bool:
    """Match a path with ``%2F`` as the route's backend would see it.

    An exclusion covers both readings, so that neither way around it is open.
    """
    as_text = request.path_with_encoded_slashes()
    if route.handler is None:
        return _take(route, request, path) or _take(route, request, as_text)
    if route.encoded_slash is EncodedSlash.DECODE:
        return _take(route, request, path)
    if route.encoded_slash is EncodedSlash.KEEP:
        return _take(route, request, as_text)
    if _take(route, request, path) or _take(route, request, as_text):
        raise RequestError(
            "the path contains an encoded slash",
            status=HTTPStatus.NOT_FOUND,
            public="Nothing is served at this address.",
        )
    return False
