"""What the method hash goes by: ``hash_key``."""

from collections.abc import Callable

from ..gateway.request import Request

WORDS = "client, path, header:NAME or cookie:NAME"


def key_reader(key: str) -> Callable[[Request], bytes]:
    """Return what reads the key of a request; empty bytes where the request has none.

    Raises ValueError for what is none of ``WORDS``.
    """
    kind, colon, name = key.partition(":")
    match kind:
        case "client" if not colon:
            return lambda request: _bytes(request.environ.get("REMOTE_ADDR"))
        case "path" if not colon:
            return lambda request: _bytes(request.path)
        case "header" if name:
            variable = f"HTTP_{name.upper().replace('-', '_')}"
            return lambda request: _bytes(request.environ.get(variable))
        case "cookie" if name:
            return lambda request: _cookie(request.environ.get("HTTP_COOKIE"), name)
    raise ValueError(f"{key!r} is no key; allowed: {WORDS}")


def _bytes(value: object) -> bytes:
    return str(value or "").encode("latin-1", "replace")


def _cookie(field: str | None, name: str) -> bytes:
    for pair in (field or "").split(";"):
        found, equals, value = pair.strip(" \t").partition("=")
        if equals and found.rstrip(" \t") == name:
            return _bytes(value.strip(" \t"))
    return b""
