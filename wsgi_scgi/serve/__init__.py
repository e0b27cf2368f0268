"""The gateway under gunicorn: ``wsgi-scgi serve`` and ``wsgi-scgi demo``.

gunicorn stays what it is; three things are done differently.  A configuration is read and checked
as a whole before anything is touched, at the start and on HUP, so that a bad file never stops a
running gateway.  Sockets are opened at once or not at all.  Repeated header fields are joined as
RFC 9110 5.3 and RFC 6265 5.4 want it.
"""

from .gateway_server import GatewayServer

__all__ = ["GatewayServer"]
