# For other compiled code that takes the lock: without a call of Python.

from cpython.pythread cimport PyThread_type_lock
from posix.unistd cimport off_t


cdef class Lock:
    cdef PyThread_type_lock _thread_lock
    cdef unsigned long _owner
    cdef int _descriptor
    cdef int _holds  # by the thread that has it
    cdef int _depth  # of these, with the other processes excluded
    cdef off_t _byte

    cdef int take(self) except -1
    cdef void leave(self) noexcept
    cdef int _exclude_threads(self) except -1
    cdef void _admit_threads(self) noexcept
    cdef int _exclude_processes(self) except -1
    cdef int _wait(self)
    cdef int _set(self, int command, short kind) noexcept nogil
