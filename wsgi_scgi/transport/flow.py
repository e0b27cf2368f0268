"""A large body that comes fast is looked at less often.

The kernel wakes a reader for every few segments, and where the reader only moves them on, waking
is most of its work.  With SO_RCVLOWAT it wakes it once for many of them, and acknowledges them
meanwhile; a short bound of time keeps that from holding anything back.
"""

import contextlib
import socket
import time

from .exchange import Exchange
from .pipe import PIPE_SIZE

FAST = 1e-3
"""Seconds: after a wait shorter than this it is worth to wait a little longer."""

GATHER_TIME = 5e-3
"""Seconds that what has arrived may wait for more: once, whenever a flow stops."""

FIRST_MARK = 1 << 16
HIGHEST_MARK = 2 * PIPE_SIZE
"""Bytes to wait for, at first and, doubled each time that they come in time, at last."""

_NO_MARK = 1
_LOW_WATER: int | None = getattr(socket, "SO_RCVLOWAT", None)


class Flow:
    """How the body of ``exchange`` arrives.  End it before anybody else waits for the backend."""

    __slots__ = ("_exchange", "_mark")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._mark = _NO_MARK

    def wait(self, left: int) -> None:
        """Wait until the backend has sent something; where it is fast, much of ``left`` bytes.

        It may return though nothing has come: try, and wait again.  Raises what
        ``Exchange.wait_for_backend`` does.
        """
        if self._mark > _NO_MARK:
            self._set(min(self._mark, left))
            is_in_time = self._exchange.hears_within(GATHER_TIME)
            self._set(min(2 * self._mark, HIGHEST_MARK) if is_in_time else _NO_MARK)
        else:
            began = time.monotonic()
            self._exchange.wait_for_backend()
            if time.monotonic() - began < FAST:
                self._set(FIRST_MARK)

    def end(self) -> None:
        """Let every byte wake the reader again."""
        self._set(_NO_MARK)

    def _set(self, mark: int) -> None:
        if mark != self._mark and _LOW_WATER is not None:
            with contextlib.suppress(OSError):  # no connection any more: reading tells
                self._exchange.socket.setsockopt(socket.SOL_SOCKET, _LOW_WATER, mark)
                self._mark = mark
