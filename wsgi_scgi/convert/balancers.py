"""``<Proxy balancer://NAME>``, BalancerMember, ProxySet and the parameters of ProxyPass."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..address import parse_backend_url
from ..errors import AddressError
from .balancer_parameters import (
    OF_ROUTES,
    SHARED,
    Reading,
    read_balancer_parameter,
    read_member_parameter,
)
from .definitions import is_unresolved
from .directive import Certainty, Directive
from .draft import Draft
from .health_checks import KEYS as HEALTH_KEYS
from .health_checks import Checks, Definitions, health_of
from .ledger import Ledger
from .server_block import ServerBlock
from .settings import Setting
from .toml_text import key_value, toml_key

_SCHEME = "balancer://"


@dataclass(slots=True)
class Member:
    """A member: its table in our file, what it says for all of them, and how it is checked."""

    directive: Directive
    table: dict[str, object]
    common: dict[str, object] = field(default_factory=dict)
    checks: Checks = field(init=False)

    def __post_init__(self) -> None:
        self.checks = Checks(self.directive)


@dataclass(slots=True)
class Balancer:
    """A balancer and its members, as tables of our file.

    ``of_routes`` are options that the routes to it have.
    """

    name: str
    values: dict[str, object] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    health: dict[str, object] = field(default_factory=dict)
    of_routes: dict[str, Setting] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def tables(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield each table with the line that opens it."""
        table = f"balancer.{toml_key(self.name)}"
        yield f"[{table}]", self.values
        for member in self.members:
            yield f"[[{table}.member]]", member.table
        if self.health:
            yield f"[{table}.health]", self.health

    def lines(self) -> list[str]:
        """Return the tables in TOML."""
        return [line for one in self.tables() for line in ("", *table_lines(*one))][1:]


def table_lines(header: str, values: Mapping[str, object]) -> list[str]:
    """Return a table in TOML."""
    return [header, *(key_value(name, value) for name, value in values.items())]


def balancer_name(url: str) -> str:
    """Return the name in ``balancer://name/path``; empty if ``url`` is of another kind."""
    if not url.lower().startswith(_SCHEME):
        return ""
    return url[len(_SCHEME) :].partition("/")[0].lower()


def balancers(blocks: Sequence[ServerBlock], ledger: Ledger) -> dict[str, Balancer]:
    """Return the balancers that the blocks declare, in order of their names' appearance."""
    found: dict[str, Balancer] = {}
    declared_in: dict[str, ServerBlock] = {}
    definitions = Definitions(blocks, ledger)
    for block in blocks:
        for directive in block.named("<proxy", "balancermember", "proxyset"):
            name = balancer_name(directive.argument)
            if not name or directive.certainty is Certainty.DOUBTED:
                continue
            balancer = found.setdefault(name, Balancer(name))
            if declared_in.setdefault(name, block) is not block:
                balancer.problems.append(f"{directive}: another server has one of this name")
            reader = _Reader(balancer, definitions, ledger)
            reader.read_line(directive, directive.words[1:])
            for child in directive.children:
                if child.certainty is not Certainty.DOUBTED:
                    reader.read_line(child, child.words)
    for block in blocks:
        for directive in block.directives:
            for one in directive.walk():
                _read_proxy_pass(found, one, ledger)
    for balancer in found.values():
        _settle_common(balancer, ledger)
        checks = [member.checks for member in balancer.members]
        balancer.health = health_of(checks, definitions, ledger)
    return found


class _Reader:
    """Read lines for one balancer."""

    def __init__(self, balancer: Balancer, definitions: Definitions, ledger: Ledger) -> None:
        self._balancer = balancer
        self._definitions = definitions
        self._ledger = ledger

    def read_line(self, directive: Directive, words: Sequence[str]) -> None:
        match directive.key:
            case "balancermember" if words:
                self._read_member(directive, words)
            case "proxyset" | "<proxy":
                self._ledger.use(directive)
                _read_parameters(self._balancer, directive, words, self._ledger)

    def _read_member(self, directive: Directive, words: Sequence[str]) -> None:
        self._ledger.use(directive)
        url, *parameters = words
        if is_unresolved(url) or not url.rpartition("|")[2].lower().startswith("scgi:"):
            self._balancer.problems.append(f"{directive}: not an SCGI backend")
        member = self._known(url, directive)
        for key, text in _key_values(parameters):
            if key in HEALTH_KEYS:
                self._definitions.take(member.checks, key, text)
            else:
                reading = read_member_parameter(key, text)
                is_common = reading.name in SHARED | OF_ROUTES
                table = member.common if is_common else member.table
                _take(reading, table, directive, self._ledger)

    def _known(self, url: str, directive: Directive) -> Member:
        """Return the member of this URL: a second line goes on with the first, as in Apache."""
        for member in self._balancer.members:
            if _identity(str(member.table["url"])) == _identity(url):
                text = f"the same member as in {member.directive.place}: its parameters are added"
                self._ledger.remark(directive, text)
                return member
        member = Member(directive, {"url": url})
        self._balancer.members.append(member)
        return member


def _identity(url: str) -> object:
    try:
        backend = parse_backend_url(url)
    except AddressError:
        return url
    return backend.address, backend.path.rstrip("/")


def _read_proxy_pass(found: dict[str, Balancer], directive: Directive, ledger: Ledger) -> None:
    """Read the parameters of a ProxyPass to a balancer."""
    if directive.key not in ("proxypass", "proxypassmatch"):
        return
    words = directive.words
    for at, word in enumerate(words[:3]):
        balancer = found.get(balancer_name(word))
        if balancer is not None and directive.certainty is not Certainty.DOUBTED:
            parameters = [one for one in words[at + 1 :] if "=" in one]
            _read_parameters(balancer, directive, parameters, ledger)


def _read_parameters(
    balancer: Balancer, directive: Directive, words: Sequence[str], ledger: Ledger
) -> None:
    for key, text in _key_values(words):
        _take(read_balancer_parameter(key, text), balancer.values, directive, ledger)


def _take(reading: Reading, table: dict[str, object], directive: Directive, ledger: Ledger) -> None:
    if reading.remark:
        ledger.remark(directive, reading.remark)
    if reading.name == "status" and "status" in table:
        # In Apache the letters of each word are added to those before.
        table["status"] = f"{table['status']}+{reading.value}"
    elif reading.name:
        table[reading.name] = reading.value


def _settle_common(balancer: Balancer, ledger: Ledger) -> None:
    """Take what members say for all of them, where they agree."""
    for name in sorted(SHARED | OF_ROUTES):
        members = [member for member in balancer.members if name in member.common]
        if not members:
            continue
        first = members[0]
        value = first.common[name]
        whose = "of the routes to the balancer" if name in OF_ROUTES else "of the balancer"
        problem = ""
        if len(members) < len(balancer.members) or any(
            member.common[name] != value for member in members
        ):
            problem = "and not all members say the same"
        elif name in SHARED and balancer.values.get(name, value) != value:
            problem = "which says otherwise"
        elif name in OF_ROUTES:
            balancer.of_routes[name] = Setting(value, (first.directive.place,))
        else:
            balancer.values[name] = value
        for member in members if problem else ():
            text = f"{name} = {member.common[name]} is not carried over: it is an option {whose}"
            ledger.remark(member.directive, f"{text} here, {problem}")


def _key_values(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        key, _, text = word.partition("=")
        yield key.lower(), text


def finish_routes(found: Mapping[str, Balancer], drafts: Sequence[Draft]) -> None:
    """Write each balancer's name as here, and give its routes what members have in Apache."""
    for draft in drafts:
        name = balancer_name(draft.backend)
        if name:
            draft.backend = f"{_SCHEME}{name}{draft.backend[len(_SCHEME) + len(name) :]}"
        if name in found:
            draft.options |= found[name].of_routes


def close_routes_to(name: str, drafts: Sequence[Draft], reason: str) -> None:
    """Exclude the routes to a balancer."""
    for draft in drafts:
        if balancer_name(draft.backend) == name:
            draft.close(reason)


def usable_balancers(found: Mapping[str, Balancer], drafts: Sequence[Draft]) -> list[Balancer]:
    """Return the balancers that can be carried over; routes to the others are excluded."""
    for name in {balancer_name(draft.backend) for draft in drafts} - {"", *found}:
        close_routes_to(name, drafts, f"{_SCHEME}{name} has no members; Apache answers 503")
    for name, balancer in found.items():
        if not balancer.members:
            balancer.problems.append("it has no members; Apache answers 503")
        for problem in balancer.problems:
            close_routes_to(name, drafts, problem)
    return [balancer for balancer in found.values() if not balancer.problems]
