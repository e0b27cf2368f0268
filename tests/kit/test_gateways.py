"""Servers are started with a bound, stopped by their own process, and say why they failed."""

from __future__ import annotations

import itertools
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import gateways

_LISTENS = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
time.sleep(600)
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory of the test's own."""
    directory = gateways.new_directory()
    yield directory
    gateways.remove_directory(directory)


def _start(directory: Path, port: int) -> gateways.Gateway:
    return gateways.Gateway("it", (sys.executable, "-c", _LISTENS, str(port)), directory)


def test_a_server_that_logs_its_address_is_found_and_ended(directory: Path) -> None:
    with _start(directory, 0) as gateway:
        gateway.wait_logged_address()
        socket.create_connection(gateway.address, timeout=10).close()
        assert gateway.running
    assert not gateway.running


def test_a_server_that_fails_tells_why(directory: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('it is Monday')")
    gateway = gateways.Gateway("it", command, directory)
    with gateway, pytest.raises(gateways.StartError, match="it is Monday"):
        gateway.wait_listening()


def test_a_stranger_on_the_port_is_not_taken_for_the_server(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        ports = itertools.chain([taken], iter(gateways._free_port, None))
        monkeypatch.setattr(gateways, "_free_port", lambda: next(ports))
        gateway = gateways.on_free_port(lambda port: _start(directory, port))
        with gateway:
            assert gateway.address[1] != taken
            assert next(ports) != taken


_FORKS = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
while True:
    if not os.fork():
        os._exit(0)
    os.wait()
"""


def test_a_server_whose_children_come_and_go_is_found_again_and_again(directory: Path) -> None:
    with gateways.Gateway("forks", (sys.executable, "-c", _FORKS), directory) as server:
        server.wait_logged_address()
        assert all(server._listens() for _ in range(300))
        server.address = ("127.0.0.1", 1)
        assert not any(server._listens() for _ in range(300))
