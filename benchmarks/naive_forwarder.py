"""What people write themselves: forty lines of SCGI client on the socket module, in WSGI.

No checks, one timeout, no thought for clients that leave.  Under gunicorn's gevent worker the
socket module is patched, so that it waits cooperatively.
"""

import socket
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Address = tuple[str, int] | str
_PIECE = 65536
_PLAIN = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT")
_OPTIONAL = ("SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "CONTENT_TYPE")


def tcp(port: int) -> "WSGIApplication":
    """Return an application that forwards to a port of this machine."""
    return partial(_forward, ("127.0.0.1", port))


def unix(path: str) -> "WSGIApplication":
    """Return an application that forwards to a Unix socket."""
    return partial(_forward, path)


def _forward(
    address: Address, environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    backend = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    backend.settimeout(60)
    backend.connect(address)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    backend.sendall(_head(environ, length))
    while length and (piece := environ["wsgi.input"].read(min(length, _PIECE))):
        backend.sendall(piece)
        length -= len(piece)
    data = b""
    while b"\r\n\r\n" not in data and (piece := backend.recv(_PIECE)):
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = (line.split(": ", 1) for line in head.decode("latin-1").split("\r\n"))
    fields = [(name, value) for name, value in lines]
    status = next((value for name, value in fields if name == "Status"), "200 OK")
    start_response(status, [field for field in fields if field[0] != "Status"])
    return _body(backend, rest)


def _head(environ: "WSGIEnvironment", length: int) -> bytes:
    variables = {"CONTENT_LENGTH": str(length), "SCGI": "1", "REQUEST_URI": environ["RAW_URI"]}
    for name, value in environ.items():
        if name.startswith("HTTP_") or name in _PLAIN or name in _OPTIONAL:
            variables[name] = value
    block = "".join(f"{name}\0{value}\0" for name, value in variables.items()).encode("latin-1")
    return b"%d:%s," % (len(block), block)


def _body(backend: socket.socket, data: bytes) -> Iterator[bytes]:
    with backend:
        while data:
            yield data
            data = backend.recv(_PIECE)
