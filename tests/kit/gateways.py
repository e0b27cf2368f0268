"""Start and stop the gateways that tests talk to, each with its own configuration and log.

Servers that can let the system choose a port do so and are asked for it. The others get a free
port below the range from which the system takes ports for outgoing connections, and another one
if somebody was faster.
"""

from __future__ import annotations

import contextlib
import grp
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.kit import peers

# Starting takes a second; the bound is for a machine that does much else.
START_BOUND = 60.0
STOP_BOUND = 20.0
_CHECKOUT = Path(__file__).resolve().parents[2]
_PORTS_TRIED = 5
_ADDRESS_LOGGED = re.compile(r"http://127\.0\.0\.1:([1-9][0-9]*)")
# Where Linux says who listens and whose child he is, and what it says of one who has ended.
_WHO_LISTENS = ("/proc/net/tcp", "/proc/thread-self/children")
_GONE = (FileNotFoundError, ProcessLookupError)
# Never to be seen by a backend: the gateway's own environment is nobody's business.
LEAK_NAME = "GATEWAY_PROCESS_SECRET"


class StartError(Exception):
    """The server ended, or did not listen in time; the text has its log."""


class PortTaken(StartError):
    """The server could not have the port; another may do."""


class Gateway:
    """One running server: where it listens, what it logged, how it ends."""

    def __init__(self, name: str, command: Sequence[str], directory: Path) -> None:
        self.name = name
        self.directory = directory
        self.address: tuple[str, int] = ("127.0.0.1", 0)
        self._log_path = directory / "output.log"
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(_CHECKOUT),
            "PYTHONUNBUFFERED": "1",
            "HOME": str(directory),
            LEAK_NAME: "leaked",
        }
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Gateway:
        """Return the gateway itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    @property
    def pid(self) -> int:
        """Return the process id of the server's first process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether the first process still runs."""
        return self._process.poll() is None

    def log(self) -> str:
        """Return all that the server wrote, error log included."""
        texts = [path.read_text(errors="replace") for path in sorted(self.directory.glob("*.log"))]
        return "\n".join(text for text in texts if text)

    def stop(self) -> int:
        """End the server by SIGTERM, by SIGKILL if that takes too long; return its exit status."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_BOUND)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait(STOP_BOUND)

    def wait_listening(self) -> None:
        """Return once something accepts connections at ``address``."""
        self._wait_for(self._accepts)

    def wait_logged_address(self) -> None:
        """Return once the log names the address that the system chose."""
        self._wait_for(self._finds_address)
        self.wait_listening()

    def _accepts(self) -> bool:
        if not self._listens():
            return False
        try:
            socket.create_connection(self.address, timeout=1).close()
        except OSError:
            return False
        return True

    def _listens(self) -> bool:
        """Tell whether it is this server that listens at the address, and no stranger.

        Where the system does not say, anybody who listens is taken for the server.
        """
        if not all(map(os.path.exists, _WHO_LISTENS)):
            return True
        try:
            links = {link for pid in _family(self.pid) for link in _descriptors(pid)}
        except PermissionError:
            return True
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        # Columns: local address in hexadecimal, state (0A: listening), inode.
        port = f":{self.address[1]:04X}"
        inodes = [row[9] for row in rows if row[1].endswith(port) and row[3] == "0A"]
        return any(f"socket:[{inode}]" in links for inode in inodes)

    def _finds_address(self) -> bool:
        match = _ADDRESS_LOGGED.search(self.log())
        if match is not None:
            self.address = ("127.0.0.1", int(match[1]))
        return match is not None

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_BOUND
        while True:
            # Asked first: a stranger may listen where a server that ended could not.
            running = self.running
            if running and condition():
                return
            if not running or time.monotonic() > deadline:
                log = self.log()
                self.stop()
                kind = PortTaken if "already in use" in log else StartError
                raise kind(f"{self.name} does not listen:\n{log}")
            time.sleep(0.02)


def _family(pid: int) -> list[int]:
    """Return the process and all that descend from it: a worker may own the listening socket."""
    children: list[int] = []
    with contextlib.suppress(*_GONE):
        for task in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            children += map(int, text.split())
    return [pid, *(member for child in children for member in _family(child))]


def _descriptors(pid: int) -> list[str]:
    """Return what the descriptors of a process are, which may end or close some meanwhile."""
    links = []
    with contextlib.suppress(*_GONE):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
    return links


def new_directory() -> Path:
    """Make a directory that servers with an unprivileged user can enter."""
    directory = Path(tempfile.mkdtemp(prefix="gateway-"))
    directory.chmod(0o755)
    return directory


def remove_directory(directory: Path) -> None:
    """Remove what ``new_directory`` made and servers wrote."""
    shutil.rmtree(directory, ignore_errors=True)


def on_free_port(start: Callable[[int], Gateway]) -> Gateway:
    """Start a server that must be told its port, on another one if the first is taken."""
    for attempt in range(_PORTS_TRIED):
        port = _free_port()
        gateway = start(port)
        gateway.address = ("127.0.0.1", port)
        try:
            gateway.wait_listening()
        except PortTaken:
            if attempt == _PORTS_TRIED - 1:
                raise
        else:
            return gateway
    raise AssertionError("unreachable: the last attempt returned or raised")


def _free_port() -> int:
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def start_apache(directory: Path, directives: str, *, modules: Sequence[str] = ()) -> Gateway:
    """Start Apache (event MPM, mod_proxy_scgi) with ``directives`` in its server context.

    ``modules`` are loaded beside those that every table needs.
    """
    program = peers.require("apache2", "install apache2")
    installed = Path("/usr/lib/apache2/modules")
    names = ("mpm_event", "authz_core", "env", "setenvif", "proxy", "proxy_scgi", *modules)
    lines = [f"LoadModule {name}_module {installed}/mod_{name}.so" for name in names]
    if os.geteuid() == 0:
        lines += ["User nobody", f"Group {grp.getgrgid(65534).gr_name}"]
    lines += [
        f"ServerRoot {directory}",
        f"DefaultRuntimeDir {directory}",
        f"PidFile {directory}/pid",
        f"ErrorLog {directory}/error.log",
        f"DocumentRoot {directory}",
        "ServerName gateway.test",
        "StartServers 1",
        "ServerLimit 1",
        "ThreadsPerChild 32",
        "MaxRequestWorkers 32",
    ]

    def start(port: int) -> Gateway:
        path = directory / "httpd.conf"
        path.write_text("\n".join([*lines, f"Listen 127.0.0.1:{port}", directives, ""]))
        return Gateway("Apache", (program, "-f", str(path), "-DFOREGROUND"), directory)

    return on_free_port(start)


def start_nginx(directory: Path, locations: str) -> Gateway:
    """Start nginx with ``locations`` in its server block.

    ``@listen@`` in it stands for the address, for server blocks that follow the first one.
    """
    program = peers.require("nginx", "install nginx")
    temporary = "".join(
        f"  {kind}_temp_path {directory}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""

    def start(port: int) -> Gateway:
        path = directory / "nginx.conf"
        rest = locations.replace("@listen@", f"127.0.0.1:{port}")
        path.write_text(
            f"{user}daemon off;\nworker_processes 1;\npid {directory}/pid;\n"
            f"error_log {directory}/error.log;\nevents {{ worker_connections 256; }}\n"
            f"http {{\n  access_log off;\n{temporary}"
            f"  server {{\n    listen 127.0.0.1:{port};\n{rest}\n  }}\n}}\n"
        )
        command = (program, "-p", str(directory), "-c", str(path), "-e", f"{directory}/error.log")
        return Gateway("nginx", command, directory)

    return on_free_port(start)


def start_lighttpd(directory: Path, configuration: str) -> Gateway:
    """Start lighttpd (mod_scgi) with ``configuration`` behind the settings every server needs."""
    program = peers.require("lighttpd", "install lighttpd")

    def start(port: int) -> Gateway:
        path = directory / "lighttpd.conf"
        path.write_text(
            'server.modules = ( "mod_access", "mod_setenv", "mod_scgi" )\n'
            f'server.bind = "127.0.0.1"\nserver.port = {port}\n'
            f'server.document-root = "{directory}"\n'
            f'server.errorlog = "{directory}/error.log"\n'
            f'server.upload-dirs = ( "{directory}" )\n{configuration}\n'
        )
        return Gateway("lighttpd", (program, "-D", "-f", str(path)), directory)

    return on_free_port(start)


def start_gunicorn(
    directory: Path, application: str, worker_class: str, *, settings: Sequence[str] = ()
) -> Gateway:
    """Start gunicorn on a port of the system's choice with ``application`` (MODULE:EXPRESSION).

    ``directory`` is on the import path, so that a test may put a module there.
    """
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "-k", worker_class]
    command += ["--no-control-socket", "--graceful-timeout", "2", "--chdir", str(directory)]
    if worker_class == "gthread":
        command += ["--threads", "16"]
    gateway = Gateway(f"gunicorn {worker_class}", [*command, *settings, application], directory)
    gateway.wait_logged_address()
    return gateway


def start_serve(directory: Path, arguments: Sequence[str]) -> Gateway:
    """Start ``python -m wsgi_scgi serve`` with ``arguments``; they must bind to port 0."""
    command = (sys.executable, "-m", "wsgi_scgi", "serve", *arguments)
    gateway = Gateway("wsgi-scgi serve", command, directory)
    gateway.wait_logged_address()
    return gateway


_WAITRESS = """
import sys
from waitress import create_server
{application}
server = create_server(application, host="127.0.0.1", port=0, threads=16)
print(f"http://127.0.0.1:{{server.effective_port}}", flush=True)
server.run()
"""

_WSGIREF = """
import socketserver
from wsgiref.simple_server import WSGIServer, make_server
{application}
class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
server = make_server("127.0.0.1", 0, application, server_class=Server)
print(f"http://127.0.0.1:{{server.server_port}}", flush=True)
server.serve_forever()
"""

_PYTHON_SERVERS: Mapping[str, str] = {"waitress": _WAITRESS, "wsgiref": _WSGIREF}


def start_python_server(directory: Path, kind: str, application: str) -> Gateway:
    """Start ``kind`` ("waitress", "wsgiref"); the code ``application`` must define that name."""
    peers.require(kind, f"pip install {kind}")
    path = directory / f"{kind}_server.py"
    path.write_text(_PYTHON_SERVERS[kind].format(application=application))
    gateway = Gateway(kind, (sys.executable, str(path)), directory)
    gateway.wait_logged_address()
    return gateway
