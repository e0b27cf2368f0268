"""SetEnvIf and its family: the condition of a line, and the variables that it sets."""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .definitions import is_unresolved
from .directive import Directive
from .region import Region, covers, overlaps, pattern, python_form

KEYS = ("setenvif", "setenvifnocase", "setenvifexpr", "browsermatch", "browsermatchnocase")


class Truth(enum.Enum):
    """Whether a condition holds for the requests of a route."""

    ALWAYS = "always"
    NEVER = "never"
    SOMETIMES = "sometimes"


@dataclass(frozen=True, slots=True)
class Condition:
    """What is looked at and the expression that must be found in it.

    One of ``attribute``, in our words, and ``header`` is set; ``problem`` is why the condition
    cannot be written in our file.  It is empty for one that always holds.
    """

    attribute: str = ""
    header: str = ""
    expression: str = ""
    ignore_case: bool = False
    problem: str = ""

    def truth(self, target: Region) -> Truth:
        """Return whether the condition holds for requests with a path in ``target``."""
        if self.problem:
            return Truth.SOMETIMES
        if not self.attribute and not self.header:
            return Truth.ALWAYS
        if self.expression in _FOUND_IN_EMPTY:
            return Truth.ALWAYS
        if self.attribute in _NEVER_EMPTY and self.expression in _FOUND_IN_ANY:
            return Truth.ALWAYS
        if self.attribute != "path" or self.ignore_case:
            return Truth.SOMETIMES
        paths = pattern(self.expression)
        if covers(paths, target):
            return Truth.ALWAYS
        return Truth.SOMETIMES if overlaps(paths, target) else Truth.NEVER

    def table(self) -> dict[str, object]:
        """Return the keys of ``[[route.set_if]]`` for the condition."""
        table: dict[str, object] = {}
        if self.attribute:
            table["attribute"] = self.attribute
        else:
            table["header"] = self.header
        table["matches"] = python_form(self.expression)
        if self.ignore_case:
            table["ignore_case"] = True
        return table


@dataclass(frozen=True, slots=True)
class Assignment:
    """A line: its condition, and each variable with its value, None to unset it."""

    condition: Condition
    values: Mapping[str, str | None] = field(default_factory=dict)


_FOUND_IN_EMPTY = frozenset({"", "^", ".*", "^.*", ".*$", "^.*$", "(.*)", "^(.*)$"})
_FOUND_IN_ANY = frozenset({".", ".+", "^.", "^.+", ".+$", "^.+$", ".$", "(.+)", "^(.+)$"})
_NEVER_EMPTY = frozenset({"path", "method", "protocol", "address"})
_ATTRIBUTES = MappingProxyType(
    {
        "request_uri": "path",
        "request_method": "method",
        "request_protocol": "protocol",
        "remote_addr": "address",
    }
)
_UNKNOWN_ATTRIBUTES = frozenset({"remote_host", "server_addr"})
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_MATCH = re.compile(r"%\{([A-Z_]+|HTTP:[A-Za-z0-9-]+)\}\s*=~\s*(?:/|m([#!,]))(.*)(?(2)\2|/)(i?)")
_EXPRESSION_ATTRIBUTES = MappingProxyType(
    {
        "REQUEST_URI": ("path", ""),
        "REQUEST_METHOD": ("method", ""),
        "SERVER_PROTOCOL": ("protocol", ""),
        "REMOTE_ADDR": ("address", ""),
        "QUERY_STRING": ("query", ""),
        "HTTP_HOST": ("", "Host"),
        "HTTP_USER_AGENT": ("", "User-Agent"),
        "HTTP_REFERER": ("", "Referer"),
        "HTTP_COOKIE": ("", "Cookie"),
        "HTTP_ACCEPT": ("", "Accept"),
    }
)


def read_assignment(directive: Directive, assigned: frozenset[str]) -> Assignment:
    """Return what a line of the family says.

    ``assigned`` are the variables of earlier lines: one of them may be meant by the attribute.
    """
    words = list(directive.words)
    if directive.key == "setenvifexpr":
        return Assignment(_expression_condition("".join(words[:1])), _values(words[1:]))
    if directive.key.startswith("browsermatch"):
        words.insert(0, "User-Agent")
    attribute, expression = (*words, "", "")[:2]
    ignore_case = directive.key.endswith("nocase")
    condition = _condition(attribute, expression, ignore_case, attribute in assigned)
    return Assignment(condition, _values(words[2:]))


def _condition(attribute: str, expression: str, ignore_case: bool, is_variable: bool) -> Condition:
    problem = ""
    ours = _ATTRIBUTES.get(attribute.lower(), "")
    header = "" if ours else attribute
    if attribute.lower() in _UNKNOWN_ATTRIBUTES or (header and not _TOKEN.fullmatch(header)):
        problem = f"{attribute} cannot be asked for in set_if"
    elif is_variable:
        problem = f"{attribute} is a variable that was set before; set_if does not see those"
    elif is_unresolved(expression):
        problem = "the ${NAME} in the expression has no certain value"
    elif python_form(expression) is None:
        problem = "the expression means something else in Python"
    return Condition(ours, header, expression, ignore_case, problem)


def _expression_condition(expression: str) -> Condition:
    if expression.strip().lower() == "true":
        return Condition()
    match = _MATCH.fullmatch(expression.strip())
    if match is None:
        return Condition(problem="expressions are not carried over")
    name, pattern_text = match[1], match[3]
    if name.startswith("HTTP:"):
        attribute, header = "", name.removeprefix("HTTP:")
    elif name in _EXPRESSION_ATTRIBUTES:
        attribute, header = _EXPRESSION_ATTRIBUTES[name]
    else:
        return Condition(problem=f"{name} cannot be asked for in set_if")
    problem = "" if python_form(pattern_text) is not None else "the expression differs in Python"
    return Condition(attribute, header, pattern_text, bool(match[4]), problem)


def _values(words: list[str]) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name.startswith("!"):
            values[name[1:]] = None
        else:
            values[name] = value if equals else "1"
    return values
