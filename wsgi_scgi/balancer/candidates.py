"""Who may be chosen now: the members that an election is held among (Apache's find_best_*).

Filter first, then choose: states, rest, probes, ``lbset``, spares and standbys are judged here
and nowhere else, and a method sees none of them.  A member is usable if it is none of disabled,
stopped and failed by a health check (D, S, C) and does not rest (E).  Of a member whose rest is
over one request at a time finds out whether it is well, the probe; meanwhile it is not usable.
A member with ``I`` never rests.

Sets are tried in the order of ``lbset``; the first that has anybody is taken:

1. its usable normal members, in the order of the configuration;
2. then as many usable hot spares (R) as normal members of this set are unusable or drained;
3. if that is nobody, its usable hot standbys (H): before any member of the next set.

A drained member (N) is no candidate, but ``usable``: its sessions go on.
"""

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from ..compiled import compiled_in
from ..scoreboard.pool import Pool
from ..scoreboard.status import Status

PROBE_LOST = 60.0
"""Seconds after which a probe counts as lost, with whoever sent it; another may be sent."""

SLOW_START_STEPS = 20
"""In how many equal steps a slow start reaches the whole weight."""

_IN_USE = int(Status.IN_USE)
_OUT = int(Status.DISABLED | Status.STOPPED | Status.HEALTH_FAILED)
_ERROR = int(Status.ERROR)
_RESTS = int(Status.ERROR | Status.IGNORE_ERRORS)
_DRAIN = int(Status.DRAIN)
_SPARE = int(Status.HOT_SPARE)
_STANDBY = int(Status.HOT_STANDBY)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The members of one election, in the order in which they are offered to a method."""

    slots: "array[int]"
    weights: "array[int]"
    """100 times the weight of each of ``slots`` (lbfactor), less during a slow start; above 0."""
    usable: "array[int]"
    """All usable members of the pool, whatever their set: those whom a sticky hit passes by."""
    usable_weights: "array[int]"
    next_change: float
    """When, on the board's clock, time alone makes another answer of this one."""
    derived: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What a method computes of these values once and keeps, by the method's name."""


class Recovered:
    """What an election reads of a pool, as if no member were at rest."""

    def __init__(self, pool: Pool) -> None:
        self.status = memoryview(array("q", [status & ~_ERROR for status in pool.status]))
        self.weight = pool.weight
        self.lbset = pool.lbset
        self.rest_until = pool.rest_until
        self.probe_row = pool.probe_row
        self.probe_at = pool.probe_at
        self.up_since = pool.up_since


def usable(pool: Pool | Recovered, slot: int, now: float) -> bool:
    """Tell whether a member may serve at all; a drained one only those of its sessions.

    ``now`` is of the board's clock, in seconds.
    """
    status = pool.status[slot]
    if not status & _IN_USE or status & _OUT:
        return False
    return status & _RESTS != _ERROR or _unusable_until(pool, slot, now) <= now


@compiled_in("wsgi_scgi.balancer._candidates")
def candidates(
    pool: Pool | Recovered, now: float, *, slow_start: float = 0.0, without: Collection[int] = ()
) -> Candidates:
    """Return who may be chosen at ``now``, in seconds of the board's clock.

    A member that came in less than ``slow_start`` seconds ago has a part of its weight.
    Members ``without`` are passed over as if they were out: this request has tried them, or
    they have all the requests that they may.  Call it with the pool's lock held.
    """
    next_change = inf
    sets: dict[int, list[int]] = {}
    weights: dict[int, int] = {}
    for slot, status in enumerate(pool.status):
        if not status & _IN_USE:
            continue
        sets.setdefault(pool.lbset[slot], []).append(slot)
        if status & _OUT or slot in without:
            continue
        until = _unusable_until(pool, slot, now) if status & _RESTS == _ERROR else 0.0
        if until <= now:
            weights[slot], until = _weight(pool, slot, now, slow_start)
        next_change = min(next_change, until)
    slots: list[int] = []
    for lbset in sorted(sets):
        slots = _offered(pool, sets[lbset], weights)
        if slots:
            break
    return Candidates(
        slots=array("q", slots),
        weights=array("q", [weights[slot] for slot in slots]),
        usable=array("q", weights),
        usable_weights=array("q", weights.values()),
        next_change=next_change,
    )


@compiled_in("wsgi_scgi.balancer._candidates")
def full_slots(limits: "memoryview[int]", rows: "Sequence[memoryview[int]]") -> "tuple[int, ...]":
    """Return the slots with as many requests in flight as their limits allow; 0 is no limit.

    ``rows`` are the requests in flight of each process, by slot.
    """
    return tuple(
        slot
        for slot, (limit, *busy) in enumerate(zip(limits, *rows, strict=True))
        if 0 < limit <= sum(busy)
    )


def _offered(pool: Pool | Recovered, members: list[int], fit: Collection[int]) -> list[int]:
    """Return whom one set offers, in order; ``fit`` are all usable members of the pool."""
    normal: list[int] = []
    spares: list[int] = []
    standbys: list[int] = []
    missing = 0
    for slot in members:
        status = pool.status[slot]
        may_serve = slot in fit and not status & _DRAIN
        if not status & (_SPARE | _STANDBY):
            if may_serve:
                normal.append(slot)
            else:
                missing += 1
        elif may_serve:
            (spares if status & _SPARE else standbys).append(slot)
    return normal + spares[:missing] or standbys


def _unusable_until(pool: Pool | Recovered, slot: int, now: float) -> float:
    """Return when a member in error may be tried: after its rest, or when its probe is lost."""
    rest_until = pool.rest_until[slot]
    if rest_until > now or pool.probe_row[slot] < 0:
        return rest_until
    return pool.probe_at[slot] + PROBE_LOST


def _weight(pool: Pool | Recovered, slot: int, now: float, slow_start: float) -> tuple[int, float]:
    """Return the weight of a member and when that changes."""
    weight = pool.weight[slot]
    up_since = pool.up_since[slot]
    # Another process may have read the clock later.
    age = max(now - up_since, 0.0)
    if not up_since or age >= slow_start:
        return weight, inf
    step = int(age / slow_start * SLOW_START_STEPS) + 1
    next_step = up_since + step * slow_start / SLOW_START_STEPS
    return max(1, weight * step // SLOW_START_STEPS), next_step
