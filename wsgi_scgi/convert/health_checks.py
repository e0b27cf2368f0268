"""mod_proxy_hcheck: the hc* parameters, ProxyHCTemplate and ProxyHCExpr.

Apache checks the members that say so, each in its own way, and sends HTTP to their SCGI ports;
here all members of a balancer are checked alike, by SCGI.  So the first one that is checked says
how, and where others differ a comment does.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .balancer_parameters import Reading, whole
from .definitions import is_unresolved
from .directive import Certainty, Directive
from .ledger import Ledger
from .region import python_form
from .server_block import ServerBlock
from .settings import seconds

KEYS = frozenset({"hcmethod", "hcuri", "hcinterval", "hcpasses", "hcfails", "hcexpr", "hctemplate"})
"""The parameters of a member that are read here."""

_SHORTEST = 0.1
_EXPRESSION = re.compile(r"\S+\s+\S+\s+\{(?P<inner>.*)\}", re.DOTALL)
_OF_STATUS = re.compile(
    r"""%\{REQUEST_STATUS\}\s*(?:
        =~\s*(?:/(?P<pattern>(?:[^/\\]|\\.)*)/|m\#(?P<other>[^\#]*)\#)
        |(?P<operator>==|=|-eq|-lt|-le|-gt|-ge|-ne|!=)\s*['"]?(?P<number>[1-5][0-9]{2})['"]?
    )""",
    re.VERBOSE,
)
_OF_BODY = re.compile(
    r"""hc\(\s*['"]body['"]\s*\)\s*=~\s*
        (?:/(?P<pattern>(?:[^/\\]|\\.)*)/|m\#(?P<other>[^\#]*)\#)""",
    re.VERBOSE,
)
_STATUSES = range(200, 600)


@dataclass(slots=True)
class Checks:
    """What one member says of its checks: Apache's words, the last of each."""

    directive: Directive
    words: dict[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The method in lower case; "none" unless one is named."""
        return self.words.get("hcmethod", "none").lower()


class Definitions:
    """The templates and expressions that a server has, by name."""

    def __init__(self, blocks: Iterable[ServerBlock], ledger: Ledger) -> None:
        self._ledger = ledger
        self._templates: dict[str, Directive] = {}
        self._expressions: dict[str, Directive] = {}
        tables = {"proxyhctemplate": self._templates, "proxyhcexpr": self._expressions}
        for block in blocks:
            for directive in block.named(*tables):
                if directive.words and directive.certainty is not Certainty.DOUBTED:
                    tables[directive.key][directive.argument] = directive

    def take(self, checks: Checks, key: str, text: str) -> None:
        """Note ``key=text`` of a member; a template stands for what it says."""
        if key != "hctemplate":
            checks.words[key] = text
            return
        template = self._templates.get(text)
        if template is None:
            self._ledger.remark(
                checks.directive, f"{key}={text} is not carried over: there is none"
            )
            return
        self._ledger.use(template)
        for word in template.words[1:]:
            name, _, value = word.partition("=")
            if name.lower() in KEYS - {"hctemplate"}:
                checks.words[name.lower()] = value
            else:
                self._ledger.remark(template, f"{word} is not carried over")

    def expression(self, name: str) -> Reading | None:
        """Return the option that an expression becomes; None for one that has no like here."""
        directive = self._expressions.get(name)
        match = _EXPRESSION.fullmatch(directive.text) if directive is not None else None
        if directive is None or match is None or is_unresolved(match["inner"]):
            return None
        reading = read_expression(match["inner"].strip())
        if reading is not None:
            self._ledger.use(directive)
        return reading


def read_expression(text: str) -> Reading | None:
    """Return ``expect`` or ``match`` for one comparison with the status or the body.

    A name of no option is for what is asked here anyway.  None for anything else.
    """
    match = _OF_STATUS.fullmatch(text)
    if match is not None:
        statuses = _matching(match)
        if not statuses:
            return None
        return Reading("" if statuses == [*range(200, 400)] else "expect", _in_words(statuses))
    match = _OF_BODY.fullmatch(text)
    form = python_form(_pattern(match)) if match is not None else None
    return Reading("match", form) if form else None


def _pattern(match: re.Match[str]) -> str:
    return (match["pattern"] or match["other"] or "").replace(r"\/", "/")


def _matching(match: re.Match[str]) -> list[int]:
    if match["number"]:
        number = int(match["number"])
        order = {
            **dict.fromkeys(("==", "=", "-eq"), (0,)),
            **dict.fromkeys(("!=", "-ne"), (-1, 1)),
            "-lt": (-1,),
            "-le": (-1, 0),
            "-gt": (1,),
            "-ge": (0, 1),
        }[match["operator"]]
        return [one for one in _STATUSES if (one > number) - (one < number) in order]
    form = python_form(_pattern(match))
    return [one for one in _STATUSES if re.search(form, str(one))] if form else []


def _in_words(statuses: Sequence[int]) -> list[object]:
    """Return statuses as our file has them: ``"2xx"`` for a whole class."""
    words: list[object] = []
    for first in range(200, 600, 100):
        found = [one for one in statuses if first <= one < first + 100]
        words += [f"{first // 100}xx"] if len(found) == 100 else found
    return words


def health_of(
    members: Sequence[Checks], definitions: Definitions, ledger: Ledger
) -> dict[str, object]:
    """Return the table of health checks for a balancer; empty if no member is checked."""
    tables = [(one, _table(one, definitions, ledger)) for one in members]
    checked = [(one, table) for one, table in tables if table]
    if not checked:
        return {}
    first = checked[0][1]
    for one, table in tables:
        if not table:
            ledger.remark(one.directive, "Apache does not check it; here all members are checked")
        elif table != first:
            text = "checks are the same for all members here, and the first says otherwise"
            ledger.remark(one.directive, text)
    return first


def _table(checks: Checks, definitions: Definitions, ledger: Ledger) -> dict[str, object]:
    directive, method = checks.directive, checks.method
    if method == "none":
        if checks.words.keys() - {"hcmethod"}:
            ledger.remark(directive, "without hcmethod Apache does not check it")
        return {}
    if method == "cping":
        ledger.remark(directive, "hcmethod=CPING is for AJP: not carried over")
        return {}
    table: dict[str, object] = {"method": "tcp" if method == "tcp" else "scgi"}
    if method != "tcp":
        text = "Apache sends HTTP to the SCGI port; here the check is a GET by SCGI"
        ledger.remark(directive, f"hcmethod={checks.words['hcmethod']}: {text}")
    for key, reading in _options(checks, definitions):
        if method == "tcp" and key in ("hcuri", "hcexpr"):
            ledger.remark(directive, f"{key} does nothing with hcmethod=TCP")
        elif reading is None:
            ledger.remark(directive, f"{key}={checks.words[key]} is not carried over")
        elif reading.name:
            table[reading.name] = reading.value
            if reading.remark:
                ledger.remark(directive, reading.remark)
    return table


def _options(checks: Checks, definitions: Definitions) -> Iterator[tuple[str, Reading | None]]:
    for key, text in checks.words.items():
        match key:
            case "hcuri":
                yield key, None if is_unresolved(text) or not text else Reading("uri", text)
            case "hcinterval":
                yield key, _interval(text)
            case "hcpasses" | "hcfails":
                yield key, whole(1, 10**9)(key.removeprefix("hc"), text)
            case "hcexpr":
                yield key, definitions.expression(text)


def _interval(text: str) -> Reading | None:
    value = seconds(text)
    if value is None or value >= _SHORTEST:
        return None if value is None else Reading("interval", value)
    return Reading("interval", _SHORTEST, f"hcinterval={text}: at least {_SHORTEST} here")
