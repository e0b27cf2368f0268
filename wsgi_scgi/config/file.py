"""gateway.toml: ``[server]`` with gunicorn's settings, ``[[route]]`` in the order of matching.

Every mistake is found in one go and told as ``FILE:LINE: key: what is wrong, what is allowed``.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..address import BackendURL, parse_backend_url
from ..errors import AddressError, ConfigurationError
from ..semantics.path import Prefix
from .configuration import Configuration, Route, Source, path_info_warning
from .kinds import Switch, Text, str_as_text
from .lines import KeyPath, key_lines
from .mistakes import InvalidConfiguration, Mistake, unknown_key
from .options import OPTIONS, RouteOptions
from .server import setting_mistakes

__all__ = ["Configuration", "Route", "load_configuration", "parse_configuration"]

_TABLES = ("server", "route")
_ROUTE_KEYS = ("path", "exclude", "backend")
_WRITTEN_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


def load_configuration(path: str | os.PathLike[str], *, directory: str = "") -> Configuration:
    """Read and check a file; a relative path is below ``directory``, by default the current one.

    Raises ConfigurationError where it cannot be read, InvalidConfiguration with every mistake.
    """
    name = os.fspath(path)
    try:
        data = Path(directory, name).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {name}: {error.strerror}") from error
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = Mistake("syntax", "the file is not UTF-8", name, line)
        raise InvalidConfiguration([wrong]) from error
    return parse_configuration(text, name)


def parse_configuration(text: str, name: str) -> Configuration:
    """Check the text of a file; ``name`` is for the mistakes.

    Raises InvalidConfiguration with every mistake.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfiguration([_syntax_mistake(error, text, name)]) from error
    reader = _Reader(Source(name, key_lines(text)))
    configuration = reader.read(document)
    if reader.mistakes:
        raise InvalidConfiguration(sorted(reader.mistakes, key=lambda mistake: mistake.line))
    return configuration


def _syntax_mistake(error: tomllib.TOMLDecodeError, text: str, name: str) -> Mistake:
    """Return what tomllib says, with its place as everywhere."""
    message = str(error)
    place = _WRITTEN_AT.search(message)
    last = text.count("\n") + (not text.endswith("\n"))
    line = int(place[1]) if place and place[1] else last
    cause = _WRITTEN_AT.sub("", message)
    return Mistake("syntax", f"{cause[:1].lower()}{cause[1:]}", name, line)


class _Reader:
    """Check a document table by table and collect what is wrong with it."""

    def __init__(self, source: Source) -> None:
        self.mistakes: list[Mistake] = []
        self._source = source

    def read(self, document: Mapping[str, object]) -> Configuration:
        for key in document.keys() - set(_TABLES):
            self._wrong((key,), unknown_key(key, _TABLES))
        server = self._server(document.get("server", {}))
        routes = tuple(self._routes(document.get("route", [])))
        return Configuration(
            server=MappingProxyType(server),
            routes=tuple(route for _, route in routes),
            source=self._source,
            warnings=tuple(self._warnings(routes)),
        )

    def _wrong(self, path: KeyPath, text: str) -> None:
        self.mistakes.append(self._source.mistake(path, text))

    def _server(self, table: object) -> dict[str, object]:
        if not isinstance(table, dict):
            self._wrong(("server",), "is a table; write [server]")
            return {}
        for name, text in setting_mistakes(table):
            self._wrong(("server", name), text)
        return table

    def _routes(self, tables: object) -> Iterator[tuple[int, Route]]:
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._wrong(("route",), "is a list of tables; write [[route]]")
            return
        if not tables:
            text = "there is none, so nothing is served; write [[route]] with path and backend"
            self._wrong(("route",), text)
        for number, table in enumerate(tables):
            route = self._route(("route", number), table)
            if route is not None:
                yield number, route

    def _route(self, at: KeyPath, table: Mapping[str, object]) -> Route | None:
        """Return the route, or None where a mistake left nothing to talk about."""
        found = len(self.mistakes)
        known = (*_ROUTE_KEYS, *OPTIONS)
        for key in table.keys() - set(known):
            self._wrong((*at, key), unknown_key(key, known))
        path = self._path(at, table)
        exclude = self._exclude(at, table)
        backend = self._backend(at, table)
        if exclude:
            for key in table.keys() & {"backend", *OPTIONS}:
                self._wrong((*at, key), "an excluded route has a path and nothing else")
        elif "backend" not in table and "exclude" not in table:
            self._wrong(at, "has neither a backend nor exclude = true")
        elif "backend" not in table:
            self._wrong((*at, "exclude"), "false needs a backend in the same route")
        options = self._options(at, table)
        if len(self.mistakes) > found:
            return None
        return Route(path=path, exclude=exclude, backend=backend, options=options)

    def _path(self, at: KeyPath, table: Mapping[str, object]) -> str:
        if "path" not in table:
            self._wrong((*at, "path"), "is missing; the route needs one, / takes every request")
            return ""
        try:
            path = Text().parse(table["path"])
            Prefix(path)
        except ValueError as error:
            self._wrong((*at, "path"), f'{error}; allowed: a path like "/app/"')
            return ""
        return path

    def _exclude(self, at: KeyPath, table: Mapping[str, object]) -> bool:
        try:
            return Switch().parse(table.get("exclude", False))
        except ValueError as error:
            self._wrong((*at, "exclude"), f"{error}; allowed: {Switch().allowed}")
            return False

    def _backend(self, at: KeyPath, table: Mapping[str, object]) -> BackendURL | None:
        if "backend" not in table:
            return None
        url = table["backend"]
        try:
            if not isinstance(url, str):
                raise AddressError("is not a string; write scgi://host:port/")
            return parse_backend_url(url)
        except AddressError as error:
            self._wrong((*at, "backend"), str(error))
            return None

    def _options(self, at: KeyPath, table: Mapping[str, object]) -> RouteOptions:
        values: dict[str, Any] = {name: table[name] for name in OPTIONS if name in table}
        try:
            return RouteOptions.from_values(values)
        except InvalidConfiguration as error:
            for mistake in error.mistakes:
                self._wrong((*at, *mistake.key.split(".", 1)), mistake.text)
            return RouteOptions()

    def _warnings(self, routes: tuple[tuple[int, Route], ...]) -> Iterator[Mistake]:
        earlier: list[Route] = []
        for number, route in routes:
            at: KeyPath = ("route", number)
            taker = next((one for one in earlier if _takes_all(one, route)), None)
            if taker is not None:
                above = str_as_text(taker.path)
                yield self._warning(
                    (*at, "path"), f"never matches: {above} stands above and takes all of it"
                )
            text = path_info_warning(route)
            if text:
                yield self._warning((*at, "backend"), text)
            earlier.append(route)

    def _warning(self, path: KeyPath, text: str) -> Mistake:
        return self._source.mistake(path, f"warning: {text}")


def _takes_all(earlier: Route, later: Route) -> bool:
    """Tell whether ``earlier`` matches the shortest path that ``later`` matches, hence all."""
    return Prefix(earlier.path).match(later.path) is not None
