"""hash: the same key goes to the same member, as long as that may be chosen.

Theory: weighted rendezvous hashing (Thaler and Ravishankar 1998).  For a key every member draws
a number u between 0 and 1, by a hash of key and member, and the least -ln(u) / weight serves.
Such a number is distributed exponentially with the weight as its rate, so each member is the
least with the chance weight / sum of weights.  No draw depends on the other members.  Therefore
a member that goes takes only its own keys with it, and they spread over all others by weight;
one that comes takes keys, but none moves between the others; and a weight that grows only
attracts.  A ring of hashes does the same less evenly.

A member draws by its URL, not by its place in the configuration, so all hosts agree, and neither
a restart nor another order moves a key.  Keys fall into 16,384 places first, and a place draws
for all its keys, once for the candidates as they are: a choice costs the same for two members
and for a thousand.  With m equal members a share is off by about the square root of m / 16,384:
1 per cent for two, 8 per cent for a hundred.

A request without a key goes by byrequests.

The schedule of members a, b and c with the weights 1, 2 and 4, at scgi://a, scgi://b and
scgi://c, for the keys 0 to 9:

    b b c b c b a c c b

and without c:

    b b a b b b a a a b
"""

from array import array
from functools import lru_cache
from hashlib import blake2b
from math import log
from zlib import crc32

from ...compiled import compiled_in
from ...scoreboard.pool import Pool
from ..candidates import Candidates
from .byrequests import ByRequests

PLACES = 2**14
"""Into how many places the keys fall."""

_MASK = 2**64 - 1


class Hash(ByRequests):
    """Weighted rendezvous hashing."""

    name = "hash"

    __slots__ = ()

    def choose(self, candidates: Candidates, pool: Pool, key: bytes, /) -> int:
        """Return the candidate that ``key`` belongs to."""
        if not key:
            return super().choose(candidates, pool, key)
        known: tuple[array[int], dict[int, int]] | None = candidates.derived.get(self.name)
        if known is None:
            seeds = array("Q", [seed_of(pool.text(slot).url) for slot in candidates.slots])
            known = candidates.derived[self.name] = (seeds, {})
        seeds, owners = known
        place = place_of(key)
        owner = owners.get(place)
        if owner is None:
            index = least_draw(seeds, candidates.weights, place)
            owner = owners[place] = candidates.slots[index]
        return owner


def place_of(key: bytes) -> int:
    """Return the place of a key, from 0 to below ``PLACES``."""
    # A CRC is linear: keys that differ in one bit only would fall into places alike.
    return (crc32(key) * 0x9E3779B1 & 0xFFFFFFFF) * PLACES >> 32


@lru_cache(maxsize=4096)
def seed_of(url: str) -> int:
    """Return 64 bits that are as good as drawn by lot for a member."""
    name = url.encode("utf-8", "surrogateescape")
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big")


@compiled_in("wsgi_scgi.balancer.methods._choosing")
def least_draw(seeds: "array[int]", weights: "array[int]", place: int) -> int:
    """Return the index of the member that draws the least for ``place``."""
    draws = [
        -log(_drawn(seed, place)) / weight for seed, weight in zip(seeds, weights, strict=True)
    ]
    return draws.index(min(draws))


def _drawn(seed: int, place: int) -> float:
    """Return a number between 0 and 1: SplitMix64 (Steele et al. 2014), its upper 52 bits."""
    bits = (seed + place * 0x9E3779B97F4A7C15) & _MASK
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _MASK
    return (((bits ^ bits >> 31) >> 12) + 0.5) / 2**52
