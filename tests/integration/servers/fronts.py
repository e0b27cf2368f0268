"""How each WSGI server is started with the gateway inside it.

The application is a function around two gateways, as somebody would embed them: what is below
``/refused/`` goes to an address where nobody listens, all else to the scripted backend.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.integration.backends.process import python_script
from tests.kit.gateways import (
    Gateway,
    on_free_port,
    start_apache,
    start_gunicorn,
    start_python_server,
)
from tests.kit.peers import give_up, require

_MODULE = "embedded_gateway"

_APPLICATION = """
from wsgi_scgi import SCGIApplication

backend = SCGIApplication("scgi://127.0.0.1:{backend}", path_info=True, timeout=20.0)
nobody = SCGIApplication("scgi://127.0.0.1:{nobody}", path_info=True, timeout=20.0)


def application(environ, start_response):
    chosen = nobody if environ["PATH_INFO"].startswith("/refused/") else backend
    return chosen(environ, start_response)
"""

_WERKZEUG = """
from werkzeug.serving import make_server
from embedded_gateway import application
server = make_server("127.0.0.1", 0, application, threaded=True)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""

_CHEROOT = """
from cheroot.wsgi import Server
from embedded_gateway import application
server = Server(("127.0.0.1", 0), application)
server.prepare()
print(f"http://127.0.0.1:{server.bind_addr[1]}", flush=True)
server.serve()
"""

_GEVENT = """
from gevent.pywsgi import WSGIServer
from embedded_gateway import application
server = WSGIServer(("127.0.0.1", 0), application, log=None)
server.start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""

_MOD_WSGI = """
LoadModule wsgi_module {module}
WSGISocketPrefix {directory}/wsgi
WSGIDaemonProcess gateway threads=8 python-path={path}
WSGIProcessGroup gateway
WSGIApplicationGroup %{{GLOBAL}}
WSGIChunkedRequest On
WSGIScriptAlias / {directory}/{script}.py
"""
_MOD_WSGI_FILE = Path("/usr/lib/apache2/modules/mod_wsgi.so")


def _gunicorn(worker_class: str) -> Callable[[Path], Gateway]:
    return lambda directory: start_gunicorn(directory, f"{_MODULE}:application", worker_class)


def _with_kit(kind: str) -> Callable[[Path], Gateway]:
    source = f"from {_MODULE} import application"
    return lambda directory: start_python_server(directory, kind, source)


def _program(kind: str, source: str) -> Callable[[Path], Gateway]:
    def start(directory: Path) -> Gateway:
        require(kind, f"pip install {kind}")
        path = directory / f"serve_with_{kind}.py"
        path.write_text(source)
        gateway = Gateway(kind, (sys.executable, str(path)), directory)
        gateway.wait_logged_address()
        return gateway

    return start


def _uwsgi(directory: Path) -> Gateway:
    command = [python_script("uwsgi", "pip install pyuwsgi"), "--wsgi-file", f"{_MODULE}.py"]
    command += ["--master", "--need-app", "--die-on-term", "--threads", "8"]
    if sys.prefix != sys.base_prefix:
        command += ["--virtualenv", sys.prefix]  # it embeds the interpreter it was built with

    def start(port: int) -> Gateway:
        return Gateway("uwsgi", [*command, "--http-socket", f"127.0.0.1:{port}"], directory)

    return on_free_port(start)


def _granian(directory: Path) -> Gateway:
    require("granian", "pip install granian")
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1"]
    command += ["--blocking-threads", "8", "--no-ws", "--working-dir", str(directory)]

    def start(port: int) -> Gateway:
        options = ["--host", "127.0.0.1", "--port", str(port)]
        return Gateway("granian", [*command, *options, f"{_MODULE}:application"], directory)

    return on_free_port(start)


def _mod_wsgi(directory: Path) -> Gateway:
    # Debian builds it for its own Python, which can use this one's packages if they are alike.
    if not _MOD_WSGI_FILE.exists() or sys.version_info[:2] != (3, 11):
        give_up("mod_wsgi for this Python is missing; apt-get install libapache2-mod-wsgi-py3")
    directory.chmod(0o755)
    path = ":".join((str(directory), *filter(None, sys.path)))
    directives = _MOD_WSGI.format(
        module=_MOD_WSGI_FILE, directory=directory, path=path, script=_MODULE
    )
    return start_apache(directory, directives)


SERVERS: Mapping[str, Callable[[Path], Gateway]] = {
    "gunicorn-sync": _gunicorn("sync"),
    "gunicorn-gthread": _gunicorn("gthread"),
    "gunicorn-gevent": _gunicorn("gevent"),
    "gunicorn-gevent_pywsgi": _gunicorn("gevent_pywsgi"),
    "waitress": _with_kit("waitress"),
    "wsgiref": _with_kit("wsgiref"),
    "uwsgi": _uwsgi,
    "werkzeug": _program("werkzeug", _WERKZEUG),
    "cheroot": _program("cheroot", _CHEROOT),
    "granian": _granian,
    "gevent": _program("gevent", _GEVENT),
    "mod_wsgi": _mod_wsgi,
}


def start_server(name: str, directory: Path, *, backend: int, nobody: int) -> Gateway:
    """Start the server `name` with gateways to the ports `backend` and `nobody`.

    The test is skipped if the server is not installed.
    """
    path = directory / f"{_MODULE}.py"
    path.write_text(_APPLICATION.format(backend=backend, nobody=nobody))
    return SERVERS[name](directory)
