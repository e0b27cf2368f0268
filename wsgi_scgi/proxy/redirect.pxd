# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class RecogniseRedirect:
    cdef readonly object _inner
    cdef object _field


cdef class FollowRedirects:
    cdef readonly object _inner
