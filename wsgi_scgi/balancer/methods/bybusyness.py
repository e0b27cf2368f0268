"""bybusyness: whoever has the fewest requests in flight, whatever the weights; as in Apache.

Theory: a slow member keeps its requests longer, so it has more of them in flight and is given
fewer: the length of the queue says how fast a member is, and nobody has to measure it.  Between
queues of equal length it goes by turns, exactly as in byrequests, whose counters move in every
election; only there do the weights count.  Where requests come one at a time nobody is busy, and
the schedule is that of byrequests.

A request counts from its election to its end, in all processes together.

The schedule of members a, b and c with equal weights, where the first two requests take long and
the others come one after another:

    a b c c c c c
"""

from ...scoreboard.pool import Pool
from ..candidates import Candidates
from .byrequests import ByRequests
from .in_flight import take_least_busy


class ByBusyness(ByRequests):
    """The fewest requests in flight."""

    name = "bybusyness"

    __slots__ = ()

    def choose(self, candidates: Candidates, pool: Pool, _key: bytes, /) -> int:
        """Return the candidate with the fewest requests in flight."""
        return take_least_busy(
            candidates.slots,
            candidates.weights,
            pool.lbstatus,
            rows=[row.busy for row in pool.rows],
            weighted=False,
        )
