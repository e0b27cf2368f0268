# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.

cpdef end_attempt(environ, lease, sent, received)
