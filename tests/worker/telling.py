"""An application that tells what the server made of a request, for tests of request heads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

_TOLD = (
    "REQUEST_METHOD",
    "RAW_URI",
    "PATH_INFO",
    "QUERY_STRING",
    "SCRIPT_NAME",
    "SERVER_PROTOCOL",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "REMOTE_ADDR",
    "PROXY_ADDR",
    "wsgi.url_scheme",
)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with the variables that come from the request, and its body, as JSON."""
    told = {name: environ[name] for name in _TOLD if name in environ}
    told |= {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    told["body"] = environ["wsgi.input"].read().decode("latin-1")
    body = json.dumps(told, sort_keys=True).encode()
    fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if "wsgi_scgi.sendfile" in environ:
        fields.append(("X-Path", "lean"))
    start_response("200 OK", fields)
    return [body]
