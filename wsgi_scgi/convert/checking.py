"""Ask the reader of our file whether it takes what was made, and put right what it refuses.

So what this version supports is decided by its declarations alone.  A key that is refused becomes
a comment; a route that would let in more without it is excluded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..config.file import parse_configuration
from ..config.mistakes import InvalidConfiguration, Mistake, unknown_key
from .administration import Administration
from .balancers import Balancer, close_routes_to, table_lines
from .draft import Draft
from .region import PathPrefix, covers, parent, widened
from .settings import Setting
from .toml_text import key_value

Parse = Callable[[str, str], object]
"""parse_configuration, or what stands for it in a test."""

# With a name mistakes are told by their lines.
_NAME = "gateway.toml"
_UNKNOWN = unknown_key("", ()).partition(";")[0]
_PLACE = ("path", "match")
# Whoever reads the result has to fill these in.
_TO_BE_FILLED_IN = ("sendfile", "sendfile_roots")


def mistakes_in(text: str, parse: Parse = parse_configuration) -> tuple[Mistake, ...]:
    """Return what the reader says against a file."""
    try:
        parse(text, _NAME)
    except InvalidConfiguration as error:
        return error.mistakes
    return ()


def accepts_host(name: str, parse: Parse = parse_configuration) -> bool:
    """Tell whether a route may be for a host of this name."""
    lines = ['[[route]]\npath = "/"\nbackend = "scgi://localhost/"', key_value("host", [name])]
    return not mistakes_in("\n".join(lines), parse)


@dataclass(frozen=True, slots=True)
class _Part:
    """One table of a balancer."""

    balancer: Balancer
    table: dict[str, object]


class Document:
    """The parts of the file, which the reader may take from."""

    def __init__(
        self,
        server: Mapping[str, object],
        drafts: Sequence[Draft],
        balancers: Sequence[Balancer],
        admin: Administration | None = None,
    ) -> None:
        self._server = dict(server)
        self._drafts = list(drafts)
        self._balancers = list(balancers)
        self._admin = admin
        self.lost: list[str] = []
        """What was taken out of tables other than routes, for comments."""

    def settle(self, parse: Parse = parse_configuration) -> None:
        """Take out what the reader refuses until nothing is left but what is to be filled in."""
        changed = True
        while changed:
            changed = False
            moved: set[int] = set()
            owners, lines = self._layout(self._drafts)
            for mistake in mistakes_in("\n".join(lines), parse):
                owner = owners.get(mistake.line)
                if isinstance(owner, Draft):
                    changed |= _put_right(owner, mistake, moved)
                elif isinstance(owner, _Part):
                    changed |= self._put_balancer_right(owner, mistake)
                elif isinstance(owner, Administration):
                    changed |= self._put_admin_right(mistake)
                else:
                    changed |= self._put_server_right(mistake)

    def lines(self) -> list[str]:
        """Return the lines of the file."""
        return self._layout([draft for draft, taker in _takers(self._drafts) if taker is None])[1]

    def unreachable(self) -> list[str]:
        """Return a comment for each route that an earlier one leaves nothing for."""
        return [
            f"{draft.origin}: never reached, all of it goes to {taker.origin}"
            for draft, taker in _takers(self._drafts)
            if taker is not None
        ]

    def _layout(self, drafts: Sequence[Draft]) -> tuple[dict[int, object], list[str]]:
        """Return the lines, and which part each of them, from 1, belongs to."""
        parts: list[tuple[object, list[str]]] = []
        if self._server:
            pairs = [key_value(name, value) for name, value in self._server.items()]
            parts.append((None, ["[server]", *pairs]))
        parts += [(draft, draft.lines()) for draft in drafts]
        for balancer in self._balancers:
            for header, table in balancer.tables():
                parts.append((_Part(balancer, table), table_lines(header, table)))
        if self._admin is not None:
            parts.append((self._admin, self._admin.lines()))
        owners: dict[int, object] = {}
        lines: list[str] = []
        for owner, new in parts:
            for line in (*new, ""):
                lines.append(line)
                owners[len(lines)] = owner
        return owners, lines

    def _put_server_right(self, mistake: Mistake) -> bool:
        value = self._server.pop(mistake.key, None)
        if value is not None:
            self.lost.append(f"[server] {_lost(mistake, value)}")
        return value is not None

    def _put_admin_right(self, mistake: Mistake) -> bool:
        """Take the table out for a path that is refused; the token is to be filled in."""
        if self._admin is None or mistake.key == "token":
            return False
        self.lost.append(f"[admin]: {_lost(mistake, self._admin.path, 'path')}")
        self._admin = None
        return True

    def _put_balancer_right(self, part: _Part, mistake: Mistake) -> bool:
        """Take a key out of a table, or the balancer, which closes the routes to it."""
        balancer, key = part.balancer, mistake.key
        if key in part.table and key != "url":
            value = part.table.pop(key)
            self.lost.append(f"balancer {balancer.name}: {_lost(mistake, value)}")
            return True
        if balancer not in self._balancers:
            return False
        self._balancers.remove(balancer)
        reason = f"balancer {balancer.name}: {_why(mistake)}"
        self.lost += [reason, *(line for line in balancer.lines() if line)]
        close_routes_to(balancer.name, self._drafts, reason)
        return True


def _takers(drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Draft | None]]:
    """Yield each route with an earlier one that leaves nothing for it, None if there is none.

    An exclusion stays unless another one makes it needless: ``%2F`` may lead around a route.
    """
    earlier: dict[frozenset[str], list[Draft]] = {}
    for draft in drafts:
        hosts = frozenset(draft.host)
        takers = (
            one
            for around, found in earlier.items()
            if not around or (hosts and hosts <= around)
            for one in found
            if (one.exclude or not draft.exclude) and covers(one.region, draft.region)
        )
        yield draft, next(takers, None)
        earlier.setdefault(hosts, []).append(draft)


def _why(mistake: Mistake) -> str:
    if mistake.text.startswith(_UNKNOWN):
        return f"not supported by this version: {mistake.key}"
    return f"refused: {mistake.key}: {mistake.text}"


def _lost(mistake: Mistake, value: object, key: str = "") -> str:
    """Return a comment for a key that was taken out."""
    pair = key_value(key or mistake.key, value)
    if mistake.text.startswith(_UNKNOWN):
        return f"not supported by this version: {pair}"
    return f"refused: {pair}: {mistake.text}"


def _put_right(draft: Draft, mistake: Mistake, moved: set[int]) -> bool:
    """Take out of a route what the reader refuses; return whether anything was changed."""
    key, _, inner = mistake.key.partition(".")
    if key in _PLACE:
        if id(draft) in moved:
            return False
        moved.add(id(draft))
        return _move(draft, mistake)
    if key in draft.options:
        return _take_out(draft, mistake, key, inner)
    if key == "set_if" and draft.set_if:
        draft.lost += [_lost(mistake, table, key) for table in draft.set_if]
        draft.set_if.clear()
        return True
    if key == "host" and draft.host:
        reason = f"{_why(mistake)}: {', '.join(draft.host)}"
        draft.host = ()
        draft.close(reason)
        return True
    if draft.exclude:
        return False
    draft.close(_why(mistake))
    return True


def _move(draft: Draft, mistake: Mistake) -> bool:
    """Exclude a route whose place is refused, for what is surely around it."""
    region = draft.region
    around = parent(region) if isinstance(region, PathPrefix) else widened(region)
    if around == region:
        return False
    draft.region = around
    draft.close(_why(mistake))
    return True


def _take_out(draft: Draft, mistake: Mistake, key: str, inner: str) -> bool:
    """Take an option out; exclude the route if it is one that guards it."""
    setting = draft.options[key]
    unknown = mistake.text.startswith(_UNKNOWN)
    if key in _TO_BE_FILLED_IN and not unknown:
        return False
    if isinstance(setting.value, dict) and inner in setting.value:
        rest = {name: value for name, value in setting.value.items() if name != inner}
        draft.lost.append(_lost(mistake, setting.value[inner], inner))
        draft.options[key] = Setting(rest, setting.places)
        guarded = {f"{key}.{inner}"}
        if not rest:
            del draft.options[key]
    else:
        del draft.options[key]
        draft.lost.append(_lost(mistake, setting.value, key))
        guarded = {name for name in draft.guarded if name.partition(".")[0] == key}
    if guarded & draft.guarded:
        draft.close(_why(mistake))
    return True
