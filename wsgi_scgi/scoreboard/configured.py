"""What a configuration says of a pool, at the start and whenever it is read again.

A pool that is in use changes in place, so that requests in flight, rests and counts stay with
their members, and workers that are still there follow.  Members are the same by their URLs and
keep their places, in whatever order the file has them.  A state that was steered stays as it is;
weights, sets, limits, routes and the method are those of the configuration.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .layout import MEMBER_COLUMNS, ROW_COLUMNS
from .pool import NO_PROBE, MemberText, Pool
from .status import NO_STATUS, Status

_STEERED = (
    Status.DISABLED
    | Status.STOPPED
    | Status.DRAIN
    | Status.IGNORE_ERRORS
    | Status.HOT_SPARE
    | Status.HOT_STANDBY
)
"""The states that a manager changes, and keeps changed when the configuration is read again."""

_FOUND = Status.ERROR | Status.HEALTH_FAILED
"""The states that nobody decides."""


@dataclass(frozen=True, slots=True)
class ConfiguredMember:
    """A member as the file has it; ``weight`` is in hundredths."""

    text: MemberText
    status: Status = NO_STATUS
    weight: int = 100
    lbset: int = 0
    max_connections: int = 0


def configure(
    pool: Pool,
    members: Sequence[ConfiguredMember],
    *,
    method: int = 0,
    growth: int = 0,
    is_checked: bool = True,
) -> list[str]:
    """Let ``members`` be those of a pool, with ``growth`` places for such as are added by hand.

    Unless ``is_checked``, nobody has failed a health check but by the file.  Return the URLs of
    those added by hand that have no place any more.  Raises ValueError where the pool has too few
    places.
    """
    with pool.lock:
        pool.bump()
        pool.method = method
        pool.most = len(members) + growth
        urls = {member.text.url for member in members}
        others = [slot for slot in pool.slots if pool.text(slot).url not in urls]
        by_hand = [slot for slot in others if not pool.configured[slot]]
        left_out = {slot: pool.text(slot).url for slot in by_hand[growth:]}
        for slot in others:
            if slot in left_out or slot not in by_hand:
                pool.remove(slot)
        places = {pool.text(slot).url: slot for slot in pool.slots}
        for member in members:
            found = _FOUND if is_checked else Status.ERROR
            slot = _configure(pool, places.get(member.text.url), member, found)
            places[member.text.url] = slot
            pool.configured[slot] = member.status | Status.IN_USE
    return list(left_out.values())


def _configure(pool: Pool, slot: int | None, member: ConfiguredMember, found: Status) -> int:
    """Change a member to what the file says, or give it a place; return that.

    What it was found in of ``found`` stays, and is not given again.
    """
    if slot is None:
        return pool.enrol(
            member.text,
            status=member.status,
            weight=member.weight,
            lbset=member.lbset,
            max_connections=member.max_connections,
        )
    status, said = pool.status[slot], pool.configured[slot]
    steered = (status ^ said) & _STEERED
    news = member.status & ~(said & found)
    pool.status[slot] = status & (steered | found) | news & ~steered | Status.IN_USE
    if pool.text(slot) != member.text:
        pool.set_text(slot, member.text)
    if pool.weight[slot] != member.weight:
        pool.weight[slot] = member.weight
        pool.forget_turns()
    pool.lbset[slot] = member.lbset
    pool.max_connections[slot] = member.max_connections
    return slot


def move(old: Pool, pool: Pool) -> None:
    """Let ``pool``, which is new and no smaller, begin with what ``old`` knows.

    Requests in flight end there, not here; so do probes.
    """
    row = pool.row  # taken before the lock, which taking one needs
    with old.lock, pool.lock:
        pool.bump()
        pool.most = old.most
        pool.method = old.method
        for name in MEMBER_COLUMNS:
            pool.columns[name][: old.capacity] = old.columns[name]
        for name in ROW_COLUMNS:
            if name != "busy":
                for slot, total in enumerate(old.totals(name)):
                    row.columns[name][slot] = total
        for slot in old.slots:
            pool.set_text(slot, old.text(slot))
            pool.probe_row[slot] = NO_PROBE
