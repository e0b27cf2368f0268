"""The other side of the wire: a WSGI application behind an SCGI socket, on gevent.

Importing this package imports no gevent; its modules ``scgi_server``, ``channel``, ``connection``
and ``process`` do.
"""
