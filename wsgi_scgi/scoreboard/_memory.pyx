# cython: language_level=3
"""The compiled twin of ``Lock`` in memory.py, its reference.

No signal handler runs between the lines of this file, so none can leave a lock half taken.
"""

from cpython.pythread cimport (
    PY_LOCK_ACQUIRED,
    PY_LOCK_INTR,
    PyLockStatus,
    PyThread_allocate_lock,
    PyThread_free_lock,
    PyThread_get_thread_ident,
    PyThread_release_lock,
    PyThread_type_lock,
)
from libc.errno cimport EACCES, EAGAIN, EINTR, errno
from posix.unistd cimport SEEK_SET, off_t, usleep

from wsgi_scgi.scoreboard.memory import DEADLOCK_PAUSE

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

cdef extern from "pythread.h":
    PyLockStatus PyThread_acquire_lock_timed(
        PyThread_type_lock, long long microseconds, int intr_flag
    ) nogil

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1
    object PyErr_SetFromErrno(object kind)

SOURCE = WSGI_SCGI_SOURCE

cdef unsigned int _pause = int(DEADLOCK_PAUSE * 1e6)


cdef class Lock:
    """Excludes all other threads of all processes that share a byte of a file."""

    def __init__(self, int descriptor, off_t byte):
        """``descriptor`` is -1 where there is only this process."""
        self._descriptor = descriptor
        self._byte = byte
        self.renew()

    def __dealloc__(self):
        if self._thread_lock is not NULL:
            PyThread_free_lock(self._thread_lock)

    def __enter__(self):
        self.take()

    def __exit__(self, kind, error, traceback):
        self.leave()

    def renew(self):
        """Forget a thread that held it when the process was forked."""
        cdef PyThread_type_lock lock = PyThread_allocate_lock()
        if lock is NULL:
            raise MemoryError()
        if self._thread_lock is not NULL:
            PyThread_free_lock(self._thread_lock)
        self._thread_lock = lock
        self._holds = self._depth = 0

    cdef int take(self) except -1:
        cdef unsigned long thread = PyThread_get_thread_ident()
        # A signal handler of this thread may come here too while processes are waited for.
        if not self._holds or self._owner != thread:
            self._exclude_threads()
            self._owner = thread
        self._holds += 1
        if not self._depth and self._descriptor >= 0:
            try:
                self._exclude_processes()
            except BaseException:
                self._admit_threads()
                raise
        self._depth += 1
        return 0

    cdef void leave(self) noexcept:
        self._depth -= 1
        if not self._depth and self._descriptor >= 0:
            self._set(F_SETLK, F_UNLCK)
        self._admit_threads()

    cdef int _exclude_threads(self) except -1:
        cdef PyLockStatus status = PyThread_acquire_lock_timed(self._thread_lock, 0, 0)
        while status != PY_LOCK_ACQUIRED:
            with nogil:
                status = PyThread_acquire_lock_timed(self._thread_lock, -1, 1)
            if status == PY_LOCK_INTR:
                PyErr_CheckSignals()
        return 0

    cdef void _admit_threads(self) noexcept:
        self._holds -= 1
        if not self._holds:
            PyThread_release_lock(self._thread_lock)

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
