"""The WSGI application that runs behind uWSGI, flup and the scgi package in these tests.

What it does is chosen by the query string, so that any path may be asked for:

=================  =========================================================================
``do=variables``   the text variables of the environ as a JSON object (also the default)
``do=echo``        the request body, with its length
``do=missing``     404
``do=redirect``    302 with the path of ``to`` as Location
``do=cookies``     two Set-Cookie fields
``do=large``       20 MiB of known bytes, without a length; with ``length=1`` with one
``do=pieces``      one piece, then nothing until the test lets the second one go
``do=early``       413 at once, the request body is left unread
``do=nothing``     204
``do=short``       100 bytes announced, 10 sent
``do=raise``       an exception before ``start_response``
``do=break``       an exception after the first piece of the body
``do=to_the_end``  reads the request body up to the end of the connection, not up to its length
=================  =========================================================================

A second piece is let go by a file named after ``token`` in the directory RELEASE_DIRECTORY.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

BLOCK = 65536
LARGE_BLOCKS = 320  # 20 MiB
RELEASE_BOUND = 30.0  # seconds

Environ = dict[str, Any]
Headers = list[tuple[str, str]]


def large_block(number: int) -> bytes:
    """Return block `number` of the large answer: its number in 8 bytes, repeated."""
    return number.to_bytes(8, "big") * (BLOCK // 8)


def request_body(environ: Environ) -> bytes:
    """Read exactly CONTENT_LENGTH bytes; an SCGI connection has no other end of the body."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    parts = []
    while left:
        part = environ["wsgi.input"].read(min(left, BLOCK))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def pieces(token: str) -> Iterator[bytes]:
    """Yield one piece, wait for the file `token`, and yield the second piece."""
    released = Path(os.environ["RELEASE_DIRECTORY"], token)
    yield b"first\n"
    end = time.monotonic() + RELEASE_BOUND
    while not released.exists():
        if time.monotonic() > end:
            yield b"nobody let the second piece go\n"
            return
        time.sleep(0.01)
    yield b"second\n"


def broken() -> Iterator[bytes]:
    """Yield one piece and fail."""
    yield b"first\n"
    raise RuntimeError("the application breaks after its first piece")


def variables(environ: Environ) -> bytes:
    """Return the environ's text values as JSON, each a string of characters up to U+00FF."""
    texts = {k: v for k, v in environ.items() if isinstance(v, str) and "." not in k}
    return json.dumps(texts, sort_keys=True).encode("ascii")


def answer(environ: Environ, do: str, query: dict[str, str]) -> tuple[str, Headers, Any]:
    """Return status, fields and body for what the query string asks for."""
    text = ("Content-Type", "text/plain")
    octets = ("Content-Type", "application/octet-stream")
    match do:
        case "echo":
            body = request_body(environ)
            return "200 OK", [octets, ("Content-Length", str(len(body)))], [body]
        case "missing":
            return "404 Not Found", [text], [b"no such thing\n"]
        case "redirect":
            return "302 Found", [text, ("Location", query["to"])], [b"over there\n"]
        case "cookies":
            cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2, still b; Path=/")]
            return "200 OK", [text, *cookies], [b"baked\n"]
        case "large":
            length = [("Content-Length", str(BLOCK * LARGE_BLOCKS))] if "length" in query else []
            return "200 OK", [octets, *length], map(large_block, range(LARGE_BLOCKS))
        case "pieces":
            return "200 OK", [text], pieces(query["token"])
        case "early":
            return "413 Content Too Large", [text], [b"too much\n"]
        case "nothing":
            return "204 No Content", [("X-Kept", "yes")], []
        case "short":
            return "200 OK", [text, ("Content-Length", "100")], iter([b"ten bytes\n"])
        case "break":
            return "200 OK", [text, ("Content-Length", "100")], broken()
        case "to_the_end":
            return "200 OK", [text], [b"%d" % len(environ["wsgi.input"].read())]
        case "raise":
            raise RuntimeError("the application breaks before it answers")
        case _:
            return "200 OK", [("Content-Type", "application/json")], [variables(environ)]


def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request (PEP 3333)."""
    query = {k: v[0] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}
    status, headers, body = answer(environ, query.get("do", "variables"), query)
    start_response(status, headers)
    result: Iterable[bytes] = body
    return result
