# The types of this module's classes where it is compiled: wsgi_scgi/compiled.py.
