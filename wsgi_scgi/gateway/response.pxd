# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class Response:
    cdef public int status
    cdef public object reason, fields, body, control
    cdef public bint explicit_status
