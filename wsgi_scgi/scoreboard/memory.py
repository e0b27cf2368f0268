"""Memory and locks that the workers of a host share, made before they are forked.

The memory is an anonymous mmap.  The locks are POSIX record locks (fcntl) on bytes of a file
without a name: they belong to a process, and the kernel releases them when it dies, at whatever
instruction.  Such locks do not keep the threads of one process apart; a real lock does that, not
gevent's, since nothing ever switches while it is held.
"""

import errno
import fcntl
import mmap
import os
import tempfile
import weakref
from types import TracebackType

from ..compiled import compiled_in
from ..transport.waiting import original

DEADLOCK_PAUSE = 0.001
"""Seconds until a lock is tried again that the kernel took for a deadlock."""


def shared_buffer(size: int) -> "memoryview[int]":
    """Return memory of ``size`` bytes that is the same in all processes forked from now on."""
    return memoryview(mmap.mmap(-1, max(size, 1)))


class SharedMemory:
    """Memory that children share, and a file whose bytes are locks."""

    def __init__(self, size: int) -> None:
        self.buffer = shared_buffer(size)
        self.creator = os.getpid()
        # Kept open for good: closing any descriptor of the file would drop the locks.
        self.descriptor = _nameless_file()
        weakref.finalize(self, os.close, self.descriptor)

    def try_lock(self, byte: int) -> bool:
        """Take the lock on ``byte`` if no other process has it; keep it until this one dies."""
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except OSError:
            return False
        return True

    def unlock(self, byte: int) -> None:
        """Let the lock on ``byte`` go."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, byte)


@compiled_in("wsgi_scgi.scoreboard._memory")
class Lock:
    """Excludes all other threads of all processes that share a byte of a file.

    A thread that has it gets it again: while it is held the garbage collector may close what a
    server has dropped, and that ends leases.  A signal handler that raises an exception in the
    very moment between two lines here leaves it locked, until the process ends; the twin has no
    such moments.
    """

    __slots__ = ("_byte", "_depth", "_descriptor", "_thread_lock")

    def __init__(self, descriptor: int, byte: int) -> None:
        """``descriptor`` is -1 where there is only this process."""
        self._descriptor = descriptor
        self._byte = byte
        self.renew()

    def __enter__(self) -> None:
        self._thread_lock.acquire()
        try:
            if not self._depth and self._descriptor >= 0:
                self._exclude_processes()
            self._depth += 1
        except BaseException:
            try:
                if not self._depth:
                    self._admit_processes()
            finally:
                self._thread_lock.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._depth -= 1
        try:
            if not self._depth:
                self._admit_processes()
        finally:
            self._thread_lock.release()

    def renew(self) -> None:
        """Forget a thread that held it when the process was forked: it is not in the child."""
        self._thread_lock = original("_thread", "RLock")()
        self._depth = 0

    def _exclude_processes(self) -> None:
        while True:
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, self._byte)
            except OSError as error:
                # The kernel knows processes, not threads: where one thread of each has a lock
                # and another one waits for that of the other process, it sees a circle.
                if error.errno != errno.EDEADLK:
                    raise
                original("time", "sleep")(DEADLOCK_PAUSE)
            else:
                return

    def _admit_processes(self) -> None:
        if self._descriptor >= 0:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, self._byte)


def _nameless_file() -> int:
    """Return the descriptor of a file in memory; on disk where the system has no such."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("wsgi-scgi locks")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
