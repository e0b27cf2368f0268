"""A strict reading of an SCGI request, written from the SCGI specification alone.

https://python.ca/scgi/protocol.txt: a netstring of NUL-terminated names and values, of which
CONTENT_LENGTH is the first and SCGI=1 is one, no name twice, no name empty; then exactly
CONTENT_LENGTH bytes of body. Departures are listed, not raised: a test wants to see them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LENGTH = re.compile(rb"(0|[1-9][0-9]*):")
_LENGTH_SO_FAR = re.compile(rb"(0|[1-9][0-9]*)?")
_LONGEST_LENGTH = 12


@dataclass(frozen=True, slots=True)
class SCGIRequest:
    """What one connection brought, as far as it came."""

    variables: tuple[tuple[bytes, bytes], ...]
    body: bytes
    head_complete: bool
    violations: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the variables in the order received."""
        return tuple(name.decode("latin-1") for name, _ in self.variables)

    def get(self, name: str) -> bytes | None:
        """Return the first value of the variable ``name``, or None if it did not come."""
        wanted = name.encode("latin-1")
        return next((value for found, value in self.variables if found == wanted), None)

    @property
    def content_length(self) -> int | None:
        """Return the announced body size in bytes, or None if it is not a decimal number."""
        value = self.get("CONTENT_LENGTH")
        if value is None or re.fullmatch(rb"[0-9]+", value) is None:
            return None
        return int(value)

    @property
    def body_complete(self) -> bool:
        """Tell whether exactly the announced number of body bytes came."""
        return self.head_complete and len(self.body) == self.content_length


def head_end(raw: bytes | bytearray) -> int | None:
    """Return the offset behind the netstring's comma, None if it is not there yet.

    Raises ValueError if no further byte can make a netstring of ``raw``.
    """
    match = _LENGTH.match(raw)
    if match is None:
        if len(raw) > _LONGEST_LENGTH or _LENGTH_SO_FAR.fullmatch(raw) is None:
            raise ValueError(f"not a netstring: {bytes(raw[:40])!r}")
        return None
    end = match.end() + int(match.group(1)) + 1
    return end if len(raw) >= end else None


def parse(raw: bytes) -> SCGIRequest:
    """Read ``raw`` as one SCGI request and list all that the specification does not allow."""
    try:
        end = head_end(raw)
    except ValueError as error:
        return SCGIRequest((), b"", False, (str(error),))
    if end is None:
        return SCGIRequest((), b"", False, ("the netstring is incomplete",))
    violations: list[str] = []
    if raw[end - 1 : end] != b",":
        violations.append(f"the netstring ends in {raw[end - 1 : end]!r}, not in a comma")
    block = raw[raw.index(b":") + 1 : end - 1]
    variables = _variables(block, violations)
    request = SCGIRequest(variables, raw[end:], True, ())
    violations.extend(_rules_broken(request))
    return SCGIRequest(variables, request.body, True, tuple(violations))


def _variables(block: bytes, violations: list[str]) -> tuple[tuple[bytes, bytes], ...]:
    if not block.endswith(b"\0"):
        violations.append("the last value is not terminated by NUL")
    fields = block.split(b"\0")[:-1]
    if len(fields) % 2:
        violations.append("a name has no value")
    return tuple(zip(fields[::2], fields[1::2], strict=False))


def _rules_broken(request: SCGIRequest) -> list[str]:
    broken = []
    names = request.names
    if not names or names[0] != "CONTENT_LENGTH":
        broken.append(f"the first name is {names[:1]}, not CONTENT_LENGTH")
    if request.content_length is None:
        broken.append(f"CONTENT_LENGTH is {request.get('CONTENT_LENGTH')!r}")
    elif len(request.body) > request.content_length:
        broken.append(f"{len(request.body)} body bytes, {request.content_length} announced")
    if request.get("SCGI") != b"1":
        broken.append(f"SCGI is {request.get('SCGI')!r}")
    if "" in names:
        broken.append("a name is empty")
    broken.extend(f"{name} came twice" for name in sorted({n for n in names if names.count(n) > 1}))
    return broken
