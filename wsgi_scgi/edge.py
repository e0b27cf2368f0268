"""The WSGI edge: the only place that calls start_response (PEP 3333).

A request comes in here as an environ, becomes a Request, passes the handlers, and leaves as what
the server iterates over.  Every failure of ours becomes an error page and a line in the log.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .errors import ClientDisconnected, GatewayError
from .files.body import FileBody, wrap_for_server
from .gateway.body import release_body
from .gateway.control_data import check_about_server
from .gateway.error_page import error_response, new_request_id, options_response
from .gateway.framing import may_have_body
from .gateway.request import Request
from .gateway.response import Foreign, Handler, Outcome, Response, merged_head
from .semantics.fields import merge_fields
from .transport.waiting import line_up

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

logger = logging.getLogger("wsgi_scgi")

_IS_LEAN = "wsgi_scgi.is_lean"
"""Where the server says so, it does so little itself that requests gain nothing by lining up."""

_forks = 0
"""How many forks led to this process: a child's number is not its parent's, and costs no call."""


class Edge:
    """A WSGI application around a Handler."""

    def __init__(
        self,
        handler: Handler,
        *,
        start: Callable[[], None] | None = None,
        leaves_greenlets_clean: bool = True,
    ) -> None:
        """``start`` starts what the handler wants to run beside the requests.

        ``leaves_greenlets_clean`` tells GatewayWorker that a greenlet which has served a request
        may serve others: nothing stays in it, unless the handler runs what is not ours.
        """
        self.leaves_greenlets_clean = leaves_greenlets_clean
        self._handler = handler
        self._start = start
        self._started_after = -1

    def start(self) -> None:
        """Start what runs beside the requests (health checks) in this process.

        Whoever does not call it has it done by the first request: a server may fork at any time
        before.  What cannot be started is in the log, and the next request tries again.
        """
        try:
            if self._start is not None:
                self._start()
        except Exception:
            logger.exception("what runs beside the requests could not be started")
        else:
            self._started_after = _forks

    def __call__(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request; every failure of ours becomes an error page and a log line."""
        if self._started_after != _forks:
            self.start()
        request: Request | None = None
        lines_up = _IS_LEAN not in environ
        if lines_up:
            line_up()
        try:
            if environ.get("REQUEST_METHOD") == "OPTIONS" and _asks_about_server(environ):
                check_about_server(environ)
                response: Outcome = options_response()
            else:
                request = Request(environ)
                response = self._handler(request)
        except GatewayError as error:
            response = _failure(environ, request, error)
        except BaseException:
            _free(request)
            raise
        if isinstance(response, Foreign):
            if response.environ is not environ:  # nobody else will read the body
                release_body(environ, request.body if request else None)
            return response.application(response.environ, _merging(response, start_response))
        assert isinstance(response, Response)  # local redirects have been followed
        try:
            if lines_up:
                line_up()
            start_response(f"{response.status} {response.reason}", response.fields)
        except BaseException:
            response.close()
            _free(request)
            raise
        body = response.body
        has_none = not (may_have_body(environ) if request is None else request.may_have_body)
        if has_none and isinstance(body, bytes):  # there is nothing to let go of
            return [body] if body else []
        result = _Result(environ, request, response)
        if isinstance(body, FileBody):
            wrapped = wrap_for_server(body, environ, on_close=result.close, on_cut=result.cut)
            return result if wrapped is None else wrapped
        return result


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


class _Result:
    """What the server iterates over and closes: it logs a failure and releases everything."""

    __slots__ = ("_body", "_environ", "_pieces", "_request", "_response")

    def __init__(
        self, environ: dict[str, Any], request: Request | None, response: Response
    ) -> None:
        self._environ = environ
        self._request = request
        self._response = response
        body = response.body
        self._pieces: Iterator[bytes] = iter([body] if isinstance(body, bytes) else body)

    def __iter__(self) -> "_Result":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except GatewayError as error:
            self.cut(error)
            raise

    def cut(self, error: GatewayError) -> None:
        """Note that the response cannot be completed, and let the client see it."""
        level = logging.INFO if isinstance(error, ClientDisconnected) else logging.ERROR
        logger.log(level, "%s: response cut: %s", _describe(self._environ), error)
        chunked = self._environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        framed = any(name.lower() == "content-length" for name, _ in self._response.fields)
        if self._request is not None and self._request.client and not (chunked or framed):
            self._request.client.reset()

    def close(self) -> None:
        """Release both bodies; called by the server."""
        try:
            self._response.close()
        finally:
            release_body(self._environ, self._request.body if self._request else None)


def _free(request: Request | None) -> None:
    """Let go of a spooled body where no answer of ours will."""
    if request is not None and request.body is not None:
        request.body.close()


def _merging(foreign: Foreign, start_response: "StartResponse") -> "StartResponse":
    """Return a start_response that adds what an answer redirecting here had to say."""
    if not foreign.fields and foreign.keep_status is None:
        return start_response

    def start_merged(
        status: str, fields: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        number, _, reason = status.partition(" ")
        head = merged_head((int(number), reason, fields), foreign.fields, foreign.keep_status)
        return start_response(f"{head[0]} {head[1]}", head[2], exc_info)

    return start_merged


def _failure(environ: dict[str, Any], request: Request | None, error: GatewayError) -> Response:
    request_id = (request.request_id if request is not None else "") or new_request_id()
    route = request.route if request is not None else ""
    logger.log(
        _level(error),
        "%s: %d (route %s, request %s): %s",
        _describe(environ),
        error.status,
        route or "-",
        request_id,
        error,
    )
    response = error_response(
        error.status,
        error.public,
        request_id=request_id,
        accept=environ.get("HTTP_ACCEPT", ""),
        route=route,
    )
    if error.retry_after is not None:
        response.fields.append(("Retry-After", str(error.retry_after)))
    if request is not None and request.inherited_fields:
        response.fields = merge_fields(request.inherited_fields, response.fields)
    if environ.get("REQUEST_METHOD") == "HEAD":
        response.body = b""
    return response


def _level(error: GatewayError) -> int:
    if error.status >= 500:
        return logging.ERROR
    # A refused file may be a backend that somebody has talked into something.
    return logging.WARNING if error.status == HTTPStatus.FORBIDDEN else logging.INFO


def _describe(environ: dict[str, Any]) -> str:
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ.get("PATH_INFO")
    # What cannot be printed must not forge lines of the log.
    return ascii(f"{environ.get('REQUEST_METHOD')} {target}")[1:-1]


def _asks_about_server(environ: dict[str, Any]) -> bool:
    return "*" in (environ.get("RAW_URI"), environ.get("REQUEST_URI"), environ.get("PATH_INFO"))
