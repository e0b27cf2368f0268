"""Who counts where, and who has a duty: what all boards of one gateway have in common.

A row of every pool belongs to one process as long as that lives.  A row whose process is gone is
free again: its counters go on, for they are sums of what has happened, and nobody is busy in it.
"""

import itertools
import logging
import os
import weakref
from typing import TYPE_CHECKING

from ..transport.waiting import original
from .layout import WORD
from .memory import Lock, SharedMemory

if TYPE_CHECKING:
    from .pool import Pool

logger = logging.getLogger("wsgi_scgi")

_DUTIES = 8
"""The first bytes of the file of locks are duties, then come rows, then pools."""

_all: "weakref.WeakSet[Rows]" = weakref.WeakSet()


class Rows:
    """The rows that processes take, ``number`` of them; one, without locks, if not ``shared``."""

    def __init__(self, number: int, *, shared: bool) -> None:
        self.number = number if shared else 1
        self._memory = SharedMemory(WORD) if shared else None
        self._newest = self._memory.buffer.cast("q") if self._memory else None
        self._generations = itertools.count(1)
        self._lock_bytes = itertools.count(_DUTIES + self.number)
        self._pools: weakref.WeakSet[Pool] = weakref.WeakSet()
        self._mine: int | None = None
        self._claiming = original("_thread", "RLock")()
        _all.add(self)

    def new_lock(self) -> Lock:
        """Return the lock of one more pool."""
        return Lock(self._memory.descriptor if self._memory else -1, next(self._lock_bytes))

    def add(self, pool: "Pool") -> None:
        """Let a pool take part: its rows are freed with the others."""
        self._pools.add(pool)

    @property
    def is_shared(self) -> bool:
        """Tell whether this process was forked after these were made."""
        return self._memory is not None and self._memory.creator != os.getpid()

    def next_generation(self) -> int:
        """Return the number of a further board."""
        return next(self._generations)

    def try_duty(self, duty: int, generation: int) -> bool:
        """See ``Board.try_duty``."""
        if self._memory is None or self._newest is None:
            return True
        if generation < self._newest[0]:
            self._memory.unlock(duty)
            return False
        self._newest[0] = generation
        return self._memory.try_lock(duty)

    def claim(self) -> int:
        """Return the number of this process's row, -1 if all are taken by others."""
        if self._memory is None:
            return 0
        with self._claiming:
            if self._mine is not None:
                return self._mine
            memory = self._memory
            row = next((n for n in range(self.number) if memory.try_lock(_DUTIES + n)), -1)
            if row >= 0:
                self._free(row)
            self._mine = row
        if row < 0:
            logger.warning(
                "more than %d processes share one board: this one counts alone", self.number
            )
        return row

    def free_dead(self) -> int:
        """Free the rows whose processes are gone, and return how many there were."""
        if self._memory is None:
            return 0
        used = max((pool.rows_used for pool in self._pools), default=0)
        freed = 0
        # A lock belongs to the process: what is let go here must not be what another thread claims.
        with self._claiming:
            for number in range(used):
                if number != self._mine and self._memory.try_lock(_DUTIES + number):
                    try:
                        freed += self._free(number)
                    finally:
                        self._memory.unlock(_DUTIES + number)
        return freed

    def _free(self, number: int) -> bool:
        return sum(pool.free_row(number) for pool in self._pools) > 0

    def after_fork(self) -> None:
        """Forget what belongs to the parent process."""
        self._mine = None
        self._claiming = original("_thread", "RLock")()
        for pool in self._pools:
            pool.forget_row()
            if self._memory is None and pool.rows_used:
                pool.free_row(0)  # a copy: the parent's requests do not end here


def _after_fork() -> None:
    for rows in list(_all):
        rows.after_fork()


os.register_at_fork(after_in_child=_after_fork)
