"""Apache configurations as text, for the tests of the conversion."""

import tempfile
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from wsgi_scgi.config.file import parse_configuration
from wsgi_scgi.convert import convert
from wsgi_scgi.convert.directive import Directive
from wsgi_scgi.convert.ledger import Ledger
from wsgi_scgi.convert.reading import read_configuration
from wsgi_scgi.convert.routing import Server
from wsgi_scgi.convert.server_block import ServerBlock, blocks

FILE = "httpd.conf"


def directives(
    text: str, *, given: Collection[str] | None = (), environment: Mapping[str, str] | None = None
) -> tuple[Directive, ...]:
    """Return what the reader makes of one file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, FILE)
        path.write_text(text)
        return read_configuration(path, given=given, environment=environment or {}).directives


def only(text: str) -> Directive:
    """Return the one directive of a text."""
    (directive,) = directives(text)
    return directive


def server_blocks(text: str) -> tuple[ServerBlock, tuple[ServerBlock, ...]]:
    """Return the main server and the virtual hosts of a text."""
    return blocks(directives(text, given=None))


def main_server(text: str) -> Server:
    """Return what answers where there are no virtual hosts."""
    main, _ = server_blocks(text)
    return Server((main,), "/etc/apache2", Ledger())


def converted(
    text: str,
    *,
    given: Collection[str] | None = None,
    parse: Callable[[str, str], object] = parse_configuration,
) -> str:
    """Return the TOML for a text."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, FILE)
        path.write_text(text)
        toml = convert(path, given=given, environment={}, parse=parse)
        return toml.replace(f"{directory}/", "")


def routes(text: str, **options: Any) -> list[dict[str, Any]]:
    """Return the routes in the TOML for a text."""
    found = tomllib.loads(converted(text, **options)).get("route", [])
    assert isinstance(found, list)
    return found


def anything(text: str, name: str) -> object:
    """Stand for a reader that knows every key there will ever be."""
    del name
    return tomllib.loads(text)
