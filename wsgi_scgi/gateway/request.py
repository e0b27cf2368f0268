"""A request on its way: what WSGI said, checked and normalised once (RFC 9112 3, PEP 3333)."""

import copy
import io
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from ..errors import RequestError
from ..semantics.host import parse_host
from ..semantics.path import (
    PathMatch,
    decode_path,
    has_encoded_slash,
    merge_slashes,
    resolve_dot_segments,
)
from ..semantics.target import Target, parse_target
from .body import RequestBody, SpooledBody, StreamedBody, spool_body
from .client import Client, client_of
from .framing import declared_length

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# What PATH_INFO of a bare environ may keep when it is written as a path again (RFC 3986 3.3).
_PATH_SAFE = "/!$&'()*+,;=:@~"

_LAST_WORDS = ("REDIRECT_STATUS", "REDIRECT_URL", "REDIRECT_QUERY_STRING")

# They are about the resource that was asked for, not about the page that tells of an error.
_CONDITIONS = (
    "HTTP_IF_MATCH",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_IF_RANGE",
    "HTTP_RANGE",
)


class Request:
    """One request.  Its own state is all that later steps need, so it can be dispatched again.

    Strings are "bytes as str".  ``path`` is decoded, its dot segments resolved, its slash runs
    kept; it starts below ``mount``, the SCRIPT_NAME under which the host application (Django's
    URL configuration, werkzeug's dispatcher) called the gateway.
    """

    __slots__ = (
        "_raw_path",
        "body",
        "client",
        "environ",
        "host",
        "inherited",
        "inherited_fields",
        "match",
        "method",
        "mount",
        "path",
        "query",
        "request_id",
        "route",
        "server_name",
        "server_port",
        "target",
        "variables",
    )

    def __init__(self, environ: dict[str, Any]) -> None:
        """Raise RequestError for whatever the status table of the manual calls malformed."""
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        _check_method(self.method)
        if "HTTP_" in environ:
            raise RequestError("a header field has no name")
        target = _target_of(environ)
        self.target = str(target)
        self.query: str = environ.get("QUERY_STRING") or ""
        self._set_host(target)
        self.mount: str = environ.get("SCRIPT_NAME") or ""
        self._raw_path = _path_below_mount(environ, self.mount, target.path)
        self.path = _normalised(self._raw_path, keep_encoded_slash=False)
        self.client: Client | None = client_of(environ)
        self.body: RequestBody | None = None
        """None where there is none, or before ``open_body``."""
        self.route = ""
        """The route that took it, for the log and for error pages."""
        self.match = PathMatch("", self.path, self.path)
        self.variables: dict[str, str] = {}
        """What a backend was sent last."""
        self.request_id = ""
        """The X-Request-ID of a trusted proxy."""
        self.inherited: dict[str, str] = {}
        """REDIRECT_* variables, after a local redirect."""
        self.inherited_fields: list[tuple[str, str]] = []
        """Response fields of the answers that redirected, for an answer of the gateway's own."""

    def _set_host(self, target: Target) -> None:
        # RFC 9112 3.2.2: the authority of an absolute-form target replaces the Host field.
        host: str | None = target.authority
        if host is None:
            host = self.environ.get("HTTP_HOST")
        self.host = host
        """The effective Host field, None where HTTP/1.0 sent none."""
        if host is None:
            if self.environ.get("SERVER_PROTOCOL") not in ("HTTP/1.0", "HTTP/0.9"):
                raise RequestError("the Host is missing or invalid")
            self.server_name = str(self.environ["SERVER_NAME"])
            self.server_port = str(self.environ["SERVER_PORT"])
            return
        try:
            parsed = parse_host(host)
        except ValueError as error:
            raise RequestError(str(error)) from error
        self.server_name = parsed.name
        self.server_port = str(parsed.port or (443 if self.is_https else 80))

    @property
    def is_https(self) -> bool:
        """Tell whether the client came by TLS, as far as the server knows."""
        return bool(self.environ["wsgi.url_scheme"] == "https")

    @property
    def is_error_document(self) -> bool:
        """Tell whether this is the second request for an error that a first one met."""
        return self.inherited.get("REDIRECT_STATUS", "200") != "200"

    @property
    def has_encoded_slash(self) -> bool:
        """Tell whether ``%2F`` stands in the path; ``path`` has it decoded."""
        return has_encoded_slash(self._raw_path)

    def path_with_encoded_slashes(self) -> str:
        """Return the path with ``%2F`` left as it is."""
        return _normalised(self._raw_path, keep_encoded_slash=True)

    def take(self, route: str, path: str, match: PathMatch) -> None:
        """Note the route that takes the request, and the path as this route sees it."""
        self.route = route
        self.path = path
        self.match = match

    def redirected(self, target: Target, *, status: int) -> "Request":
        """Return the request that a local redirect makes of this one, as Apache does.

        A GET (a HEAD stays one) without body for ``target``; REQUEST_URI stays, and what the
        backend was sent comes again under names with REDIRECT_ in front.  ``status`` is that of
        the answer; for an error the conditions of the request do not count.  Raises RequestError
        for a target that is malformed or lies outside of the mount.
        """
        raw_path = path_below(self.mount, target.path)
        if raw_path is None:
            raise RequestError("the path lies outside of where the gateway is mounted")
        request = copy.copy(self)
        request.method = "HEAD" if self.method == "HEAD" else "GET"
        request.query = target.query or ""
        request._raw_path = raw_path
        request.path = _normalised(raw_path, keep_encoded_slash=False)
        request.match = PathMatch("", request.path, request.path)
        request.inherited = self._history(status)
        request.body = None
        request.environ = {
            **self.environ,
            **request.inherited,
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "CONTENT_LENGTH": "0",
            "wsgi.input": io.BytesIO(),
        }
        for name in ("HTTP_TRANSFER_ENCODING", *(() if status == 200 else _CONDITIONS)):
            request.environ.pop(name, None)
        return request

    def _history(self, status: int) -> dict[str, str]:
        history = {f"REDIRECT_{name}": value for name, value in self.variables.items()}
        if self.body is not None:
            history["REDIRECT_CONTENT_LENGTH"] = str(self.body.length)
        history["REDIRECT_STATUS"] = str(status)
        history["REDIRECT_URL"] = self.mount + merge_slashes(self.path)
        history["REDIRECT_QUERY_STRING"] = self.query
        return history

    def shorten_history(self) -> bool:
        """Drop all REDIRECT_* variables that can be done without; tell whether any are gone."""
        short = {name: self.inherited[name] for name in _LAST_WORDS if name in self.inherited}
        is_shorter = short != self.inherited
        self.inherited = short
        return is_shorter

    def open_body(self, *, timeout: float, max_body: int) -> None:
        """Find out how the body is framed, and spool it if its length is unknown.

        ``timeout`` bounds each read from the client in seconds, ``max_body`` the whole in bytes
        (0: not at all).  Raises RequestError: 400, 408, 411, 413 or 501.
        """
        if self.body is not None:
            return
        length = declared_length(self.environ)
        if length is None:
            self.body = spool_body(self.environ, self.client, timeout=timeout, max_body=max_body)
        elif length:
            self.body = StreamedBody(self.environ, length, self.client, timeout=timeout)

    def replace_body(self, body: SpooledBody) -> None:
        """Let a copy that can be sent again stand for the body."""
        self.body = body


def _check_method(method: str) -> None:
    if method in ("GET", "POST", "HEAD"):
        return
    if method in ("CONNECT", "TRACE"):
        raise RequestError(
            f"the method {method} is not allowed here", status=HTTPStatus.METHOD_NOT_ALLOWED
        )
    if not _METHOD.fullmatch(method):
        raise RequestError("the method is not a token")


def _target_of(environ: dict[str, Any]) -> Target:
    # gunicorn and gevent call it RAW_URI; waitress, uWSGI, mod_wsgi and cheroot REQUEST_URI.
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None:
        raw = quote(
            (environ.get("SCRIPT_NAME") or "") + (environ.get("PATH_INFO") or ""),
            safe=_PATH_SAFE,
            encoding="latin-1",
        )
        query = environ.get("QUERY_STRING")
        raw = f"{raw or '/'}?{query}" if query else raw or "/"
    try:
        return parse_target(str(raw))
    except ValueError as error:
        raise RequestError(str(error)) from error


def _path_below_mount(environ: dict[str, Any], mount: str, raw: str) -> str:
    """Return the undecoded path below the mount.

    PATH_INFO decides, since applications around the gateway may have changed it, but only the
    target tells ``%2F`` from ``/``: it is used where both agree.  Servers differ in what they
    merge (mod_wsgi: slashes) and leave encoded (cheroot: ``%2F``).
    """
    path_info = str(environ.get("PATH_INFO") or "")
    if raw == path_info and not mount:
        return raw or "/"
    if raw.startswith(mount):
        below = raw[len(mount) :]
        with_slash = decode_or_none(below, keep_encoded_slash=False)
        if with_slash is None:
            return below  # whoever normalises it says what is wrong
        if merge_slashes(path_info) in (
            merge_slashes(with_slash),
            merge_slashes(decode_or_none(below, keep_encoded_slash=True) or ""),
        ):
            return below or ("" if mount else "/")
    try:
        return quote(path_info, safe=_PATH_SAFE, encoding="latin-1") or ("" if mount else "/")
    except UnicodeEncodeError as error:
        raise RequestError("the path is not made of bytes (PEP 3333)") from error


def path_below(mount: str, raw: str) -> str | None:
    """Return what of an undecoded path is below ``mount``, None if it lies elsewhere."""
    front = "/".join(raw.split("/")[: mount.count("/") + 1])
    if decode_or_none(front, keep_encoded_slash=False) != mount:
        return None
    return raw[len(front) :]


def decode_or_none(raw: str, *, keep_encoded_slash: bool) -> str | None:
    """Decode a path, or return None where it cannot be."""
    try:
        return decode_path(raw, keep_encoded_slash=keep_encoded_slash)
    except ValueError:
        return None


def _normalised(raw: str, *, keep_encoded_slash: bool) -> str:
    try:
        path = decode_path(raw, keep_encoded_slash=keep_encoded_slash)
        if path and not path.startswith("/"):
            raise ValueError("the path does not start with a slash")
        return resolve_dot_segments(path)
    except ValueError as error:
        raise RequestError(str(error)) from error
