"""Pacing: stopped where a connection stays on this host, and nowhere else."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsgi_scgi.transport.pacing import (
    PACING,
    WITHOUT_PACING,
    accept_without_pacing,
    connect_without_pacing,
    stop_pacing_on_this_host,
)

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "TCP_CONGESTION"), reason="congestion control is chosen on Linux only"
)


@contextlib.contextmanager
def connected(address: str, control: bytes) -> Iterator[socket.socket]:
    """Connect to an address of this host with this congestion control."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        client = socket.socket(family)
        with client:
            choose(client, control)
            client.connect(listener.getsockname())
            yield client


def choose(sock: socket.socket, control: bytes) -> None:
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control)
    except OSError:
        pytest.skip(f"the kernel does not offer {control.decode()} to everybody")


def control_of(sock: socket.socket) -> bytes:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_connection_within_this_host_is_not_paced(address: str) -> None:
    with connected(address, PACING) as client:
        stop_pacing_on_this_host(client)

        assert control_of(client) == WITHOUT_PACING


def test_a_connection_between_two_addresses_keeps_its_control() -> None:
    with connected("127.0.0.2", PACING) as client:  # from 127.0.0.1
        stop_pacing_on_this_host(client)

        assert control_of(client) == PACING


def test_what_does_not_pace_is_left_alone() -> None:
    allowed = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control").read_text().split()
    for name in set(allowed) - {PACING.decode()}:
        with connected("127.0.0.1", name.encode()) as client:
            stop_pacing_on_this_host(client)

            assert control_of(client) == name.encode()


def test_sockets_without_addresses_and_closed_ones_are_left_alone() -> None:
    near, far = socket.socketpair()
    with near, far:
        stop_pacing_on_this_host(near)
    stop_pacing_on_this_host(near)
    with socket.socket() as unconnected:
        stop_pacing_on_this_host(unconnected)


@pytest.mark.parametrize(
    ("address", "near", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", WITHOUT_PACING),
        ("::1", "::1", WITHOUT_PACING),
        ("0.0.0.0", "127.0.0.1", PACING),
        ("::", "::1", PACING),
    ],
)
def test_what_only_this_host_reaches_is_accepted_without_pacing(
    address: str, near: str, expected: bytes
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        choose(listener, PACING)
        accept_without_pacing(listener)

        to = (near, listener.getsockname()[1])
        with socket.create_connection(to), listener.accept()[0] as far:
            assert control_of(far) == expected


def test_a_listener_without_a_port_is_left_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "app.sock"))
        accept_without_pacing(listener)
    accept_without_pacing(listener)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", WITHOUT_PACING), ("127.1.2.3", WITHOUT_PACING), ("192.0.2.1", PACING)],
)
def test_a_connection_to_this_host_is_never_paced(host: str, expected: bytes) -> None:
    with socket.socket() as sock:
        choose(sock, PACING)
        connect_without_pacing(sock, host)

        assert control_of(sock) == expected
    connect_without_pacing(sock, "127.0.0.1")


def test_a_connection_to_a_unix_socket_has_no_pace() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        connect_without_pacing(sock, "/run/app.sock")
