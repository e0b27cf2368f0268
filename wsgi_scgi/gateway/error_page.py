"""Answers that the gateway gives itself: short, in the form the client prefers, telling nothing.

They name the route and a request id, which the log line with the whole cause has too; never the
backend's address, a path of this machine, or anything the client sent.
"""

import html
import json
import secrets
from functools import lru_cache
from http import HTTPStatus

from .response import Response

_ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def new_request_id() -> str:
    """Return an id that nobody can guess or repeat: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def error_response(
    status: int,
    message: str,
    *,
    request_id: str,
    accept: str,
    route: str = "",
    reason: str = "",
) -> Response:
    """Build the answer for ``status``; ``accept`` is the client's Accept field, or empty.

    ``reason`` is "bytes as str", by default that of RFC 9110.
    """
    reason = reason or HTTPStatus(status).phrase
    error = reason.encode("latin-1").decode("utf-8", "replace")
    details: dict[str, str | int] = {"status": int(status), "error": error, "message": message}
    if route:
        details["route"] = route
    details["request_id"] = request_id
    content_type, text = _FORMS[preferred_form(accept)](details)
    body = text.encode("utf-8")
    fields = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Request-ID", request_id),
    ]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        fields.append(("Allow", _ALLOWED_METHODS))  # RFC 9110 15.5.6
    return Response(int(status), reason, fields, body)


def options_response() -> Response:
    """Answer ``OPTIONS *``, which asks about the server itself (RFC 9110 9.3.7)."""
    return Response(200, "OK", [("Allow", _ALLOWED_METHODS), ("Content-Length", "0")])


@lru_cache(maxsize=64)  # browsers of a kind send the same
def preferred_form(accept: str) -> str:
    """Choose among ``html``, ``json`` and ``text`` by an Accept field (RFC 9110 12.5.1)."""
    best, best_quality = "html", 0.0
    for form, media_type in _MEDIA_TYPES.items():
        quality = _quality(accept, media_type)
        if quality > best_quality:
            best, best_quality = form, quality
    return best


_MEDIA_TYPES = {"html": "text/html", "json": "application/json", "text": "text/plain"}


def _quality(accept: str, media_type: str) -> float:
    # The most specific range counts: type/subtype, then type/*, then */*.
    ranges = (media_type, media_type.split("/")[0] + "/*", "*/*")
    qualities: dict[str, float] = {}
    for item in accept.lower().split(","):
        name, *parameters = (part.strip(" \t") for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        qualities.setdefault(name, quality)
    return next((qualities[name] for name in ranges if name in qualities), 0.0)


def _as_html(details: dict[str, str | int]) -> tuple[str, str]:
    title = html.escape(f"{details['status']} {details['error']}")
    lines = [f"<p>{html.escape(str(details['message']))}</p>"]
    if "route" in details:
        lines.append(f"<p>Route: <code>{html.escape(str(details['route']))}</code></p>")
    lines.append(f"<p>Request: <code>{html.escape(str(details['request_id']))}</code></p>")
    page = (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<h1>{title}</h1>\n" + "\n".join(lines) + "\n</html>\n"
    )
    return "text/html; charset=utf-8", page


def _as_json(details: dict[str, str | int]) -> tuple[str, str]:
    return "application/json", json.dumps(details) + "\n"


def _as_text(details: dict[str, str | int]) -> tuple[str, str]:
    route = f"Route: {details['route']}\n" if "route" in details else ""
    return "text/plain; charset=utf-8", (
        f"{details['status']} {details['error']}\n{details['message']}\n"
        f"{route}Request: {details['request_id']}\n"
    )


_FORMS = {"html": _as_html, "json": _as_json, "text": _as_text}
