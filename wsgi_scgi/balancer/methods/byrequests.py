"""byrequests: every member in turn, as often as its weight says; the default, as in Apache.

Theory: smooth weighted round robin.  Each member has a counter, ``lbstatus``.  In every
election each candidate is given its weight, the one that then has the most serves, and pays the
sum of all weights.  The counters always add up to the same, and over one round, as many
elections as the sum of the weights, each member serves exactly as often as its weight says, its
turns as far apart as the others' allow.  Of equal counters the earlier in the configuration wins.

The schedule of members a, b and c with the weights 1, 2 and 4, over and over:

    c b c a c b c

and of a with the weight 70 and b with 30:

    a b a a a b a a b a

A member that is out keeps its counter.  Somebody whom a session led past the election pays all
the same, so that the other requests make up for it.
"""

from array import array

from ...scoreboard.pool import Pool
from ..candidates import Candidates


class ByRequests:
    """Smooth weighted round robin."""

    name = "byrequests"

    __slots__ = ()

    def choose(self, candidates: Candidates, pool: Pool, key: bytes) -> int:  # noqa: ARG002
        """Return the candidate whose turn it is."""
        return take_turn(candidates.slots, candidates.weights, pool.lbstatus)

    def took(self, candidates: Candidates, pool: Pool, slot: int) -> None:
        """Count a turn for ``slot``, as if it had been elected among all usable members."""
        give_turn(candidates, pool, slot)


def take_turn(slots: "array[int]", weights: "array[int]", lbstatus: "memoryview[int]") -> int:
    """Hold one election: move the counters and return the slot that wins."""
    total = most = 0
    winner = -1
    for slot, weight in zip(slots, weights, strict=True):
        status = lbstatus[slot] + weight
        lbstatus[slot] = status
        total += weight
        if winner < 0 or status > most:
            winner, most = slot, status
    lbstatus[winner] -= total
    return winner


def give_turn(candidates: Candidates, pool: Pool, slot: int) -> None:
    """Move the counters as an election that ``slot`` wins."""
    lbstatus = pool.lbstatus
    total = 0
    for member, weight in zip(candidates.usable, candidates.usable_weights, strict=True):
        lbstatus[member] += weight
        total += weight
    lbstatus[slot] -= total
