"""A gateway in front of a small site: static files as Apache has them, and an echo."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

from wsgi_scgi import Gateway

WWW = Path("www")
Start = Callable[..., Callable[[bytes], object]]


def site(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    """Answer whatever the gateway's routes leave over."""
    path = environ["PATH_INFO"]
    if path in _PAGES:
        return _PAGES[path](environ, start_response)
    return _static(environ, start_response)


def _static(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    path = WWW / environ["PATH_INFO"].lstrip("/")
    if "denied" in path.parts:
        return _page("403 Forbidden", start_response)
    if path.is_dir():
        start_response("301 Moved", [("Location", f"http://gateway.test/{path.name}/")])
        return []
    if not path.is_file():
        return _page("404 Not Found", start_response)
    date = formatdate(path.stat().st_mtime, usegmt=True)
    fields = [("Last-Modified", date), ("ETag", '"of-the-file"')]
    if environ.get("HTTP_IF_MODIFIED_SINCE") == date:
        start_response("304 Not Modified", fields)
        return []
    if path.suffix == ".html":
        fields.append(("Content-Type", "text/html"))
    fields.append(("Content-Length", str(path.stat().st_size)))
    start_response("200 OK", fields)
    if environ["REQUEST_METHOD"] == "HEAD":
        return []
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](path.open("rb"))
    return wrapped


def _page(status: str, start_response: Start) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/html")])
    return [b"a page of the site"]


def _echo(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    """Tell what came, as JSON."""
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    told["body"] = environ["wsgi.input"].read().decode("latin-1")
    body = json.dumps(told).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


def _stream(_: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    """Start late and write first, as old applications do."""
    write = start_response("202 Accepted", [("Content-Type", "text/plain")])
    write(b"one ")
    yield b"two "
    yield b"three"


def _failing(_: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    raise RuntimeError("an application that fails")


_PAGES = {"/echo": _echo, "/stream": _stream, "/failing": _failing}

application = Gateway.from_toml("gateway.toml", fallback=site)
