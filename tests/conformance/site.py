"""The sites that the tables run on: each a set of routes, written for every gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance import cases, peer_routes, routes
from tests.conformance.case import Case
from tests.conformance.routes import Places, Where

_DIRECTORY = Path(__file__).parent / "sites"


@dataclass(frozen=True, slots=True)
class Site:
    """Routes in the words of each gateway, and the cases that are run on them.

    ``texts`` has what each configuration file says, by its name: gateway.toml, httpd.conf,
    nginx.conf, lighttpd.conf; a peer without one is not asked.  With an application.py the
    gateway is the WSGI application ``application`` of this module, else it is served alone.
    ``modules`` are Apache's.
    """

    name: str
    cases: Sequence[Case]
    texts: Mapping[str, Callable[[Places], str]]
    modules: Sequence[str] = ()
    has_application: bool = field(default=False)


def _template(path: Path) -> Callable[[Places], str]:
    text = path.read_text()

    def fill(places: Places) -> str:
        filled = text.replace("@parameters@", peer_routes.NGINX_PARAMETERS)
        for name, value in _words(places).items():
            filled = filled.replace(f"@{name}@", value)
        return filled

    return fill


def _words(places: Places) -> dict[str, str]:
    return {
        "tcp": places.authority(Where.TCP),
        "port": str(places.port[Where.TCP]),
        "refused": places.authority(Where.REFUSED),
        "socket": places.socket[Where.SOCKET],
        "nosocket": places.socket[Where.NO_SOCKET],
        "directory": str(places.directory),
        "files": str(places.directory / "files"),
    }


def _written(name: str, cases: Sequence[Case], modules: Sequence[str] = ()) -> Site:
    """Return the site whose configuration lies in the directory ``name``."""
    texts = {path.name: _template(path) for path in (_DIRECTORY / name).iterdir() if path.is_file()}
    return Site(name, cases, texts, modules, "application.py" in texts)


FORWARDING = Site(
    "forwarding",
    cases.FORWARDING,
    {
        "gateway.toml": routes.as_toml,
        "httpd.conf": peer_routes.as_apache,
        "nginx.conf": peer_routes.as_nginx,
        "lighttpd.conf": peer_routes.as_lighttpd,
    },
)
STEPS = _written("steps", cases.STEPS)
FALLBACK = _written("fallback", cases.FALLBACK, ("alias", "dir", "mime"))
SITES = (FORWARDING, STEPS, FALLBACK)
