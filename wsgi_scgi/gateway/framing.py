"""How long a request's body is, by what the server below says: RFC 9112 section 6.3."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ..errors import RequestError

_CONTENT_LENGTH = re.compile(r"[0-9]{1,19}")
_MAX_FORWARDS = re.compile(r"[0-9]{1,10}")
_FRAMED = ("HTTP/2", "HTTP/3")
_MAX_CONTENT_LENGTH = 2**63 - 1


def declared_length(environ: dict[str, Any]) -> int | None:
    """Return the length of the body in bytes, 0 if there is none, None if only its end tells.

    Raises RequestError: 400 for a length that is no decimal number or that stands beside a
    transfer coding (RFC 9112 6.3), 411 where the server below does not decode chunks, 501 for a
    coding other than chunked.
    """
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    length = environ.get("CONTENT_LENGTH")
    if coding is not None:
        if str(coding).strip(" \t").lower() != "chunked":
            raise RequestError(
                "the transfer coding is not chunked", status=HTTPStatus.NOT_IMPLEMENTED
            )
        if length:
            raise RequestError("there are both Transfer-Encoding and Content-Length")
        if not environ.get("wsgi.input_terminated"):
            raise RequestError(
                "this server needs a Content-Length", status=HTTPStatus.LENGTH_REQUIRED
            )
        return None
    if length is None or length == "":
        # In HTTP/1 no length means no body (RFC 9112 6.3); in HTTP/2 frames tell the end.
        framed = str(environ.get("SERVER_PROTOCOL")).startswith(_FRAMED)
        return None if framed and environ.get("wsgi.input_terminated") else 0
    if not _CONTENT_LENGTH.fullmatch(str(length)) or int(length) > _MAX_CONTENT_LENGTH:
        raise RequestError("the Content-Length is not a decimal number")
    return int(length)


def may_have_body(environ: Mapping[str, Any]) -> bool:
    """Tell whether a request could have a body, whatever its framing is worth."""
    return (
        environ.get("CONTENT_LENGTH", "") not in ("", "0")
        or "HTTP_TRANSFER_ENCODING" in environ
        or str(environ.get("SERVER_PROTOCOL")).startswith(_FRAMED)
    )


def check_length(length: int, max_body: int) -> None:
    """Raise RequestError (413) for more than ``max_body`` bytes; 0 allows any number."""
    if max_body and length > max_body:
        raise RequestError(
            f"the body is larger than {max_body} bytes",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            public="The body is too large.",
        )


def max_forwards(environ: dict[str, Any]) -> int:
    """Return the value of Max-Forwards (RFC 9110 7.6.2); raise RequestError if it is no number."""
    value = str(environ["HTTP_MAX_FORWARDS"])
    if not _MAX_FORWARDS.fullmatch(value):
        raise RequestError("Max-Forwards is not a decimal number")
    return int(value)
