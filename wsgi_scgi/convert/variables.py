"""SetEnv, SetEnvIf and RequestHeader: the variables that a backend gets beside its request's.

Apache evaluates SetEnvIf first, then SetEnv, so that SetEnv wins; fields of the request, as
RequestHeader leaves them, come last.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..config.options import OPTIONS
from .conditional import KEYS as CONDITIONAL
from .conditional import Truth, read_assignment
from .definitions import is_unresolved
from .directive import Certainty, Directive, Place
from .ledger import Ledger
from .region import Region

KEYS = (*CONDITIONAL, "setenv", "unsetenv")
PATH_INFO_SWITCH = "proxy-scgi-pathinfo"
_NO_PROXY = "no-proxy"
_APACHES_OWN = re.compile(
    r"proxy-.*|force-.*|no-.*|gzip-only-.*|nokeepalive|downgrade-1\.0|redirect-carefully"
    r"|dontlog|suppress-error-charset|ssl-.*-shutdown|prefer-language"
)
_REFERENCE = re.compile(r"\$[0-9]")
_ALWAYS: Mapping[str, object] = MappingProxyType({"attribute": "path", "matches": ""})
_FIELD_NAME = re.compile(r"[A-Za-z0-9-]+")


@dataclass(slots=True)
class VariableTable:
    """What is set for the requests of one route.

    ``fixed`` has a value or False (removed) by name; ``conditions`` are followed by what they
    set; ``guarded`` are names whose loss would let a client forge a field.
    """

    fixed: dict[str, str | bool] = field(default_factory=dict)
    conditions: list[tuple[Mapping[str, object], dict[str, str | bool]]] = field(
        default_factory=list
    )
    guarded: set[str] = field(default_factory=set)
    places: dict[str, Place] = field(default_factory=dict)
    path_info: Place | None = None

    @property
    def set_if(self) -> list[dict[str, object]]:
        """The tables of ``[[route.set_if]]``."""
        return [{**condition, "set": values} for condition, values in self.conditions]

    def add_condition(self, condition: Mapping[str, object], values: dict[str, str | bool]) -> None:
        """Add a condition; what it may change is set by an earlier one, not by ``fixed``."""
        earlier = {name: self.fixed.pop(name) for name in values if name in self.fixed}
        if earlier:
            self.conditions.append((_ALWAYS, earlier))
        self.conditions.append((condition, values))

    def forget(self, name: str) -> None:
        """Drop what conditions say of ``name``."""
        for _, values in self.conditions:
            values.pop(name, None)
        self.conditions = [one for one in self.conditions if one[1]]


def variables_for(
    directives: Iterable[Directive],
    target: Region,
    ledger: Ledger,
    *,
    partly: Iterable[Directive] = (),
) -> VariableTable:
    """Return the variables for ``target``; ``directives`` are in the order of merging.

    Fields that lines of ``partly`` would change for some of the requests are removed for all.
    """
    lines = [*directives]
    table = VariableTable()
    assigned: set[str] = set()
    for one in lines:
        if one.key in CONDITIONAL and one.certainty is not Certainty.DOUBTED:
            _assign(one, table, target, ledger, assigned)
    for one in lines:
        if one.key in ("setenv", "unsetenv") and one.certainty is not Certainty.DOUBTED:
            _set_or_unset(one, table, ledger)
    for one in lines:
        if one.key == "requestheader":
            _set_field(one, table, ledger, sure=one.certainty is not Certainty.DOUBTED)
    for one in partly:
        if one.key == "requestheader":
            _set_field(one, table, ledger, sure=False)
    return table


def _assign(
    directive: Directive,
    table: VariableTable,
    target: Region,
    ledger: Ledger,
    assigned: set[str],
) -> None:
    assignment = read_assignment(directive, frozenset(assigned))
    condition = assignment.condition
    truth = condition.truth(target)
    values: dict[str, str | bool] = {}
    ledger.use(directive)
    for name, value in assignment.values.items():
        assigned.add(name)
        if name == PATH_INFO_SWITCH:
            _switch_path_info(directive, table, truth, value, ledger)
        elif name == _NO_PROXY or _APACHES_OWN.fullmatch(name) or truth is Truth.NEVER:
            continue
        elif truth is Truth.ALWAYS and value is None:
            table.fixed.pop(name, None)
            table.forget(name)
        elif _is_refused(directive, name, value, ledger):
            continue
        elif truth is Truth.ALWAYS and value is not None and not _REFERENCE.search(value):
            table.forget(name)
            _fix(table, name, value, directive)
        elif condition.problem:
            ledger.remark(directive, f"{name} is not set: {condition.problem}")
        else:
            values[name] = False if value is None else value
    if values:
        table.add_condition(condition.table(), values)


def _switch_path_info(
    directive: Directive, table: VariableTable, truth: Truth, value: str | None, ledger: Ledger
) -> None:
    if truth is Truth.ALWAYS:
        table.path_info = directive.place if value is not None else None
        if value not in ("1", None):
            ledger.remark(directive, "any value means on, as in Apache")
    elif truth is Truth.SOMETIMES:
        ledger.remark(
            directive, "path_info is for a whole route, and the condition is not always true"
        )


def _is_refused(directive: Directive, name: str, value: str | None, ledger: Ledger) -> bool:
    """Tell whether a variable may not be set; say why."""
    text = ""
    if value is not None and "\\" in value and directive.key in CONDITIONAL:
        text = f"the value of {name} has a backslash, which Apache interprets"
    elif is_unresolved(value or ""):
        text = f"the ${{NAME}} in the value of {name} has no certain value"
    else:
        try:
            OPTIONS["variables"].kind.parse({name: False if value is None else value})
        except ValueError as error:
            text = str(error)
    if text:
        ledger.remark(directive, f"not set: {text}")
    return bool(text)


def _fix(table: VariableTable, name: str, value: str | bool, directive: Directive) -> None:
    table.fixed[name] = value
    table.places[name] = directive.place


def _set_or_unset(directive: Directive, table: VariableTable, ledger: Ledger) -> None:
    ledger.use(directive)
    names = directive.words if directive.key == "unsetenv" else directive.words[:1]
    value = None if directive.key == "unsetenv" else "".join(directive.words[1:2])
    for name in names:
        if name == PATH_INFO_SWITCH:
            ledger.remark(
                directive,
                f"{directive.text.split()[0]} comes too late for {name} and has no effect in"
                " Apache (SetEnvIf has); for PATH_INFO set path_info",
            )
        elif not _APACHES_OWN.fullmatch(name) and not _is_refused(directive, name, value, ledger):
            if value is not None:
                table.forget(name)
            if value is not None and name.startswith("HTTP_"):
                ledger.remark(directive, "replaces a field of the client, which wins in Apache")
            _fix(table, name, False if value is None else value, directive)


def _set_field(directive: Directive, table: VariableTable, ledger: Ledger, *, sure: bool) -> None:
    """Carry a RequestHeader over; where that is not possible the client's field is removed."""
    action, name, value, *rest = (*(word for word in directive.words), "", "", "")
    action = action.lower()
    if action not in ("set", "unset") or not _FIELD_NAME.fullmatch(name.rstrip(":")):
        ledger.remark(directive, "not carried over: only set and unset are")
        return
    ledger.use(directive)
    variable = _variable_of(name.rstrip(":"))
    conditional = [word for word in (value, *rest) if word.startswith(("env=", "expr="))]
    plain = "%" not in value.replace("%%", "") and not is_unresolved(value)
    sure = sure and not conditional and plain
    field_value: str | bool = value.replace("%%", "%") if action == "set" and sure else False
    if not sure:
        ledger.remark(
            directive,
            "cannot be expressed exactly: the client's field is removed from the route instead",
        )
    _fix(table, variable, field_value, directive)
    table.guarded.add(variable)


def _variable_of(field_name: str) -> str:
    name = field_name.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def joined(values: Mapping[str, Place]) -> list[Place]:
    """Return the places of variables, each once, in the order of the files."""
    return sorted(set(values.values()))
