"""One connection from its first byte to its last: the head, the application, the response."""

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gevent import GreenletExit

from ..errors import ProtocolError
from ..scgi.request_head import parse_request_head
from .access_log import start_entry
from .channel import Channel
from .environ import build_environ
from .limits import ServerLimits
from .request_body import BodyStream, open_body
from .response import Response

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

_log = logging.getLogger("wsgi_scgi.server")


def serve_connection(
    channel: Channel,
    application: "WSGIApplication",
    *,
    limits: ServerLimits,
    script_name: str = "",
) -> None:
    """Run ``application`` for the one request of ``channel``, then close it.

    Failures are logged, never raised; only what kills the greenlet passes through.
    """
    try:
        request = _receive_request(channel, limits, script_name=script_name)
        if request is not None:
            environ, stream = request
            _serve_request(channel, application, environ, stream=stream)
    finally:
        channel.abort()  # harmless where it is closed already


def _receive_request(
    channel: Channel, limits: ServerLimits, *, script_name: str
) -> tuple["WSGIEnvironment", BodyStream] | None:
    """Return environ and body, or None if what came was no request."""
    try:
        variables, start = _receive_head(channel, limits)
        stream = BodyStream(channel, int(variables["CONTENT_LENGTH"]), start)
        return build_environ(variables, open_body(stream), script_name=script_name), stream
    except ProtocolError as error:
        _log.warning("a malformed request was closed: %s", error)
    except ConnectionAbortedError:
        pass  # somebody asked whether anyone listens
    except OSError as error:
        _log.warning("a connection ended before its request was complete: %s", error)
    return None


def _receive_head(channel: Channel, limits: ServerLimits) -> tuple[dict[str, str], bytes]:
    """Return the variables, and what came behind them."""
    deadline = time.monotonic() + limits.head_timeout
    received = bytearray()
    while True:
        data = channel.receive(max(deadline - time.monotonic(), 0.001))
        if not data:
            if received:
                raise ConnectionResetError(f"the peer closed after {len(received)} bytes")
            raise ConnectionAbortedError
        received += data
        parsed = parse_request_head(received, limit=limits.head_size)
        if parsed is not None:
            variables, used = parsed
            return variables, bytes(received[used:])


def _serve_request(
    channel: Channel,
    application: "WSGIApplication",
    environ: "WSGIEnvironment",
    *,
    stream: BodyStream,
) -> None:
    # The application may change its environ.
    name = f"{environ['REQUEST_METHOD']} {environ['SCRIPT_NAME']}{environ['PATH_INFO']}"
    response = Response(channel, environ["REQUEST_METHOD"])
    entry = start_entry(environ)
    try:
        complete = _answer(application, environ, response, name=name)
    finally:
        if entry is not None:
            entry.write(response)
    if complete:
        channel.finish(unread=stream.unread)


def _answer(
    application: "WSGIApplication", environ: "WSGIEnvironment", response: Response, *, name: str
) -> bool:
    """Let ``application`` answer, or answer for it; tell whether the response is complete."""
    channel = response.channel
    try:
        _run(application, environ, response)
    except (GreenletExit, KeyboardInterrupt):
        _log.warning("%r was broken off", name)
        raise
    except BaseException as error:  # gevent.Timeout and SystemExit, too, end one request only
        if channel.failed_with(error):
            _log.info("%r: the peer went away: %s", name, channel.failure)
            return False
        _log.exception("%r: the application failed", name)
        if response.head_sent or not _send_failure(response):
            return False
    if response.too_long:
        _log.error("%r: the application sent more than its Content-Length; cut", name)
    return True


def _run(application: "WSGIApplication", environ: "WSGIEnvironment", response: Response) -> None:
    result = application(environ, response.start_response)
    try:
        response.send(result)
    finally:
        _close(result)


def _close(result: Iterable[bytes]) -> None:
    close = getattr(result, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception:
        # The response itself is complete, or has failed for a reason that matters more.
        _log.exception("close() of the application's result failed")


def _send_failure(response: Response) -> bool:
    try:
        response.send_failure()
    except OSError as error:
        _log.info("the peer went away: %s", error)
        return False
    return True
