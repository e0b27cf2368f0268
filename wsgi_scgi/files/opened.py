"""An open file on its way to a client, and what is known of it."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the open descriptor says, and the ``name`` that the file was asked for by.

    ``size`` is in bytes, ``mtime_ns`` in nanoseconds since 1970.
    """

    name: bytes
    size: int
    mtime_ns: int
    inode: int


class OpenedFile:
    """A regular file, open for reading.  Whoever received it last closes it."""

    __slots__ = ("facts", "fd")

    def __init__(self, fd: int, facts: FileFacts) -> None:
        """Take over ``fd``."""
        self.fd = fd
        """The descriptor, -1 once it is closed."""
        self.facts = facts

    def read(self, length: int, position: int) -> bytes:
        """Return up to ``length`` bytes from ``position`` on; the file's own position stays."""
        return os.pread(self.fd, length, position)

    def size_now(self) -> int:
        """Return the size in bytes, which may have changed since the file was opened."""
        return os.fstat(self.fd).st_size

    def close(self) -> None:
        """Close the descriptor; doing so again is harmless."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
