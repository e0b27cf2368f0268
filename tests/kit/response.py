"""A strict HTTP/1.x response reader for tests (RFC 9112), independent of every HTTP library.

It is fed with bytes as they come and tells framing, completeness and every departure from the
grammar, since a test has to see what a lenient client would forgive.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

_STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) ([0-9]{3}) ([\t \x21-\x7e\x80-\xff]*)")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t \x21-\x7e\x80-\xff]*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;.*)?")
_NO_BODY = (204, 304)


class Framing(enum.Enum):
    """What tells the client where the body ends."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


class End(enum.Enum):
    """How the server left the connection."""

    OPEN = "still open"
    EOF = "eof"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Interim:
    """A 1xx response that came before the final one."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Response:
    """One final response; ``status`` is 0 if what came is not an HTTP response head."""

    status: int
    reason: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    framing: Framing
    complete: bool
    interim: tuple[Interim, ...]
    violations: tuple[str, ...]

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of all fields called ``name``, in order."""
        return tuple(value for found, value in self.headers if found.lower() == name.lower())

    def get(self, name: str) -> str | None:
        """Return the first value of the field called ``name``, or None."""
        return next(iter(self.all(name)), None)


class ResponseReader:
    """Collect one response to a request with ``method`` from a stream of bytes."""

    def __init__(self, method: str, unread: bytes = b"") -> None:
        self._method = method
        self._buffer = bytearray(unread)
        self._status: int | None = None
        self._reason = ""
        self._version = ""
        self._headers: tuple[tuple[str, str], ...] = ()
        self._interim: list[Interim] = []
        self._violations: list[str] = []
        self._framing = Framing.NONE
        self._length = 0
        self._body = bytearray()
        self._in_trailer = False
        self._complete = False
        self._broken = False
        self._proceed()

    @property
    def finished(self) -> bool:
        """Tell whether the response is complete or can no longer be understood."""
        return self._complete or self._broken

    @property
    def started(self) -> bool:
        """Tell whether any byte of a final response came."""
        return self._status is not None or bool(self._buffer or self._interim) or self._broken

    @property
    def unread(self) -> bytes:
        """Return the bytes that came behind the response."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        self._buffer += data
        self._proceed()

    def ended(self, end: End) -> None:
        """Take note that no more bytes come."""
        if self.finished:
            return
        if self._framing is Framing.CLOSE and self._status is not None:
            # After a reset nobody can say whether bytes were lost.
            self._complete = end is End.EOF
        elif self._status is None and self.started:
            self._break("no complete head of a final response")

    def response(self) -> Response | None:
        """Return the response as far as it came, None if not one byte of it did."""
        if not self.started:
            return None
        return Response(
            status=self._status or 0,
            reason=self._reason,
            version=self._version,
            headers=self._headers,
            body=bytes(self._body),
            framing=self._framing,
            complete=self._complete,
            interim=tuple(self._interim),
            violations=tuple(self._violations),
        )

    def _proceed(self) -> None:
        while not self.finished:
            before = len(self._buffer)
            if self._status is None:
                self._read_head()
            elif self._framing is Framing.CHUNKED:
                self._read_chunk()
            else:
                self._read_plain()
            if len(self._buffer) == before:
                return

    def _break(self, why: str) -> None:
        self._violations.append(why)
        self._broken = True

    def _read_head(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        match = _STATUS_LINE.fullmatch(lines[0])
        if match is None:
            self._break(f"not a status line: {lines[0][:60]!r}")
            return
        headers = self._fields(lines[1:])
        status = int(match[2])
        if 100 <= status < 200 and status != 101:
            self._interim.append(Interim(status, headers))
            return
        self._status, self._headers = status, headers
        self._version, self._reason = match[1].decode(), match[3].decode("latin-1")
        self._choose_framing()

    def _fields(self, lines: list[bytes]) -> tuple[tuple[str, str], ...]:
        fields = []
        for line in lines:
            match = _FIELD.fullmatch(line)
            if match is None:
                self._violations.append(f"not a field line: {line[:60]!r}")
            else:
                fields.append((match[1].decode("latin-1"), match[2].decode("latin-1")))
        return tuple(fields)

    def _choose_framing(self) -> None:
        """Apply RFC 9112 section 6.3."""
        named = [(name.lower(), value) for name, value in self._headers]
        lengths = [value for name, value in named if name == "content-length"]
        codings = [value for name, value in named if name == "transfer-encoding"]
        if len(lengths) > 1:
            self._violations.append(f"{len(lengths)} Content-Length fields")
        if lengths and codings:
            self._violations.append("Content-Length and Transfer-Encoding together")
        if self._status in (101, 204) and (lengths or codings):
            self._violations.append(f"framing fields in a {self._status}")
        if self._status in _NO_BODY or self._status == 101 or self._method == "HEAD":
            self._complete = True
        elif codings:
            self._framing = Framing.CHUNKED
            if codings != ["chunked"]:
                self._break(f"Transfer-Encoding: {codings}")
        elif lengths:
            self._framing = Framing.LENGTH
            if re.fullmatch("[0-9]+", lengths[0]) is None:
                self._break(f"Content-Length: {lengths[0]!r}")
            else:
                self._length = int(lengths[0])
                self._complete = self._length == 0
        else:
            self._framing = Framing.CLOSE

    def _read_plain(self) -> None:
        size = len(self._buffer)
        if self._framing is Framing.LENGTH:
            size = min(size, self._length - len(self._body))
        self._body += self._buffer[:size]
        del self._buffer[:size]
        if self._framing is Framing.LENGTH:
            self._complete = len(self._body) == self._length

    def _read_chunk(self) -> None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return
        line = bytes(self._buffer[:end])
        if self._in_trailer:
            del self._buffer[: end + 2]
            self._complete = not line
            return
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            self._break(f"not a chunk size: {line[:40]!r}")
            return
        size = int(match[1], 16)
        if size == 0:
            del self._buffer[: end + 2]
            self._in_trailer = True
            return
        data_end = end + 2 + size
        if len(self._buffer) < data_end + 2:
            return
        if self._buffer[data_end : data_end + 2] != b"\r\n":
            self._break("a chunk does not end in CRLF")
            return
        self._body += self._buffer[end + 2 : data_end]
        del self._buffer[: data_end + 2]
