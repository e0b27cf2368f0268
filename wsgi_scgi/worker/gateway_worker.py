"""``gunicorn -k wsgi_scgi.worker.GatewayWorker``: the gevent worker, with a lean path.

The lean path takes connections without TLS, HTTP/2 and the PROXY protocol, and on them requests
whose head is plain (see ``plain_head``).  The first request that is not, and all behind it on
the same connection, are gunicorn's own: its parser, its limits, its answers to what is wrong.
"""

import gc
import os
from typing import Any

from gevent import get_hub
from gunicorn.config import PostRequest, PreRequest
from gunicorn.http import wsgi
from gunicorn.http.message import (
    DEFAULT_MAX_HEADERFIELD_SIZE,
    MAX_HEADERS,
    MAX_REQUEST_LINE,
    HeaderPolicy,
)
from gunicorn.workers.ggevent import GeventWorker

from ..transport.waiting import CooperativeWaiter
from .client_socket import RECEIVE_SIZE, ClientSocket
from .connection import BODY_TIMEOUT, Connection
from .plain_head import HeadLimits
from .plain_response import FieldLines, PlainResponse
from .repeated_fields import join_repeated_fields

_ANY_ADDRESS = ("0.0.0.0", "::")


class GatewayWorker(GeventWorker):
    """gunicorn's gevent worker, with a lean path for plain HTTP/1.1 requests."""

    def load_wsgi(self) -> None:
        """Load the application; what lives as long as the worker is no garbage to look for."""
        super().load_wsgi()
        self._lines = FieldLines(self.cfg)
        self._limits = _limits(self.cfg)
        self._is_lean = _is_lean(self.cfg)
        self._bases: dict[Any, dict[str, Any]] = {}
        gc.collect()
        gc.freeze()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection, until it ends or gunicorn's own path has to take it."""
        if not self._is_lean:
            super().handle(listener, client, addr)
            return
        socket = ClientSocket(client, CooperativeWaiter(get_hub()))
        try:
            path = LeanPath(self, addr)
            rest = Connection(self, path, socket, self._base(listener, client, addr)).serve()
        except BaseException:
            socket.release()
            client.close()
            raise
        socket.release()
        if rest is None:
            client.close()
        else:
            client.settimeout(None)
            replayed: Any = _Replayed(client, rest)
            super().handle(listener, replayed, addr)

    def count_request(self) -> bool:
        """Count a request against ``max_requests``; tell whether the worker goes on after it."""
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        return bool(self.alive)

    def _base(self, listener: Any, client: Any, addr: Any) -> dict[str, Any]:
        """Return the part of the environ that all requests of a connection share."""
        name = listener.getsockname()
        base = self._bases.get(name)
        if base is None:
            nobody: Any = _NoRequest(self.cfg, addr)
            base = dict(wsgi.create(nobody, client, addr, name, self.cfg)[1])
            del base["gunicorn.socket"], base["wsgi.early_hints"]  # of this one connection
            base["wsgi.multithread"] = True
            if isinstance(name, tuple) and name[0] not in _ANY_ADDRESS:
                base["SERVER_ADDR"] = name[0]
            self._bases[name] = base
        base = {**base, "gunicorn.socket": client}
        if isinstance(addr, tuple):
            base["REMOTE_ADDR"], base["REMOTE_PORT"] = addr[0], str(addr[1])
        return base


class LeanPath:
    """What the lean path has to know of the settings and of one peer."""

    __slots__ = (
        "_after",
        "_scheme_fields",
        "_worker",
        "address",
        "keepalive",
        "keepalive_allowed",
        "limits",
        "lines",
        "logs_access",
    )

    def __init__(self, worker: GatewayWorker, address: Any) -> None:
        cfg = worker.cfg
        self._worker = worker
        self._scheme_fields: dict[str, str] | None = None
        self.address = address
        self.keepalive_allowed = bool(cfg.keepalive)
        # Without keep-alive gunicorn would wait for ever for the one request.
        self.keepalive = float(cfg.keepalive) or BODY_TIMEOUT
        self.limits = worker._limits
        self.lines = worker._lines
        self.logs_access = worker.log.access_log_enabled or bool(cfg.statsd_host)
        self._after = None if cfg.post_request is PostRequest.post_request else cfg.post_request

    def after_request(
        self,
        worker: GatewayWorker,
        request: Any,
        environ: dict[str, Any],
        response: PlainResponse,
    ) -> None:
        """Call the administrator's ``post_request``."""
        if self._after is not None:
            try:
                self._after(worker, request, environ, response)
            except Exception:
                worker.log.exception("Exception in post_request hook")

    def complete(self, environ: dict[str, Any]) -> bool:
        """Add what depends on fields: the scheme, and on a Unix socket the server's name.

        Return False where fields of a trusted peer contradict each other about the scheme
        (``secure_scheme_headers``): gunicorn then tells the client.
        """
        if self._scheme_fields is None:
            peer: Any = _NoRequest(self._worker.cfg, self.address)
            secure, _ = peer._peer_trusted_for_forwarded()
            self._scheme_fields = {
                "HTTP_" + name.replace("-", "_"): value for name, value in secure.items()
            }
        schemes = {
            "https" if environ[name] == secure else "http"
            for name, secure in self._scheme_fields.items()
            if name in environ
        }
        if len(schemes) > 1:
            return False
        if schemes:
            environ["wsgi.url_scheme"] = schemes.pop()
        if not environ["SERVER_PORT"]:
            name, colon, port = environ["HTTP_HOST"].partition(":")
            environ["SERVER_NAME"] = name
            standard = "443" if environ["wsgi.url_scheme"] == "https" else "80"
            environ["SERVER_PORT"] = port.partition(":")[0] if colon else standard
        return True


class _NoRequest(HeaderPolicy):
    """A request without fields, from which gunicorn makes what all requests have in common."""

    method = query = uri = ""
    path = "/"
    version = (1, 1)
    scheme = "http"
    body = proxy_protocol_info = None
    headers: tuple[()] = ()

    def __init__(self, cfg: Any, peer_addr: Any) -> None:
        self.cfg = cfg
        self.peer_addr = peer_addr


class _Replayed:
    """A client's socket that gives what was already received once more."""

    def __init__(self, client: Any, data: bytes) -> None:
        self._client = client
        self._data = data

    def recv(self, size: int, *flags: int) -> bytes:
        """Return what was received before, then what comes."""
        if not self._data:
            return bytes(self._client.recv(size, *flags))
        data, self._data = self._data[:size], self._data[size:]
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _is_lean(cfg: Any) -> bool:
    """Tell whether anything is configured that only gunicorn's own path knows."""
    return (
        not cfg.is_ssl
        and cfg.proxy_protocol == "off"
        and cfg.protocol == "http"
        and cfg.http2_cleartext == "off"
        and cfg.pre_request in (PreRequest.pre_request, join_repeated_fields)
        and not os.environ.get("SCRIPT_NAME")
    )


def _limits(cfg: Any) -> HeadLimits:
    """Return gunicorn's limits with what it makes of 0 and of too much."""
    line, fields, size = (
        cfg.limit_request_line,
        cfg.limit_request_fields,
        cfg.limit_request_field_size,
    )
    return HeadLimits(
        request_line=min(line, MAX_REQUEST_LINE) if line > 0 else RECEIVE_SIZE,
        fields=fields if 0 < fields <= MAX_HEADERS else MAX_HEADERS,
        field_size=size if size > 0 else DEFAULT_MAX_HEADERFIELD_SIZE,
    )
