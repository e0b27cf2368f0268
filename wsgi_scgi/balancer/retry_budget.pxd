# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class RetryBudget:
    cdef object _clock
    cdef double _left, _seen, _share

    cpdef add(self)
