# What other extensions of the package may use without Python in between.

from wsgi_scgi.transport._turn cimport Departure, Turn


cdef class CooperativeWaiter:
    cdef object _hub
    cdef object _greenlet
    cdef _Loop _of_loop
    # The first watcher, which is mostly the only one; then all others.
    cdef object _watcher
    cdef int _descriptor
    cdef int _events
    cdef list _more
    cdef object _timer
    cdef double _span

    cdef int depart(self, Departure departure) except -1
    cdef int wait_for(self, int descriptor, int events, double timeout) except -2
    cdef object _watcher_of(self, int descriptor, int events)
    cdef object _timer_of(self, double seconds)
    cdef int _switch(self, double timeout) except -2


cdef class _Loop:
    cdef object loop
    cdef Turn turn
    cdef list readers
    cdef list others
    cdef double span
    cdef list of_span
    cdef dict of_spans

    cdef object take(self, int descriptor, int events)
    cdef give(self, watcher, int events)
    cdef list timers(self, double span)


cdef Turn turn_of(hub)
