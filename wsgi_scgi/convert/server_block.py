"""The main server and its virtual hosts, and what of them applies to a request.

Apache merges per request, in this order: the server, the virtual host, ``<Proxy>`` by the
backend's URL, ``<Location>`` in the order of the files, those of the main server first.  It does
not heed ``<Directory>`` and ``<Files>`` for a request that it proxies.
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .definitions import is_unresolved
from .directive import Directive, Place
from .region import (
    EVERYTHING,
    UNKNOWN,
    PathPrefix,
    Region,
    has_wildcard,
    path_prefix,
    pattern,
    wildcard,
)

_WILDCARD = re.compile(r"[*?\[]")


class SectionKind(enum.Enum):
    """What kind of section directives stand in."""

    SERVER = "server"
    DIRECTORY = "directory"
    PROXY = "proxy"
    LOCATION = "location"


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Directives, and the request paths that they apply to."""

    kind: SectionKind
    region: Region
    directives: tuple[Directive, ...]
    header: Directive | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ServerBlock:
    """The main server, whose header is of no section, or one ``<VirtualHost>``."""

    directives: tuple[Directive, ...]
    header: Directive

    def named(self, *keys: str) -> Iterator[Directive]:
        """Yield the directives of these names, in order, sections included."""
        return (one for one in self.directives if one.key in keys)

    def last(self, key: str) -> Directive | None:
        """Return the last directive of this name that is not in doubt."""
        return next((one for one in reversed([*self.named(key)]) if one.certainty), None)

    @property
    def server_level(self) -> Section:
        """What stands outside of the block's sections."""
        plain = tuple(one for one in self.directives if not one.key.startswith("<"))
        return Section(SectionKind.SERVER, EVERYTHING, plain, self.header)

    @property
    def locations(self) -> list[Section]:
        """``<Location>`` and ``<LocationMatch>``; those that match nothing are left out."""
        found = []
        for header in self.named("<location", "<locationmatch"):
            region = location_region(header)
            if region is not None:
                found.append(Section(SectionKind.LOCATION, region, header.children, header))
        return found

    def proxies(self, url: str) -> list[Section]:
        """Return the ``<Proxy>`` sections for a backend, those included that may be for it."""
        found = []
        for header in self.named("<proxy", "<proxymatch"):
            if _may_be_for(header, url):
                region = EVERYTHING if _is_surely_for(header, url) else UNKNOWN
                found.append(Section(SectionKind.PROXY, region, header.children, header))
        return found


def blocks(directives: tuple[Directive, ...]) -> tuple[ServerBlock, tuple[ServerBlock, ...]]:
    """Divide a tree into the main server and the virtual hosts."""
    place = directives[0].place if directives else Place("", 1)
    header = Directive(key="", words=(), text="the main server", place=place)
    main = ServerBlock(tuple(one for one in directives if one.key != "<virtualhost"), header)
    hosts = tuple(ServerBlock(one.children, one) for one in directives if one.key == "<virtualhost")
    return main, hosts


def location_region(header: Directive) -> Region | None:
    """Return the paths of a ``<Location>``; None if no request can have one."""
    words = header.words
    if is_unresolved(" ".join(words)) or not words:
        return UNKNOWN
    if header.key == "<locationmatch":
        return pattern(words[0])
    if words[0] == "~":
        return pattern(words[-1])
    return wildcard(words[0]) if has_wildcard(words[0]) else path_prefix(words[0])


def directory_sections(
    blocks_in_order: tuple[ServerBlock, ...], document_root: str
) -> list[Section]:
    """Return the ``<Directory>`` sections for DocumentRoot and below, as paths of requests.

    Apache does not heed them for a proxied request.  Who wrote one meant the path all the same,
    so their access rules count; those further up, like ``<Directory />``, do not.
    """
    root = document_root.rstrip("/")
    found = []
    for block in blocks_in_order:
        for header in block.named("<directory"):
            directory = header.argument.rstrip("/")
            if root and f"{directory}/".startswith(f"{root}/") and not has_wildcard(directory):
                region = PathPrefix(directory[len(root) :] or "/")
                found.append(Section(SectionKind.DIRECTORY, region, header.children, header))
    return sorted(found, key=lambda one: len(one.region.common.rstrip("/")))


def _may_be_for(header: Directive, url: str) -> bool:
    """Tell whether a ``<Proxy>`` may apply to a backend; either may be a part of the other."""
    literal = _literal_url(header)
    wanted, actual = _comparable(literal), _comparable(url)
    return actual.startswith(wanted) or wanted.startswith(actual)


def _is_surely_for(header: Directive, url: str) -> bool:
    """Tell whether a ``<Proxy>`` applies to all requests for a backend: it starts like that."""
    if header.key == "<proxymatch" or header.argument in ("", "~"):
        return False
    literal = _literal_url(header)
    whole = header.argument in (literal, f"{literal}*")
    return whole and url.rpartition("|")[2].startswith(literal)


def _literal_url(header: Directive) -> str:
    """Return what the URLs of a ``<Proxy>`` start with, as far as it is certain."""
    words = header.words
    if not words or is_unresolved(header.text):
        return ""
    if header.key == "<proxymatch" or words[0] == "~":
        return pattern(words[-1]).literal
    return _WILDCARD.split(words[0])[0]


def is_for(worker: str, url: str) -> bool:
    """Tell whether the parameters of a backend, named by its URL, are for ``url``."""
    wanted = _comparable(worker)
    return bool(wanted) and f"{_comparable(url)}/".startswith(f"{wanted}/")


def _comparable(url: str) -> str:
    """Return a backend's URL as Apache compares it: without the socket and the default port."""
    url = url.rpartition("|")[2].lower()
    return re.sub(r"^(scgi://[^/]*):4000(?=/|$)", r"\1", url).rstrip("/")
