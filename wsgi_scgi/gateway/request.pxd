# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cdef class Request:
    cdef public object environ, notes, body
    cdef public object method, target, query, host, server_name, server_port
    cdef public object mount, path, route, request_id, head
    cdef public object inherited, inherited_fields
    cdef public bint may_have_body
    cdef public object _match, _raw_path

    cpdef take(self, route, path, match)
