"""Choice by the requests in flight: what bybusyness and leastconn have in common."""

from array import array
from collections.abc import Sequence
from operator import add

from ...compiled import compiled_in


@compiled_in("wsgi_scgi.balancer.methods._choosing")
def take_least_busy(
    slots: "array[int]",
    weights: "array[int]",
    lbstatus: "memoryview[int]",
    *,
    rows: "Sequence[memoryview[int]]",
    weighted: bool,
) -> int:
    """Return the slot with the fewest requests in flight; of equals the one whose turn it is.

    ``rows`` are the requests in flight of each process, by slot.  If ``weighted`` the least
    (requests + 1) / weight wins.  The counters ``lbstatus`` move as in byrequests.
    """
    busy = [0] * len(lbstatus)
    for row in rows:
        busy = list(map(add, busy, row))
    # Equal fractions are equal floats, and small unequal ones are not.
    loads = [
        (busy[slot] + 1) / (weight if weighted else 1)
        for slot, weight in zip(slots, weights, strict=True)
    ]
    least = min(loads)
    total = most = 0
    winner = -1
    for slot, weight, load in zip(slots, weights, loads, strict=True):
        status = lbstatus[slot] + weight
        lbstatus[slot] = status
        total += weight
        if load == least and (winner < 0 or status > most):
            winner, most = slot, status
    lbstatus[winner] -= total
    return winner
