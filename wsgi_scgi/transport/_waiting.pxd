# What other extensions of the package may use without Python in between.

cdef class CooperativeWaiter:
    cdef object _hub
    cdef object _greenlet
    cdef _Watchers _watchers
    cdef list _own
    cdef object _timer
    cdef double _span

    cdef int wait_for(self, int descriptor, int events, double timeout) except -2
    cdef object _watcher_of(self, int descriptor, int events)
    cdef object _timer_of(self, double seconds)
    cdef int _switch(self, double timeout) except -2


cdef class _Watchers:
    cdef object loop
    cdef list of_descriptors
    cdef dict of_spans
