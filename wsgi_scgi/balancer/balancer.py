"""A balancer: members, who of them gets the next request, and what is known of each.

What all workers of a host must agree on is on the board (``scoreboard``); a balancer reads and
writes its part, the pool.  Filter first, then choose: ``candidates`` says who may serve, a method
picks one of those and knows nothing of health.  A single backend is a balancer with one member,
which never rests: nobody else could serve.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence

from ..address import BackendURL, parse_backend_url
from ..errors import (
    BackendError,
    BackendTimeout,
    ConnectError,
    DeadlineExceeded,
    NoMember,
    OutOfResources,
    ResponseError,
    TruncatedResponse,
)
from ..gateway.request import Request
from ..scoreboard.pool import MemberText, Pool
from ..scoreboard.status import Status
from .candidates import Candidates, Recovered, candidates, full_slots, usable
from .lease import Lease
from .member import Member
from .methods import BY_REQUESTS, METHODS
from .rests import Rests
from .retry_budget import RetryBudget
from .rules import BalancerRules
from .sticky import Session, StickySession
from .usual import UsualElections

logger = logging.getLogger("wsgi_scgi")

OUT = Status.DISABLED | Status.STOPPED | Status.HEALTH_FAILED | Status.DRAIN
"""The states in which no rest matters: somebody has said that the member is not to serve."""

_ERROR = int(Status.ERROR)
"""An integer is much faster to compare with than a flag."""

_NOBODY_S = (OutOfResources, DeadlineExceeded)
"""The errors of an exchange that no backend is to blame for."""

_DEFAULTS = BalancerRules()


class Balancer:
    """One ``[balancer.NAME]``; or the one backend of a route, which then is not ``is_named``."""

    def __init__(  # noqa: PLR0913  # made in one place
        self,
        name: str,
        pool: Pool,
        rules: BalancerRules = _DEFAULTS,
        *,
        sticky: StickySession | None = None,
        key_of: Callable[[Request], bytes] | None = None,
        is_named: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``key_of`` reads what the method ``hash`` goes by; ``clock`` is the board's."""
        self.name = name
        self.is_named = is_named
        self.pool = pool
        self.rules = rules
        self.clock = clock
        self.budget = RetryBudget(rules.attempts.retry_budget, clock)
        self.sticky = sticky
        self.has_key = key_of is not None
        self._key_of = key_of
        self.refused = rules.attempts.next_upstream
        """The statuses for which another member is asked, if one may be."""
        self.faults = rules.rest.fail_on_status | {
            status for status in self.refused if status >= 500 or status == 429
        }
        """The statuses for which a member rests; any other ends its rest."""
        self.rests = Rests(pool, rules.rest, clock)
        self.usual = UsualElections(pool, clock)
        self._epoch = -1
        self._roster = -1
        self._members: dict[int, Member] = {}
        self._routes: dict[str, list[Member]] = {}
        self._is_alone = False
        self._has_limits = False
        self._candidates: Candidates | None = None
        self._others: tuple[Sequence[int], Candidates] | None = None

    # Its members.

    @property
    def size(self) -> int:
        """How many members there are, in whatever state."""
        return len(self._members)

    def members(self) -> list[Member]:
        """Return the members as they are now, in the order of their places."""
        if self.pool.epoch != self._epoch:
            with self.pool.lock:
                self.refresh()
        return list(self._members.values())

    def has_candidates(self, tried: Sequence[int] = (), *, recovers: bool = True) -> bool:
        """Tell whether ``elect`` would find a member for a request that has tried some."""
        with self.pool.lock:
            self.refresh()
            found, _ = self._may_be(self.clock(), tried, self._full(), recovers)
            return bool(found.slots)

    def refresh(self) -> None:
        """Read again what changes seldom, if it has.  Call it with the lock held."""
        pool = self.pool
        epoch = pool.epoch
        if epoch == self._epoch:
            return
        if pool.roster != self._roster:
            self._roster = pool.roster
            self._members = dict(self._read_members())
            self._routes = {}
            for member in self._members.values():
                self._routes.setdefault(member.route, []).append(member)
        self._candidates = self._others = None
        self._has_limits = any(pool.max_connections)
        lone = next(iter(self._members.values())) if self.size == 1 else None
        if lone is not None and pool.status[lone.slot] & Status.ERROR:
            self.rests.clear(lone.slot)  # the others have gone
        if lone is not None and (self._has_limits or pool.status[lone.slot] & OUT):
            lone = None
        self._is_alone = lone is not None
        self._epoch = epoch
        if lone is not None:
            self.usual.prepare_alone(lone)

    def _read_members(self) -> Iterator[tuple[int, Member]]:
        pool = self.pool
        for slot in range(pool.capacity):
            if not pool.status[slot] & Status.IN_USE:
                continue
            text = pool.text(slot)
            known = self._members.get(slot)
            if known is None or known.name != text.url:
                known = self._member(slot, text, parse_backend_url(text.url))
            elif (known.route, known.redirect) != (text.route, text.redirect):
                known = self._member(slot, text, known.url)
            yield slot, known

    def _member(self, slot: int, text: MemberText, url: BackendURL) -> Member:
        variables = {
            "BALANCER_NAME": f"balancer://{self.name}",
            "BALANCER_WORKER_NAME": text.url,
            "BALANCER_WORKER_ROUTE": text.route,
        }
        return Member(slot, text.url, url, text.route, text.redirect, variables)

    # The election.

    def session_of(self, request: Request) -> Session | None:
        """Return the session that ``request`` belongs to, if stickiness is configured."""
        if self.sticky is None:
            return None
        return self.sticky.session_of(request.target, request.environ.get("HTTP_COOKIE"))

    def key_of(self, request: Request) -> bytes:
        """Return what the method ``hash`` goes by; empty where it is not used."""
        return b"" if self._key_of is None else self._key_of(request)

    def lend_alone(self) -> Lease | None:
        """Return a lease of the only member; None where there is anything to decide or to note.

        Nobody else could be asked then, so there is nothing that ``Attempts`` could do.
        """
        return self.usual.lend(self) if self._is_alone and self.sticky is None else None

    def elect(
        self,
        session: Session | None = None,
        key: bytes = b"",
        *,
        without: Sequence[int] = (),
        recovers: bool = True,
    ) -> Lease:
        """Return a lease of the member that is to serve; ``without`` are those that were tried.

        Unless it ``recovers``, none at rest is asked.  Raises NoMember.
        """
        if not without and (session is None or self._is_alone):
            lease = self.usual.lend(self)
            if lease is not None:
                return lease
        pool = self.pool
        row = pool.row  # taken before the lock, which taking one needs
        with pool.lock:
            self.refresh()
            chosen = self._choose(session, key, self.clock(), without, recovers)
            lease = Lease(self, self._members[chosen], row, self.clock)
            if pool.status[chosen] & _ERROR:
                lease.is_probe = self.rests.begin_probe(chosen, row.number, lease.started)
            return lease

    def _choose(
        self,
        session: Session | None,
        key: bytes,
        now: float,
        without: Sequence[int],
        recovers: bool,
    ) -> int:
        full = self._full()
        may_be, pool = self._may_be(now, without, full, recovers)
        method = METHODS[self.pool.method]
        if session is not None:
            chosen = self._sticky_member(session.route, pool, now, (*without, *full))
            if chosen is not None:
                method.took(may_be, self.pool, chosen)
                return chosen
            if self.rules.no_failover and session.route in self._routes:
                raise NoMember(f"balancer {self.name}: the member of route {session.route} is out")
        if not may_be.slots:
            raise self._no_member(now)
        return method.choose(may_be, self.pool, key)

    def _may_be(
        self, now: float, tried: Sequence[int], full: Sequence[int], recovers: bool
    ) -> tuple[Candidates, Pool | Recovered]:
        """Return the candidates for one election, and the pool as it looks to that."""
        without = (*tried, *full)
        found = self._known(now, without)
        if found is None:
            found = candidates(self.pool, now, slow_start=self.rules.slow_start, without=without)
            if without:
                self._others = without, found
            else:
                self._candidates = found
                self._prepare(found)
        if found.slots or not recovers or not self._may_recover(now, tried):
            return found, self.pool
        pool = Recovered(self.pool)
        return candidates(pool, now, slow_start=self.rules.slow_start, without=without), pool

    def _prepare(self, found: Candidates) -> None:
        """Let the next elections be short, if nothing has to be looked at in them but turns."""
        status = self.pool.status
        if (
            found.slots
            and not self._is_alone
            and not self._has_limits
            and self.pool.method == BY_REQUESTS
            and not any(status[slot] & _ERROR for slot in found.slots)
        ):
            self.usual.prepare(found, self._members)

    def _known(self, now: float, without: Sequence[int]) -> Candidates | None:
        """Return the candidates of an earlier election, if they are those of this one too."""
        found = self._candidates
        if without:
            others = self._others
            found = others[1] if others is not None and others[0] == without else None
        return found if found is not None and now < found.next_change else None

    def _full(self) -> Sequence[int]:
        """Return the places that have as many requests as they may."""
        if not self._has_limits:
            return ()
        return full_slots(self.pool.max_connections, [row.busy for row in self.pool.rows])

    def _may_recover(self, now: float, tried: Sequence[int]) -> bool:
        """Tell whether to elect as if nobody rested, since nobody else is left (``forcerecovery``).

        A member that only has no room now is better waited for.  They stay at rest until one
        answers: that all have failed may be over for one of them.
        """
        status = self.pool.status
        return self.rules.force_recovery and not any(
            usable(self.pool, slot, now) and not status[slot] & OUT and slot not in tried
            for slot in self._members
        )

    def _sticky_member(
        self, route: str, pool: Pool | Recovered, now: float, without: Sequence[int]
    ) -> int | None:
        """Return the usable member of a session's route, or of one that it redirects to."""
        for _ in range(self.size):
            having = sorted(self._routes.get(route, ()), key=self._is_standby)
            for member in having:
                if member.slot not in without and usable(pool, member.slot, now):
                    return member.slot
            route = next((member.redirect for member in having if member.redirect), "")
            if not route:
                break
        return None

    def _is_standby(self, member: Member) -> bool:
        return bool(self.pool.status[member.slot] & Status.HOT_STANDBY)

    def _no_member(self, now: float) -> NoMember:
        status, rest_until = self.pool.status, self.pool.rest_until
        ends = [
            rest_until[slot]
            for slot in self._members
            if status[slot] & Status.ERROR and not status[slot] & OUT
        ]
        states = ", ".join(f"{one.name} {self._state(one, now)}" for one in self._members.values())
        return NoMember(
            f"balancer {self.name} has no usable member: {states or 'there is none at all'}",
            retry_after=max(1, math.ceil(min(ends) - now)) if ends else None,
        )

    def _state(self, member: Member, now: float) -> str:
        status = Status(self.pool.status[member.slot])
        if status & OUT:
            return f"is out ({(status & OUT).letters()})"
        if not status & Status.ERROR:
            return "is busy or was tried"
        left = self.pool.rest_until[member.slot] - now
        return f"rests for {left:.1f} seconds" if left > 0 else "is tried by another request"

    # What became of a request.

    def judge_status(self, lease: Lease, status: int) -> None:
        """Let a member rest for a status that counts as failure, else end its rest."""
        if status in self.faults:
            self.rest(lease.member, f"it answered {status}")
            return
        pool, slot = self.pool, lease.member.slot
        if not pool.status[slot] & _ERROR:
            return
        with pool.lock:
            recovers = self._is_member(lease.member) and self.rests.end(slot, lease.started)
        if recovers:
            logger.info("balancer %s: %s serves again", self.name, lease.member.name)

    def judge_failure(self, lease: Lease, error: BaseException) -> None:
        """Count a failure of the member, and let it rest if that is called for.

        It is not its fault where the client left, sent nonsense or was slow, nor where the
        gateway lacks descriptors.
        """
        if not isinstance(error, BackendError) or isinstance(error, _NOBODY_S):
            return
        with lease.row.lock:
            lease.row.failed[lease.member.slot] += 1
        is_timeout = isinstance(error, BackendTimeout)
        if isinstance(error, ConnectError) or (is_timeout and self.rules.rest.fail_on_timeout):
            self.rest(lease.member, str(error))
        elif is_timeout or isinstance(error, ResponseError | TruncatedResponse):
            self.count_fault(lease.member, str(error))

    def rest(self, member: Member, cause: str) -> None:
        """Leave ``member`` alone for a while; unless it is the only one, or never to rest (+I)."""
        with self.pool.lock:
            span = self.rests.begin(member.slot) if self._may_rest(member) else None
        self._tell_of_rest(member, span, cause)

    def count_fault(self, member: Member, cause: str) -> None:
        """Note a fault that may happen to anybody once; the ``max_fails``-th is a rest."""
        with self.pool.lock:
            span = self.rests.count_fault(member.slot) if self._may_rest(member) else None
        self._tell_of_rest(member, span, cause)

    def end_probe(self, lease: Lease) -> None:
        """Let another request try a member whose rest is over, if nobody else does."""
        with self.pool.lock:
            self.rests.end_probe(lease.member.slot, lease.row.number, lease.started)

    def health_result(
        self, slot: int, passed: bool, seconds: float, *, passes: int, fails: int
    ) -> bool:
        """Note a health check; tell whether it changed what the member may do; see ``Rests``."""
        with self.pool.lock:
            return self.rests.note_check(slot, passed, seconds, passes=passes, fails=fails)

    def _is_member(self, member: Member) -> bool:
        """Tell whether it has not been removed.  Call it with the lock held."""
        self.refresh()
        known = self._members.get(member.slot)
        return known is not None and known.name == member.name

    def _may_rest(self, member: Member) -> bool:
        if not self._is_member(member) or self.size == 1:
            return False
        return not self.pool.status[member.slot] & Status.IGNORE_ERRORS

    def _tell_of_rest(self, member: Member, span: float | None, cause: str) -> None:
        """Log it without the lock: a handler may switch to another greenlet, which wants it."""
        if span is not None:
            logger.warning(
                "balancer %s: %s rests for %.1f seconds: %s", self.name, member.name, span, cause
            )
