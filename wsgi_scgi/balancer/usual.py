"""The usual election, in few steps: all is known already, and nothing about the request is special.

Nearly every request is one: the method is byrequests, no member has a limit or is to be probed,
and the board is as it was at the election before.
"""

from array import array
from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING

from ..compiled import compiled_in
from ..scoreboard.pool import Pool
from .candidates import Candidates
from .lease import Lease
from .member import Member
from .methods.byrequests import take_turn

if TYPE_CHECKING:
    from .balancer import Balancer

_NOBODY = array("q")


@compiled_in("wsgi_scgi.balancer._lease")
class UsualElections:
    """Those of one balancer, as long as what ``prepare`` was told is true."""

    __slots__ = (
        "_alone",
        "_clock",
        "_epoch",
        "_members",
        "_next_change",
        "_pool",
        "_slots",
        "_weights",
    )

    def __init__(self, pool: Pool, clock: Callable[[], float]) -> None:
        """``clock`` is the board's."""
        self._pool = pool
        self._clock = clock
        self._epoch = -1
        self._alone: Member | None = None
        self._members: Mapping[int, Member] = {}
        self._slots = self._weights = _NOBODY
        self._next_change = inf

    def prepare(self, candidates: Candidates, members: Mapping[int, Member]) -> None:
        """Let ``candidates`` take turns while nothing changes; ``members`` are all, by slot.

        Call it with the lock held.
        """
        self._slots, self._weights = candidates.slots, candidates.weights
        self._next_change = candidates.next_change
        self._members = members
        self._alone = None
        self._epoch = self._pool.epoch

    def prepare_alone(self, member: Member) -> None:
        """Lend ``member`` without an election while nothing changes; as above."""
        self._alone = member
        self._epoch = self._pool.epoch

    def lend(self, balancer: "Balancer") -> Lease | None:
        """Return a lease of the member whose turn it is; None if this is no usual election."""
        pool, clock = self._pool, self._clock
        row = pool.row  # taken before the lock, which taking one needs
        if pool.epoch != self._epoch:
            return None
        if self._alone is not None:
            return Lease(balancer, self._alone, row, clock)
        with pool.lock:
            if pool.epoch != self._epoch or clock() >= self._next_change:
                return None
            slot = take_turn(self._slots, self._weights, pool.lbstatus)
            return Lease(balancer, self._members[slot], row, clock)
