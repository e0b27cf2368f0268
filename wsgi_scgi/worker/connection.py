"""One client connection: plain requests in a row, as gunicorn's async workers serve them."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gevent import GreenletExit
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader, Unreader
from gunicorn.http.wsgi import FileWrapper

from ..transport.pipe import CAN_SPLICE
from .client_socket import ClientLeft, ClientSocket
from .plain_head import plain_environ
from .plain_request import PlainRequest
from .plain_response import PlainResponse

if TYPE_CHECKING:
    from .gateway_worker import GatewayWorker, LeanPath

_NO_BODY = Body(LengthReader(Unreader(), 0))
"""Reads as empty without looking anywhere, so that all requests can share it."""

UNREAD_LIMIT = 65536
"""Bytes of a body, unread by the application, that are taken to keep the connection."""

UNREAD_TIMEOUT = 2.0
"""Seconds for each read of those."""

BODY_TIMEOUT = 60.0
"""Seconds in which a client must send something of its body; gunicorn's workers wait for ever."""


class Connection:
    """Serves one connection for as long as its requests are plain."""

    __slots__ = ("_base", "_client", "_data", "_path", "_worker")

    def __init__(
        self,
        worker: "GatewayWorker",
        path: "LeanPath",
        client: ClientSocket,
        base: dict[str, Any],
    ) -> None:
        self._worker = worker
        self._path = path
        self._client = client
        self._base = base
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
            if environ is None or not path.complete(environ):
                return data
            self._data = data[end + 4 :]
            if not self._respond(environ):
                return None
            if self._data:
                self._client.let_others_run()  # requests that came at once need not wait

    def _respond(self, environ: dict[str, Any]) -> bool:
        """Answer one request; tell whether another may follow."""
        body = self._open_body(environ)
        worker, path = self._worker, self._path
        request: Any = PlainRequest(environ, (environ["REMOTE_ADDR"], environ.get("REMOTE_PORT")))
        response = PlainResponse(request, self._client, cfg=worker.cfg, lines=path.lines)
        environ["wsgi.early_hints"] = response.send_early_hints
        environ["wsgi_scgi.sendfile"] = True
        if CAN_SPLICE:
            environ["wsgi_scgi.splice"] = response.splice
        if not worker.count_request() or not path.keepalive_allowed:
            response.force_close()
        started = time.monotonic() if path.logs_access else 0.0
        try:
            self._run(environ, request, response, started=started)
        except ClientLeft as error:
            worker.log.debug("The client left: %s", error)
            return False
        except (GreenletExit, SystemExit):
            return False  # the worker ends
        except BaseException as error:
            if not response.has_begun:
                worker.handle_error(request, self._client.gevent_socket, path.address, error)
            else:
                worker.log.exception("Error handling request")
            return False
        finally:
            path.after_request(worker, request, environ, response)
        if response.should_close():
            return False
        return body is None or self._finish_body(body)

    def _run(
        self,
        environ: dict[str, Any],
        request: Any,
        response: PlainResponse,
        *,
        started: float,
    ) -> None:
        result: Any = self._worker.wsgi(environ, response.start_response)  # type: ignore[arg-type]  # PEP 3333's
        try:
            if isinstance(result, FileWrapper):
                response.write_file(result)
            else:
                for piece in result:
                    response.write(piece)
            response.close()
        finally:
            if self._path.logs_access:
                spent = timedelta(seconds=time.monotonic() - started)
                self._worker.log.access(response, request, environ, spent)
            if hasattr(result, "close"):
                result.close()

    def _open_body(self, environ: dict[str, Any]) -> Any:
        """Set ``wsgi.input`` to gunicorn's Body, and return it if there is one to read.

        What has been received already and belongs to it is taken.
        """
        length = int(environ.get("CONTENT_LENGTH", "0"))
        if not length:
            environ["wsgi.input"] = _NO_BODY
            return None
        unreader = SocketUnreader(self._client.gevent_socket)
        unreader.unread(self._data[:length])
        self._data = self._data[length:]
        body = environ["wsgi.input"] = Body(LengthReader(unreader, length))
        self._client.gevent_socket.settimeout(BODY_TIMEOUT)
        return body

    def _finish_body(self, body: Any) -> bool:
        """Take the rest of a body; tell whether the next request can be found behind it."""
        if body.failed:
            return False
        if body.reader.length:
            self._client.gevent_socket.settimeout(UNREAD_TIMEOUT)
            try:
                body.read(UNREAD_LIMIT)
            except OSError:
                return False
        # The reader may have received more than the body.
        self._data += body.reader.unreader.take_buffered()
        return not body.reader.length
