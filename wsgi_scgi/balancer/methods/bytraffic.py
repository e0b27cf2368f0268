"""bytraffic: whoever has moved the fewest bytes lately for its weight.

Theory: the bytes of requests and answers together are the load, and the least load / weight
serves, of equals the earlier in the configuration.  Apache's counters run from its start, so a
member that comes in or returns gets all the traffic until it has caught up with a past of days.
Here the load decays: after ``HALF_LIFE`` seconds a byte counts half, so the past is forgotten, a
member that comes in has caught up within seconds, and one large answer is made up for at once
and not for long.  Ten seconds are longer than most answers take, and short against what an
administrator would wait for.

The load is kept as a logarithm, relative to the board's clock: what a byte at time t adds is
2 ** (t / HALF_LIFE).  All loads decay alike, so only what is new has to be added; none has to be
brought up to date, and no number grows beyond measure.  A load of less than one byte is none.

Bytes are counted in the election after the end of their request.

The schedule of members a, b and c with equal weights, where the first answer has 200,000 bytes,
the others 1,000 each, and requests come one at a time, ten a second:

    a b c b c b c

and of a and b with the weights 1 and 2 and equal answers:

    a b b a b b
"""

import time
from array import array
from collections.abc import Callable, Sequence
from math import exp2, inf, log2

from ...compiled import compiled_in
from ...scoreboard.pool import Pool
from ..candidates import Candidates

HALF_LIFE = 10.0
"""Seconds after which a byte counts half."""


class ByTraffic:
    """The fewest bytes for its weight, old ones counting less."""

    name = "bytraffic"

    __slots__ = ("_clock",)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` is the board's, in seconds."""
        self._clock = clock

    def choose(self, candidates: Candidates, pool: Pool, _key: bytes, /) -> int:
        """Return the candidate with the least load for its weight."""
        log_weights = candidates.derived.get(self.name)
        if log_weights is None:
            log_weights = array("d", map(log2, candidates.weights))
            candidates.derived[self.name] = log_weights
        age = self._clock() / HALF_LIFE
        columns = [column for row in pool.rows for column in (row.sent, row.received)]
        count_bytes(columns, pool.seen, pool.load, age)
        return least_load(candidates.slots, log_weights, pool.load, age)

    def took(self, candidates: Candidates, pool: Pool, slot: int, /) -> None:
        """Do nothing: the bytes will count."""


@compiled_in("wsgi_scgi.balancer.methods._choosing")
def count_bytes(
    columns: "Sequence[memoryview[int]]",
    seen: "memoryview[int]",
    load: "memoryview[float]",
    age: float,
) -> None:
    """Add to each slot's ``load`` what its ``columns`` have grown by since they were ``seen``.

    ``age`` is the time, in half-lives.
    """
    for slot, bytes_moved in enumerate(map(sum, zip(*columns, strict=True))):
        new = bytes_moved - seen[slot]
        if new > 0:
            seen[slot] = bytes_moved
            one, other = load[slot], log2(new) + age
            load[slot] = max(one, other) + log2(1 + exp2(-abs(one - other)))


@compiled_in("wsgi_scgi.balancer.methods._choosing")
def least_load(
    slots: "array[int]", log_weights: "array[float]", load: "memoryview[float]", age: float
) -> int:
    """Return the slot with the least load for its weight, of equals the first."""
    loads = [
        load[slot] - log_weight if load[slot] > age else -inf
        for slot, log_weight in zip(slots, log_weights, strict=True)
    ]
    return slots[loads.index(min(loads))]
