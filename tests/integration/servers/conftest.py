"""One scripted backend for all servers, and each server when it is first asked for."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import Iterator

import pytest

from tests.integration.backends.process import end_together
from tests.integration.servers.fronts import start_server
from tests.integration.servers.rig import Rig
from tests.kit.backend import Backend
from tests.kit.gateways import Gateway, new_directory, remove_directory


@pytest.fixture(scope="package")
def rig() -> Iterator[Rig]:
    """Start the backend; servers are started by name and stopped at the end."""
    started: list[Gateway] = []
    with contextlib.ExitStack() as stack:
        backend = stack.enter_context(Backend())
        port = backend.listen_tcp()
        # Bound and never listening: nobody else can get the port, connections are refused.
        taken = stack.enter_context(contextlib.closing(socket.socket()))
        taken.bind(("127.0.0.1", 0))
        nobody = int(taken.getsockname()[1])

        @functools.cache
        def server(name: str) -> Gateway:
            directory = new_directory()
            stack.callback(remove_directory, directory)
            gateway = start_server(name, directory, backend=port, nobody=nobody)
            started.append(gateway)
            return stack.enter_context(gateway)

        yield Rig(backend, port, nobody, server)
        end_together(started)
