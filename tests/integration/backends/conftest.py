"""Real SCGI servers, each on a Unix socket or port of its own, and gateways in front of them."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.backends.process import end_together, python_script, running
from tests.integration.backends.requests_to_gateway import Front
from tests.integration.backends.scgi_server import SCGIServer, on_socket, serving
from tests.kit.gateways import Gateway, new_directory, remove_directory, start_gunicorn
from tests.kit.peers import require

PROGRAMS = Path(__file__).with_name("programs")
CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def uwsgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SCGIServer]:
    """Run uWSGI with its SCGI protocol on a Unix socket and the settings that it has by itself."""
    program = python_script("uwsgi", "pip install pyuwsgi")
    server = on_socket("uwsgi", tmp_path_factory.mktemp("uwsgi"))
    command = [program, "--scgi-socket", str(server.address), "--need-app", "--master"]
    command += ["--die-on-term", "--processes", "2", "--threads", "4", "--disable-logging"]
    with serving([*command, "--wsgi-file", str(PROGRAMS / "application.py")], server):
        yield server


@pytest.fixture(scope="session")
def flup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SCGIServer]:
    """Run flup's threaded SCGI server on a Unix socket."""
    require("flup.server.scgi", "pip install flup")
    server = on_socket("flup", tmp_path_factory.mktemp("flup"))
    # flup 1.0.3 uses names of the threading module that Python 3.10 deprecated.
    python = [sys.executable, "-W", "ignore::DeprecationWarning", "-m"]
    command = [*python, "tests.integration.backends.programs.flup_server", str(server.address)]
    with serving(command, server, {"PYTHONPATH": str(CHECKOUT)}):
        yield server


@pytest.fixture(scope="session")
def scgi_package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SCGIServer]:
    """Run the scgi package's pre-forking server on a TCP port."""
    require("scgi.scgi_server", "pip install scgi")
    directory = tmp_path_factory.mktemp("scgi")
    port_file = directory / "port"
    program = "tests.integration.backends.programs.scgi_package_server"
    command = [sys.executable, "-m", program, str(port_file)]
    # It is ready when it tells its port; a connection without a request would kill a child.
    variables = {"RELEASE_DIRECTORY": str(directory), "PYTHONPATH": str(CHECKOUT)}
    with running(command, directory, ready=port_file.exists, extra=variables):
        port = int(port_file.read_text())
        yield SCGIServer("scgi_package", f"scgi://127.0.0.1:{port}", ("127.0.0.1", port), directory)


@pytest.fixture(scope="session")
def perl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SCGIServer]:
    """Run Perl's SCGI module on a Unix socket, one request after the other."""
    program = require("perl", "apt-get install perl")
    if subprocess.run([program, "-MSCGI", "-e", "1"], capture_output=True).returncode:
        require("libscgi-perl", "apt-get install libscgi-perl")
    server = on_socket("perl", tmp_path_factory.mktemp("perl"))
    with serving([program, str(PROGRAMS / "perl_server.pl"), str(server.address)], server):
        yield server


@pytest.fixture(params=["uwsgi", "flup", "scgi_package", "perl"])
def backend(request: pytest.FixtureRequest) -> SCGIServer:
    """Return each of the servers that run the test application."""
    server: SCGIServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def front() -> Iterator[Front]:
    """Start gateways under gunicorn's gevent worker, each when it is first asked for."""
    started: list[Gateway] = []
    with contextlib.ExitStack() as stack:

        @functools.cache
        def start(url: str, options: str = 'preset="wsgi"', *, mount: str = "") -> Gateway:
            directory = new_directory()
            stack.callback(remove_directory, directory)
            application = f'wsgi_scgi:SCGIApplication("{url}", {options})'
            settings = ("--env", f"SCRIPT_NAME={mount}") if mount else ()
            gateway = start_gunicorn(directory, application, "gevent", settings=settings)
            started.append(gateway)
            return stack.enter_context(gateway)

        yield start
        end_together(started)
