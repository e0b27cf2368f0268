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
    Route("/quick/", Where.QUICK, options=_QUICK),
    Route("/deadline/", options={"deadline": QUICK}),
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


def as_apache(places: Places) -> str:
    """Write the routes as directives of Apache's server context."""
    lines = ["Timeout 2", "<Location />", "CGIPassAuth On", "</Location>"]
    # The last one that matches decides, so the most general route comes first.
    for route in reversed(ROUTES):
        switch = "proxy-scgi-pathinfo=1" if "path_info" in route.options else "!proxy-scgi-pathinfo"
        lines.append(f'SetEnvIf Request_URI "^{route.path}" {switch}')
    for route in ROUTES:
        lines += _apache_route(route, places)
    return "\n".join(lines)


def _apache_route(route: Route, places: Places) -> list[str]:
    if route.where is Where.NOTHING:
        return [f"ProxyPass {route.path} !"]
    target = f"scgi://{_apache_host(route.where, places)}{route.base}"
    if places.is_socket(route.where):
        # Apache tells workers apart by host and path alone, not by socket.
        name = route.path.strip("/")
        target = f"unix:{places.socket[route.where]}|scgi://{name}/"
    # retry=0: a member that failed once is asked again, as a lone member should be.
    seconds = int(QUICK) if "timeout" in route.options else 60
    rest = f"retry=0 timeout={seconds} connectiontimeout={seconds}"
    if not route.path.endswith("/") and route.options.get("path_info") != "apache":
        # Without it every path would get a second slash.
        target = target.removesuffix("/")
    lines = [f"ProxyPass {route.path} {target} {rest}"]
    options = {
        "max_body": "LimitRequestBody 10",
        "pass_authorization": "CGIPassAuth Off",
        "document_root": "SetEnv DOCUMENT_ROOT /srv/www",
        "variables": "\n".join(f'SetEnv {n} "{v}"' for n, v in VARIABLES.items() if v is not False),
    }
    inside = [text for key, text in options.items() if key in route.options]
    return [*lines, f"<Location {route.path}>", *inside, "</Location>"] if inside else lines


def _apache_host(where: Where, places: Places) -> str:
    return "localhost" if places.is_socket(where) else places.authority(where)


_NGINX_PARAMETERS = """
      scgi_param SCGI 1;
      scgi_param REQUEST_METHOD $request_method;
      scgi_param REQUEST_URI $request_uri;
      scgi_param QUERY_STRING $query_string;
      scgi_param CONTENT_TYPE $content_type;
      scgi_param DOCUMENT_URI $document_uri;
      scgi_param DOCUMENT_ROOT $document_root;
      scgi_param SERVER_PROTOCOL $server_protocol;
      scgi_param REQUEST_SCHEME $scheme;
      scgi_param HTTPS $https if_not_empty;
      scgi_param REMOTE_ADDR $remote_addr;
      scgi_param REMOTE_PORT $remote_port;
      scgi_param SERVER_ADDR $server_addr;
      scgi_param SERVER_PORT $server_port;
      scgi_param SERVER_NAME $host;
"""


def as_nginx(places: Places) -> str:
    """Write the routes as locations of nginx's server block."""
    return "\n".join(_nginx_route(route, places) for route in ROUTES)


def _nginx_route(route: Route, places: Places) -> str:
    if route.where is Where.NOTHING:
        return f"    location ^~ {route.path} {{ return 404; }}"
    mount = route.path.rstrip("/")
    script_name, path_info = "$document_uri", ""
    location = f"^~ {route.path}"
    if route.path == "/":
        location, script_name, path_info = "/", "", "$document_uri"
    elif "path_info" in route.options:
        location = f"~ ^{mount}(?<rest>/.*)" + ("$" if route.path.endswith("/") else "?$")
        script_name, path_info = mount, f"{route.base.rstrip('/')}$rest"
    lines = [f"    location {location} {{", _NGINX_PARAMETERS]
    lines.append(f'      scgi_param SCRIPT_NAME "{script_name}";')
    lines.append(f'      scgi_param PATH_INFO "{path_info}" if_not_empty;')
    if places.is_socket(route.where):
        lines.append(f"      scgi_pass unix:{places.socket[route.where]};")
    elif route.where is Where.NO_NAME:
        # A literal name must resolve when nginx starts; a variable is looked up per request.
        lines.append(f"      set $target {places.authority(route.where)}; scgi_pass $target;")
    else:
        lines.append(f"      scgi_pass {places.authority(route.where)};")
    lines += _nginx_options(route)
    return "\n".join([*lines, "    }"])


def _nginx_options(route: Route) -> list[str]:
    lines = []
    if "timeout" in route.options:
        for what in ("scgi_connect_timeout", "scgi_send_timeout", "scgi_read_timeout"):
            lines.append(f"      {what} {QUICK:g}s;")
        lines.append(f"      client_body_timeout {QUICK:g}s;")
    if route.path == "/stream/":
        lines.append("      scgi_buffering off; scgi_request_buffering off;")
    if "document_root" in route.options:
        lines.append("      root /srv/www;")
    if "pass_authorization" in route.options:
        lines.append('      scgi_param HTTP_AUTHORIZATION "";')
    if "variables" in route.options:
        lines += [f'      scgi_param {n} "{v}";' for n, v in VARIABLES.items() if v is not False]
        lines.append('      scgi_param HTTP_X_GONE "";')
    lines.append(f"      client_max_body_size {10 if 'max_body' in route.options else '1g'};")
    return lines


def as_lighttpd(places: Places) -> str:
    """Write the routes as lighttpd's scgi.server, one condition per route."""
    entries = []
    for route in ROUTES:
        if route.where not in (Where.NOTHING, Where.NO_NAME):
            entries.append(_lighttpd_entry(route, places))
    return (
        "server.max-request-size = 1048576\nserver.max-read-idle = 2\n"
        '$HTTP["url"] =~ "^/a/private/" { url.access-deny = ( "" ) }\n'
        '$HTTP["url"] =~ "^/vars/" { setenv.set-environment = ( '
        + ", ".join(f'"{n}" => "{v}"' for n, v in VARIABLES.items() if v is not False)
        + " ) }\n"
        '$HTTP["url"] =~ "^/stream/" {\n'
        "  server.stream-request-body = 2\n  server.stream-response-body = 2\n}\n"
        "scgi.server = (\n  " + ",\n  ".join(entries) + "\n)\n"
    )


def _lighttpd_entry(route: Route, places: Places) -> str:
    if places.is_socket(route.where):
        target = f'"socket" => "{places.socket[route.where]}"'
    else:
        target = f'"host" => "127.0.0.1", "port" => {places.port[route.where]}'
    more = ""
    if "timeout" in route.options:
        more = ', "connect-timeout" => 1, "read-timeout" => 1, "write-timeout" => 1'
    if route.path == "/":
        more += ', "fix-root-scriptname" => "enable"'
    if "document_root" in route.options:
        more += ', "docroot" => "/srv/www"'
    prefix = route.path if route.path == "/" else route.path.rstrip("/")
    return f'"{prefix}" => (( {target}, "check-local" => "disable", "disable-time" => 0{more} ))'
