"""From virtual hosts to routes with ``host``, and routes for hosts that nobody names.

Apache gives an unknown host to the first virtual host of the address.  Here a virtual host is
for its names only: what remains for an unknown host is what the main server has, under the rules
of that first virtual host.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from .definitions import is_unresolved
from .directive import Certainty, Directive
from .draft import Draft
from .region import EVERYTHING, covers, overlaps
from .routing import Server
from .server_block import ServerBlock

_SERVER_NAME = re.compile(r"(?:\w+://)?(\[[^\]]*\]|[^:]*)(?::\d+)?/?")


@dataclass(frozen=True, slots=True)
class Site:
    """A virtual host with its names; ``complete`` unless a name of it cannot be written down."""

    names: tuple[str, ...]
    complete: bool
    server: Server

    @property
    def header(self) -> Directive:
        """The line that opens the virtual host."""
        return self.server.blocks[-1].header

    def remark(self, text: str) -> None:
        """Say something about the virtual host."""
        self.server.ledger.remark(self.header, text)


def drafts_for(
    server: Server, hosts: Sequence[ServerBlock], accepts: Callable[[str], bool]
) -> list[Draft]:
    """Return all routes in order: those of the virtual hosts, then those for any host.

    ``server`` is the main server alone; ``accepts`` tells whether our file takes a host's name.
    """
    if not hosts:
        return [draft for draft, _ in server.drafts()]
    sites = [*_sites(server, hosts, accepts)]
    first = sites[0]
    if first.complete and not first.names:
        # It has no name, so it is there for all that others have not.
        rest = [draft for draft, _ in first.server.drafts()]
        sites = sites[1:]
    else:
        first.remark("here it is for its names only; Apache gives it all unknown hosts, too")
        rest = _for_unknown_hosts(first)
    for site in sites:
        if not site.complete:
            rest = []
            site.remark("a name of it cannot be written down, so no route is for unknown hosts")
    drafts: list[Draft] = []
    for at, site in enumerate(sites):
        drafts += _named(site, sites[at + 1 :], rest)
    return drafts + rest


def _sites(
    server: Server, hosts: Sequence[ServerBlock], accepts: Callable[[str], bool]
) -> Iterator[Site]:
    """Yield each virtual host with the names that no earlier one has."""
    main = server.blocks[0]
    server.ledger.use(*main.named("servername"))
    taken: list[str] = []
    for host in hosts:
        server.ledger.use(*host.named("servername", "serveralias"))
        written, sure = _names(main, host)
        names = tuple(one for one in written if not any(_matches(one, name) for name in taken))
        usable = tuple(name for name in names if accepts(name))
        taken += names
        complete = sure and usable == names
        yield Site(usable, complete, replace(server, blocks=(main, host)))


def _names(main: ServerBlock, host: ServerBlock) -> tuple[list[str], bool]:
    """Return the names of a virtual host, and whether these are surely all."""
    server_names = [*host.named("servername")] or [*main.named("servername")]
    lines = [*server_names[-1:], *host.named("serveralias")]
    words = [_SERVER_NAME.sub(r"\1", one.argument) for one in server_names[-1:]]
    words += [word for one in host.named("serveralias") for word in one.words]
    names = [word.lower().rstrip(".") for word in words if word and not is_unresolved(word)]
    sure = len(names) == len(words) and all(one.certainty is not Certainty.DOUBTED for one in lines)
    return list(dict.fromkeys(names)), sure


def _is_wild(name: str) -> bool:
    return "*" in name or "?" in name


def _matches(name: str, earlier: str) -> bool:
    """Tell whether a host of this name is taken by an earlier name."""
    return name == earlier or (not _is_wild(name) and fnmatch.fnmatchcase(name, earlier))


def _may_share(name: str, other: str) -> bool:
    """Tell whether a host may have both names."""
    if _is_wild(name) and _is_wild(other):
        return True
    return _matches(name, other) or _matches(other, name)


def _named(site: Site, later: Sequence[Site], rest: Sequence[Draft]) -> Iterator[Draft]:
    """Yield the routes of a virtual host.

    Those of the main server are left to the routes for any host if these are the same and do not
    come first; otherwise they are repeated, and what none of them takes ends here.
    """
    if not site.names:
        site.remark("no request reaches it: it has no name of its own that can be written down")
        return
    pairs = [*site.server.drafts()]
    names = [name for other in later for name in other.names]
    shares = any(_may_share(name, other) for name in site.names for other in names)
    repeated = (
        shares
        or _is_ordered(pairs)
        or not _same([draft for draft, is_main in pairs if is_main], rest)
    )
    ordered = [draft for draft, is_main in pairs if repeated or not is_main]
    for draft in ordered:
        draft.host = site.names
        yield draft
    if repeated and not any(covers(draft.region, EVERYTHING) for draft in ordered):
        reason = "nothing else is served for these hosts"
        yield Draft(EVERYTHING, str(site.header), exclude=True, host=site.names, reasons=[reason])


def _is_ordered(pairs: Sequence[tuple[Draft, bool]]) -> bool:
    """Tell whether a route of the main server takes requests from a later one of the host."""
    return any(
        is_main and not later_is_main and overlaps(draft.region, later.region)
        for at, (draft, is_main) in enumerate(pairs)
        for later, later_is_main in pairs[at + 1 :]
    )


def _same(drafts: Sequence[Draft], others: Sequence[Draft]) -> bool:
    return len(drafts) == len(others) and all(
        one.region == other.region and one.same_effect(other)
        for one, other in zip(drafts, others, strict=True)
    )


def _for_unknown_hosts(first: Site) -> list[Draft]:
    """Return the main server's routes under the rules of the first virtual host.

    A route of its own that comes before one of them is an exclusion, or the other would take
    its requests.
    """
    pairs = [*first.server.drafts()]
    rest: list[Draft] = []
    for at, (draft, is_main) in enumerate(pairs):
        if is_main:
            rest.append(draft)
            continue
        behind = [other for other, main in pairs[at + 1 :] if main and not other.exclude]
        if any(overlaps(draft.region, other.region) for other in behind):
            draft.close(f"only for the names of {first.header}")
            rest.append(draft)
    return rest
