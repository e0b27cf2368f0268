"""The application that ``wsgi-scgi app`` serves in the tests; the servers in front of it.

Each server gets two routes: ``/`` as whoever reads no documentation writes it, and ``/app/`` with
the mount told apart from the rest of the path, where the server can do that right: Apache with
proxy-scgi-pathinfo sends PATH_INFO percent-encoded, so that --script-name has to.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.peer_routes import NGINX_PARAMETERS
from tests.integration.backends.process import accepts, running
from tests.kit import gateways
from tests.kit.gateways import Gateway

CHECKOUT = Path(__file__).parents[2]

APPLICATION = """
import hashlib, json, os, threading, time

MIB = 1 << 20

def application(environ, start_response):
    answer = ANSWERS[environ["PATH_INFO"].rpartition("/")[2] or "variables"]
    return answer(environ, start_response)

def variables(environ, start_response):
    shown = {name: value for name, value in environ.items() if isinstance(value, str)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(shown).encode()]

def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter(lambda: environ["wsgi.input"].read(65536), b"")

def digest(environ, start_response):
    found = hashlib.sha256()
    while piece := environ["wsgi.input"].read(65536):
        found.update(piece)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [found.hexdigest().encode()]

def large(environ, start_response):
    start_response("200 OK", [("Content-Length", str(20 * MIB))])
    return (bytes([number]) * MIB for number in range(20))

def nothing(environ, start_response):
    start_response("204 No Content", [])
    return []

def unchanged(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"x"')])
    return []

def cookies(environ, start_response):
    start_response("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")])
    return [b"cookies"]

def stream(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain"), ("X-Accel-Buffering", "no")])
    write(b"first ")
    while not os.path.exists("gate"):
        time.sleep(0.01)
    return [b"second"]

class Endless:
    def __iter__(self):
        while True:
            yield b"tick " * 100
            time.sleep(0.01)

    def close(self):
        with open("closed", "w"):
            pass

def endless(environ, start_response):
    start_response("200 OK", [("X-Accel-Buffering", "no")])
    return Endless()

def fails(environ, start_response):
    raise KeyError("on purpose")

ANSWERS = {
    "variables": variables, "echo": echo, "digest": digest, "large": large, "nothing": nothing,
    "unchanged": unchanged, "cookies": cookies, "stream": stream, "endless": endless,
    "fails": fails,
}
"""


@contextmanager
def serving(directory: Path, *arguments: str) -> Iterator[tuple[str, int]]:
    """Run ``wsgi-scgi app`` on a Unix socket in ``directory``; yield its path and the pid."""
    (directory / "application.py").write_text(APPLICATION)
    path = str(directory / "app.sock")
    command = [sys.executable, "-m", "wsgi_scgi", "app", "application", "--bind", "unix:app.sock"]
    # Some of the servers in front have users of their own.
    command += ["--socket-mode", "666", *arguments]
    environment = {"PYTHONPATH": str(CHECKOUT)}
    with running(command, directory, ready=lambda: accepts(path), extra=environment) as process:
        yield path, process.pid


def _nginx(directory: Path, socket: str) -> Gateway:
    return gateways.start_nginx(
        directory,
        f"    client_max_body_size 1g;\n"
        f"    location / {{ {NGINX_PARAMETERS} scgi_pass unix:{socket}; }}\n"
        f"    location ~ ^/app(?<rest>/.*)$ {{\n {NGINX_PARAMETERS}\n"
        "      scgi_param SCRIPT_NAME /app; scgi_param PATH_INFO $rest;\n"
        f"      scgi_pass unix:{socket};\n    }}",
    )


def _apache(directory: Path, socket: str) -> Gateway:
    return gateways.start_apache(
        directory,
        f'ProxyPass "/" "unix:{socket}|scgi://app/"',
    )


def _lighttpd(directory: Path, socket: str) -> Gateway:
    target = f'"socket" => "{socket}", "check-local" => "disable"'
    return gateways.start_lighttpd(
        directory,
        "server.stream-response-body = 2\n"
        f'scgi.server = ( "/app" => (( {target} )),\n'
        f'  "/" => (( {target}, "fix-root-scriptname" => "enable" )) )',
    )


def _serve(directory: Path, socket: str) -> Gateway:
    file = directory / "gateway.toml"
    file.write_text(
        '[server]\nbind = "127.0.0.1:0"\ncontrol_socket_disable = true\ngraceful_timeout = 2\n'
        f'[[route]]\npath = "/app/"\npath_info = true\nbackend = "scgi+unix://{socket}"\n'
        f'[[route]]\npath = "/"\nbackend = "scgi+unix://{socket}"\n'
    )
    return gateways.start_serve(directory, ("-c", str(file)))


FRONTS: dict[str, Callable[[Path, str], Gateway]] = {
    "nginx": _nginx,
    "Apache": _apache,
    "lighttpd": _lighttpd,
    "wsgi-scgi serve": _serve,
}
