"""One client connection: plain requests in a row, as gunicorn's async workers serve them."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gevent import GreenletExit
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader
from gunicorn.http.wsgi import FileWrapper

from ..compiled import compiled_in
from ..transport.pipe import CAN_SPLICE
from .client_socket import ClientLeft, ClientSocket
from .lean_path import BODY_TIMEOUT, complete
from .plain_head import plain_environ
from .plain_request import PlainRequest
from .plain_response import PlainResponse

if TYPE_CHECKING:
    from .gateway_worker import GatewayWorker

UNREAD_LIMIT = 65536
"""Bytes of a body, unread by the application, that are taken to keep the connection."""

UNREAD_TIMEOUT = 2.0
"""Seconds for each read of those."""


@compiled_in("wsgi_scgi.worker._plain_connection")
class PlainConnection:
    """Serves one connection for as long as its requests are plain."""

    __slots__ = ("_address", "_base", "_client", "_data", "_path", "_scheme_fields", "_worker")

    def __init__(
        self, worker: "GatewayWorker", client: ClientSocket, *, base: dict[str, Any], address: Any
    ) -> None:
        """Take what the environs of all its requests have in common as ``base``."""
        self._worker = worker
        self._path = worker.lean_path
        self._client = client
        self._base = base
        self._address = address
        self._scheme_fields = self._path.scheme_fields(address)
        self._data = b""

    def serve(self) -> bytes | None:
        """Serve requests; return the start of one that is not plain, None when all is over."""
        path = self._path
        while True:
            data = self._data or self._client.receive(path.keepalive)
            if not data:
                return None
            end = data.find(b"\r\n\r\n")
            environ = plain_environ(data, end, self._base, path.limits) if end > 0 else None
            if environ is None or not complete(environ, self._scheme_fields):
                return data
            goes_on, self._data = self.respond(environ, data[end + 4 :])
            if not goes_on:
                return None
            if self._data:
                self._client.let_others_run()  # requests that came at once need not wait
                if self._client.has_reset():  # and nobody is there for whom to serve them
                    return None

    def respond(self, environ: dict[str, Any], behind: bytes) -> tuple[bool, bytes]:
        """Answer one request, whose head ``behind`` has followed.

        Tell whether another may follow, and what of it has come already.
        """
        body, behind = self._open_body(environ, behind)
        worker, path = self._worker, self._path
        # Copied, because the application may change what it is given.
        request = PlainRequest(dict(environ), self._address)
        response = PlainResponse(request, self._client, cfg=path.cfg, lines=path.lines)
        environ["wsgi.early_hints"] = response.send_early_hints
        if CAN_SPLICE:
            environ["wsgi_scgi.splice"] = response.splice
        goes_on = False
        try:
            path.announce(worker, request)
            if not worker.count_request() or not path.keepalive_allowed:
                response.force_close()
            goes_on = self._run(environ, response)
        except ClientLeft as error:
            worker.log.debug("The client left: %s", error)
            return False, b""
        except (GreenletExit, SystemExit):
            return False, b""  # the worker ends
        except BaseException as error:
            self.fail(response, error)
        finally:
            response.end()
            path.after_request(worker, request, environ, response)
        return self._end(body, behind, goes_on=goes_on)

    def fail(self, response: PlainResponse, error: BaseException) -> None:
        """Log an error of the application, and answer 500 if nothing was sent yet."""
        worker = self._worker
        if response.has_begun:
            worker.log.exception("Error handling request")
        else:
            worker.handle_error(response.req, self._client.gevent_socket, self._address, error)

    def _run(self, environ: dict[str, Any], response: PlainResponse) -> bool:
        """Let the application answer; tell whether the connection may go on."""
        worker = self._worker
        logs_access = self._path.logs_access
        started = time.monotonic() if logs_access else 0.0
        result: Any = worker.wsgi(environ, response.start_response)  # type: ignore[arg-type]  # PEP 3333's
        if worker.is_already_handled(result):
            return not (response.must_close or response.req.should_close())
        try:
            if isinstance(result, FileWrapper):
                response.write_file(result)
            else:
                for piece in result:
                    response.write(piece)
            response.close()
        finally:
            if logs_access:
                spent = timedelta(seconds=time.monotonic() - started)
                worker.log.access(response, response.req, environ, spent)
            if hasattr(result, "close"):
                result.close()
        return not response.should_close()

    def _open_body(self, environ: dict[str, Any], behind: bytes) -> tuple[Any, bytes]:
        """Set ``wsgi.input`` to gunicorn's Body if there is one to read, and return it.

        Return what was received behind it, too.
        """
        length = int(environ.get("CONTENT_LENGTH", "0"))
        if not length:
            return None, behind
        unreader = SocketUnreader(self._client.gevent_socket)
        unreader.unread(behind[:length])
        body = environ["wsgi.input"] = Body(LengthReader(unreader, length))
        self._client.gevent_socket.settimeout(BODY_TIMEOUT)
        return body, behind[length:]

    def _end(self, body: Any, behind: bytes, *, goes_on: bool) -> tuple[bool, bytes]:
        """Take the rest of a body; tell whether the next request can be found behind it."""
        if body is None:
            return goes_on, behind
        if goes_on and not body.failed:
            if body.reader.length:
                self._client.gevent_socket.settimeout(UNREAD_TIMEOUT)
                try:
                    body.read(UNREAD_LIMIT)
                except OSError:
                    return False, b""
            if not body.reader.length:
                # The reader may have received more than the body.
                return True, behind + body.reader.unreader.take_buffered()
        if body.reader.length:
            self._client.linger()
        return False, b""
