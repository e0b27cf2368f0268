"""The retry budget: while all members fail, repeating every request would double the load."""

import time
from collections.abc import Callable


class RetryBudget:
    """How many requests may be repeated.

    Every request adds ``share`` of a repetition and every second ``A_SECOND``, up to ``MOST``.
    A repetition takes one.  Each process has its own.
    """

    A_SECOND = 10.0
    MOST = 100.0

    __slots__ = ("_clock", "_left", "_seen", "_share")

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._left = self.MOST
        self._seen = clock()

    def add(self) -> None:
        """Count one request."""
        if self._left < self.MOST:
            self._left += self._share

    def take(self) -> bool:
        """Tell whether one may be repeated now, and count that."""
        now = self._clock()
        self._left = min(self.MOST, self._left + (now - self._seen) * self.A_SECOND)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
