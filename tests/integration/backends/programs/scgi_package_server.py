"""Serve the test application with the scgi package's pre-forking server.

The port that the system chose is written into the file of argv. The answer is written as a CGI
program does it: lines end with LF alone. Three queries are handled here, since no WSGI application
could do what they ask for: ``do=silent`` ends the connection without an answer, ``do=status_line``
answers with an HTTP status line instead of a Status field, and ``do=default`` is left to the
package's own handler.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, BinaryIO

from scgi.scgi_server import SCGIServer
from scgi.util import SCGIHandler

from tests.integration.backends.programs.application import application


class Handler(SCGIHandler):  # type: ignore[misc]  # its base has no types
    """One child process; `produce` is what the package asks its users to write."""

    def produce(self, env: dict[str, str], bodysize: int, body: BinaryIO, output: BinaryIO) -> None:
        """Write the answer to one request."""
        if "do=silent" in env["QUERY_STRING"]:
            return
        if "do=default" in env["QUERY_STRING"]:
            super().produce(env, bodysize, body, output)
            return
        if "do=status_line" in env["QUERY_STRING"]:
            output.write(b"HTTP/1.0 299 Mostly Fine\ncontent-TYPE: text/plain\n\nstatus line\n")
            return

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            fields = "".join(f"{name}: {value}\n" for name, value in headers)
            output.write(f"Status: {status}\n{fields}\n".encode("latin-1"))

        environ: dict[str, Any] = {**env, "wsgi.input": body}
        for piece in application(environ, start_response):
            output.write(piece)
            output.flush()


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    draft = sys.argv[1] + ".draft"
    with open(draft, "w") as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(draft, sys.argv[1])
    SCGIServer(handler_class=Handler).serve_on_socket(listener)
