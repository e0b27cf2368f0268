"""An application that answers a client when that has left, and counts who else it was asked by."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import gevent

_asked: list[str] = []


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Note each path, but for ``/asked``, which tells of all."""
    path = environ["PATH_INFO"]
    if path == "/when-you-left":
        client = environ["gunicorn.socket"]
        while not _has_left(client):
            gevent.sleep(0.01)
    body = b"" if path != "/asked" else " ".join(_asked).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    if path != "/asked":
        _asked.append(path)
    return [body] if body else []


def _has_left(client: Any) -> bool:
    """Tell whether the client has closed its connection: FIN is all that comes of it."""
    state = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return bool(state == 8)  # CLOSE_WAIT
