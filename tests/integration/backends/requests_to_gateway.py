"""One HTTP request to a gateway and its answer, for tests that need no finer steps."""

from __future__ import annotations

from typing import Protocol

from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.response import Response

BOUND = 30.0
"""Seconds without a byte after which a test gives up."""


class Front(Protocol):
    """Start a gateway in front of `url`, or return the one that runs already.

    `options` are the keyword arguments of SCGIApplication as Python text, `mount` is the
    SCRIPT_NAME below which gunicorn runs it.
    """

    def __call__(self, url: str, options: str = ..., *, mount: str = ...) -> Gateway: ...


def request_head(method: str, target: str, *fields: str) -> bytes:
    """Return a request head with Host and `fields`."""
    lines = (f"{method} {target} HTTP/1.1", "Host: gateway.test", *fields, "", "")
    return "\r\n".join(lines).encode("latin-1")


def chunked(*pieces: bytes) -> bytes:
    """Return `pieces` as a chunked body (RFC 9112 7.1)."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + (
        b"0\r\n\r\n"
    )


def ask(
    gateway: Gateway, method: str, target: str, *fields: str, body: bytes | None = None
) -> Response:
    """Send one request, its body with a Content-Length, and return the answer.

    Everything must be well-formed HTTP; whether the answer is complete is the caller's question.
    """
    length = () if body is None else (f"Content-Length: {len(body)}",)
    with Client(gateway.address, bound=BOUND) as client:
        client.send_reading(request_head(method, target, *fields, *length) + (body or b""))
        response = client.read_response(method)
    assert response is not None, gateway.log()
    assert response.violations == (), response
    return response
