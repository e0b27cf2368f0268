"""``[[route]]``: from the tables of a document to routes."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

from ..address import BackendURL, BalancerURL, parse_backend_url, parse_balancer_url
from ..errors import AddressError
from ..semantics.host import canonical_name
from ..semantics.path import Pattern, Prefix
from .configuration import Route
from .findings import Findings
from .kinds import Switch, Text, describe
from .lines import KeyPath
from .options import OPTIONS, RouteOptions

_ROUTE_KEYS = ("path", "match", "host", "exclude", "backend")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")


class RouteReader:
    """Check routes table by table; ``balancers`` are the names that they may use."""

    def __init__(self, findings: Findings, balancers: Collection[str]) -> None:
        self._findings = findings
        self._balancers = balancers
        self._wrong = findings.wrong

    def routes(self, raw: object) -> Iterator[tuple[KeyPath, Route]]:
        """Yield the routes that are right, each with its place."""
        tables = self._findings.tables(("route",), raw)
        if tables is None:
            return
        if not tables:
            text = "there is none, so nothing is served; write [[route]] with path and backend"
            self._wrong(("route",), text)
        for number, table in enumerate(tables):
            at = ("route", number)
            route = self._route(at, table)
            if route is not None:
                yield at, route

    def _route(self, at: KeyPath, table: Mapping[str, object]) -> Route | None:
        """Return the route, or None where a mistake left nothing to talk about."""
        found = len(self._findings.mistakes)
        self._findings.refuse_unknown(at, table, (*_ROUTE_KEYS, *OPTIONS))
        path = self._path(at, table)
        match = self._match(at, table)
        host = self._host(at, table)
        exclude = self._exclude(at, table)
        backend = self._backend(at, table)
        if exclude:
            for key in ("backend", *OPTIONS):
                if key in table:
                    self._wrong((*at, key), "an excluded route has a path, match or host only")
        elif "backend" not in table and "exclude" not in table:
            self._wrong(at, "has neither a backend nor exclude = true")
        elif "backend" not in table:
            self._wrong((*at, "exclude"), "false needs a backend in the same route")
        options = self._options(at, table)
        if len(self._findings.mistakes) > found:
            return None
        return Route(
            path=path, match=match, host=host, exclude=exclude, backend=backend, options=options
        )

    def _path(self, at: KeyPath, table: Mapping[str, object]) -> str:
        if "path" not in table:
            if "match" not in table:
                text = "is missing; the route needs one, or match; / takes every request"
                self._wrong((*at, "path"), text)
            return ""
        try:
            path = Text().parse(table["path"])
            Prefix(path)
        except ValueError as error:
            self._wrong((*at, "path"), f'{error}; allowed: a path like "/app/"')
            return ""
        return path

    def _match(self, at: KeyPath, table: Mapping[str, object]) -> str:
        if "match" not in table:
            return ""
        backend = self._backend(at, table, tell=False)
        try:
            if "path" in table:
                raise ValueError("stands beside path")
            match = Text().parse(table["match"])
            if not match:
                raise ValueError("is empty")
            Pattern(match, backend.path if backend is not None else "/")
        except ValueError as error:
            allowed = 'a regular expression like "^/user/([a-z]+)$", instead of path'
            self._wrong((*at, "match"), f"{error}; allowed: {allowed}")
            return ""
        return match

    def _host(self, at: KeyPath, table: Mapping[str, object]) -> tuple[str, ...]:
        if "host" not in table:
            return ()
        raw = table["host"]
        names = raw if isinstance(raw, list | tuple) else [raw]
        try:
            if not names:
                raise ValueError("an empty array would be every host")
            return tuple(_host_name(name) for name in names)
        except ValueError as error:
            text = 'an array of names like "example.org" or "*.example.org"'
            self._wrong((*at, "host"), f"{error}; allowed: {text}")
            return ()

    def _exclude(self, at: KeyPath, table: Mapping[str, object]) -> bool:
        try:
            return Switch().parse(table.get("exclude", False))
        except ValueError as error:
            self._wrong((*at, "exclude"), f"{error}; allowed: {Switch().allowed}")
            return False

    def _backend(
        self, at: KeyPath, table: Mapping[str, object], *, tell: bool = True
    ) -> BackendURL | BalancerURL | None:
        if "backend" not in table:
            return None
        url = table["backend"]
        try:
            if not isinstance(url, str):
                raise AddressError("is not a string; write scgi://host:port/")
            return self._balancer(url) or parse_backend_url(url)
        except AddressError as error:
            if tell:
                self._wrong((*at, "backend"), str(error))
            return None

    def _options(self, at: KeyPath, table: Mapping[str, object]) -> RouteOptions:
        values = {name: table[name] for name in OPTIONS if name in table}
        return self._findings.options(at, RouteOptions, values) or RouteOptions()

    def _balancer(self, url: str) -> BalancerURL | None:
        """Return the balancer that a URL names; None for one of a backend."""
        balancer = parse_balancer_url(url)
        if balancer is not None and balancer.name not in self._balancers:
            nearest = difflib.get_close_matches(balancer.name, self._balancers, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"write [balancer.{balancer.name}]"
            raise AddressError(f"there is no balancer {balancer.name}; {hint}")
        return balancer


def _host_name(raw: object) -> str:
    if not isinstance(raw, str) or not _HOST.fullmatch(raw):
        raise ValueError(f"{describe(raw)} is not the name of a host")
    return canonical_name(raw)
