"""The methods: which of the candidates gets a request (Apache's ``lbmethod``).

A method picks and knows nothing of health, rest or sessions; who may be picked was decided
before.  Its state is on the board, so that all workers of a host choose as one.
"""

from typing import Protocol

from ...scoreboard.pool import Pool
from ..candidates import Candidates
from .bybusyness import ByBusyness
from .byrequests import ByRequests
from .bytraffic import ByTraffic
from .hash import Hash
from .leastconn import LeastConn
from .twochoices import TwoChoices


class Method(Protocol):
    """One way to choose.  Both functions are called with the lock of the pool held."""

    @property
    def name(self) -> str:
        """The word for it in the configuration."""
        ...

    def choose(self, candidates: Candidates, pool: Pool, key: bytes, /) -> int:
        """Return the slot of one of the candidates, of whom there is at least one.

        ``key`` is what ``hash_key`` names of the request, for the method hash; else empty.
        """
        ...

    def took(self, candidates: Candidates, pool: Pool, slot: int, /) -> None:
        """Take into account that a session was led to ``slot``, past an election."""
        ...


METHODS: tuple[Method, ...] = (
    ByRequests(),
    ByTraffic(),
    ByBusyness(),
    LeastConn(),
    TwoChoices(),
    Hash(),
)
"""All methods; the place of one is its number on the board."""

BY_REQUESTS = 0
