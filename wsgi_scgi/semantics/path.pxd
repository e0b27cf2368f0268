# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class Prefix:
    cdef readonly object first_segment
    cdef object _mount, _pattern
    cdef bint _ends_with_slash

    cpdef match(self, path)
