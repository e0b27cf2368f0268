# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

from wsgi_scgi.balancer.balancer cimport Balancer
from wsgi_scgi.balancer.retry_budget cimport RetryBudget


cdef class OnlyAttempt:
    cdef public object session
    cdef public bint spoke_to_client


cdef class Attempts:
    cdef public object session
    cdef public bint spoke_to_client
    cdef Balancer _balancer
    cdef object _bound, _elected, _pause, _request
    cdef RetryBudget _budget
    cdef double _started
    cdef tuple _tried

    cpdef begin(self)
    cpdef _first(self)
