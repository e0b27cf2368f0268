# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cimport cython

from wsgi_scgi.balancer.attempts cimport Attempts
from wsgi_scgi.balancer.balancer cimport Balancer
from wsgi_scgi.gateway.request cimport Request


cdef class Forwarder:
    cdef readonly Balancer _balancer
    cdef readonly object _resolver
    cdef object _variables, _rules, _fields, _cookie
    cdef dict _fronts
    cdef double _connect_timeout, _deadline, _patience

    @cython.locals(attempts=Attempts)
    cpdef _try_in_turn(self, Request request, deadline)
    cpdef _attempt(self, Request request, attempts, lease, deadline)
    cpdef _answer(self, Request request, attempts, lease, answer)
    cpdef _response(self, head, body)
    cpdef _head_of(self, Request request, member, session)
    cpdef _rules_for(self, member)
