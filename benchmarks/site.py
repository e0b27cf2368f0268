"""What a gateway has to serve: one backend, below one path or many."""

import enum
from dataclasses import dataclass
from pathlib import Path


class Transport(enum.Enum):
    """How a gateway reaches the backend."""

    TCP = "TCP"
    UNIX = "Unix socket"


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """Where the one backend listens: on both at once."""

    port: int
    socket: Path


@dataclass(frozen=True, slots=True)
class Site:
    """The gateway's task.  ``streams`` is how many responses may be open at once."""

    backend: BackendAddress
    transport: Transport
    routes: int
    streams: int

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths of the routes, in their order; all lead to the backend."""
        if self.routes == 1:
            return ("/",)
        return tuple(f"/application{number}/" for number in range(self.routes))

    @property
    def asked(self) -> str:
        """Return the path that is asked for: that of the last route."""
        return self.paths[-1]
