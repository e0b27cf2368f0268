"""WSGI environs as servers make them, and as frameworks and tests leave them."""

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes


def server_environ(
    target: str = "/",
    *,
    method: str = "GET",
    protocol: str = "HTTP/1.1",
    body: bytes | None = None,
    **others: object,
) -> dict[str, Any]:
    """Return an environ as gunicorn builds it: the target in RAW_URI, PATH_INFO decoded.

    ``others`` are keys to add or, with None, to leave out; two underscores stand for a dot.
    """
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": protocol,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_SOFTWARE": "gunicorn/27.0.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "54321",
        "HTTP_HOST": "example.org",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body or b""),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body is not None:
        environ["CONTENT_LENGTH"] = str(len(body))
    return changed(environ, {name.replace("__", "."): value for name, value in others.items()})


def bare_environ(path_info: str, *, script_name: str = "", query: str = "") -> dict[str, Any]:
    """Return an environ that has nothing but what PEP 3333 promises."""
    environ = server_environ("/", RAW_URI=None)
    environ.update(SCRIPT_NAME=script_name, PATH_INFO=path_info, QUERY_STRING=query)
    return environ


def changed(environ: dict[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    """Return ``environ`` with ``changes``, in which None removes a key."""
    merged = {**environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}
