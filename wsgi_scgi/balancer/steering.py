"""What an administrator may change about a balancer while it runs (balancer-manager)."""

from dataclasses import dataclass

from ..address import BackendURL, parse_backend_url
from ..scoreboard.pool import MemberText
from ..scoreboard.status import Status
from .balancer import OUT, Balancer
from .methods import METHODS

MOST_LBSET = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to become of a member; None leaves a thing as it is."""

    on: Status = Status(0)
    off: Status = Status(0)
    weight: float | None = None
    route: str | None = None
    redirect: str | None = None
    lbset: int | None = None
    max_connections: int | None = None


def change_member(balancer: Balancer, slot: int, change: Change) -> None:
    """Change a member; one that comes in again is rested and starts slowly.

    Where health is checked, what a check has found stays for the next one to say.

    Raises ValueError, with nothing changed.
    """
    factor = None if change.weight is None else lbfactor(change.weight)
    if change.lbset is not None and not 0 <= change.lbset <= MOST_LBSET:
        raise ValueError(f"lbset is a number from 0 to {MOST_LBSET}")
    if change.max_connections is not None and change.max_connections < 0:
        raise ValueError("max_connections is a number, 0 for no limit")
    pool = balancer.pool
    with pool.lock:
        if not pool.status[slot] & Status.IN_USE:
            raise ValueError("the member has been removed")
        before = pool.text(slot)
        text = MemberText(
            before.url,
            before.route if change.route is None else change.route,
            before.redirect if change.redirect is None else change.redirect,
        )
        pool.bump()
        if text != before:
            pool.set_text(slot, text)
        if factor is not None:
            pool.weight[slot] = factor
            # What the counters stand for has changed: all start again, as in Apache.
            pool.forget_turns()
        if change.lbset is not None:
            pool.lbset[slot] = change.lbset
        if change.max_connections is not None:
            pool.max_connections[slot] = change.max_connections
        was_out = pool.status[slot] & OUT
        off = change.off & ~Status.HEALTH_FAILED if balancer.rules.is_checked else change.off
        pool.status[slot] = (pool.status[slot] | change.on) & ~off
        if was_out and not pool.status[slot] & OUT:
            balancer.rests.clear(slot)


def change_method(balancer: Balancer, name: str) -> None:
    """Choose by another method.  Raises ValueError."""
    names = [method.name for method in METHODS]
    if name not in names:
        raise ValueError(f"{name!r} is no method; allowed: {', '.join(names)}")
    if name == "hash" and not balancer.has_key:
        raise ValueError("hash needs hash_key in the configuration")
    with balancer.pool.lock:
        balancer.pool.bump()
        balancer.pool.method = names.index(name)


def add_member(balancer: Balancer, url: str, *, route: str = "", weight: float = 1.0) -> int:
    """Add a member, disabled at first, and return its slot.

    Raises AddressError, and ValueError where it is there already or no place is free.
    """
    backend, factor = parse_backend_url(url), lbfactor(weight)
    with balancer.pool.lock:
        balancer.refresh()
        if any(_is_same(member.url, backend) for member in balancer.members()):
            raise ValueError(f"{url} is a member already")
        balancer.pool.bump()
        return balancer.pool.enrol(
            MemberText(url, route, ""), status=Status.DISABLED, weight=factor
        )


def remove_member(balancer: Balancer, slot: int) -> None:
    """Remove a member; the requests that it serves go on."""
    with balancer.pool.lock:
        balancer.pool.bump()
        balancer.pool.remove(slot)


def lbfactor(weight: float) -> int:
    """Return a weight as Apache keeps it, in hundredths.  Raises ValueError."""
    if not 1 <= weight <= 100:
        raise ValueError("a weight is a number from 1 to 100")
    return round(weight * 100)


def _is_same(one: BackendURL, other: BackendURL) -> bool:
    return (one.address, one.path.rstrip("/")) == (other.address, other.path.rstrip("/"))
