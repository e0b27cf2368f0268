"""A socket that a service manager has opened is served, and left to the next one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.peer import BOUND, Peer, exchange, head
from wsgi_scgi.address import UnixAddress
from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.server.activation import passed_socket
from wsgi_scgi.server.listening import Listener

CHECKOUT = Path(__file__).parents[2]

# What systemd does before it executes a service: descriptor 3, and the variables of sd_listen_fds.
MANAGER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "wsgi_scgi", "app", "hello", *sys.argv[2:]])
"""

HELLO = """
import os
def application(environ, start_response):
    start_response("200 OK", [])
    return [" ".join(name for name in os.environ if name.startswith("LISTEN_")).encode()]
"""

ANSWER = b"Status: 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def listening(socket_path: str) -> Iterator[socket.socket]:
    """A listening Unix socket."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(socket_path)
        listening.listen()
        yield listening


def start(listening: socket.socket, directory: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command with ``listening`` passed to it."""
    (directory / "hello.py").write_text(HELLO)
    descriptor = str(listening.fileno())
    return subprocess.Popen(
        [sys.executable, "-c", MANAGER, descriptor, *arguments],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        pass_fds=[listening.fileno()],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_what_waits_in_a_passed_socket_is_served_by_one_process_after_the_other(
    listening: socket.socket, socket_path: str, tmp_path: Path
) -> None:
    address = UnixAddress(socket_path)
    for _ in range(2):
        # Connected before anybody serves.
        with Peer(address, head()) as peer, start(listening, tmp_path) as process:
            assert process.stdout is not None
            assert peer.receive_all() == ANSWER  # and no child would take the variables for its own
            process.send_signal(signal.SIGTERM)
            assert process.wait(BOUND) == 0
            assert process.stdout.read() == f"Serving hello at {address}\n".encode()
        assert Path(socket_path).exists()


def test_an_address_beside_a_passed_socket_is_refused(
    listening: socket.socket, tmp_path: Path
) -> None:
    with start(listening, tmp_path, "--bind", "127.0.0.1:0") as process:
        assert process.stdout is not None
        assert process.stdout.read().startswith(b"--bind: systemd has passed a socket")
        assert process.wait(BOUND) == 1


def test_what_is_meant_for_another_process_is_not_taken() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "HOME": "/"}
    assert passed_socket(environment) is None
    assert environment == {"HOME": "/"}
    assert passed_socket({}) is None


def test_one_socket_can_be_served_and_no_more() -> None:
    with pytest.raises(ConfigurationError, match="2 sockets were passed; allowed: one"):
        passed_socket({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"})


def test_a_socket_that_does_not_listen_is_refused() -> None:
    with socket.socket() as idle, pytest.raises(ConfigurationError, match="not a listening"):
        Listener(idle)


def test_a_passed_tcp_socket_tells_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        port = given.getsockname()[1]
        listener = Listener(given)
        assert str(listener.address) == f"scgi://127.0.0.1:{port}"
        listener.close()


def test_a_passed_socket_is_served_in_process(listening: socket.socket, socket_path: str) -> None:
    from tests.server.test_scgi_server import ANSWER as HELLO_ANSWER
    from tests.server.test_scgi_server import hello
    from wsgi_scgi.server.scgi_server import SCGIServer

    server = SCGIServer(hello, listening)
    with pytest.raises(ValueError, match="after the start"):
        _ = server.address
    with server:
        assert server.address == UnixAddress(socket_path)
        assert exchange(server.address, head()) == HELLO_ANSWER
    assert Path(socket_path).exists()
