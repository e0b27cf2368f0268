"""The parameters of a balancer and of its members, one by one: which option of ours each becomes.

An option whose range here is another one is held to ours, and that is said.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType
from typing import Final

from ..scoreboard.status import Status
from .definitions import is_unresolved
from .settings import IDLE_PARAMETERS, seconds

_WEIGHT = re.compile(r"[0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_LETTERS = (~Status(0)).letters()
_FIRST_FAULT: Final = 400
"""The lowest status that can count as a fault here."""

METHODS: Final = ("byrequests", "bytraffic", "bybusyness")
"""Apache's methods that are here under the same names."""

SHARED: Final = frozenset({"retry", "wait"})
"""Options of the balancer that Apache has for each member."""
OF_ROUTES: Final = frozenset({"timeout", "connect_timeout"})
"""Options of routes that Apache has for each member."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one ``key=text`` means: the option ``name``, none if that is empty, and a remark."""

    name: str = ""
    value: object = None
    remark: str = ""


Read = Callable[[str, str], Reading | None]
"""Read the text of an option by its name; None for what is not understood."""


def _word(name: str, text: str) -> Reading | None:
    return Reading(name, text) if text and not is_unresolved(text) else None


def _switch(name: str, text: str) -> Reading | None:
    value = {"on": True, "off": False}.get(text.lower())
    return None if value is None else Reading(name, value)


def _works_here(name: str, text: str) -> Reading | None:
    reading = _switch(name, text)
    if reading is None or not reading.value:
        return reading
    return Reading(name, True, "failontimeout has no effect for SCGI in Apache; here it works")


def _span(name: str, text: str) -> Reading | None:
    value = seconds(text)
    return None if value is None else Reading(name, value)


def _milliseconds(name: str, text: str) -> Reading | None:
    """Read a span without a unit as milliseconds."""
    return _span(name, f"{text}ms" if _WHOLE.fullmatch(text) else text)


def whole(lowest: int, highest: int) -> Read:
    """Return what reads a whole number and holds it to a range."""

    def read(name: str, text: str) -> Reading | None:
        if not _WHOLE.fullmatch(text):
            return None
        value = int(text)
        held = min(max(value, lowest), highest)
        remark = "" if held == value else f"{name} is {lowest} to {highest} here, so {held}"
        return Reading(name, held, remark)

    return read


def _weight(name: str, text: str) -> Reading | None:
    if not _WEIGHT.fullmatch(text):
        return None
    given = Decimal(text)
    held = min(max(given.quantize(Decimal("0.01"), ROUND_DOWN), Decimal(1)), Decimal(100))
    value = int(held) if held == held.to_integral_value() else float(held)
    if held == given:
        return Reading(name, value)
    remark = f"loadfactor={text}: {name} is 1 to 100 with two decimals here, so {value}"
    return Reading(name, value, remark)


def _method(name: str, text: str) -> Reading | None:
    method = text.lower()
    if method in METHODS:
        return Reading(name, method)
    if not method:
        return None
    why = "nobody listens to heartbeats" if method == "heartbeat" else "there is no such method"
    return Reading(name, METHODS[0], f"lbmethod={text}: {why} here, so it is {METHODS[0]}")


def _separator(name: str, text: str) -> Reading | None:
    if text.lower() == "off":
        return Reading(name, "")
    return Reading(name, text) if len(text) == 1 else None


def _statuses(name: str, text: str) -> Reading | None:
    words = text.split(",")
    if not all(map(_WHOLE.fullmatch, words)):
        return None
    statuses = [int(word) for word in words]
    faults = [status for status in statuses if _FIRST_FAULT <= status <= 599]
    if len(faults) == len(statuses):
        return Reading(name, faults)
    remark = f"failonstatus={text}: only {_FIRST_FAULT} to 599 can be faults here"
    return Reading(name if faults else "", faults, remark)


def _status(name: str, text: str) -> Reading | None:
    known = "".join(letter for letter in text if letter in "+-" or letter.upper() in _LETTERS)
    if not known.strip("+-"):
        return None
    if known == text:
        return Reading(name, text)
    return Reading(name, known, f"status={text}: of its letters only those of {known} are here")


def _connections(name: str, text: str) -> Reading | None:
    reading = whole(0, 10**9)(name, text)
    if reading is None or not reading.value:
        return reading
    remark = (
        f"max={text} is for each process in Apache, {name} for all workers together; who waits for"
        " a place does so for acquire there, without limit if that is missing, and here for wait"
    )
    return Reading(name, reading.value, remark)


_BALANCER: Mapping[str, tuple[str, Read]] = MappingProxyType(
    {
        "lbmethod": ("method", _method),
        "stickysession": ("sticky_session", _word),
        "stickysessionsep": ("sticky_separator", _separator),
        "scolonpathdelim": ("scolon_path_delim", _switch),
        "maxattempts": ("max_attempts", whole(0, 10**9)),
        "retry": ("retry", _span),
        "forcerecovery": ("force_recovery", _switch),
        "failonstatus": ("fail_on_status", _statuses),
        "failontimeout": ("fail_on_timeout", _works_here),
        "nofailover": ("no_failover", _switch),
        "timeout": ("wait", _span),
        "growth": ("growth", whole(0, 1000)),
    }
)
_MEMBER: Mapping[str, tuple[str, Read]] = MappingProxyType(
    {
        "loadfactor": ("weight", _weight),
        "route": ("route", _word),
        "redirect": ("redirect", _word),
        "status": ("status", _status),
        "max": ("max_connections", _connections),
        "lbset": ("lbset", whole(0, 99)),
        "retry": ("retry", _span),
        "acquire": ("wait", _milliseconds),
        "timeout": ("timeout", _span),
        "connectiontimeout": ("connect_timeout", _span),
    }
)
_IDLE_IN_BALANCER = frozenset({"nonce"})


def read_balancer_parameter(key: str, text: str) -> Reading:
    """Return what ``key=text`` of a balancer means."""
    return _read(_BALANCER, _IDLE_IN_BALANCER, key, text)


def read_member_parameter(key: str, text: str) -> Reading:
    """Return what ``key=text`` of a member means; the option may be the balancer's or a route's."""
    return _read(_MEMBER, IDLE_PARAMETERS, key, text)


def _read(
    known: Mapping[str, tuple[str, Read]], idle: frozenset[str], key: str, text: str
) -> Reading:
    if key in known:
        name, read = known[key]
        reading = read(name, text)
        if reading is not None:
            return reading
    elif key in idle:
        return Reading(remark=f"{key} has no meaning here")
    return Reading(remark=f"{key}={text} is not carried over")
