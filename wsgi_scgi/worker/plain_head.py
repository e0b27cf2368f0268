"""Request heads that no two parsers read differently, and the environ that they make.

Nearly all requests have such a head.  Any other goes to gunicorn's own parser, whose verdict and
limits then count: folded lines, a bare LF, repeated or odd names, Transfer-Encoding, Expect,
HTTP/1.0.  So this is no second parser of HTTP, only a fast way to recognise what is beyond doubt
(RFC 9112 section 2 to 5).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from ..compiled import compiled_in

# What follows a CONNECT is not HTTP (RFC 9110 9.3.6).
_REQUEST_LINE = re.compile(rb"(?!CONNECT )([A-Z]{3,20}) (/[!\"$-.0-~][!\"$-~]*|/) HTTP/1\.1")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")

# What may stand behind the request line: visible characters, blanks, tabs and obs-text of values
# (RFC 9110 5.5), and the ends of lines.
_FIELD_BYTES = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0x80, 0x100)])

# They change how the message is read or answered: gunicorn's parser knows all that is to know.
_NOT_PLAIN = frozenset({"EXPECT", "HTTP2_SETTINGS", "TRAILER", "TRANSFER_ENCODING", "UPGRADE"})
_WITHOUT_PREFIX = frozenset({"CONTENT_LENGTH", "CONTENT_TYPE"})

_LENGTH = re.compile(r"[0-9]{1,18}")

_keys: dict[str, str] = {}
_KEYS_LIMIT = 1024  # names that are remembered; clients choose names, so not all are


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """gunicorn's limits: bytes of the request line, number of fields, bytes of a field.

    None of them is 0 here: what gunicorn does not limit is limited by the size of one read.
    """

    request_line: int = 4094
    fields: int = 100
    field_size: int = 8190


@compiled_in("wsgi_scgi.worker._plain_head")
def plain_environ(
    data: bytes, end: int, base: Mapping[str, Any], limits: HeadLimits
) -> dict[str, Any] | None:
    """Return a copy of ``base`` with the variables of a head, None if the head is not plain.

    The head is ``data`` up to ``end``, where CR LF CR LF stands.  The variables are those that
    gunicorn makes of it, as "bytes as str" (PEP 3333).
    """
    line, _, fields = data[:end].partition(b"\r\n")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None or len(line) > limits.request_line:
        return None
    if fields.translate(None, _FIELD_BYTES):
        return None
    lines = fields.decode("latin-1").split("\r\n")
    # What is left of CR and LF after the split stood alone.
    if len(lines) > limits.fields or fields.count(b"\n") + fields.count(b"\r") != (
        2 * (len(lines) - 1)
    ):
        return None
    environ = dict(base)
    expected = len(environ) + len(lines)
    longest = limits.field_size - 2  # the end of the line counts
    for field in lines:
        name, colon, value = field.partition(":")
        key = _keys.get(name) or _environ_key(name)
        if not (key and colon) or len(field) > longest:
            return None
        environ[key] = value.strip(" \t")
    if len(environ) != expected or not _is_plain_message(environ):
        return None  # a name stands twice, or the message is not simply framed
    target = match[2].decode("ascii")
    path, _, query = target.partition("?")
    environ["REQUEST_METHOD"] = match[1].decode("ascii")
    environ["RAW_URI"] = target
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1") if "%" in path else path
    environ["QUERY_STRING"] = query
    return environ


def _environ_key(name: str) -> str:
    """Return the variable for a field name, "" if the name makes the head doubtful."""
    if not _NAME.fullmatch(name):
        return ""
    key = name.upper().replace("-", "_")
    if key in _NOT_PLAIN:
        return ""
    if key not in _WITHOUT_PREFIX:
        key = f"HTTP_{key}"
    if len(_keys) < _KEYS_LIMIT:
        _keys[name] = key
    return key


def _is_plain_message(environ: Mapping[str, Any]) -> bool:
    connection = environ.get("HTTP_CONNECTION")
    if connection is not None and connection.lower() not in ("keep-alive", "close"):
        return False
    length = environ.get("CONTENT_LENGTH")
    if length is not None and not _LENGTH.fullmatch(length):
        return False
    return "HTTP_HOST" in environ
