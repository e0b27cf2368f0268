"""The request head: one netstring of NUL-terminated names and values (SCGI specification, 3).

``<length>:`` + block + ``,`` where the block starts with CONTENT_LENGTH, then SCGI.  Names and
values are "bytes as str" like everywhere in WSGI (PEP 3333): one character for each byte.
"""

import re
from collections.abc import Mapping, Sequence

from ..compiled import compiled_in
from ..errors import ProtocolError

DEFAULT_LIMIT = 65536
"""Bytes of a block, on either side: where mod_proxy_uwsgi overflowed (CVE-2020-11984)."""

_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,9}):")
_LENGTH_SO_FAR = re.compile(rb"(0|[1-9][0-9]{0,9})?")
_CONTENT_LENGTH = re.compile(r"[0-9]{1,19}")


class RequestHeadTooLarge(ProtocolError):
    """The block would be larger than its limit."""


@compiled_in("wsgi_scgi.scgi._request_head")
def encode_request_head(
    content_length: int, variables: Mapping[str, str], *, limit: int = DEFAULT_LIMIT
) -> bytes:
    """Encode ``variables`` for a body of ``content_length`` bytes.

    A mapping cannot repeat a name, so neither can the block.  The two leading names are written
    here and may not be among the variables.  The length is taken from the finished block, never
    computed beside it.  Raises ProtocolError for an empty name, a NUL in a name or value (it
    would forge variables), or a character that is no byte; RequestHeadTooLarge beyond ``limit``
    bytes.
    """
    parts = ["CONTENT_LENGTH", str(content_length), "SCGI", "1"]
    for item in variables.items():
        parts += item
    if "" in variables or "SCGI" in variables or "CONTENT_LENGTH" in variables:
        raise ProtocolError("an empty name, SCGI or CONTENT_LENGTH is among the variables")
    text = "\0".join(parts)
    if text.count("\0") != len(parts) - 1:
        raise ProtocolError("a variable contains a NUL")
    try:
        block = text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ProtocolError(
            f"a variable contains {error.object[error.start]!r}: no byte"
        ) from error
    if len(block) >= limit:
        raise RequestHeadTooLarge(f"the variables take {len(block) + 1} bytes of {limit}")
    return b"%d:%b\0," % (len(block) + 1, block)


def parse_request_head(
    data: bytes | bytearray, *, limit: int = DEFAULT_LIMIT
) -> tuple[dict[str, str], int] | None:
    """Parse the head at the start of ``data``: (variables, bytes used), or None if incomplete.

    Strict, as the specification is: CONTENT_LENGTH first and a decimal number, SCGI=1 present,
    no name empty or twice, the comma in its place.  One repetition is taken all the same, since
    nginx before 1.23 passes a header field on as often as it came: ``HTTP_*`` values are joined
    as RFC 9110 5.3 says (Cookie by RFC 9113 8.2.3).  Raises ProtocolError as soon as it is certain
    that no more bytes can help.
    """
    match = _LENGTH.match(data)
    if match is None:
        if not _LENGTH_SO_FAR.fullmatch(data):
            raise ProtocolError("the request does not start with a netstring")
        return None
    start = match.end()
    size = int(match[1])
    if size > limit:
        raise RequestHeadTooLarge(f"a block of {size} bytes is over the limit of {limit}")
    end = start + size
    if len(data) <= end:
        return None
    if data[end : end + 1] != b",":
        raise ProtocolError("the netstring does not end with a comma")
    return _parse_block(bytes(data[start:end])), end + 1


def _parse_block(block: bytes) -> dict[str, str]:
    parts = block.decode("latin-1").split("\0")
    if parts.pop() or len(parts) % 2:
        raise ProtocolError("the block is not made of NUL-terminated pairs")
    names = parts[::2]
    variables = dict(zip(names, parts[1::2], strict=True))
    if len(variables) != len(names):
        variables = _join_repeated(names, parts[1::2])
    if "" in variables:
        raise ProtocolError("a name is empty")
    if not names or names[0] != "CONTENT_LENGTH":
        raise ProtocolError("CONTENT_LENGTH is not the first name")
    if not _CONTENT_LENGTH.fullmatch(variables["CONTENT_LENGTH"]):
        raise ProtocolError("CONTENT_LENGTH is not a decimal number")
    if variables.get("SCGI") != "1":
        raise ProtocolError("SCGI is not 1")
    return variables


def _join_repeated(names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    """Join the values of each header field; refuse to choose between two of anything else."""
    variables: dict[str, str] = {}
    for name, value in zip(names, values, strict=True):
        if name not in variables:
            variables[name] = value
        elif name.startswith("HTTP_"):
            separator = "; " if name == "HTTP_COOKIE" else ", "
            variables[name] += separator + value
        else:
            raise ProtocolError(f"the name {name!r} stands twice")
    return variables
