"""What a configuration says, checked: the routes in order, and gunicorn's settings as written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..address import BackendURL, parse_backend_url
from ..semantics.path import PathInfo
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
        case ("route", int(), *keys) | ("server", *keys) if keys:
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
    backend: BackendURL | None = None
    options: RouteOptions = field(default_factory=RouteOptions)

    def __str__(self) -> str:
        """Return the route as the administrator thinks of it, with what is not the default."""
        path = self.name
        if self.backend is None:
            return f"{path} -> excluded"
        base = "" if self.backend.path == "/" else str_as_text(self.backend.path)
        changed = ", ".join(self.options.changed())
        return f"{path} -> {self.backend.address}{base}{f' ({changed})' if changed else ''}"

    @property
    def name(self) -> str:
        """The path or the expression, with the hosts in front."""
        return " ".join((*self.host, str_as_text(self.path or self.match)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A whole configuration.  ``server`` has gunicorn's settings, by gunicorn's names."""

    routes: tuple[Route, ...]
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
