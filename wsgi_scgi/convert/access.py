"""Who may come in: Require, Order, Allow, Deny, authentication.

Two things can be expressed in our file: everybody, and everybody with a password from a file.
Whatever else Apache would ask for makes the verdict "closed", with the reason.

Sections follow one another as in Apache: the last one with a Require decides (mod_authz_core),
and so does the last one with Order, Allow, Deny or Satisfy (mod_access_compat); both must agree.
What would loosen a rule counts only if it is certain, what tightens one always does.
"""

import enum
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .barriers import Barrier, barriers_in
from .definitions import is_unresolved
from .directive import Certainty, Directive
from .region import PathPrefix, Region, covers, overlaps
from .server_block import Section


class _Demand(enum.IntEnum):
    """What must be shown to come in."""

    NOTHING = 0
    LOGIN = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A demand, and the directives that make it."""

    demand: _Demand
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a route may be served.

    ``closed`` are the reasons why not; ``auth_file`` is the file of passwords, empty if none is
    needed; ``partly`` are parts of the route that are closed, each with its reasons.
    """

    closed: tuple[str, ...] = ()
    auth_file: str = ""
    partly: tuple[tuple[Region, tuple[str, ...]], ...] = ()


@dataclass(slots=True)
class _Access:
    """One kind of rule while the sections are walked: what holds, and for which parts not."""

    rule: Rule = Rule(_Demand.NOTHING)
    parts: list[tuple[Region, Rule]] = field(default_factory=list)

    def enter(self, rule: Rule | None, *, merge: bool = False) -> None:
        """Let a section that covers the whole target say ``rule``, None if it says nothing."""
        if rule is None:
            return
        if merge and self.rule.demand is not _Demand.NOTHING:
            rule = Rule(max(rule.demand, self.rule.demand), self.rule.reasons + rule.reasons)
        elif not merge:
            self.parts.clear()
        self.rule = rule

    def enter_part(self, region: Region, rule: Rule | None) -> None:
        """Let a section that covers a part say ``rule``; what it loosens does not count."""
        if rule is not None and rule.demand is not _Demand.NOTHING:
            self.parts.append((region, rule))


_AUTHENTICATION = ("authtype", "authuserfile", "authbasicprovider")


@dataclass(slots=True)
class _Login:
    """Who is asked for a password and how, while the sections are walked."""

    lines: dict[str, Directive] = field(default_factory=dict)
    doubts: list[Directive] = field(default_factory=list)
    parts: list[tuple[Region, tuple[str, ...]]] = field(default_factory=list)

    def enter(self, directives: Iterable[Directive]) -> None:
        """Take what a section for the whole target says; the last line of a name counts."""
        for one in directives:
            if one.key in _AUTHENTICATION and one.certainty:
                self.lines[one.key] = one
            elif one.key in _AUTHENTICATION:
                self.doubts.append(one)

    def enter_part(self, region: Region, directives: Iterable[Directive]) -> None:
        """Take note of a part with another login."""
        others = tuple(str(one) for one in directives if one.key in _AUTHENTICATION)
        if others:
            self.parts.append((region, others))

    @property
    def reasons(self) -> list[str]:
        """The lines, for a login that cannot be expressed."""
        return [str(one) for one in (*self.lines.values(), *self.doubts)]

    def file(self, server_root: str) -> str:
        """Return the file of passwords, empty if it is not a file that decides."""
        kind, file, provider = (self.lines.get(key) for key in _AUTHENTICATION)
        if self.doubts or kind is None or kind.argument.lower() != "basic":
            return ""
        if provider is not None and provider.words != ("file",):
            return ""
        if file is None or not file.argument or is_unresolved(file.argument):
            return ""
        return posixpath.join(posixpath.abspath(server_root), file.argument)


def judge(sections: Sequence[Section], target: Region, server_root: str) -> Verdict:
    """Return whether requests for ``target`` may be served, by the sections in Apache's order.

    A section that covers a part of a path below it is not looked at: that part is a route of
    its own.  Relative files are below ``server_root``.
    """
    modern, compatible = _Access(), _Access()
    login = _Login()
    closed: list[str] = []
    partly: list[tuple[Region, tuple[str, ...]]] = []
    for section in sections:
        region = section.region
        if covers(region, target):
            modern.enter(_authorization(section.directives), merge=_merges(section))
            compatible.enter(_compatible_access(section.directives))
            login.enter(section.directives)
        elif _is_part(region, target):
            modern.enter_part(region, _authorization(section.directives))
            compatible.enter_part(region, _compatible_access(section.directives))
            login.enter_part(region, section.directives)
        for barrier in (*barriers_in(section), *_late_barriers(section)):
            if covers(barrier.region, target):
                closed.append(barrier.reason)
            elif _is_part(barrier.region, target):
                partly.append((barrier.region, (barrier.reason,)))
    auth_file = ""
    for rule in (modern.rule, compatible.rule):
        if rule.demand is _Demand.UNKNOWN:
            closed += rule.reasons
        elif rule.demand is _Demand.LOGIN:
            auth_file = login.file(server_root)
            closed += () if auth_file else (*rule.reasons, *login.reasons)
            partly += login.parts
    for region, rule in (*modern.parts, *compatible.parts):
        if rule.demand is _Demand.LOGIN and isinstance(region, PathPrefix):
            # The part has a route of its own with a login, which an exclusion would hide.
            closed += rule.reasons
        else:
            partly.append((region, rule.reasons))
    return Verdict(tuple(dict.fromkeys(closed)), auth_file, tuple(partly))


def _late_barriers(section: Section) -> Iterator[Barrier]:
    """Yield a barrier for each rule inside ``<If>``: no section takes it back."""
    for reason in restricts([one for one in section.directives if one.late]):
        yield Barrier(section.region, reason)


def restricts(directives: Sequence[Directive]) -> tuple[str, ...]:
    """Return the reasons why directives let in less than everybody; none if they do not."""
    rules = (_authorization(directives), _compatible_access(directives))
    return tuple(
        reason
        for rule in rules
        if rule is not None and rule.demand is not _Demand.NOTHING
        for reason in rule.reasons
    )


def grants(directives: Sequence[Directive]) -> bool:
    """Tell whether directives let in everybody, whatever was said before."""
    rule = _authorization(directives)
    return rule is not None and rule.demand is _Demand.NOTHING


def _is_part(region: Region, target: Region) -> bool:
    both_paths = isinstance(region, PathPrefix) and isinstance(target, PathPrefix)
    return not both_paths and overlaps(region, target)


def _merges(section: Section) -> bool:
    """Tell whether the section adds to the rules before it (AuthMerging)."""
    words = [one.argument.lower() for one in section.directives if one.key == "authmerging"]
    return bool(words) and words != ["off"]


_CONTAINERS = ("<requireall", "<requireany", "<requirenone")


def _authorization(directives: Iterable[Directive]) -> Rule | None:
    """Return what the Require lines of one section ask for; None if there are none."""
    lines = [one for one in directives if one.key == "require" or one.key in _CONTAINERS]
    sure = [one for one in lines if one.certainty is not Certainty.DOUBTED]
    demand = _any_of(_demands(sure))
    reasons = tuple(map(str, sure))
    doubted = [one for one in lines if one not in sure and _demand(one) is not _Demand.NOTHING]
    if doubted:
        return Rule(_Demand.UNKNOWN, (*reasons, *map(str, doubted)))
    return None if demand is None else Rule(demand, reasons)


def _demands(directives: Iterable[Directive]) -> list[_Demand]:
    """Return what each line asks for, without those that would loosen and are not certain."""
    return [
        demand
        for one in directives
        if (demand := _demand(one)) is not None
        and (demand is not _Demand.NOTHING or one.certainty is Certainty.CERTAIN)
    ]


def _demand(directive: Directive) -> _Demand | None:
    """Return what one line asks for; None for a container with nothing in it."""
    match directive.key:
        case "require":
            return _require(directive)
        case "<requireany":
            return _any_of(_demands(directive.children))
        case "<requireall":
            return max(_demands(directive.children), default=None)
    return _Demand.UNKNOWN


def _require(directive: Directive) -> _Demand:
    # Names of providers are compared as they are, "granted" whatever its case.
    words = directive.words
    if len(words) == 2 and words[0] == "all" and words[1].lower() == "granted":
        return _Demand.NOTHING
    return _Demand.LOGIN if words == ("valid-user",) else _Demand.UNKNOWN


def _any_of(demands: Sequence[_Demand]) -> _Demand | None:
    """Return what is asked for where one of several is enough."""
    if _Demand.NOTHING in demands:
        return _Demand.NOTHING
    # A login or an address is neither for us.
    return max(demands, default=None)


def _compatible_access(directives: Iterable[Directive]) -> Rule | None:
    """Return what Order, Allow, Deny and Satisfy of one section ask for; None without them."""
    lines = [one for one in directives if one.key in ("order", "allow", "deny", "satisfy")]
    denials = [
        one
        for one in lines
        if one.key == "deny" and [word.lower() for word in one.words] != ["from", "none"]
    ]
    orders = [one for one in lines if one.key == "order"]
    allows_all = any(
        one.key == "allow"
        and [word.lower() for word in one.words] == ["from", "all"]
        and one.certainty is Certainty.CERTAIN
        for one in lines
    )
    denies_first = all("".join(one.words).lower() == "deny,allow" for one in orders)
    if denials or not (denies_first or allows_all):
        return Rule(_Demand.UNKNOWN, tuple(map(str, lines)))
    certain = any(one.certainty is Certainty.CERTAIN for one in lines)
    return Rule(_Demand.NOTHING) if certain else None
