"""The answers below ``[admin] path``: all with the same fields, which keep browsers in bounds."""

import json
from http import HTTPStatus

from ..gateway.response import Response
from .order import JSON

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing inline and nothing from elsewhere (CSP level 3)."""

_FIELDS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Content-Security-Policy", POLICY),
)


def answer(
    body: bytes, media_type: str, status: HTTPStatus = HTTPStatus.OK, **others: str
) -> Response:
    """Return an answer; ``others`` are further fields, an underscore stands for a hyphen."""
    fields = [("Content-Type", media_type), ("Content-Length", str(len(body))), *_FIELDS]
    fields += [(name.replace("_", "-"), value) for name, value in others.items()]
    return Response(status.value, status.phrase, fields, body)


def json_answer(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a value as JSON."""
    return answer(json.dumps(value).encode() + b"\n", JSON, status)


def moved(place: str) -> Response:
    """Send the client on by GET.

    ``place`` is relative: only the client knows where a proxy has put these pages.
    """
    return answer(b"", HTML, HTTPStatus.SEE_OTHER, Location=place)


def not_allowed(methods: str) -> Response:
    """Refuse a method."""
    text = f"Only {methods} here.\n".encode()
    return answer(text, TEXT, HTTPStatus.METHOD_NOT_ALLOWED, Allow=methods)


def stranger(challenges: tuple[str, ...]) -> Response:
    """Refuse somebody unknown, and say what would help."""
    if not challenges:
        return answer(b"You are not let in here.\n", TEXT, HTTPStatus.FORBIDDEN)
    response = answer(b"A token is needed.\n", TEXT, HTTPStatus.UNAUTHORIZED)
    response.fields += [("WWW-Authenticate", challenge) for challenge in challenges]
    return response
