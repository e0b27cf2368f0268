"""What a gateway has to serve: one backend, below one path or many."""

import enum
from dataclasses import dataclass
from pathlib import Path


class Feature(enum.Enum):
    """What a scenario asks of a gateway; the value says what one lacks that cannot do it."""

    FORWARDING = "has no backend"
    ROUTES = "has no routes"
    FILES = "sends no files for its backend"
    ACCESS_LOG = "has no access log"
    ERROR_PAGES = "has no error pages"
    BALANCER = "has no balancer"


class Transport(enum.Enum):
    """How a gateway reaches the backend."""

    TCP = "TCP"
    UNIX = "Unix socket"


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """Where the one backend listens, on all at once, and the directory of the files it names."""

    ports: tuple[int, ...]
    socket: Path
    files: Path

    @property
    def port(self) -> int:
        """Return the port for whom one is enough; to a balancer each is another member."""
        return self.ports[0]


@dataclass(frozen=True, slots=True)
class Site:
    """The gateway's task.

    ``streams`` is how many responses may be open at once, ``features`` what has to be switched on.
    """

    backend: BackendAddress
    transport: Transport = Transport.TCP
    routes: int = 1
    streams: int = 0
    features: frozenset[Feature] = frozenset()

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths of the routes, in their order; all lead to the backend."""
        if Feature.ERROR_PAGES in self.features:
            return ("/application/",)  # and nothing beside it
        if self.routes == 1:
            return ("/",)
        return tuple(f"/application{number}/" for number in range(self.routes))

    @property
    def asked(self) -> str:
        """Return the path that is asked for: that of the last route."""
        return self.paths[-1]
