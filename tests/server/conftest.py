"""A server for each test, on the kind of socket that it asks for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ports import held_port
from wsgi_scgi.address import TCPAddress, UnixAddress
from wsgi_scgi.server.limits import ServerLimits
from wsgi_scgi.server.scgi_server import SCGIServer

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    Serve = Callable[..., TCPAddress | UnixAddress]


@pytest.fixture
def socket_path() -> Iterator[str]:
    """A path that fits into a socket address, which pytest's own directories may not."""
    with tempfile.TemporaryDirectory(prefix="scgi-") as directory:
        yield str(Path(directory) / "s")


@pytest.fixture
def tcp_address() -> Iterator[TCPAddress]:
    """A port that stays the test's when nobody listens there any more."""
    with held_port() as port:
        yield TCPAddress("127.0.0.1", port)


@pytest.fixture(params=["tcp", "unix"])
def any_address(
    request: pytest.FixtureRequest, tcp_address: TCPAddress, socket_path: str
) -> TCPAddress | UnixAddress:
    """An address to listen on, of each kind in turn."""
    return tcp_address if request.param == "tcp" else UnixAddress(socket_path)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server for an application and return where it listens; stop it after the test."""
    servers = []

    def start(
        application: WSGIApplication,
        address: TCPAddress | UnixAddress | None = None,
        *,
        limits: ServerLimits | None = None,
    ) -> TCPAddress | UnixAddress:
        server = SCGIServer(application, address or TCPAddress("127.0.0.1", 0), limits=limits)
        server.start()
        servers.append(server)
        return server.address

    yield start
    for server in servers:
        server.stop(timeout=0.0)
