# cython: language_level=3
"""The compiled twin of ``Lock`` in memory.py, its reference.

No signal handler runs between the lines of this file, so none can leave a lock half taken.
"""

from libc.errno cimport EACCES, EAGAIN, EINTR, errno
from posix.unistd cimport SEEK_SET, off_t, usleep

from wsgi_scgi.scoreboard.memory import DEADLOCK_PAUSE
from wsgi_scgi.transport.waiting import original

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

cdef extern from "<errno.h>":
    int EDEADLK

cdef extern from "<fcntl.h>" nogil:
    struct flock:
        short l_type
        short l_whence
        off_t l_start
        off_t l_len
    int fcntl(int fd, int command, flock *lock)
    int F_SETLK, F_SETLKW
    short F_WRLCK, F_UNLCK

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1
    object PyErr_SetFromErrno(object kind)

SOURCE = WSGI_SCGI_SOURCE

cdef unsigned int _pause = int(DEADLOCK_PAUSE * 1e6)


cdef class Lock:
    """Excludes all other threads of all processes that share a byte of a file."""

    cdef object _acquire, _release
    cdef int _descriptor
    cdef int _depth
    cdef off_t _byte

    def __init__(self, int descriptor, off_t byte):
        """``descriptor`` is -1 where there is only this process."""
        self._descriptor = descriptor
        self._byte = byte
        self.renew()

    def __enter__(self):
        self._acquire()
        if not self._depth and self._descriptor >= 0:
            try:
                self._exclude_processes()
            except BaseException:
                self._release()
                raise
        self._depth += 1

    def __exit__(self, kind, error, traceback):
        self._depth -= 1
        if not self._depth and self._descriptor >= 0:
            self._set(F_SETLK, F_UNLCK)
        self._release()

    def renew(self):
        """Forget a thread that held it when the process was forked."""
        lock = original("_thread", "RLock")()
        self._acquire, self._release = lock.acquire, lock.release
        self._depth = 0

    cdef int _exclude_processes(self) except -1:
        # Mostly nobody has it; then no other thread needs to be let run meanwhile.
        cdef int problem = self._set(F_SETLK, F_WRLCK)
        if problem == EAGAIN or problem == EACCES:
            problem = self._wait()
        while problem:
            if problem == EINTR:
                PyErr_CheckSignals()
            elif problem == EDEADLK:
                with nogil:
                    usleep(_pause)
            else:
                PyErr_SetFromErrno(OSError)
            problem = self._wait()
        return 0

    cdef int _wait(self):
        cdef int problem
        with nogil:
            problem = self._set(F_SETLKW, F_WRLCK)
        return problem

    cdef int _set(self, int command, short kind) noexcept nogil:
        """Return what ``errno`` says, 0 if all is well."""
        cdef flock lock
        lock.l_type = kind
        lock.l_whence = SEEK_SET
        lock.l_start = self._byte
        lock.l_len = 1
        return errno if fcntl(self._descriptor, command, &lock) else 0
