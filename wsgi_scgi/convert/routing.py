"""From the entries of a server to its routes.

A ``<Location>`` inside the path of a ProxyPass becomes a route of its own before it, with the same
backend, so that what the Location says counts there and only there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .access import Verdict, judge
from .directive import Certainty, Directive
from .draft import Draft
from .ledger import Ledger
from .proxy_pass import Entry, entries
from .region import PathPrefix, Region, covers, is_writable, overlaps
from .sending_files import document_root, refused_files
from .server_block import Section, SectionKind, ServerBlock, directory_sections, is_for
from .settings import Setting, Settings, apply_parameters, settings_for
from .variables import joined

_ACCESS_NAMES = """
    require <requireall <requireany <requirenone order allow deny satisfy authtype
    authuserfile authbasicprovider authmerging allowmethods sslrequire sslrequiressl
    sslverifyclient
"""
_ACCESS = frozenset(_ACCESS_NAMES.split())


@dataclass(frozen=True, slots=True)
class _Unit:
    """A route, and the parts of it that are closed by a pattern."""

    draft: Draft
    partly: tuple[tuple[Region, tuple[str, ...]], ...] = ()

    def same_effect(self, other: "_Unit") -> bool:
        """Tell whether the two do the same with a request."""
        return self.partly == other.partly and self.draft.same_effect(other.draft)

    def drafts(self) -> Iterator[Draft]:
        """Yield the closed parts, then the route."""
        for region, reasons in self.partly:
            if not is_writable(region):
                for reason in reasons:
                    self.draft.close(reason)
        if not self.draft.exclude:
            for region, reasons in self.partly:
                yield Draft(region, self.draft.origin, exclude=True, reasons=[*reasons])
        yield self.draft.make_writable()


@dataclass(frozen=True, slots=True)
class Server:
    """What answers for a host: the main server, and the virtual host if there is one."""

    blocks: tuple[ServerBlock, ...]
    server_root: str
    ledger: Ledger

    def drafts(self) -> Iterator[tuple[Draft, bool]]:
        """Yield the routes in order, and whether each is the main server's."""
        for entry, block in entries(self.blocks):
            self.ledger.use(entry.directive)
            for unit in self._units(entry):
                for draft in unit.drafts():
                    yield draft, block is self.blocks[0]

    def _units(self, entry: Entry) -> list[_Unit]:
        """Return the routes of an entry, the most special first."""
        if entry.problem or not entry.target:
            draft = Draft(entry.region, str(entry.directive), entry.target, exclude=True)
            draft.reasons += [entry.problem] if entry.problem else []
            return [_Unit(draft)]
        sections = self._sections(entry.target)
        units = [(entry.region, self._unit(entry, entry.region, entry.target, sections))]
        for region, target in _parts(entry, sections):
            unit = self._unit(entry, region, target, sections)
            around = next(one for inner, one in reversed(units) if covers(inner, region))
            if not unit.same_effect(around):
                unit.draft.origin += f"; the part below {region.path}"
                units.append((region, unit))
        return [unit for _, unit in reversed(units)]

    def _sections(self, target: str) -> list[Section]:
        """Return what may apply to requests for a backend, in the order of merging."""
        root, _ = document_root(self.blocks, self.server_root)
        return [
            *(block.server_level for block in self.blocks),
            *directory_sections(self.blocks, root),
            *(section for block in self.blocks for section in block.proxies(target)),
            *(section for block in self.blocks for section in block.locations),
        ]

    def _unit(self, entry: Entry, region: Region, target: str, sections: list[Section]) -> _Unit:
        verdict = judge(sections, region, self.server_root)
        settings = settings_for(sections, region, self.ledger)
        if not target.lower().startswith("balancer:"):
            self._take_parameters(entry, target, settings)
        draft = Draft(region, str(entry.directive), target, remarks=[*entry.notes])
        for reason in verdict.closed:
            draft.close(reason)
        self._take_login(draft, settings, verdict, sections)
        self._take_options(draft, settings)
        for section in sections:
            if overlaps(section.region, region):
                self._use_access(section)
        return _Unit(draft, verdict.partly)

    def _take_parameters(self, entry: Entry, target: str, settings: Settings) -> None:
        for block in self.blocks:
            for directive, parameters in _proxy_sets(block, target):
                self.ledger.use(directive)
                apply_parameters(parameters, directive, settings, self.ledger)
        apply_parameters(entry.parameters, entry.directive, settings, self.ledger)

    def _take_login(
        self, draft: Draft, settings: Settings, verdict: Verdict, sections: list[Section]
    ) -> None:
        asks = [
            one
            for section in sections
            if covers(section.region, draft.region)
            for one in section.directives
            if one.key == "authtype"
        ]
        if asks:
            # Apache keeps the password to itself.
            kept = Setting(False, (asks[-1].place,))
            settings.options.setdefault("pass_authorization", kept)
        if verdict.auth_file:
            draft.options["auth_file"] = Setting(verdict.auth_file)
            draft.guarded |= {"auth_file"}

    def _take_options(self, draft: Draft, settings: Settings) -> None:
        options, variables = settings.options, settings.variables
        if variables.path_info is not None:
            draft.options["path_info"] = Setting("apache", (variables.path_info,))
        root, directive = document_root(self.blocks, self.server_root)
        if directive is not None:
            self.ledger.use(directive)
            if root:
                draft.options["document_root"] = Setting(root, (directive.place,))
        draft.options |= options
        if "sendfile" in options and options["sendfile"].value is not False:
            refused = refused_files(self.blocks, root) if root else ("DocumentRoot is not known",)
            draft.options["sendfile_roots"] = Setting([] if refused else [root])
            draft.remarks += [f"sendfile_roots is left to be filled in: {one}" for one in refused]
        if variables.fixed:
            draft.options["variables"] = Setting(variables.fixed, tuple(joined(variables.places)))
            draft.guarded |= {f"variables.{name}" for name in variables.guarded}
        draft.set_if += variables.set_if

    def _use_access(self, section: Section) -> None:
        for directive in section.directives:
            if directive.key in _ACCESS:
                self.ledger.use(*directive.walk())


def _parts(entry: Entry, sections: list[Section]) -> Iterator[tuple[PathPrefix, str]]:
    """Yield the paths inside an entry that sections single out, with their targets."""
    if not isinstance(entry.region, PathPrefix):
        return
    inside = {
        section.region
        for section in sections
        if section.kind is not SectionKind.PROXY
        and isinstance(section.region, PathPrefix)
        and covers(entry.region, section.region)
        and section.region != entry.region
    }
    for region in sorted(inside, key=lambda one: (len(one.path), one.path)):
        yield region, _extended(entry, region)


def _extended(entry: Entry, region: PathPrefix) -> str:
    """Return the target for a part of an entry's path: ProxyPass joins, and nothing else."""
    rest = region.path[len(entry.region.common) :]
    target = entry.target
    if target.lower().endswith(("scgi:", "scgi://")):
        # What Apache makes of a socket without the rest of the URL.
        target = f"{target.rpartition(':')[0]}://localhost"
        target += "" if rest.startswith("/") else "/"
    return target + rest


def _proxy_sets(block: ServerBlock, target: str) -> Iterator[tuple[Directive, Mapping[str, str]]]:
    """Yield what ProxySet and ``<Proxy URL key=value>`` say of a single backend."""
    for directive in block.named("proxyset", "<proxy"):
        if not is_for(directive.argument, target) or directive.certainty is Certainty.DOUBTED:
            continue
        if directive.words[1:]:
            yield directive, _pairs(directive.words[1:])
        for child in directive.children:
            if child.key == "proxyset" and child.certainty is not Certainty.DOUBTED:
                yield child, _pairs(child.words)


def _pairs(words: tuple[str, ...]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    return {key.lower(): value for key, _, value in pairs}
