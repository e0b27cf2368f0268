"""A server process ends on a signal and with its parent, and removes its socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.peer import BOUND, Peer, exchange, head
from wsgi_scgi.address import UnixAddress

CHECKOUT = Path(__file__).parents[2]

PROGRAM = """
import os, sys, gevent
from wsgi_scgi.address import UnixAddress
from wsgi_scgi.server.process import run
from wsgi_scgi.server.scgi_server import SCGIServer

def application(environ, start_response):
    start_response("200 OK", [])
    yield b"one"
    gevent.sleep(float(environ["QUERY_STRING"]))
    yield b"two"

server = SCGIServer(application, UnixAddress(sys.argv[1]))
parent = int(sys.argv[3]) if len(sys.argv) > 3 else os.getppid()
run(server, stop_timeout=float(sys.argv[2]), parent=parent)
"""

# Starts the server and says its pid; then waits to be killed.
LAUNCHER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]])
print(child.pid, flush=True)
time.sleep(600)
"""


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what happens in other processes."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def _listening(path: str) -> bool:
    try:
        Peer(UnixAddress(path)).socket.close()
    except OSError:
        return False
    return True


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(socket_path: str) -> Iterator[Start]:
    """Start the server process, and wait until it listens."""
    processes = []

    def launch(*, stop_timeout: float = BOUND) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", PROGRAM, socket_path, str(stop_timeout)]
        process = subprocess.Popen(command, cwd=CHECKOUT)
        processes.append(process)
        wait_until(lambda: _listening(socket_path))
        return process

    yield launch
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals, start: Start, socket_path: str) -> None:
    process = start()
    process.send_signal(number)
    assert process.wait(BOUND) == 0
    assert not Path(socket_path).exists()


def test_a_signal_lets_requests_in_flight_finish(start: Start, socket_path: str) -> None:
    process = start()
    with Peer(UnixAddress(socket_path), head({"QUERY_STRING": "0.5"})) as peer:
        peer.receive_until(b"one")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not Path(socket_path).exists())
        assert peer.receive_all() == b"two"
    assert process.wait(BOUND) == 0


@pytest.mark.parametrize("signals", [1, 2])
def test_the_bound_or_a_second_signal_ends_what_would_take_longer(
    signals: int, start: Start, socket_path: str
) -> None:
    process = start(stop_timeout=0.1 if signals == 1 else 600)
    with Peer(UnixAddress(socket_path), head({"QUERY_STRING": "600"})) as peer:
        peer.receive_until(b"one")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not Path(socket_path).exists())
        if signals == 2:
            process.send_signal(signal.SIGINT)
        assert process.wait(BOUND) == 0


def test_it_serves_again_after_a_kill_that_left_its_socket(start: Start, socket_path: str) -> None:
    process = start()
    process.kill()
    process.wait()
    assert Path(socket_path).exists()
    start()
    response = exchange(UnixAddress(socket_path), head({"QUERY_STRING": "0"}))
    assert response.endswith(b"onetwo")


def test_it_ends_when_its_parent_is_killed(socket_path: str) -> None:
    command = [sys.executable, "-c", LAUNCHER, PROGRAM, socket_path, "1"]
    launcher = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE)
    try:
        assert launcher.stdout is not None
        child = int(launcher.stdout.readline())
        launcher.stdout.close()
        wait_until(lambda: _listening(socket_path))
    finally:
        launcher.kill()
        launcher.wait()
    wait_until(lambda: not Path(socket_path).exists())
    wait_until(lambda: not _runs(child))


def test_without_a_named_parent_it_outlives_the_one_that_started_it(socket_path: str) -> None:
    program = PROGRAM.replace("parent=parent", "parent=None")
    command = [sys.executable, "-c", LAUNCHER, program, socket_path, "1"]
    launcher = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE)
    try:
        assert launcher.stdout is not None
        child = int(launcher.stdout.readline())
        launcher.stdout.close()
        wait_until(lambda: _listening(socket_path))
    finally:
        launcher.kill()
        launcher.wait()
    try:
        # Its look at the parent would come every half a second.
        time.sleep(1.5)
        response = exchange(UnixAddress(socket_path), head({"QUERY_STRING": "0"}))
        assert response.endswith(b"onetwo")
    finally:
        os.kill(child, signal.SIGTERM)
    wait_until(lambda: not _runs(child))


def test_it_does_not_stay_if_the_named_parent_has_gone_before(socket_path: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = [sys.executable, "-c", PROGRAM, socket_path, "1", str(gone.pid)]
    process = subprocess.run(command, cwd=CHECKOUT, timeout=BOUND, check=False)
    assert process.returncode == 0
    assert not Path(socket_path).exists()


def _runs(pid: int) -> bool:
    # A process without a parent to wait for it may remain as a zombie.
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
