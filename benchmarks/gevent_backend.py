"""The backend in Python: the same answers as backend.c, for where nothing can be compiled.

    python -m benchmarks.gevent_backend SOCKET_PATH FILES

prints its TCP ports, and ends on SIGTERM.
"""

import socket
import sys

import gevent.socket
from gevent.server import StreamServer

from .http_client import PATTERN, PERIOD

_PIECE = 1 << 18
_BACKLOG = 4096
_PORTS = 3
"""Members of a balancer."""
_streams: set[gevent.socket.socket] = set()
_files = sys.argv[-1]
"""The directory of the files that a gateway is to send."""


def _receive_head(client: gevent.socket.socket) -> tuple[dict[str, str], bytes] | None:
    """Return the variables and what came of the body; None where there is no request."""
    data = b""
    while b":" not in data:
        piece = client.recv(16384)
        if not piece:
            return None
        data += piece
    length, _, data = data.partition(b":")
    while len(data) <= int(length):
        piece = client.recv(16384)
        if not piece:
            return None
        data += piece
    parts = data[: int(length)].decode("latin-1").split("\0")
    return dict(zip(parts[::2], parts[1::2], strict=False)), data[int(length) + 1 :]


def _is_pattern(data: bytes, position: int) -> bool:
    at = position % PERIOD
    return data == PATTERN[at : at + len(data)]


def _serve(client: gevent.socket.socket, _address: object) -> None:
    with client:
        request = _receive_head(client)
        if request is None:
            return
        variables, data = request
        length = int(variables["CONTENT_LENGTH"])
        right, received = _is_pattern(data, 0), len(data)
        while received < length and (data := client.recv(_PIECE)):
            right = right and _is_pattern(data, received)
            received += len(data)
        _answer(client, variables["REQUEST_URI"], f"{received} {'right' if right else 'wrong'}\n")


def _answer(client: gevent.socket.socket, uri: str, verdict: str) -> None:
    head = "Status: 200 OK\r\nContent-Type: {}\r\n{}\r\n\r\n{}"
    _, marker, size = uri.rpartition("/size/")
    _, names_file, file = uri.rpartition("/file/")
    if uri.endswith("/stream"):
        text = head.format("text/plain", "X-Accel-Buffering: no", "open\n")
        client.sendall(text.encode())
        _streams.add(client)
        try:
            client.recv(1)
        finally:
            _streams.discard(client)
    elif marker:
        field = f"Content-Length: {size}"
        client.sendall(head.format("application/octet-stream", field, "").encode())
        _send_pattern(client, int(size))
    elif names_file:
        fields = f"X-Sendfile: {_files}/{file}\r\nX-Accel-Redirect: /files/{file}"
        client.sendall(head.format("application/octet-stream", fields, "").encode())
    else:
        text = verdict if uri.endswith("/upload") else "Hello, world\n"
        if uri.endswith("/release"):
            for stream in _streams:
                stream.shutdown(socket.SHUT_RDWR)
        elif not uri.endswith(("/upload", "/small")):
            text = "no such path\n"
        field = f"Content-Length: {len(text)}"
        client.sendall(head.format("text/plain", field, text).encode())


def _send_pattern(client: gevent.socket.socket, size: int) -> None:
    sent = 0
    while sent < size:
        at = sent % PERIOD
        sent += client.send(PATTERN[at : at + min(_PIECE, size - sent)])


def _quietly(client: gevent.socket.socket, address: object) -> None:
    """Serve; a gateway that leaves is nothing to report."""
    try:
        _serve(client, address)
    except OSError:
        client.close()


def main(path: str) -> None:
    """Serve on TCP ports, which are printed, and on ``path``."""
    local = socket.socket(socket.AF_UNIX)
    local.bind(path)
    listeners = [socket.socket() for _ in range(_PORTS)]
    for tcp in listeners:
        tcp.bind(("127.0.0.1", 0))
    servers = []
    for listener in (local, *listeners):
        listener.setblocking(False)
        listener.listen(_BACKLOG)
        servers.append(StreamServer(listener, _quietly))
        servers[-1].start()
    print(*(tcp.getsockname()[1] for tcp in listeners), flush=True)
    gevent.wait()


if __name__ == "__main__":
    main(sys.argv[1])
