# What other extensions of the package may use without Python in between.

from cpython.object cimport PyObject


cdef class NextRequest:
    cdef object _hub
    cdef object _greenlet
    cdef object _watcher
    cdef _Silence _silence
    cdef PyObject *_before
    cdef PyObject *_behind
    cdef double _deadline
    cdef bint _is_waiting
    cdef bint _is_watching
    cdef bint _is_late

    cdef bint wait(self) except -1
    cdef int _wake(self, bint is_late) except -1


cdef class _Silence:
    cdef object _hub
    cdef object _timer
    cdef double _patience
    cdef PyObject *_first
    cdef PyObject *_last

    cdef int add(self, NextRequest waiting) except -1
    cdef void remove(self, NextRequest waiting) noexcept
    cdef int _start_timer(self, double seconds) except -1
