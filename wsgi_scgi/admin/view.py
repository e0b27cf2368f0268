"""What there is to see of balancers: a picture of the board, for the page, JSON and metrics."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..balancer.balancer import OUT, Balancer
from ..balancer.member import Member
from ..balancer.methods import METHODS
from ..balancer.rests import HISTORY
from ..scoreboard.layout import BUCKETS
from ..scoreboard.status import Status

_WORDS = {
    Status.STOPPED: "stopped",
    Status.DISABLED: "disabled",
    Status.HEALTH_FAILED: "failed its health check",
    Status.DRAIN: "draining",
}

_LEAVING = {"drain": Status.DRAIN, "disable": Status.DISABLED}


@dataclass(frozen=True, slots=True)
class MemberView:
    """One member.  Times are seconds, sizes bytes; ``state`` is for people, ``status`` letters."""

    url: str
    route: str
    redirect: str
    weight: float
    lbset: int
    max_connections: int
    status: str
    state: str
    is_usable: bool
    rest_seconds: float
    busy: int
    elected: int
    failed: int
    sent: int
    received: int
    statuses: tuple[int, ...]
    buckets: tuple[int, ...]
    seconds: float
    connect_seconds: float
    first_byte_seconds: float
    checks: tuple[bool, ...]
    """The results of the last health checks, the newest last."""
    check_seconds: float
    """How long the last one took."""
    checked_ago: float | None
    """Seconds since the last one; None before the first."""

    @property
    def answers(self) -> int:
        """How many requests it has answered, with whatever status."""
        return sum(self.statuses)

    @property
    def flags(self) -> Status:
        """The states of ``status``, without an error that is ignored."""
        return _judged(Status.parse(self.status))

    @property
    def condition(self) -> str:
        """One word for how it is marked: good, waiting, out (somebody has said so) or bad."""
        if self.flags & (Status.ERROR | Status.HEALTH_FAILED):
            return "bad"
        if self.flags & OUT:
            return "out"
        return "waiting" if self.flags & (Status.HOT_STANDBY | Status.HOT_SPARE) else "good"

    @property
    def orders(self) -> tuple[str, ...]:
        """The changes of its state that would change anything."""
        back = self.flags & (OUT | Status.ERROR) & ~Status.HEALTH_FAILED
        further = [
            action
            for action, flag in _LEAVING.items()
            if not self.flags & (flag | Status.DISABLED | Status.STOPPED)
        ]
        return (*(("enable",) if back else ()), *further)

    def quantile(self, share: float) -> float | None:
        """Return the time within which ``share`` of the answers had ended, as a bucket's bound.

        None where there are no answers, or it is above all bounds.
        """
        wanted = share * sum(self.buckets)
        below = 0
        for bound, count in zip(BUCKETS, self.buckets, strict=False):
            below += count
            if wanted and below >= wanted:
                return bound
        return None


@dataclass(frozen=True, slots=True)
class BalancerView:
    """One balancer, or the only backend of a route, which is not ``is_named``."""

    name: str
    is_named: bool
    method: str
    is_ready: bool
    """Whether somebody would serve a request now."""
    members: tuple[MemberView, ...]


def view(balancers: Iterable[Balancer]) -> list[BalancerView]:
    """Return the picture of all of them at this moment."""
    return [_balancer(balancer) for balancer in balancers]


def is_ready(balancer: Balancer) -> bool:
    """Tell whether a request would find a member now, without waiting for one."""
    return balancer.has_candidates()


def _balancer(balancer: Balancer) -> BalancerView:
    pool = balancer.pool
    rows = pool.rows or [pool.row]
    sums = {name: pool.totals(name) for name in rows[0].columns}
    now = balancer.clock()
    members = tuple(_member(balancer, member, sums, now) for member in balancer.members())
    method = METHODS[pool.method].name
    return BalancerView(balancer.name, balancer.is_named, method, is_ready(balancer), members)


def _member(
    balancer: Balancer, member: Member, sums: dict[str, list[float]], now: float
) -> MemberView:
    pool, slot = balancer.pool, member.slot
    letters = Status(pool.status[slot]).letters()
    status = _judged(Status(pool.status[slot]))
    left = max(0.0, pool.rest_until[slot] - now) if status & Status.ERROR else 0.0
    return MemberView(
        url=member.name,
        route=member.route,
        redirect=member.redirect,
        weight=pool.weight[slot] / 100,
        lbset=pool.lbset[slot],
        max_connections=pool.max_connections[slot],
        status=letters,
        state=_state(status, left),
        is_usable=not status & (OUT | Status.ERROR),
        rest_seconds=round(left, 3),
        busy=int(sums["busy"][slot]),
        elected=int(sums["elected"][slot]),
        failed=int(sums["failed"][slot]),
        sent=int(sums["sent"][slot]),
        received=int(sums["received"][slot]),
        statuses=tuple(int(sums[f"status_{n}xx"][slot]) for n in range(1, 6)),
        buckets=tuple(int(sums[f"bucket_{n}"][slot]) for n in range(len(BUCKETS) + 1)),
        seconds=sums["seconds"][slot],
        connect_seconds=sums["connect_seconds"][slot],
        first_byte_seconds=sums["first_byte_seconds"][slot],
        checks=_checks(pool.history[slot]),
        check_seconds=pool.check_seconds[slot],
        checked_ago=round(now - pool.checked_at[slot], 3) if pool.history[slot] else None,
    )


def _judged(status: Status) -> Status:
    return status & ~Status.ERROR if status & Status.IGNORE_ERRORS else status


def _state(status: Status, left: float) -> str:
    words = [word for flag, word in _WORDS.items() if status & flag]
    if status & Status.ERROR:
        words.append(f"resting, {left:.0f} s left" if left else "to be tried again")
    if words:
        return ", ".join(words)
    if status & Status.HOT_STANDBY:
        return "standing by"
    return "spare" if status & Status.HOT_SPARE else "ok"


def _checks(history: int) -> tuple[bool, ...]:
    """Return results from bits: a one stands before the first, so that zeros count."""
    length = min(max(history.bit_length() - 1, 0), HISTORY)
    return tuple(bool(history >> n & 1) for n in reversed(range(length)))
