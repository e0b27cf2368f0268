"""twochoices: the less busy of two members drawn by lot (nginx: ``random two least_conn``).

Theory: the power of two choices (Mitzenmacher 1996, Azar et al. 1999).  If each of n requests
goes to one of n members by lot, the longest queue grows as log n / log log n; if it goes to the
shorter queue of two drawn by lot, only as log log n.  Most of what leastconn gains is had by
looking at two members instead of at all.  Unlike there, gateways that do not know of each
other's requests do not all run to the same member at once: the method for many hosts and for
``share = "none"``.

Members are drawn with chances by weight, the second among the others; the one with fewer
requests in flight for its weight serves, of equals the one drawn first.  So where nobody is busy
the shares are those of the weights.

The schedule of members a and b with the weights 3 and 1, where no request ends and a is drawn
first, then b, then a again:

    a b a
"""

import random
from array import array
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from ...scoreboard.pool import Pool
from ..candidates import Candidates


class TwoChoices:
    """The less busy of two drawn by lot."""

    name = "twochoices"

    __slots__ = ("_lot",)

    def __init__(self, lot: Callable[[int], int] = random.randrange) -> None:
        """``lot`` draws a number from 0 to below its argument."""
        self._lot = lot

    def choose(self, candidates: Candidates, pool: Pool, _key: bytes, /) -> int:
        """Return the less busy of two candidates."""
        slots = candidates.slots
        if len(slots) == 1:
            return slots[0]
        weights = candidates.weights
        ends = candidates.derived.get(self.name)
        if ends is None:
            ends = candidates.derived[self.name] = array("q", accumulate(weights))
        one = bisect_right(ends, self._lot(ends[-1]))
        # The first one's stretch is taken out of the line of all weights.
        at = self._lot(ends[-1] - weights[one])
        if at >= ends[one] - weights[one]:
            at += weights[one]
        other = bisect_right(ends, at)
        ours = theirs = 0
        for row in pool.rows:
            ours += row.busy[slots[one]]
            theirs += row.busy[slots[other]]
        if ours * weights[other] <= theirs * weights[one]:
            return slots[one]
        return slots[other]

    def took(self, candidates: Candidates, pool: Pool, slot: int, /) -> None:
        """Do nothing: whoever serves is busy, which is all that counts here."""
