"""gateway.toml: ``[server]`` with gunicorn's settings, ``[[route]]`` in the order of matching.

Every mistake is found in one go and told as ``FILE:LINE: key: what is wrong, what is allowed``.
A program may give the same structure as a mapping.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..address import BackendURL, parse_backend_url
from ..errors import AddressError, ConfigurationError
from ..semantics.host import canonical_name
from ..semantics.path import Pattern, Prefix
from .advice import advice_on
from .configuration import Configuration, Route, Source
from .kinds import Switch, Text, describe
from .lines import KeyPath, key_lines
from .mistakes import InvalidConfiguration, Mistake, unknown_key
from .options import OPTIONS, RouteOptions
from .server import setting_mistakes

__all__ = [
    "Configuration",
    "Route",
    "configuration_from",
    "load_configuration",
    "parse_configuration",
]

_ROUTE_KEYS = ("path", "match", "host", "exclude", "backend")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
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
    configuration = reader.read(document, known=("server", "route"))
    if reader.mistakes:
        raise InvalidConfiguration(sorted(reader.mistakes, key=lambda mistake: mistake.line))
    return configuration


def configuration_from(mapping: Mapping[str, object]) -> Configuration:
    """Check a mapping with the structure of a file: ``{"route": [{"path": "/", ...}, ...]}``.

    It has no ``server``: whoever calls the application runs the server too.  Raises
    InvalidConfiguration with every mistake, told by keys like ``route[0].path``.
    """
    reader = _Reader(Source())
    if "server" in mapping:
        reader.wrong(("server",), "is for wsgi-scgi serve; here nobody would read it")
    tables = {key: value for key, value in mapping.items() if key != "server"}
    configuration = reader.read(tables, known=("route",))
    if reader.mistakes:
        raise InvalidConfiguration(reader.mistakes)
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

    def read(self, document: Mapping[str, object], *, known: Sequence[str]) -> Configuration:
        self._refuse_unknown((), document, known)
        server = self._server(document.get("server", {}))
        routes = tuple(self._routes(document.get("route", [])))
        return Configuration(
            server=MappingProxyType(server),
            routes=tuple(route for _, route in routes),
            source=self._source,
            warnings=tuple(
                self._source.mistake(path, f"warning: {text}") for path, text in advice_on(routes)
            ),
        )

    def wrong(self, path: KeyPath, text: str) -> None:
        self.mistakes.append(self._source.mistake(path, text))

    def _refuse_unknown(
        self, at: KeyPath, table: Mapping[str, object], known: Sequence[str]
    ) -> None:
        for key in map(str, table):
            if key not in known:
                self.wrong((*at, key), unknown_key(key, known))

    def _server(self, table: object) -> dict[str, object]:
        if not isinstance(table, dict):
            self.wrong(("server",), "is a table; write [server]")
            return {}
        for name, text in setting_mistakes(table):
            self.wrong(("server", name), text)
        return table

    def _routes(self, tables: object) -> Iterator[tuple[KeyPath, Route]]:
        if not isinstance(tables, list | tuple) or not all(
            isinstance(table, Mapping) for table in tables
        ):
            self.wrong(("route",), "is a list of tables; write [[route]]")
            return
        if not tables:
            text = "there is none, so nothing is served; write [[route]] with path and backend"
            self.wrong(("route",), text)
        for number, table in enumerate(tables):
            at = ("route", number)
            route = self._route(at, table)
            if route is not None:
                yield at, route

    def _route(self, at: KeyPath, table: Mapping[str, object]) -> Route | None:
        """Return the route, or None where a mistake left nothing to talk about."""
        found = len(self.mistakes)
        self._refuse_unknown(at, table, (*_ROUTE_KEYS, *OPTIONS))
        path = self._path(at, table)
        match = self._match(at, table)
        host = self._host(at, table)
        exclude = self._exclude(at, table)
        backend = self._backend(at, table)
        if exclude:
            for key in ("backend", *OPTIONS):
                if key in table:
                    self.wrong((*at, key), "an excluded route has a path, match or host only")
        elif "backend" not in table and "exclude" not in table:
            self.wrong(at, "has neither a backend nor exclude = true")
        elif "backend" not in table:
            self.wrong((*at, "exclude"), "false needs a backend in the same route")
        options = self._options(at, table)
        if len(self.mistakes) > found:
            return None
        return Route(
            path=path, match=match, host=host, exclude=exclude, backend=backend, options=options
        )

    def _path(self, at: KeyPath, table: Mapping[str, object]) -> str:
        if "path" not in table:
            if "match" not in table:
                text = "is missing; the route needs one, or match; / takes every request"
                self.wrong((*at, "path"), text)
            return ""
        try:
            path = Text().parse(table["path"])
            Prefix(path)
        except ValueError as error:
            self.wrong((*at, "path"), f'{error}; allowed: a path like "/app/"')
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
            self.wrong((*at, "match"), f"{error}; allowed: {allowed}")
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
            self.wrong((*at, "host"), f"{error}; allowed: {text}")
            return ()

    def _exclude(self, at: KeyPath, table: Mapping[str, object]) -> bool:
        try:
            return Switch().parse(table.get("exclude", False))
        except ValueError as error:
            self.wrong((*at, "exclude"), f"{error}; allowed: {Switch().allowed}")
            return False

    def _backend(
        self, at: KeyPath, table: Mapping[str, object], *, tell: bool = True
    ) -> BackendURL | None:
        if "backend" not in table:
            return None
        url = table["backend"]
        try:
            if not isinstance(url, str):
                raise AddressError("is not a string; write scgi://host:port/")
            return parse_backend_url(url)
        except AddressError as error:
            if tell:
                self.wrong((*at, "backend"), str(error))
            return None

    def _options(self, at: KeyPath, table: Mapping[str, object]) -> RouteOptions:
        values: dict[str, Any] = {name: table[name] for name in OPTIONS if name in table}
        try:
            return RouteOptions.from_values(values)
        except InvalidConfiguration as error:
            for mistake in error.mistakes:
                self.wrong((*at, *mistake.key.split(".", 1)), mistake.text)
            return RouteOptions()


def _host_name(raw: object) -> str:
    if not isinstance(raw, str) or not _HOST.fullmatch(raw):
        raise ValueError(f"{describe(raw)} is not the name of a host")
    return canonical_name(raw)
