# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class Deadline:
    cdef object _at

    cpdef bound(self, timeout)
