# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class RetryBudget:
    cdef object _clock
    cdef double _left, _seen, _share

    cpdef add(self)


cdef class OnlyAttempt:
    cdef public object session
    cdef public bint spoke_to_client


cdef class Attempts:
    cdef public object session
    cdef public bint spoke_to_client
    cdef object _balancer, _elected, _pause, _request
    cdef RetryBudget _budget
    cdef double _started
    cdef tuple _tried

    cpdef begin(self)
    cpdef _first(self)
    cpdef _another(self)
