"""A request on its way: what WSGI said, checked and normalised once (RFC 9112 3, PEP 3333)."""

import copy
import io
from typing import Any

from ..errors import RequestError
from ..scgi.request_head import parse_request_head
from ..semantics.path import PathMatch, has_encoded_slash, merge_slashes
from ..semantics.target import Target
from .body import RequestBody, SpooledBody, StreamedBody, spool_body
from .client import Client, client_of
from .control_data import control_data, decode_or_none, normalised_path
from .framing import check_length, declared_length

_OF_THE_ENCODER = ("CONTENT_LENGTH", "SCGI")
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
        "_match",
        "_raw_path",
        "body",
        "environ",
        "head",
        "host",
        "inherited",
        "inherited_fields",
        "may_have_body",
        "method",
        "mount",
        "notes",
        "path",
        "query",
        "request_id",
        "route",
        "server_name",
        "server_port",
        "target",
    )

    def __init__(self, environ: dict[str, Any]) -> None:
        """Raise RequestError for whatever the status table of the manual calls malformed."""
        self.environ = environ
        self.notes = environ
        """The environ that the server gave, and reads again for its access log."""
        (
            self.method,
            self.target,
            self.query,
            self.host,
            self.server_name,
            self.server_port,
            self.mount,
            self._raw_path,
            self.path,
            self.may_have_body,
        ) = control_data(environ)
        self.body: RequestBody | None = None
        """None where there is none, or before ``open_body``."""
        self.route = ""
        """The route that took it, for the log and for error pages."""
        self._match: PathMatch | None = None
        self.head = b""
        """The head that a backend was sent last."""
        self.request_id = ""
        """The X-Request-ID of a trusted proxy."""
        self.inherited: dict[str, str] = {}
        """REDIRECT_* variables, after a local redirect."""
        self.inherited_fields: list[tuple[str, str]] = []
        """Response fields of the answers that redirected, for an answer of the gateway's own."""

    @property
    def client(self) -> Client | None:
        """The client's connection, where the server below shows it."""
        return client_of(self.environ)

    @property
    def match(self) -> PathMatch:
        """How the route divides the path; before one has taken it, as a route for all does."""
        return self._match or PathMatch("", self.path, self.path)

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
        return "%" in self._raw_path and has_encoded_slash(self._raw_path)

    def path_with_encoded_slashes(self) -> str:
        """Return the path with ``%2F`` left as it is."""
        return normalised_path(self._raw_path, keep_encoded_slash=True)

    def take(self, route: str, path: str, match: PathMatch) -> None:
        """Note the route that takes the request, and the path as this route sees it."""
        self.route = route
        self.path = path
        self._match = match

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
        request.path = normalised_path(raw_path)
        request._match = None
        request.inherited = self._history(status)
        request.body = None
        request.may_have_body = False
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

    @property
    def variables(self) -> dict[str, str]:
        """The variables that a backend was sent last, but for CONTENT_LENGTH and SCGI."""
        parsed = parse_request_head(self.head, limit=len(self.head))
        variables = parsed[0] if parsed is not None else {}
        return {name: variables[name] for name in variables if name not in _OF_THE_ENCODER}

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
            check_length(length, max_body)
            self.body = StreamedBody(self.environ, length, self.client, timeout=timeout)

    def replace_body(self, body: SpooledBody) -> None:
        """Let a copy that can be sent again stand for the body."""
        self.body = body


def path_below(mount: str, raw: str) -> str | None:
    """Return what of an undecoded path is below ``mount``, None if it lies elsewhere."""
    front = "/".join(raw.split("/")[: mount.count("/") + 1])
    if decode_or_none(front) != mount:
        return None
    return raw[len(front) :]
