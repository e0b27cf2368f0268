# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

from wsgi_scgi.gateway.request cimport Request


cdef class Forwarder:
    cdef readonly object _balancer, _resolver
    cdef object _variables, _rules, _fields, _cookie
    cdef dict _fronts
    cdef double _connect_timeout, _deadline, _patience

    cpdef _attempt(self, Request request, attempts, lease, deadline)
    cpdef _answer(self, Request request, attempts, lease, answer)
    cpdef _response(self, head, body)
    cpdef _head_of(self, Request request, member, session)
    cpdef _rules_for(self, member)
