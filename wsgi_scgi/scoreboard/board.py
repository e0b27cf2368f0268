"""The board: all that the workers of one host know together.

It is made before the workers are forked; each takes a row of its own when it first counts
something.  A row whose process is gone is free again: its counters go on, for they are sums of
what has happened, and nobody is busy in it.
"""

import logging
import os
import weakref
from collections.abc import Sequence

from ..transport.waiting import original
from .layout import ROW_COLUMNS, ROWS, pool_size
from .memory import Lock, SharedMemory
from .pool import Pool, Row
from .status import Status

logger = logging.getLogger("wsgi_scgi")

_DUTIES = 8
"""The first bytes of the file are duties, then come rows, then pools."""

_STEERED = (
    Status.DISABLED
    | Status.STOPPED
    | Status.DRAIN
    | Status.IGNORE_ERRORS
    | Status.HOT_SPARE
    | Status.HOT_STANDBY
)
"""The states that a manager changes, and keeps changed when the configuration is read again."""

_FOUND = Status.ERROR | Status.HEALTH_FAILED
"""The states that nobody decides."""

_LASTING = (
    "lbstatus",
    "load",
    "seen",
    "rest_until",
    "rests",
    "faults",
    "fault_at",
    "up_since",
    "passes",
    "fails",
    "checked_at",
    "check_seconds",
    "history",
)
"""The columns whose numbers are the same under a new configuration."""

_boards: "weakref.WeakSet[Board]" = weakref.WeakSet()


class Board:
    """Pools by name.  ``shared`` lets the processes that are forked from now on take part."""

    def __init__(
        self, pools: Sequence[tuple[str, int]], *, shared: bool = True, rows: int = ROWS
    ) -> None:
        """``pools`` are names and numbers of places, ``rows`` how many processes can count."""
        self.shared = shared
        self._rows = rows if shared else 1
        size = sum(pool_size(capacity, self._rows) for _, capacity in pools)
        self._memory = SharedMemory(size) if shared else None
        memory = self._memory.buffer if self._memory else memoryview(bytearray(size))
        self._row: int | None = None
        self._claiming = original("_thread", "RLock")()
        self._pools: dict[str, Pool] = {}
        at = 0
        for number, (name, capacity) in enumerate(pools):
            part = memory[at : at + pool_size(capacity, self._rows)]
            at += len(part)
            descriptor = self._memory.descriptor if self._memory else -1
            lock = Lock(descriptor, _DUTIES + self._rows + number)
            self._pools[name] = Pool(name, capacity, part, lock, claim=self._claim_row)
        _boards.add(self)

    def pool(self, name: str) -> Pool:
        """Return the pool of that name.  Raises KeyError."""
        return self._pools[name]

    @property
    def pools(self) -> list[Pool]:
        """All pools, in order."""
        return list(self._pools.values())

    @property
    def is_shared(self) -> bool:
        """Tell whether this process was forked after the board was made."""
        return self._memory is not None and self._memory.creator != os.getpid()

    def try_duty(self, duty: int = 0) -> bool:
        """Tell whether this process is the one of the host that does a thing.

        It is, from the first time on until it dies, if no other is.
        """
        return self._memory is None or self._memory.try_lock(duty)

    def free_dead_rows(self) -> int:
        """Free the rows whose processes are gone, and return how many there were."""
        if self._memory is None:
            return 0
        used = max((pool.rows_used for pool in self._pools.values()), default=0)
        freed = 0
        # A lock belongs to the process: what is let go here must not be what another thread claims.
        with self._claiming:
            for number in range(used):
                if number != self._row and self._memory.try_lock(_DUTIES + number):
                    try:
                        freed += self._free(number)
                    finally:
                        self._memory.unlock(_DUTIES + number)
        return freed

    def copy_from(self, older: "Board") -> None:
        """Take over what ``older`` knows of members that are here too: states, rests, counts.

        Members are the same by their URLs, in whatever order.  A state that was steered stays as
        it is; weights, routes and the method are those of the configuration.  Members that were
        added by hand come too, as far as there is room.
        """
        for old in older.pools:
            pool = self._pools.get(old.name)
            if pool is not None:
                row = pool.row  # taken before the lock, which taking one needs
                with old.lock, pool.lock:
                    _copy(old, pool, row)

    def _claim_row(self) -> int:
        """Return the number of this process's row, -1 if all are taken by others."""
        if self._memory is None:
            return 0
        with self._claiming:
            if self._row is not None:
                return self._row
            row = next((n for n in range(self._rows) if self._memory.try_lock(_DUTIES + n)), -1)
            if row >= 0:
                self._free(row)
            self._row = row
        if row < 0:
            logger.warning(
                "more than %d processes share one board: this one counts alone", self._rows
            )
        return row

    def _free(self, number: int) -> bool:
        return sum(pool.free_row(number) for pool in self._pools.values()) > 0

    def after_fork(self) -> None:
        """Forget what belongs to the parent process."""
        self._row = None
        self._claiming = original("_thread", "RLock")()
        for pool in self._pools.values():
            pool.forget_row()
            if self._memory is None and pool.rows_used:
                pool.free_row(0)  # a copy: the parent's requests do not end here


def _copy(old: Pool, pool: Pool, row: Row) -> None:
    pool.bump()
    places = {pool.text(slot).url: slot for slot in _in_use(pool)}
    sums = {column: old.totals(column) for column in ROW_COLUMNS if column != "busy"}
    for slot in _in_use(old):
        text = old.text(slot)
        place = places.get(text.url)
        if place is None:
            by_hand = not old.configured[slot]
            if not by_hand or len(_in_use(pool)) == pool.capacity:
                continue
            place = pool.enrol(text)
            for column in ("status", "weight", "lbset", "max_connections"):
                pool.columns[column][place] = old.columns[column][slot]
        steered = (old.status[slot] ^ old.configured[slot]) & _STEERED
        pool.status[place] &= ~steered
        pool.status[place] |= old.status[slot] & (steered | _FOUND)
        for column in _LASTING:
            pool.columns[column][place] = old.columns[column][slot]
        for column, values in sums.items():
            row.columns[column][place] = values[slot]


def _in_use(pool: Pool) -> list[int]:
    return [slot for slot in range(pool.capacity) if pool.status[slot] & Status.IN_USE]


def _after_fork() -> None:
    for board in list(_boards):
        board.after_fork()


os.register_at_fork(after_in_child=_after_fork)
