"""Request bytes for the cases: every request asks for the connection to be closed after it."""

from __future__ import annotations

HOST = "gateway.test"


def request(line: str, *fields: str | bytes, body: bytes = b"") -> bytes:
    """Return a request made of exactly this request line, these field lines and this body."""
    lines = [line, *fields]
    raw = [text.encode("latin-1") if isinstance(text, str) else text for text in lines]
    return b"\r\n".join([*raw, b"", b""]) + body


def get(target: str, *fields: str | bytes, method: str = "GET", version: str = "1.1") -> bytes:
    """Return a request without body, with the usual Host and ``fields``."""
    line = f"{method} {target} HTTP/{version}"
    return request(line, f"Host: {HOST}", "Connection: close", *fields)


def get_old(target: str, *fields: str | bytes, method: str = "GET") -> bytes:
    """Return an HTTP/1.0 request as simple clients send it: no Host, no Connection."""
    return request(f"{method} {target} HTTP/1.0", *fields)


def post(target: str, body: bytes, *fields: str | bytes, method: str = "POST") -> bytes:
    """Return a request whose body has a Content-Length."""
    return head_of_post(target, len(body), *fields, method=method) + body


def head_of_post(
    target: str, length: int | str, *fields: str | bytes, method: str = "POST"
) -> bytes:
    """Return the head of a request that announces ``length`` bytes."""
    return get(target, f"Content-Length: {length}", *fields, method=method)


def post_chunked(target: str, raw_body: bytes, *fields: str | bytes) -> bytes:
    """Return a request with ``Transfer-Encoding: chunked`` and this body as it is."""
    return get(target, "Transfer-Encoding: chunked", *fields, method="POST") + raw_body


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    """Return the chunks with their sizes, the last chunk and the trailer fields."""
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return coded + b"0\r\n" + trailer + b"\r\n"


def two(first: bytes, second: bytes) -> bytes:
    """Return both requests for one connection: the first must not ask to close it."""
    return first.replace(b"Connection: close\r\n", b"", 1) + second
