"""The routes that the cases use, written for each gateway in its own words.

A case names a path; here it is said what lies behind that path. ``options`` are the keys of our
route table. A peer that has no such option simply serves the route without it.
"""

from __future__ import annotations

import enum
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.backend import Backend

Value = str | bool | int | float | Mapping[str, str | bool]
# Seconds: what a case may wait for on purpose, on the routes below /quick.
QUICK = 1.0


class Where(enum.Enum):
    """What a route leads to."""

    TCP = "tcp"
    # Apache gives one set of timeouts to one address, so the quick routes have their own.
    QUICK = "quick"
    SOCKET = "socket"
    REFUSED = "refused"
    NO_SOCKET = "no socket"
    NO_NAME = "no name"
    FULL = "full"
    NOTHING = "excluded"


@dataclass(frozen=True, slots=True)
class Route:
    """One route: its path, where it leads, the path in the backend's URL, our options."""

    path: str
    where: Where = Where.TCP
    base: str = "/"
    options: Mapping[str, Value] = field(default_factory=dict)


VARIABLES: Mapping[str, str | bool] = {
    "APP_ENV": "prod",
    "APP_EMPTY": "",
    "HTTP_X_BLAH": "blah",
    "HTTP_X_GONE": False,
    "SERVER_SOFTWARE": False,
    "REMOTE_USER": "bob",
}
_QUICK: Mapping[str, Value] = {
    "timeout": QUICK,
    "connect_timeout": QUICK,
    "client_timeout": QUICK,
}

# In the order in which they are tried.
ROUTES = (
    Route("/a/private/", Where.NOTHING),
    Route("/a/"),
    Route("/nos"),
    Route("/pi", options={"path_info": True}),
    Route("/pib/", base="/base/", options={"path_info": True}),
    Route("/pa/", options={"path_info": "apache"}),
    Route("/ps", options={"path_info": "apache"}),
    Route("/pab/", base="/base/", options={"path_info": "apache"}),
    Route("/slash/decode/", options={"path_info": True, "encoded_slash": "decode"}),
    Route("/slash/keep/", options={"path_info": True, "encoded_slash": "keep"}),
    Route("/vars/", options={"variables": VARIABLES}),
    Route("/docs/", options={"document_root": "/srv/www"}),
    Route("/noauth/", options={"pass_authorization": False}),
    Route("/small/", options={"max_body": "10"}),
    Route("/stream/"),
    Route("/buffered/", options={"buffer_request": True}),
    Route("/patient/", options={"client_gone_grace": 0}),
    # So long that an answer comes before, however slow the machine is.
    Route("/forgiving/", options={"client_gone_grace": 30}),
    Route("/quick/", Where.QUICK, options=_QUICK),
    Route("/deadline/", options={"deadline": 2 * QUICK}),
    Route("/socket/", Where.SOCKET),
    Route("/refused/", Where.REFUSED),
    Route("/nosocket/", Where.NO_SOCKET),
    Route("/noname/", Where.NO_NAME),
    Route("/full/", Where.FULL, options=_QUICK),
    Route("/", options={"path_info": True}),
)


class Places:
    """The addresses behind the routes: three listeners of ``backend`` and four that fail."""

    def __init__(self, backend: Backend, directory: Path) -> None:
        self.directory = directory
        self._held: list[socket.socket] = []
        self.port = {
            Where.TCP: backend.listen_tcp(),
            Where.QUICK: backend.listen_tcp(),
            Where.REFUSED: self._bound(),
            Where.FULL: self._full(),
        }
        self.socket = {
            Where.SOCKET: backend.listen_unix(str(directory / "backend.sock")),
            Where.NO_SOCKET: str(directory / "missing.sock"),
        }

    def authority(self, where: Where) -> str:
        """Return ``host:port`` of a TCP place."""
        # A label of over 63 characters cannot be asked for, so no resolver is troubled.
        return "x" * 64 + ".invalid:4000" if where is Where.NO_NAME else self._loopback(where)

    def is_socket(self, where: Where) -> bool:
        """Tell whether the place is a Unix socket."""
        return where in self.socket

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the addresses that no error page may tell."""
        ports = tuple(str(port) for port in self.port.values())
        return (*ports, *self.socket.values(), ".invalid")

    def close(self) -> None:
        """Release what is held so that nobody else can have it."""
        for sock in self._held:
            sock.close()

    def _loopback(self, where: Where) -> str:
        return f"127.0.0.1:{self.port[where]}"

    def _bound(self) -> int:
        """Return a port that is taken but not listened on: connections are refused for sure."""
        sock = socket.socket()
        self._held.append(sock)
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])

    def _full(self) -> int:
        """Return a port whose queue is full: Linux lets further connections wait."""
        listener = socket.socket()
        self._held.append(listener)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(address)
            self._held.append(waiting)
        return int(address[1])


def as_toml(places: Places) -> str:
    """Write the routes as a gateway.toml without a [server] table."""
    return "".join(_toml_route(route, places) for route in ROUTES)


def _toml_route(route: Route, places: Places) -> str:
    lines = ["[[route]]", f'path = "{route.path}"']
    if route.where is Where.NOTHING:
        lines.append("exclude = true")
    elif places.is_socket(route.where):
        lines.append(f'backend = "scgi+unix://{places.socket[route.where]}"')
    else:
        lines.append(f'backend = "scgi://{places.authority(route.where)}{route.base}"')
    lines += [f"{key} = {_toml_value(value)}" for key, value in route.options.items()]
    return "\n".join(lines) + "\n\n"


def _toml_value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_toml_value(v)}" for k, v in value.items()) + " }"
    return f'"{value}"' if isinstance(value, str) else str(value)
