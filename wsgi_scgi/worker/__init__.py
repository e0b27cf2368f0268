"""A worker for gunicorn with a lean path for plain HTTP/1.1 requests.

Everything else stays gunicorn's gevent worker: arbiter, signals, hooks, logging, TLS, HTTP/2, the
PROXY protocol, and every request whose head could be read in more than one way.
"""

from .gateway_worker import GatewayWorker

__all__ = ["GatewayWorker"]
