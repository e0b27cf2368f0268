"""What the lean path has to know of gunicorn's settings: made once for a worker."""

import io
import logging
import os
from typing import TYPE_CHECKING, Any

from gunicorn.config import PostRequest, PreRequest
from gunicorn.glogging import Logger
from gunicorn.http import wsgi
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.message import (
    DEFAULT_MAX_HEADERFIELD_SIZE,
    MAX_HEADERS,
    MAX_REQUEST_LINE,
    HeaderPolicy,
)
from gunicorn.http.unreader import Unreader

from .client_socket import RECEIVE_SIZE
from .plain_head import HeadLimits
from .plain_response import FieldLines
from .repeated_fields import join_repeated_fields

if TYPE_CHECKING:
    from .plain_request import PlainRequest
    from .plain_response import PlainResponse

_ANY_ADDRESS = ("0.0.0.0", "::")

BODY_TIMEOUT = 60.0
"""Seconds in which a client must send something of its body; gunicorn's workers wait for ever."""

NO_BODY = Body(LengthReader(Unreader(), 0))
"""Reads as empty without looking anywhere, so that all requests can share it."""

_PEERS_LIMIT = 1024
"""Peers whose trust is remembered."""


class LeanPath:
    """The settings of one worker, and what follows from them for its connections."""

    def __init__(self, cfg: Any, log: Any) -> None:
        self.cfg = cfg
        self.keepalive_allowed = bool(cfg.keepalive)
        # Without keep-alive gunicorn would wait for ever for the one request.
        self.keepalive = float(cfg.keepalive) or BODY_TIMEOUT
        self.limits = _limits(cfg)
        self.lines = FieldLines(cfg)
        self.logs_access = _logs_access(log)
        self.announces = cfg.pre_request is PreRequest.pre_request and _hears_debug(log)
        self._after = None if cfg.post_request is PostRequest.post_request else cfg.post_request
        self.is_logged = self.logs_access or self._after is not None
        self.sees_requests = self.is_logged or self.announces
        self._bases: dict[Any, dict[str, Any]] = {}
        self._scheme_fields: dict[Any, dict[str, str]] = {}

    def base(self, listener: Any, client: Any, addr: Any) -> dict[str, Any]:
        """Return the part of the environ that all requests of a connection share."""
        base = self._bases.get(listener)
        if base is None:
            base = self._base_of(listener.getsockname(), client, addr)
            self._bases[listener] = base
        base = {**base, "gunicorn.socket": client}
        if isinstance(addr, tuple):
            base["REMOTE_ADDR"], base["REMOTE_PORT"] = addr[0], str(addr[1])
        return base

    def _base_of(self, name: Any, client: Any, addr: Any) -> dict[str, Any]:
        nobody: Any = _NoRequest(self.cfg, addr)
        base = dict(wsgi.create(nobody, client, addr, name, self.cfg)[1])
        del base["gunicorn.socket"], base["wsgi.early_hints"]  # of this one connection
        base["wsgi.multithread"] = True
        base["wsgi.errors"] = _ErrorLog(self.cfg)
        base["wsgi.input"] = NO_BODY
        base["wsgi_scgi.sendfile"] = True
        base["wsgi_scgi.is_logged"] = self.is_logged
        base["wsgi_scgi.is_lean"] = True
        if isinstance(name, tuple) and name[0] not in _ANY_ADDRESS:
            base["SERVER_ADDR"] = name[0]
        return base

    def announce(self, worker: Any, request: "PlainRequest") -> None:
        """Call gunicorn's own ``pre_request`` where anybody would see what it does."""
        if self.announces:
            self.cfg.pre_request(worker, request)

    def after_request(
        self,
        worker: Any,
        request: "PlainRequest",
        environ: dict[str, Any],
        response: "PlainResponse",
    ) -> None:
        """Call the administrator's ``post_request``."""
        if self._after is not None:
            try:
                self._after(worker, request, environ, response)
            except Exception:
                worker.log.exception("Exception in post_request hook")

    def scheme_fields(self, address: Any) -> dict[str, str]:
        """Return the variables by which a peer may tell the scheme, with what means https."""
        peer = address[0] if isinstance(address, tuple) else None
        fields = self._scheme_fields.get(peer)
        if fields is None:
            trusted: Any = _NoRequest(self.cfg, address)
            secure, _ = trusted._peer_trusted_for_forwarded()
            fields = {"HTTP_" + name.replace("-", "_"): value for name, value in secure.items()}
            if len(self._scheme_fields) >= _PEERS_LIMIT:
                self._scheme_fields.clear()
            self._scheme_fields[peer] = fields
        return fields


def complete(environ: dict[str, Any], scheme_fields: dict[str, str]) -> bool:
    """Add what depends on fields: the scheme, and on a Unix socket the server's name.

    Return False where fields of a trusted peer contradict each other about the scheme
    (``secure_scheme_headers``): gunicorn then tells the client.
    """
    schemes = {
        "https" if environ[name] == secure else "http"
        for name, secure in scheme_fields.items()
        if name in environ
    }
    if len(schemes) > 1:
        return False
    if schemes:
        environ["wsgi.url_scheme"] = schemes.pop()
    if not environ["SERVER_PORT"] and environ["HTTP_HOST"]:
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


class _ErrorLog(io.RawIOBase):
    """``wsgi.errors`` of all requests.

    Where it writes to is looked up each time: a log that is rotated is another file afterwards.
    """

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg

    def write(self, data: Any) -> None:  # gunicorn's takes text, too
        """Write to the files of gunicorn's error log."""
        wsgi.WSGIErrorsWrapper(self._cfg).write(data)


def is_lean(cfg: Any) -> bool:
    """Tell whether nothing is configured that only gunicorn's own path knows."""
    return (
        not cfg.is_ssl
        and cfg.proxy_protocol == "off"
        and cfg.protocol == "http"
        and cfg.http2_cleartext == "off"
        and cfg.pre_request in (PreRequest.pre_request, join_repeated_fields)
        and not os.environ.get("SCRIPT_NAME")
    )


def _logs_access(log: Any) -> bool:
    """Tell whether the logger wants to know of requests: by its settings, or by its own code."""
    return type(log).access is not Logger.access or bool(log.access_log_enabled)


def _hears_debug(log: Any) -> bool:
    if type(log).debug is not Logger.debug:
        return True
    return bool(log.error_log.isEnabledFor(logging.DEBUG))


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
