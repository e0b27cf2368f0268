"""``<Proxy balancer://NAME>``, BalancerMember, ProxySet and the parameters of ProxyPass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from .definitions import is_unresolved
from .directive import Certainty, Directive
from .draft import Draft
from .ledger import Ledger
from .server_block import ServerBlock
from .settings import seconds
from .toml_text import key_value, toml_key

_SCHEME = "balancer://"


def _number(text: str) -> int | float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and "." not in text else value


def _switch(text: str) -> bool | None:
    return {"on": True, "off": False}.get(text.lower())


def _statuses(text: str) -> list[int] | None:
    words = text.split(",")
    return [int(word) for word in words] if all(word.isdecimal() for word in words) else None


def _text(text: str) -> str | None:
    return None if is_unresolved(text) or not text else text


Read = Callable[[str], object]
_BALANCER: Mapping[str, tuple[str, Read]] = MappingProxyType(
    {
        "lbmethod": ("method", lambda text: _text(text.lower())),
        "stickysession": ("sticky_session", _text),
        "maxattempts": ("max_attempts", _number),
        "retry": ("retry", seconds),
        "forcerecovery": ("force_recovery", _switch),
        "failonstatus": ("fail_on_status", _statuses),
        "failontimeout": ("fail_on_timeout", _switch),
        "nofailover": ("no_failover", _switch),
        "timeout": ("wait", seconds),
    }
)
_MEMBER: Mapping[str, tuple[str, Read]] = MappingProxyType(
    {
        "loadfactor": ("weight", _number),
        "route": ("route", _text),
        "status": ("status", _text),
        "max": ("max_connections", _number),
        "lbset": ("lbset", _number),
    }
)
_HEALTH: Mapping[str, tuple[str, Read]] = MappingProxyType(
    {
        "hcmethod": ("method", lambda text: "tcp" if text.lower() == "tcp" else "scgi"),
        "hcuri": ("uri", _text),
        "hcinterval": ("interval", seconds),
        "hcpasses": ("passes", _number),
        "hcfails": ("fails", _number),
    }
)


@dataclass(slots=True)
class Balancer:
    """A balancer and its members, as tables of our file."""

    name: str
    values: dict[str, object] = field(default_factory=dict)
    members: list[dict[str, object]] = field(default_factory=list)
    health: dict[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the tables in TOML."""
        table = f"balancer.{toml_key(self.name)}"
        lines = [f"[{table}]", *_pairs(self.values)]
        for member in self.members:
            lines += ["", f"[[{table}.member]]", *_pairs(member)]
        if self.health:
            lines += ["", f"[{table}.health]", *_pairs(self.health)]
        return lines


def _pairs(values: Mapping[str, object]) -> list[str]:
    return [key_value(name, value) for name, value in values.items()]


def balancer_name(url: str) -> str:
    """Return the name in ``balancer://name/path``; empty if ``url`` is of another kind."""
    if not url.lower().startswith(_SCHEME):
        return ""
    return url[len(_SCHEME) :].partition("/")[0].lower()


def balancers(blocks: Sequence[ServerBlock], ledger: Ledger) -> dict[str, Balancer]:
    """Return the balancers that the blocks declare, in order of their names' appearance."""
    found: dict[str, Balancer] = {}
    declared_in: dict[str, ServerBlock] = {}
    for block in blocks:
        for directive in block.named("<proxy", "balancermember", "proxyset"):
            name = balancer_name(directive.argument)
            if not name or directive.certainty is Certainty.DOUBTED:
                continue
            balancer = found.setdefault(name, Balancer(name))
            if declared_in.setdefault(name, block) is not block:
                balancer.problems.append(f"{directive}: another server has one of this name")
            _read_line(balancer, directive, directive.words[1:], ledger)
            for child in directive.children:
                if child.certainty is not Certainty.DOUBTED:
                    _read_line(balancer, child, child.words, ledger)
    for block in blocks:
        for directive in block.directives:
            for one in directive.walk():
                _read_proxy_pass(found, one, ledger)
    return found


def _read_line(
    balancer: Balancer, directive: Directive, words: Sequence[str], ledger: Ledger
) -> None:
    match directive.key:
        case "balancermember" if words:
            _read_member(balancer, directive, words, ledger)
        case "proxyset" | "<proxy":
            ledger.use(directive)
            _read_parameters(balancer, directive, words, ledger)


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
        if not _read(_BALANCER, key, text, balancer.values):
            ledger.remark(directive, f"{key}={text} is not carried over")


def _read_member(
    balancer: Balancer, directive: Directive, words: Sequence[str], ledger: Ledger
) -> None:
    ledger.use(directive)
    url, *parameters = words
    if is_unresolved(url) or not url.rpartition("|")[2].lower().startswith("scgi:"):
        balancer.problems.append(f"{directive}: not an SCGI backend")
    member: dict[str, object] = {"url": url}
    for key, text in _key_values(parameters):
        if key == "hcmethod" and text.lower() == "none":
            continue
        if key == "retry":
            _take_once(balancer.values, {"retry": seconds(text)}, directive, ledger)
        elif key in _HEALTH:
            health: dict[str, object] = {}
            _read(_HEALTH, key, text, health)
            _take_once(balancer.health, health, directive, ledger)
        elif not _read(_MEMBER, key, text, member):
            ledger.remark(directive, f"{key}={text} is not carried over")
    balancer.members.append(member)


def _take_once(
    table: dict[str, object], values: Mapping[str, object], directive: Directive, ledger: Ledger
) -> None:
    """Take what members have in common, from the first that says it."""
    for name, value in values.items():
        if value is not None and table.setdefault(name, value) != value:
            ledger.remark(directive, f"{name} is for all members, and the first says otherwise")


def _read(
    keys: Mapping[str, tuple[str, Read]], key: str, text: str, table: dict[str, object]
) -> bool:
    """Put what ``key=text`` means into ``table``; return False if it means nothing."""
    name, read = keys.get(key, ("", _text))
    value = read(text) if name else None
    if value is not None:
        table[name] = value
    return value is not None


def _key_values(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        key, _, text = word.partition("=")
        yield key.lower(), text


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
