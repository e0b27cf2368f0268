"""Moving bytes from one descriptor to another without copying them: splice(2) through a pipe."""

import contextlib
import os

from ..errors import OutOfResources

PIPE_SIZE = 1 << 20
"""Bytes that a pipe is to hold: with Linux's default of 64 KiB splice(2) costs three times more."""

MOST_SPARE = 16
"""Empty pipes that are kept: more transfers than so many at a time are hardly ever half-way."""

CAN_SPLICE = hasattr(os, "splice")

_F_SETPIPE_SZ = 1031
_FLAGS = getattr(os, "SPLICE_F_MOVE", 0) | getattr(os, "SPLICE_F_NONBLOCK", 0)


class Pipe:
    """Holds bytes that were taken from one descriptor until another takes them.

    ``borrow`` one and give it back, always.  ``held`` is the number of bytes in it.
    """

    __slots__ = ("_entry", "_exit", "held")

    def __init__(self) -> None:
        self._exit = self._entry = -1
        self.held = 0
        self._exit, self._entry = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # a user may have only so many pages in pipes
            import fcntl

            fcntl.fcntl(self._entry, _F_SETPIPE_SZ, PIPE_SIZE)

    @staticmethod
    def borrow() -> "Pipe":
        """Return an empty pipe, a used one if there is one.  Raises OutOfResources."""
        try:
            return _spare.pop()
        except IndexError:
            pass
        try:
            return Pipe()
        except OSError as error:
            raise OutOfResources(f"no pipe for a large body: {error.strerror}") from error

    def fill(self, source: int, limit: int, offset: int | None = None) -> int:
        """Take up to ``limit`` bytes from ``source``; return how many, 0 at its end.

        ``offset`` is where to start in a file.  Raises BlockingIOError if nothing has arrived.
        """
        taken = os.splice(
            source, self._entry, min(limit, PIPE_SIZE), offset_src=offset, flags=_FLAGS
        )
        self.held += taken
        return taken

    def drain(self, sink: int) -> int:
        """Give to ``sink`` what it takes at once; raises BlockingIOError if that is nothing."""
        given = os.splice(self._exit, sink, self.held, flags=_FLAGS)
        self.held -= given
        return given

    def give_back(self) -> None:
        """Keep an empty pipe for others; what one still holds is lost."""
        if self.held or len(_spare) >= MOST_SPARE:
            self._close()
        else:
            _spare.append(self)

    def __del__(self) -> None:
        # An exception may come between any two lines, before anybody can have it.
        self._close()

    def _close(self) -> None:
        ends, self._exit, self._entry = (self._entry, self._exit), -1, -1
        for end in ends:
            if end >= 0:
                os.close(end)


_spare: list[Pipe] = []


def forget_spare() -> None:
    """Close the pipes that are kept: after a fork they are the parent's, which uses them."""
    while _spare:
        _spare.pop()._close()


os.register_at_fork(after_in_child=forget_spare)
