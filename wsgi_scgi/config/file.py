"""gateway.toml: gunicorn's settings, routes in the order of matching, balancers.

Every mistake is found in one go and told as ``FILE:LINE: key: what is wrong, what is allowed``.
A program may give the same structure as a mapping.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ..errors import ConfigurationError
from .advice import advice_on
from .balancer_advice import advice_on_admin, advice_on_balancers
from .balancer_options import AdminOptions, StateOptions
from .balancer_tables import read_balancers
from .configuration import Configuration, Route, Source
from .findings import AnyTable, Findings
from .lines import key_lines
from .mistakes import InvalidConfiguration, Mistake
from .route_tables import RouteReader
from .server import setting_mistakes

__all__ = [
    "Configuration",
    "Route",
    "configuration_from",
    "load_configuration",
    "parse_configuration",
]

_TABLES = ("route", "balancer", "state", "admin")
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
    findings = Findings(Source(name, key_lines(text)))
    configuration = _Reader(findings).read(document, known=("server", *_TABLES))
    if findings.mistakes:
        raise InvalidConfiguration(sorted(findings.mistakes, key=lambda mistake: mistake.line))
    return configuration


def configuration_from(mapping: Mapping[str, object]) -> Configuration:
    """Check a mapping with the structure of a file: ``{"route": [{"path": "/", ...}, ...]}``.

    It has no ``server``: whoever calls the application runs the server too.  Raises
    InvalidConfiguration with every mistake, told by keys like ``route[0].path``.
    """
    findings = Findings(Source())
    if "server" in mapping:
        findings.wrong(("server",), "is for wsgi-scgi serve; here nobody would read it")
    tables = {key: value for key, value in mapping.items() if key != "server"}
    configuration = _Reader(findings).read(tables, known=_TABLES)
    if findings.mistakes:
        raise InvalidConfiguration(findings.mistakes)
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
    """Check a document table by table."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def read(self, document: Mapping[str, object], *, known: Sequence[str]) -> Configuration:
        """Return the configuration, as far as it is right."""
        self._findings.refuse_unknown((), document, known)
        server = self._server(document.get("server", {}))
        found = read_balancers(document.get("balancer", {}), self._findings)
        balancers = {name: balancer for name, balancer in found.items() if balancer is not None}
        reader = RouteReader(self._findings, frozenset(found))
        routes = tuple(reader.routes(document.get("route", [])))
        state = self._table("state", StateOptions, document)
        admin = self._table("admin", AdminOptions, document) if "admin" in document else None
        source = self._findings.source
        advice = (
            *advice_on(routes),
            *advice_on_balancers(balancers, routes),
            *advice_on_admin(admin, routes),
        )
        return Configuration(
            server=MappingProxyType(server),
            routes=tuple(route for _, route in routes),
            balancers=MappingProxyType(balancers),
            share=state.share if state is not None else "",
            admin=admin,
            source=source,
            warnings=tuple(source.mistake(path, f"warning: {text}") for path, text in advice),
        )

    def _table(
        self, name: str, kind: type[AnyTable], document: Mapping[str, object]
    ) -> AnyTable | None:
        table = self._findings.table((name,), document.get(name, {}))
        return None if table is None else self._findings.options((name,), kind, table)

    def _server(self, table: object) -> dict[str, object]:
        if not isinstance(table, dict):
            self._findings.wrong(("server",), "is a table; write [server]")
            return {}
        for name, text in setting_mistakes(table):
            self._findings.wrong(("server", name), text)
        return table
