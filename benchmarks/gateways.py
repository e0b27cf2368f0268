"""The gateways that are compared: the list at the end has one entry for each row."""

import functools
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import settings
from .processes import Server, on_free_port
from .site import Feature, Site, Transport

OURS = "wsgi-scgi"
"""What the names of our own rows begin with."""
APACHE = "apache"
NGINX = "nginx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One row.

    ``start`` takes the site and an empty directory, and returns a server that listens.
    ``missing`` says why there can be no numbers, "" if there can.  ``features`` is what it can do
    beside answering small requests.
    """

    name: str
    title: str
    start: Callable[[Site, Path], Server]
    missing: Callable[[Site], str]
    features: frozenset[Feature] = frozenset(Feature)


_FORWARDER = frozenset({Feature.FORWARDING, Feature.ACCESS_LOG})
_HELLO = frozenset({Feature.ACCESS_LOG})


def find_program(name: str) -> str:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or ""


def _needs_program(name: str) -> Callable[[Site], str]:
    return lambda _site: "" if find_program(name) else f"{name} is not installed"


def _needs_module(name: str) -> Callable[[Site], str]:
    return lambda _site: "" if importlib.util.find_spec(name) else f"{name} is not installed"


def _nothing_missing(_site: Site) -> str:
    return ""


def _start_apache(site: Site, directory: Path) -> Server:
    path = directory / "httpd.conf"

    def start(port: int) -> Server:
        path.write_text(settings.apache(site, directory, port))
        command = (find_program("apache2"), "-f", str(path), "-DFOREGROUND")
        return Server(command, directory, port=port)

    return on_free_port(start)


def _start_nginx(site: Site, directory: Path) -> Server:
    path = directory / "nginx.conf"

    def start(port: int) -> Server:
        path.write_text(settings.nginx(site, directory, port))
        errors = str(directory / "error.log")
        command = (find_program("nginx"), "-p", str(directory), "-c", str(path), "-e", errors)
        return Server(command, directory, port=port)

    return on_free_port(start)


def _start_lighttpd(site: Site, directory: Path) -> Server:
    path = directory / "lighttpd.conf"

    def start(port: int) -> Server:
        path.write_text(settings.lighttpd(site, directory, port))
        return Server((find_program("lighttpd"), "-D", "-f", str(path)), directory, port=port)

    return on_free_port(start)


def _wait_for_python(command: list[str], directory: Path) -> Server:
    server = Server([sys.executable, *command], directory, port=0)
    server.wait_listening()
    return server


def _serve(worker_class: str) -> Callable[[Site, Path], Server]:
    """Return a starter of this gateway with one of the worker classes."""

    def start(site: Site, directory: Path) -> Server:
        path = directory / "gateway.toml"
        path.write_text(settings.gateway_toml(site, directory, worker_class))
        return _wait_for_python(["-m", "wsgi_scgi", "serve", "-c", str(path)], directory)

    return start


def _gunicorn(
    application: Callable[[Site], str], *, parser: str = "python", worker_class: str = "gevent"
) -> Callable[[Site, Path], Server]:
    """Return a starter of gunicorn with an application, in its gevent worker or another.

    ``parser`` is gunicorn's ``http_parser``; ``wsgi-scgi serve`` uses the one in Python.
    """

    def start(site: Site, directory: Path) -> Server:
        path = directory / "gunicorn.conf.py"
        lines = [
            f"{name} = {value!r}\n" for name, value in settings.gunicorn(site, directory).items()
        ]
        lines.append(f'worker_class = "{worker_class}"\nhttp_parser = "{parser}"\n')
        path.write_text("".join(lines))
        command = ["-m", "gunicorn", "-c", str(path), application(site)]
        return _wait_for_python(command, directory)

    return start


def _factory(module: str) -> Callable[[Site], str]:
    """Return what names ``tcp`` or ``unix`` of a module of ours, for the site's backend."""

    def expression(site: Site) -> str:
        if site.transport is Transport.UNIX:
            return f"benchmarks.{module}:unix({str(site.backend.socket)!r})"
        return f"benchmarks.{module}:tcp({site.backend.port})"

    return expression


def _flup_missing(site: Site) -> str:
    if importlib.util.find_spec("flup") is None:
        return "flup is not installed"
    return _what_flup_lacks(site.backend.port)


@functools.cache
def _what_flup_lacks(port: int) -> str:
    command = [sys.executable, "-m", "benchmarks.flup_client", str(port)]
    checkout = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60)
    reason = (done.stdout + done.stderr).strip()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"does not work on Python {version}: {reason}" if reason else ""


GATEWAYS = (
    Gateway(
        name="wsgi-scgi",
        title="wsgi-scgi, GatewayWorker",
        start=_serve("wsgi_scgi.worker.GatewayWorker"),
        missing=_nothing_missing,
    ),
    Gateway(
        name="wsgi-scgi-gevent",
        title="wsgi-scgi, gunicorn's gevent worker",
        start=_serve("gevent"),
        missing=_nothing_missing,
    ),
    Gateway(
        name="naive",
        title="naive forwarder, gunicorn gevent",
        start=_gunicorn(_factory("naive_forwarder")),
        missing=_nothing_missing,
        features=_FORWARDER,
    ),
    Gateway(
        name="flup",
        title="flup's client, gunicorn gevent",
        start=_gunicorn(_factory("flup_client")),
        missing=_flup_missing,
        features=_FORWARDER,
    ),
    Gateway(
        name="hello",
        title="hello, no backend, gunicorn gevent",
        start=_gunicorn(lambda _site: "benchmarks.hello:application"),
        missing=_nothing_missing,
        features=_HELLO,
    ),
    Gateway(
        name="hello-gateway-worker",
        title="hello, no backend, GatewayWorker",
        start=_gunicorn(
            lambda _site: "benchmarks.hello:application",
            worker_class="wsgi_scgi.worker.GatewayWorker",
        ),
        missing=_nothing_missing,
        features=_HELLO,
    ),
    Gateway(
        name="hello-c-parser",
        title="hello, gunicorn gevent, C parser",
        start=_gunicorn(lambda _site: "benchmarks.hello:application", parser="fast"),
        missing=_needs_module("gunicorn_h1c"),
        features=_HELLO,
    ),
    Gateway(
        name=APACHE,
        title="Apache, event MPM",
        start=_start_apache,
        missing=_needs_program("apache2"),
    ),
    Gateway(
        name=NGINX,
        title="nginx",
        start=_start_nginx,
        missing=_needs_program("nginx"),
    ),
    Gateway(
        name="lighttpd",
        title="lighttpd",
        start=_start_lighttpd,
        missing=_needs_program("lighttpd"),
    ),
)
"""A new row is a new entry: for another worker class, ``_serve`` with its name."""
