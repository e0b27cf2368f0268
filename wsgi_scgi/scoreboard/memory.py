"""Memory and locks that the workers of a host share, made before they are forked.

The memory is an anonymous mmap.  The locks are POSIX record locks (fcntl) on bytes of a file
without a name: they belong to a process, and the kernel releases them when it dies, at whatever
instruction.  Such locks do not keep the threads of one process apart; a real lock does that, not
gevent's, since nothing ever switches while it is held.
"""

import fcntl
import mmap
import os
import tempfile
from types import TracebackType

from ..transport.waiting import original


class SharedMemory:
    """Memory that children share, and a file whose bytes are locks."""

    def __init__(self, size: int) -> None:
        self.buffer = memoryview(mmap.mmap(-1, max(size, 1)))
        self.creator = os.getpid()
        # Kept open for good: closing any descriptor of the file would drop the locks.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self.descriptor = self._file.fileno()

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


class Lock:
    """Excludes all threads of all processes that share a byte of a file.  Not reentrant."""

    __slots__ = ("_byte", "_descriptor", "_thread_lock")

    def __init__(self, descriptor: int, byte: int) -> None:
        """``descriptor`` is -1 where there is only this process."""
        self._descriptor = descriptor
        self._byte = byte
        self._thread_lock = original("_thread", "allocate_lock")()

    def __enter__(self) -> None:
        self._thread_lock.acquire()
        if self._descriptor >= 0:
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, self._byte)
            except BaseException:
                self._thread_lock.release()
                raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._descriptor >= 0:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, self._byte)
        self._thread_lock.release()

    def renew(self) -> None:
        """Forget a thread that held it when the process was forked: it is not in the child."""
        self._thread_lock = original("_thread", "allocate_lock")()
