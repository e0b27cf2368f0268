"""A WSGI application that answers every request with a file, for tests in real servers.

It does what the gateway does after the backend has said X-Sendfile, and tells more than the
gateway would: how the file was delivered, what was called, how many descriptors are open.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wsgi_scgi.errors import TruncatedResponse
from wsgi_scgi.files.body import FileBody, delivery_of, wrap_for_server
from wsgi_scgi.files.response import answer_with_file
from wsgi_scgi.files.root import FileError, Roots
from wsgi_scgi.gateway.response import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


class FileApplication:
    """Serves the files below a directory.

    ``/_calls`` answers with the names of what has been called since it was asked last.  A
    request with ``X-Truncate: N`` has its file cut to N bytes after it has been opened.
    """

    def __init__(self, directory: str) -> None:
        self._directory = os.fsencode(directory)
        self._roots = Roots([directory])
        self._calls: list[str] = []
        self._count_sendfile()

    def _count_sendfile(self) -> None:
        sendfile = os.sendfile

        def counted(out_fd: int, in_fd: int, offset: int, count: int) -> int:
            # Before the call: after it the client may have asked what was called.
            self._calls.append("os.sendfile")
            return sendfile(out_fd, in_fd, offset, count)

        os.sendfile = counted  # type: ignore[assignment]  # servers call it just so

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the file of the path."""
        path = environ["PATH_INFO"]
        if path == "/_calls":
            told = " ".join([*self._calls, f"fds={len(os.listdir('/proc/self/fd'))}"]).encode()
            self._calls.clear()
            start_response("200 OK", [("Content-Length", str(len(told)))])
            return [told]
        try:
            file = self._roots.open(self._directory + path.encode("latin-1"))
        except FileError as error:
            line = f"{error.status.value} {error.status.phrase}"
            start_response(line, [("Content-Length", "0")])
            return []
        if "HTTP_X_TRUNCATE" in environ:
            os.truncate(file.facts.name, int(environ["HTTP_X_TRUNCATE"]))
        answer = answer_with_file(
            file.facts, environ["REQUEST_METHOD"], environ, Response(200, "OK", []), now=time.time()
        )
        body = FileBody(file, answer.pieces)
        delivery = delivery_of(environ, whole=answer.status == 200).name
        line = f"{answer.status} {answer.reason}"
        start_response(line, [*answer.fields, ("X-Delivery", delivery)])
        if not answer.pieces:
            body.close()
            return []
        wrapped = wrap_for_server(body, environ, on_close=self._on_close, on_cut=self._on_cut)
        return body if wrapped is None else wrapped

    def _on_close(self) -> None:
        self._calls.append("close")

    def _on_cut(self, _: TruncatedResponse) -> None:
        self._calls.append("cut")
