"""The board: all that the workers of one host know together.

It is made before the workers are forked; each takes a row of its own when it first counts
something.  The board of a configuration that is read again has the same pools, in the same
memory, so that the workers before and those after count together as long as both are there.
"""

from collections.abc import Sequence

from .layout import ROWS, pool_size
from .memory import shared_buffer
from .pool import Pool
from .rows import Rows


class Board:
    """Pools by name.  ``shared`` lets the processes that are forked from now on take part."""

    def __init__(
        self,
        pools: Sequence[tuple[str, int]],
        *,
        shared: bool = True,
        rows: int = ROWS,
        older: "Board | None" = None,
    ) -> None:
        """``pools`` are names and numbers of places, ``rows`` how many processes can count.

        A pool of ``older`` that has the name and the number of places is taken over as it is,
        if the one board is shared as the other; all others are new and empty.
        """
        self.shared = shared
        known: dict[str, Pool] = {}
        self._rows: Rows
        if older is not None and older.shared == shared:
            self._rows, known = older._rows, older._pools
        else:
            self._rows = Rows(rows, shared=shared)
        self._generation = self._rows.next_generation()
        added = [
            (name, capacity)
            for name, capacity in pools
            if name not in known or known[name].capacity != capacity
        ]
        made = self._make(added)
        self._pools: dict[str, Pool] = {name: made.get(name) or known[name] for name, _ in pools}

    def _make(self, pools: Sequence[tuple[str, int]]) -> dict[str, Pool]:
        """Return new pools, all in one piece of memory."""
        sizes = [pool_size(capacity, self._rows.number) for _, capacity in pools]
        memory = shared_buffer(sum(sizes)) if self.shared else memoryview(bytearray(sum(sizes)))
        made: dict[str, Pool] = {}
        at = 0
        for (name, capacity), size in zip(pools, sizes, strict=True):
            part, lock = memory[at : at + size], self._rows.new_lock()
            made[name] = Pool(name, capacity, part, lock, claim=self._rows.claim)
            self._rows.add(made[name])
            at += size
        return made

    def pool(self, name: str) -> Pool:
        """Return the pool of that name.  Raises KeyError."""
        return self._pools[name]

    def find(self, name: str) -> Pool | None:
        """Return the pool of that name, if there is one."""
        return self._pools.get(name)

    @property
    def pools(self) -> list[Pool]:
        """All pools, in order."""
        return list(self._pools.values())

    @property
    def is_shared(self) -> bool:
        """Tell whether this process was forked after the board was made."""
        return self._rows.is_shared

    def try_duty(self, duty: int = 0) -> bool:
        """Tell whether this process is the one of the host that does a thing.

        It is, from the first time on until it dies, if no other is; but no longer once a process
        has asked whose board is newer.
        """
        return self._rows.try_duty(duty, self._generation)

    def free_dead_rows(self) -> int:
        """Free the rows whose processes are gone, and return how many there were."""
        return self._rows.free_dead()
