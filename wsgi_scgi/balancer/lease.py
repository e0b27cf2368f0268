"""A lease: one attempt's hold on a member, from the election to the end of the exchange."""

from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..compiled import compiled_in
from ..scoreboard.layout import BUCKETS
from .member import Member

if TYPE_CHECKING:
    from ..scoreboard.pool import Row
    from .balancer import Balancer


@compiled_in("wsgi_scgi.balancer._lease")
class Lease:
    """Counts its member busy until it is released, once, whatever happens.

    One that is dropped releases itself: an exception may come between any two lines, before
    anybody can have it.  Times are of the balancer's clock, in seconds, and 0 for what has not
    happened.
    """

    __slots__ = (
        "answered_at",
        "balancer",
        "connected_at",
        "ended_at",
        "is_probe",
        "member",
        "row",
        "started",
        "status",
        "_clock",
        "_failed",
        "_is_held",
    )

    def __init__(
        self,
        balancer: "Balancer",
        member: Member,
        row: "Row",
        clock: Callable[[], float],
    ) -> None:
        """``row`` is where this process counts."""
        self._is_held = False
        self.balancer = balancer
        self.member = member
        self.row = row
        self.is_probe = False
        """Whether this request finds out if the member is well, and no other meanwhile."""
        self.started = clock()
        self.connected_at = 0.0
        self.answered_at = 0.0
        self.ended_at = 0.0
        self.status = 0
        self._clock = clock
        self._failed = False
        slot = member.slot
        with row.lock:
            # Nothing is called here, so nothing comes between: no signal, no other thread.
            row.busy[slot] += 1
            self._is_held = True
            row.elected[slot] += 1

    def __del__(self) -> None:
        if self._is_held:
            self.release()

    def connected(self) -> None:
        """Note that the member has taken the connection."""
        self.connected_at = self._clock()

    def answered(self, status: int) -> None:
        """Note the head of the answer; one that is no fault ends the member's rest."""
        self.answered_at = self._clock()
        self.status = status
        self.balancer.judge_status(self, status)

    def failed(self, error: BaseException) -> None:
        """Note why the attempt failed, and blame the member if it was its fault."""
        if not self._failed:
            self._failed = True
            self.balancer.judge_failure(self, error)

    def release(self, sent: int = 0, received: int = 0) -> None:
        """Count the member free again, and ``sent`` and ``received`` bytes.  Harmless twice."""
        if not self._is_held:
            return
        row, slot, started = self.row, self.member.slot, self.started
        connected_at, answered_at = self.connected_at, self.answered_at
        self.ended_at = self._clock()
        spent = self.ended_at - started
        bucket = row.buckets[bisect_left(BUCKETS, spent)]
        with row.lock:
            # As above: the member is free and the lease released, or neither.
            row.busy[slot] -= 1
            self._is_held = False
            row.sent[slot] += sent
            row.received[slot] += received
            row.seconds[slot] += spent
            if connected_at:
                row.connect_seconds[slot] += connected_at - started
            if answered_at:
                row.first_byte_seconds[slot] += answered_at - started
                row.statuses[self.status // 100 - 1][slot] += 1
                bucket[slot] += 1
        if self.is_probe:
            self.balancer.end_probe(self)
