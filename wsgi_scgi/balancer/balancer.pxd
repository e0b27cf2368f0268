# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

from wsgi_scgi.balancer.retry_budget cimport RetryBudget


cdef class Balancer:
    cdef public object name, pool, rules, clock, sticky, refused, faults, rests, usual
    cdef public RetryBudget budget
    cdef public bint is_named, has_key
    cdef object _key_of, _epoch, _roster, _candidates, _others
    cdef dict _members, _routes
    cdef bint _is_alone, _has_limits

    cpdef lend_alone(self)
    cpdef elect(self, session=*, key=*, without=*, recovers=*)
    cpdef judge_status(self, lease, status)
