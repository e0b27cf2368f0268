# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class Edge:
    cdef readonly bint leaves_greenlets_clean
    cdef readonly object _handler
    cdef object _start
    cdef int _started_after
