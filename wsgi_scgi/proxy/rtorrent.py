"""What keeps strangers away from rTorrent, whose methods run programs.

A page in a browser on this machine can post to the gateway, so what a browser sends for a foreign
page is refused (``RefuseForeignPages``).  What is left may call the methods that are no danger
(``InspectCalls``).
"""

import io
from http import HTTPStatus
from typing import NoReturn

from ..errors import RequestError
from ..gateway.body import SpooledBody, buffer_body
from ..gateway.framing import check_length, declared_length
from ..gateway.request import Request
from ..gateway.response import Handler, Outcome
from ..semantics.host import canonical_name, is_among, parse_host
from ..semantics.remote_calls import read_json_calls, read_xml_calls
from ..semantics.rtorrent_methods import MethodRules

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_READERS = {"text/xml": read_xml_calls, "application/json": read_json_calls}
SENT = frozenset({"CONTENT_TYPE", "UNTRUSTED_CONNECTION"})
"""The variables that rTorrent reads, beside CONTENT_LENGTH."""


def _refuse(cause: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> NoReturn:
    raise RequestError(cause, status=status)


class RefuseForeignPages:
    """A step of one route: 403 for what a browser sends on behalf of another site.

    ``hosts`` are allowed in Host, beside this machine's own names: a name that an attacker's DNS
    points here is not among them (DNS rebinding).
    """

    def __init__(self, inner: Handler, hosts: frozenset[str]) -> None:
        self._inner = inner
        self._hosts = hosts | _LOCAL

    def __call__(self, request: Request) -> Outcome:
        """Raise RequestError (403)."""
        if not is_among(canonical_name(request.server_name), self._hosts):
            _refuse("the Host is not one of this gateway's names")
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None and not _is_own(str(origin), request):
            _refuse("the request was made by a page of another site")
        site = request.environ.get("HTTP_SEC_FETCH_SITE", "none")
        if site not in ("same-origin", "none"):
            _refuse("the request was made by a page of another site")
        return self._inner(request)


def _is_own(origin: str, request: Request) -> bool:
    scheme, separator, authority = origin.lower().partition("://")
    if not separator or scheme not in ("http", "https"):
        return False
    try:
        host = parse_host(authority)
    except ValueError:
        return False
    port = str(host.port or (443 if scheme == "https" else 80))
    return (host.name, port) == (request.server_name, request.server_port)


class InspectCalls:
    """A step of one route: forward only the calls that ``rules`` allow, written anew.

    ``timeout`` is for each read from the client in seconds, ``max_body`` in bytes.
    """

    def __init__(
        self, inner: Handler, rules: MethodRules, *, timeout: float, max_body: int
    ) -> None:
        self._inner = inner
        self._rules = rules
        self._timeout = timeout
        self._max_body = max_body

    def __call__(self, request: Request) -> Outcome:
        """Raise RequestError: 400, 403, 405, 413 or 415."""
        length = declared_length(request.environ)
        if request.method != "POST" or length == 0:
            _refuse("only POST with a body is a call", HTTPStatus.METHOD_NOT_ALLOWED)
        content_type = str(request.environ.get("CONTENT_TYPE") or "")
        media_type = content_type.partition(";")[0].strip(" \t").lower()
        read = _READERS.get(media_type)
        if read is None:
            _refuse(
                "the Content-Type is neither text/xml nor application/json",
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        if "HTTP_CONTENT_ENCODING" in request.environ:
            _refuse("the body is encoded", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        check_length(length or 0, self._max_body)
        data = self._receive(request)
        if not data:
            _refuse("only POST with a body is a call", HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            calls = read(data)
            refused = next(filter(None, map(self._rules.refused, calls.calls)), "")
        except (ValueError, RecursionError) as error:
            raise RequestError(
                f"the call cannot be read: {error}", public="The call cannot be read."
            ) from error
        if refused:
            raise RequestError(
                f"the method {refused!a} is not allowed",
                status=HTTPStatus.FORBIDDEN,
                public="A method of the call is not allowed here.",
            )
        request.environ = {**request.environ, "CONTENT_TYPE": media_type}
        if request.body is not None:
            request.body.close()
        request.replace_body(SpooledBody(io.BytesIO(calls.body), len(calls.body)))
        return self._inner(request)

    def _receive(self, request: Request) -> bytes:
        request.open_body(timeout=self._timeout, max_body=self._max_body)
        assert request.body is not None
        if not isinstance(request.body, SpooledBody):
            request.replace_body(buffer_body(request.body))
        body = request.body
        pieces = []
        while body.remaining:
            pieces.append(body.read(body.remaining))
        return b"".join(pieces)
