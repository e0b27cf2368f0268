"""Who is left alone, and for how long: faults, rests, probes and the results of health checks.

The part of a pool that tells of its members' health.  It knows of no requests and logs nothing.
"""

import random
from collections.abc import Callable

from ..scoreboard.pool import NO_PROBE, Pool
from ..scoreboard.status import Status
from .rules import RestRules

JITTER = 0.1
"""The share by which a rest may be shorter, so that many do not end at once."""

HISTORY = 62
"""How many results of health checks are kept of a member."""

_ILL = Status.HEALTH_FAILED | Status.ERROR
"""The states that health checks end."""

_RESTS = Status.ERROR | Status.IGNORE_ERRORS


class Rests:
    """The rests of the members of one pool.  Call everything with its lock held."""

    def __init__(self, pool: Pool, rules: RestRules, clock: Callable[[], float]) -> None:
        """``clock`` is the board's."""
        self._pool = pool
        self._rules = rules
        self._clock = clock

    def begin(self, slot: int) -> float | None:
        """Begin a rest and return how long it will be; None if the member is at rest already."""
        pool, now = self._pool, self._clock()
        if pool.status[slot] & Status.ERROR and pool.rest_until[slot] > now:
            pool.fault_at[slot] = now
            return None  # the request was there because nobody else was left
        pool.bump()
        pool.fault_at[slot] = now
        pool.rests[slot] += 1
        span = self._rules.span(pool.rests[slot]) * (1 - JITTER * random.random())
        pool.rest_until[slot] = now + span
        pool.faults[slot] = 0
        pool.passes[slot] = 0
        pool.status[slot] |= Status.ERROR
        return span

    def count_fault(self, slot: int) -> float | None:
        """Note a fault; if it is the ``max_fails``-th, or a probe's, begin a rest as above."""
        pool, rules, now = self._pool, self._rules, self._clock()
        if now - pool.fault_at[slot] > rules.fail_timeout:
            pool.faults[slot] = 0
        pool.faults[slot] += 1
        pool.fault_at[slot] = now
        was_probe = pool.status[slot] & Status.ERROR
        if was_probe or 0 < rules.max_fails <= pool.faults[slot]:
            return self.begin(slot)
        return None

    def end(self, slot: int, started: float) -> bool:
        """End a rest after a good answer to a request of ``started``, and tell whether it did.

        An answer that was on its way before the fault proves nothing.
        """
        pool = self._pool
        if not pool.status[slot] & Status.ERROR or started <= pool.fault_at[slot]:
            return False
        pool.bump()
        self.clear(slot)
        return True

    def clear(self, slot: int) -> None:
        """End a rest as if it had never been.  Call it behind ``bump``."""
        pool = self._pool
        pool.status[slot] &= ~Status.ERROR
        pool.rests[slot] = 0
        pool.faults[slot] = 0
        pool.rest_until[slot] = 0.0
        pool.probe_row[slot] = NO_PROBE
        pool.up_since[slot] = self._clock()

    def begin_probe(self, slot: int, row: int, started: float) -> bool:
        """Note a probe, if the member is one that has rested; tell whether it is.

        ``row`` is the number of the row of the process whose request it is.
        """
        pool = self._pool
        if pool.status[slot] & _RESTS != Status.ERROR or pool.rest_until[slot] > started:
            return False
        pool.bump()
        pool.probe_at[slot] = started
        pool.probe_row[slot] = row
        return True

    def end_probe(self, slot: int, row: int, started: float) -> None:
        """Let another request try the member, if that probe is the one it knows of.

        Of one that counted as lost another may have taken the place.
        """
        pool = self._pool
        if (pool.probe_row[slot], pool.probe_at[slot]) == (row, started):
            pool.bump()
            pool.probe_row[slot] = NO_PROBE

    def note_check(
        self, slot: int, passed: bool, seconds: float, *, passes: int, fails: int
    ) -> bool:
        """Note a health check; tell whether it changed what the member may do.

        ``passes`` good results in a row end a rest and the failed state, ``fails`` bad ones begin
        the latter; each result ends a row of the opposite.
        """
        pool = self._pool
        pool.passes[slot] = pool.passes[slot] + 1 if passed else 0
        pool.fails[slot] = 0 if passed else pool.fails[slot] + 1
        pool.checked_at[slot] = self._clock()
        pool.check_seconds[slot] = seconds
        # A one in front tells how many there are.
        history = (pool.history[slot] or 1) << 1 | passed
        first = 1 << HISTORY
        pool.history[slot] = history if history < 2 * first else history & first - 1 | first
        status = pool.status[slot]
        if passed:
            changes = status & _ILL and pool.passes[slot] >= passes
        else:
            changes = not status & Status.HEALTH_FAILED and pool.fails[slot] >= fails
        if not changes:
            return False
        pool.bump()
        if passed:
            pool.status[slot] &= ~Status.HEALTH_FAILED
            self.clear(slot)
        else:
            pool.status[slot] |= Status.HEALTH_FAILED
        return True
