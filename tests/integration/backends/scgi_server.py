"""A running SCGI server, and how one is started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.backends.process import Address, accepts, log_of, running


@dataclass(frozen=True, slots=True)
class SCGIServer:
    """A running backend."""

    name: str
    url: str
    address: Address
    directory: Path

    @property
    def log(self) -> str:
        """What the server has printed so far."""
        return log_of(self.directory)

    def let_go(self, token: str) -> None:
        """Let the second piece of the answer that waits for `token` go."""
        Path(self.directory, token).touch()


def on_socket(name: str, directory: Path) -> SCGIServer:
    """Describe a server that listens on the socket ``s`` in its directory."""
    path = str(directory / "s")
    return SCGIServer(name, f"scgi+unix://{path}", path, directory)


@contextlib.contextmanager
def serving(
    command: list[str], server: SCGIServer, extra: Mapping[str, str] | None = None
) -> Iterator[SCGIServer]:
    """Run `command` until the block ends; it starts once `server` accepts connections."""
    variables = {"RELEASE_DIRECTORY": str(server.directory), **(extra or {})}
    with running(command, server.directory, ready=lambda: accepts(server.address), extra=variables):
        yield server
