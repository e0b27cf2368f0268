"""What may be changed while the gateway runs: one change at a time, checked, and in the log."""

import logging
from collections.abc import Mapping, Sequence

from ..balancer.balancer import Balancer
from ..balancer.member import Member
from ..balancer.steering import (
    Change,
    add_member,
    change_member,
    change_method,
    remove_member,
)
from ..scoreboard.status import Status

logger = logging.getLogger("wsgi_scgi")

ACTIONS = (
    "enable",
    "drain",
    "disable",
    "stop",
    "weigh",
    "set",
    "add",
    "remove",
    "method",
)

_STATES = {
    "enable": Change(off=Status.DISABLED | Status.STOPPED | Status.DRAIN | Status.ERROR),
    "drain": Change(on=Status.DRAIN),
    "disable": Change(on=Status.DISABLED),
    "stop": Change(on=Status.STOPPED),
}
_ATTRIBUTES = ("route", "redirect", "lbset", "max_connections")


def apply_change(balancers: Sequence[Balancer], order: Mapping[str, str], who: str) -> str:
    """Do what ``order`` says, and return it in words.

    Its keys: ``action``, ``balancer``, ``member`` (the URL), and what the action needs:
    ``weight``, ``method``, or any of ``route``, ``redirect``, ``lbset``, ``max_connections``.
    Raises ValueError or AddressError with nothing changed.
    """
    balancer = _balancer(balancers, order.get("balancer", ""))
    action = order.get("action", "")
    if action not in ACTIONS:
        raise ValueError(f"{action!r} is no action; allowed: {', '.join(ACTIONS)}")
    done = _DO[action](balancer, order) if action in _DO else _set_state(balancer, order, action)
    logger.info("balancer %s: %s, by %s", balancer.name, done, ascii(who)[1:-1])
    return f"{balancer.name}: {done}"


def _balancer(balancers: Sequence[Balancer], name: str) -> Balancer:
    for balancer in balancers:
        if balancer.is_named and balancer.name == name:
            return balancer
    raise ValueError(f"there is no balancer {name!r}")


def _member(balancer: Balancer, order: Mapping[str, str]) -> Member:
    url = order.get("member", "")
    for member in balancer.members():
        if member.name == url:
            return member
    raise ValueError(f"{url!r} is no member of {balancer.name}")


def _set_state(balancer: Balancer, order: Mapping[str, str], action: str) -> str:
    member = _member(balancer, order)
    before = Status(balancer.pool.status[member.slot]).letters()
    change_member(balancer, member.slot, _STATES[action])
    after = Status(balancer.pool.status[member.slot]).letters()
    return f"{action} {member.name} (status {before or '-'} -> {after or '-'})"


def _weigh(balancer: Balancer, order: Mapping[str, str]) -> str:
    member = _member(balancer, order)
    before = balancer.pool.weight[member.slot] / 100
    weight = _number(order, "weight")
    change_member(balancer, member.slot, Change(weight=weight))
    return f"weigh {member.name} (weight {before:g} -> {weight:g})"


def _set(balancer: Balancer, order: Mapping[str, str]) -> str:
    member = _member(balancer, order)
    given = [name for name in _ATTRIBUTES if name in order]
    if not given:
        raise ValueError(f"nothing to set; allowed: {', '.join(_ATTRIBUTES)}")
    change = Change(
        route=order.get("route"),
        redirect=order.get("redirect"),
        lbset=_integer(order, "lbset"),
        max_connections=_integer(order, "max_connections"),
    )
    change_member(balancer, member.slot, change)
    return f"set {member.name} ({', '.join(f'{name} = {order[name]!r}' for name in given)})"


def _add(balancer: Balancer, order: Mapping[str, str]) -> str:
    weight = _number(order, "weight") if order.get("weight") else 1.0
    url = order.get("member", "")
    add_member(balancer, url, route=order.get("route", ""), weight=weight)
    return f"add {url} (disabled at first)"


def _remove(balancer: Balancer, order: Mapping[str, str]) -> str:
    member = _member(balancer, order)
    remove_member(balancer, member.slot)
    return f"remove {member.name}"


def _method(balancer: Balancer, order: Mapping[str, str]) -> str:
    name = order.get("method", "")
    change_method(balancer, name)
    return f"method {name}"


def _number(order: Mapping[str, str], name: str) -> float:
    try:
        return float(order.get(name, ""))
    except ValueError:
        raise ValueError(f"{name}: {order.get(name, '')!r} is not a number") from None


def _integer(order: Mapping[str, str], name: str) -> int | None:
    text = order.get(name)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise ValueError(f"{name}: {text!r} is not a whole number")
    return int(text)


_DO = {"weigh": _weigh, "set": _set, "add": _add, "remove": _remove, "method": _method}
