"""Every gateway of the table, started with the same routes to a backend of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.conformance.case import Case, Outcome
from tests.conformance.files import SECRET, make_files
from tests.conformance.routes import Places
from tests.conformance.run import run
from tests.conformance.site import Site
from tests.kit import gateways, peers
from tests.kit.backend import Backend
from tests.kit.gateways import Gateway


@dataclass(frozen=True, slots=True)
class Front:
    """A running gateway and the backend behind it."""

    gateway: Gateway
    backend: Backend
    places: Places

    def run(self, case: Case, *, bound: float) -> Outcome:
        """Run one case; ``bound`` (seconds) limits each single wait."""
        outcome = run(case, self.gateway.address, self.backend, bound=bound)
        private = (self.places.directory.name.encode(), SECRET)
        return replace(outcome, secrets=self.places.secrets, private=private)


Start = Callable[[Path, Places, Site], Gateway]


def _apache(directory: Path, places: Places, site: Site) -> Gateway:
    text = site.texts["httpd.conf"](places)
    return gateways.start_apache(directory, text, modules=site.modules)


def _nginx(directory: Path, places: Places, site: Site) -> Gateway:
    return gateways.start_nginx(directory, site.texts["nginx.conf"](places))


def _lighttpd(directory: Path, places: Places, site: Site) -> Gateway:
    return gateways.start_lighttpd(directory, site.texts["lighttpd.conf"](places))


def _ours(worker_class: str, *more: str) -> Start:
    """Start the site as a user does: ``serve``, or gunicorn with the site's own application.

    ``more`` are lines of the table [server], where it is ``serve``.
    """

    def start(directory: Path, places: Places, site: Site) -> Gateway:
        path = directory / "gateway.toml"
        routes = site.texts["gateway.toml"](places)
        if site.has_application:
            path.write_text(routes)
            (directory / "application.py").write_text(site.texts["application.py"](places))
            return gateways.start_gunicorn(directory, "application:application", worker_class)
        settings = ["[server]", 'bind = "127.0.0.1:0"', f'worker_class = "{worker_class}"']
        if worker_class == "gthread":
            settings.append("threads = 16")
        settings += ["control_socket_disable = true", "graceful_timeout = 2", *more]
        path.write_text("\n".join(settings) + "\n\n" + routes)
        return gateways.start_serve(directory, ("-c", str(path)))

    return start


def _gunicorn(worker_class: str) -> Start:
    def start(directory: Path, places: Places, site: Site) -> Gateway:
        (directory / "gateway.toml").write_text(site.texts["gateway.toml"](places))
        application = 'wsgi_scgi:from_toml("gateway.toml")'
        return gateways.start_gunicorn(directory, application, worker_class)

    return start


def _python_server(kind: str) -> Start:
    def start(directory: Path, places: Places, site: Site) -> Gateway:
        (directory / "gateway.toml").write_text(site.texts["gateway.toml"](places))
        code = 'import wsgi_scgi\napplication = wsgi_scgi.from_toml("gateway.toml")'
        return gateways.start_python_server(directory, kind, code)

    return start


PEERS: dict[str, Start] = {"Apache": _apache, "nginx": _nginx, "lighttpd": _lighttpd}
_PROGRAMS = {"Apache": "apache2", "nginx": "nginx", "lighttpd": "lighttpd"}
_CONFIGURATIONS = {"Apache": "httpd.conf", "nginx": "nginx.conf", "lighttpd": "lighttpd.conf"}
_WORKERS = {
    "gateway": "wsgi_scgi.worker.GatewayWorker",
    "gevent": "gevent",
    "gthread": "gthread",
}
OURS: dict[str, Start] = {name: _ours(worker) for name, worker in _WORKERS.items()}
# They wait for the next request of a client that first has to deal with the last response.
PATIENT: dict[str, Start] = {
    name: _ours(worker, "keepalive = 60") for name, worker in _WORKERS.items()
}
# Other servers that the application has to work in.
SERVERS: dict[str, Start] = {
    "gunicorn sync": _gunicorn("sync"),
    "gunicorn gevent_pywsgi": _gunicorn("gevent_pywsgi"),
    "waitress": _python_server("waitress"),
    "wsgiref": _python_server("wsgiref"),
}

# What a server itself makes impossible, by server and case.
IMPOSSIBLE: dict[str, dict[str, str]] = {
    "gunicorn sync": {
        "a_complete_response_leaves_the_connection_usable": "it closes after each response",
    },
    "waitress": {
        "a_client_that_sends_less_than_it_said_gets_400": "it drops such a request itself",
    },
    "wsgiref": {
        "the_variables_of_a_plain_request": "it knows no REMOTE_PORT and invents a CONTENT_TYPE",
        "a_chunked_body_gets_its_true_length": "it knows no chunked requests; they are 411",
        "a_complete_response_leaves_the_connection_usable": "it closes after each response",
        "a_reset_inside_the_body_is_visible": "its bodies end at the close, however it happens",
    },
}


def installed_peers() -> list[str]:
    """Return the names of the peers that this machine has."""
    return [name for name, program in _PROGRAMS.items() if peers.find(program) is not None]


def cases_of(name: str, site: Site) -> list[Case]:
    """Return the cases of ``site`` that the gateway ``name`` has the features for."""
    if name not in PEERS:
        return list(site.cases)
    if _CONFIGURATIONS[name] not in site.texts:
        return []
    return [case for case in site.cases if name in case.peers]


def require_peer(name: str) -> None:
    """Skip the test, or fail it on CI, if the peer ``name`` is not installed."""
    peers.require(_PROGRAMS[name], f"install {_PROGRAMS[name]}")


@contextmanager
def started(start: Start, site: Site) -> Iterator[Front]:
    """Start a gateway for ``site`` with a backend of its own, and stop both."""
    directory = gateways.new_directory()
    try:
        with Backend() as backend:
            places = Places(backend, directory)
            make_files(directory)
            try:
                with start(directory, places, site) as gateway:
                    yield Front(gateway, backend, places)
            finally:
                places.close()
    finally:
        gateways.remove_directory(directory)
