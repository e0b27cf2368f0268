"""What a configuration says, checked: the routes, the balancers, gunicorn's settings as written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..address import BackendURL, BalancerURL, parse_backend_url
from ..semantics.path import PathInfo
from .balancer_options import (
    AdminOptions,
    BalancerOptions,
    HealthOptions,
    MemberOptions,
    StickyCookieOptions,
)
from .declaring import Table
from .kinds import str_as_text
from .lines import KeyPath
from .mistakes import Mistake
from .options import RouteOptions


@dataclass(frozen=True, slots=True)
class Source:
    """Where a configuration was written; without a name it was made by a program."""

    name: str = ""
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def mistake(self, path: KeyPath, text: str) -> Mistake:
        """Return a mistake at ``path``, or at the nearest table around it that was written."""
        if not self.name:
            return Mistake(_whole_key(path), text)
        around = path
        while around and around not in self.lines:
            around = around[:-1]
        return Mistake(_shown_key(path), text, self.name, self.lines.get(around, 1))


def _shown_key(path: KeyPath) -> str:
    """Return the key as its table has it."""
    match path:
        case ("route", int()):
            return "[[route]]"
        case ("balancer", _, "member", int()):
            return f"[[balancer.{path[1]}.member]]"
        case (
            ("route", int(), *keys)
            | ("server" | "state" | "admin", *keys)
            | ("balancer", _, "member", int(), *keys)
            | ("balancer", _, "health" | "sticky_cookie", *keys)
            | ("balancer", _, *keys)
        ) if keys:
            return ".".join(map(str, keys))
    return ".".join(map(str, path))


def _whole_key(path: KeyPath) -> str:
    """Return the key with the tables around it: no line tells which of several is meant."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return key.removeprefix(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One ``[[route]]``: the requests that it takes, and the backend that gets them.

    It has either a ``path`` or a regular expression in ``match``, both "bytes as str" as in a
    WSGI environ.  ``host`` has names in lower case, none for every host.  ``backend`` is None
    for an excluded route.
    """

    path: str = ""
    match: str = ""
    host: tuple[str, ...] = ()
    exclude: bool = False
    backend: BackendURL | BalancerURL | None = None
    options: RouteOptions = field(default_factory=RouteOptions)

    def __str__(self) -> str:
        """Return the route as the administrator thinks of it, with what is not the default."""
        path = self.name
        if self.backend is None:
            return f"{path} -> excluded"
        backend = self.backend
        target = backend if isinstance(backend, BalancerURL) else backend.address
        base = "" if backend.path == "/" else str_as_text(backend.path)
        return f"{path} -> {target}{base}{_in_brackets(self.options)}"

    @property
    def name(self) -> str:
        """The path or the expression, with the hosts in front."""
        return " ".join((*self.host, str_as_text(self.path or self.match)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancer:
    """One ``[balancer.NAME]``, with its members in the order of the file."""

    name: str
    options: BalancerOptions
    members: tuple[MemberOptions, ...]
    health: HealthOptions | None = None
    sticky_cookie: StickyCookieOptions | None = None

    def lines(self) -> Iterator[str]:
        """Yield what ``check`` tells: the balancer, its members, what else belongs to it."""
        yield f"balancer {self.name}{_in_brackets(self.options)}"
        for member in self.members:
            yield f"member  {member.name}{_in_brackets(member)}"
        if self.health is not None:
            yield f"health  of {self.name}{_in_brackets(self.health)}"
        if self.sticky_cookie is not None:
            cookie = self.options.sticky_session.partition("|")[0]
            yield f"cookie  {cookie}{_in_brackets(self.sticky_cookie)}"


def _in_brackets(table: Table) -> str:
    changed = ", ".join(table.changed())
    return f" ({changed})" if changed else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A whole configuration.  ``server`` has gunicorn's settings, by gunicorn's names.

    ``share`` is "workers" where all workers of the host have one board, else "none".
    """

    routes: tuple[Route, ...]
    balancers: Mapping[str, Balancer] = field(default_factory=dict)
    share: str = "workers"
    admin: AdminOptions | None = None
    server: Mapping[str, object] = field(default_factory=dict)
    source: Source = field(default_factory=Source)
    warnings: tuple[Mistake, ...] = ()


def single_backend(url: str, values: Mapping[str, object]) -> Configuration:
    """Return the configuration that forwards everything to one backend.

    ``values`` are raw values of RouteOptions.  Raises AddressError or InvalidConfiguration.
    """
    backend = parse_backend_url(url)
    route = Route(path="/", backend=backend, options=RouteOptions.from_values(values))
    return Configuration(routes=(route,))


def path_info_warning(route: Route) -> str:
    """Return a warning where SCRIPT_NAME and PATH_INFO do not make the request's path."""
    backend = route.backend
    if backend is None or backend.path == "/" or route.options.path_info is not PathInfo.ON:
        return ""
    return (
        f"the base path {backend.path} goes into PATH_INFO, so SCRIPT_NAME and PATH_INFO together"
        " are not the path of the request; applications that make links from them need the base"
        " path /"
    )
