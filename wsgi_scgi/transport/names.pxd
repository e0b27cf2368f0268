# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class Resolver:
    cdef object _lookup, _clock
    cdef double _time_to_live
    cdef readonly dict _entries, _under_way

    cpdef resolve(self, address, waiter, timeout)
