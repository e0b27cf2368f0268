# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

from wsgi_scgi.gateway.request cimport Request


cdef class Router:
    cdef readonly tuple _routes
    cdef object _fallback
    cdef bint _has_hosts
    cdef tuple _anywhere
    cdef dict _by_segment


cpdef _take(route, Request request, path)
