"""What may be changed while the gateway runs: one change at a time, checked, and in the log."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from ..balancer.balancer import OUT, Balancer
from ..balancer.member import Member
from ..balancer.steering import (
    Change,
    add_member,
    change_member,
    change_method,
    lbfactor,
    remove_member,
)
from ..balancer.sticky import check_route
from ..config.balancer_kinds import RouteName
from ..scoreboard.status import Status
from .access import printable
from .order import Order

logger = logging.getLogger("wsgi_scgi")

SWITCHES: Mapping[str, Status] = {
    "ignore_errors": Status.IGNORE_ERRORS,
    "spare": Status.HOT_SPARE,
    "standby": Status.HOT_STANDBY,
}
"""The states that are set by their names, to "yes" or "no"."""

STATES: Mapping[str, Change] = {
    "enable": Change(off=OUT | Status.ERROR),
    "drain": Change(on=Status.DRAIN),
    "disable": Change(on=Status.DISABLED),
    "stop": Change(on=Status.STOPPED),
}
"""The actions that change the state of a member and nothing else."""

_MEMBER = frozenset({"balancer", "member"})
_SETTINGS = frozenset({"weight", "route", "redirect", "lbset", "max_connections", *SWITCHES})
_KEYS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys((*STATES, "remove"), _MEMBER),
    "weigh": _MEMBER | {"weight"},
    "set": _MEMBER | _SETTINGS,
    "add": _MEMBER | {"weight", "route"},
    "method": frozenset({"balancer", "method"}),
}
"""What each action takes, beside itself."""

_WEIGHT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_WHOLE = re.compile(r"[0-9]{1,9}")
_MOST_NAMES = 10


def apply_change(balancers: Sequence[Balancer], order: Order, who: str) -> str:
    """Do what ``order`` says, and return it in words.

    Its keys: ``action``, ``balancer``, ``member`` (the URL), and what the action takes.  ``who``
    is for the log.  Raises ValueError with nothing changed.
    """
    action = order.get("action", "")
    if action not in _KEYS:
        raise ValueError(f"{action!r} is no action; allowed: {', '.join(_KEYS)}")
    unknown = sorted(order.keys() - _KEYS[action] - {"action"})
    if unknown:
        allowed = ", ".join(sorted(_KEYS[action]))
        raise ValueError(f"{action} does not take {', '.join(unknown)}; allowed: {allowed}")
    balancer = _balancer(balancers, order.get("balancer", ""))
    done = _DO[action](balancer, order) if action in _DO else _set_state(balancer, order, action)
    # A warning, so that it is written where nobody has set up a log, and whatever its level is.
    logger.warning("balancer %s: %s, by %s", balancer.name, printable(done), who)
    return f"{balancer.name}: {done}"


def find_member(balancers: Sequence[Balancer], order: Order) -> tuple[Balancer, Member]:
    """Return what ``balancer`` and ``member`` name.  Raises ValueError."""
    balancer = _balancer(balancers, order.get("balancer", ""))
    return balancer, _member(balancer, order)


def _balancer(balancers: Sequence[Balancer], name: str) -> Balancer:
    known = {balancer.name: balancer for balancer in balancers if balancer.is_named}
    if name not in known:
        raise ValueError(f"there is no balancer {name!r}; {_listed(known)}")
    return known[name]


def _member(balancer: Balancer, order: Order) -> Member:
    url = order.get("member", "")
    known = {member.name: member for member in balancer.members()}
    if url not in known:
        raise ValueError(f"{url!r} is no member of {balancer.name}; {_listed(known)}")
    return known[url]


def _listed(names: Mapping[str, object]) -> str:
    if not names:
        return "there is none"
    rest = len(names) - _MOST_NAMES
    more = f" and {rest} more" if rest > 0 else ""
    return f"there are: {', '.join(islice(names, _MOST_NAMES))}{more}"


def _set_state(balancer: Balancer, order: Order, action: str) -> str:
    member = _member(balancer, order)
    before = _letters(balancer, member)
    change_member(balancer, member.slot, STATES[action])
    return f"{action} {member.name} (status {before} -> {_letters(balancer, member)})"


def _letters(balancer: Balancer, member: Member) -> str:
    return Status(balancer.pool.status[member.slot]).letters() or "-"


def _weigh(balancer: Balancer, order: Order) -> str:
    member = _member(balancer, order)
    before = balancer.pool.weight[member.slot] / 100
    weight = _weight(order)
    change_member(balancer, member.slot, Change(weight=weight))
    return f"weigh {member.name} (weight {before:g} -> {weight:g})"


def _set(balancer: Balancer, order: Order) -> str:
    member = _member(balancer, order)
    given = [name for name in order if name in _SETTINGS]
    if not given:
        raise ValueError(f"nothing to set; allowed: {', '.join(sorted(_SETTINGS))}")
    on = off = Status(0)
    for name in SWITCHES.keys() & order.keys():
        if _is_yes(order, name):
            on |= SWITCHES[name]
        else:
            off |= SWITCHES[name]
    weight = _weight(order) if "weight" in order else None
    is_new = weight is not None and lbfactor(weight) != balancer.pool.weight[member.slot]
    change = Change(
        on=on,
        off=off,
        # A weight written anew starts the counters again, even if it is the same.
        weight=weight if is_new else None,
        route=_route(balancer, order, "route"),
        redirect=_route(balancer, order, "redirect"),
        lbset=_whole(order, "lbset"),
        max_connections=_whole(order, "max_connections"),
    )
    change_member(balancer, member.slot, change)
    return f"set {member.name} ({', '.join(f'{name} = {order[name]!r}' for name in given)})"


def _add(balancer: Balancer, order: Order) -> str:
    url = order.get("member", "")
    add_member(
        balancer,
        url,
        route=_route(balancer, order, "route") or "",
        weight=_weight(order) if "weight" in order else 1.0,
    )
    return f"add {url} (disabled at first)"


def _remove(balancer: Balancer, order: Order) -> str:
    member = _member(balancer, order)
    remove_member(balancer, member.slot)
    return f"remove {member.name}"


def _method(balancer: Balancer, order: Order) -> str:
    name = order.get("method", "")
    change_method(balancer, name)
    return f"method {name}"


def _weight(order: Order) -> float:
    text = order.get("weight", "")
    if not _WEIGHT.fullmatch(text):
        raise ValueError(f"weight: {text!r} is not a number from 1 to 100")
    lbfactor(float(text))  # tells what is out of range
    return float(text)


def _whole(order: Order, name: str) -> int | None:
    text = order.get(name)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{name}: {text!r} is not a whole number")
    return int(text)


def _route(balancer: Balancer, order: Order, name: str) -> str | None:
    """Return a route that may stand in a cookie, if the gateway sets one."""
    text = order.get(name)
    if text is None:
        return None
    try:
        route = RouteName().parse(text)
        if balancer.sticky is not None and balancer.sticky.signature is not None:
            check_route(route)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return route


def _is_yes(order: Order, name: str) -> bool:
    if order[name] not in ("yes", "no"):
        raise ValueError(f"{name}: {order[name]!r} is neither yes nor no")
    return order[name] == "yes"


_DO: Mapping[str, Callable[[Balancer, Order], str]] = {
    "weigh": _weigh,
    "set": _set,
    "add": _add,
    "remove": _remove,
    "method": _method,
}
