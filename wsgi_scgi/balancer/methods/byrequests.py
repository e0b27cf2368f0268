"""byrequests: every member in turn, as often as its weight says; the default, as in Apache.

Theory: smooth weighted round robin.  Each member has a counter, ``lbstatus``.  In every
election each candidate is given its weight, whoever then has the most serves, and pays the sum
of all weights.  The sum of the counters never changes, so over one round, as many elections as
the sum of the weights (with weights in lowest terms), each member serves exactly as often as its
weight says, and its turns lie as far apart as those of the others allow.  Of equal counters the
earlier in the configuration wins.

The schedule of members a, b and c with the weights 1, 2 and 4, over and over:

    c b c a c b c

and of a with the weight 70 and b with 30:

    a b a a a b a a b a

A member that is out keeps its counter.  One to whom a session led past the election pays all the
same, to all usable members, so that other requests make up for it.
"""

from array import array

from ...compiled import compiled_in
from ...scoreboard.pool import Pool
from ..candidates import Candidates


class ByRequests:
    """Smooth weighted round robin."""

    name = "byrequests"

    __slots__ = ()

    def choose(self, candidates: Candidates, pool: Pool, _key: bytes, /) -> int:
        """Return the candidate whose turn it is."""
        return take_turn(candidates.slots, candidates.weights, pool.lbstatus)

    def took(self, candidates: Candidates, pool: Pool, slot: int, /) -> None:
        """Count a turn of ``slot``."""
        count_turn(candidates.usable, candidates.usable_weights, pool.lbstatus, slot=slot)


@compiled_in("wsgi_scgi.balancer.methods._choosing")
def take_turn(slots: "array[int]", weights: "array[int]", lbstatus: "memoryview[int]") -> int:
    """Return the slot whose turn it is, and move the counters ``lbstatus``, by slot."""
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


@compiled_in("wsgi_scgi.balancer.methods._choosing")
def count_turn(
    slots: "array[int]", weights: "array[int]", lbstatus: "memoryview[int]", *, slot: int
) -> None:
    """Move the counters as if ``slot`` had won an election among ``slots``."""
    for member, weight in zip(slots, weights, strict=True):
        lbstatus[member] += weight
    lbstatus[slot] -= sum(weights)
