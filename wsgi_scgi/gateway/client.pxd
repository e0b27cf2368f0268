# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class Client:
    cdef object _socket
    cdef readonly int fd


cpdef client_of(environ)
