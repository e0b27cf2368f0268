# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class RewriteFields:
    cdef readonly object _inner
    cdef object _rules, _places, _bases

    cpdef _rewritten(self, fields, request)
