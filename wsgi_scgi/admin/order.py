"""What somebody asks to be changed: a form or JSON, read within bounds and taken at its word."""

import json
import time
from http import HTTPStatus
from urllib.parse import parse_qsl

from ..errors import RequestError, RequestTimeout
from ..gateway.request import Request

LONGEST_ORDER = 65536
"""Bytes of a form or of JSON."""

ORDER_TIMEOUT = 5.0
"""Seconds in which all of it has to be there."""

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

Order = dict[str, str]


def media_type(request: Request) -> str:
    """Return the media type of a request without its parameters; RequestError (415) for others."""
    text = str(request.environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    if text not in (FORM, JSON):
        raise RequestError(
            "a change is a form or an object in JSON",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    return text


def read_order(request: Request) -> Order:
    """Return the keys and values, true and false as "yes" and "no".

    Raises ValueError for what is no such thing, and RequestError where the body is not whole,
    not in time or too large.
    """
    data = _read_body(request)
    if media_type(request) == FORM:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, strict_parsing=True)
        order = _unique(pairs)
    else:
        order = _object(data)
    for key, value in order.items():
        if any(map(_is_unfit, key + value)):
            raise ValueError(f"{key!a}: a control character, or half of a character")
    return order


def _read_body(request: Request) -> bytes:
    request.open_body(timeout=ORDER_TIMEOUT, max_body=LONGEST_ORDER)
    body, data = request.body, b""
    deadline = time.monotonic() + ORDER_TIMEOUT
    while body is not None and body.remaining:
        if time.monotonic() > deadline:
            raise RequestTimeout("the change did not arrive in time")
        data += body.read(body.remaining)
    return data


def _object(data: bytes) -> Order:
    try:
        value = json.loads(data, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("the JSON is too deep") from None
    if not isinstance(value, dict):
        raise ValueError("the JSON is no object")
    return {key: _text(key, one) for key, one in value.items()}


def _unique(pairs: list[tuple[str, str]]) -> Order:
    """Return the pairs as a dictionary; which of two values was meant nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _text(key: str, value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
    raise ValueError(f"{key!a} is a string, a number, true or false")


def _is_unfit(character: str) -> bool:
    return character < " " or character == "\x7f" or "\ud800" <= character <= "\udfff"
