"""leastconn: the shortest queue for its weight (nginx: ``least_conn``, HAProxy: ``leastconn``).

Theory: as bybusyness, with queues as long as the weights allow.  The least (b + 1) / w wins, b
being the requests in flight and w the weight: what the load would be with this request.  With
b / w instead all idle members would be equal, and the first request after a pause would as soon
go to a member of weight 1 as to one of weight 10.  Of equals the one whose turn it is, as in
byrequests.

The schedule of members a, b and c with the weights 1, 2 and 4, where no request ends:

    c b c c a b c
"""

from ...scoreboard.pool import Pool
from ..candidates import Candidates
from .byrequests import ByRequests
from .in_flight import take_least_busy


class LeastConn(ByRequests):
    """The fewest requests in flight for its weight."""

    name = "leastconn"

    __slots__ = ()

    def choose(self, candidates: Candidates, pool: Pool, _key: bytes, /) -> int:
        """Return the candidate with the fewest requests in flight for its weight."""
        return take_least_busy(
            candidates.slots,
            candidates.weights,
            pool.lbstatus,
            rows=[row.busy for row in pool.rows],
            weighted=True,
        )
