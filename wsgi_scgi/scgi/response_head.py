"""The response head of a CGI program: RFC 3875 section 6, read as strictly as RFC 9112 asks.

A backend writes ``Status:`` and other fields (or, as some do, an HTTP status line first), lines
end with LF or CRLF, an empty line ends the head.  A head is delivered only when it is complete
and valid as a whole; every line is checked as soon as it is complete, so that a peer which does
not speak CGI at all is found out at once rather than at the time limit.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from ..compiled import compiled_in
from ..errors import ProtocolError

MAX_LINE = 8189
"""Bytes of a line before its LF, a CR not counted: Apache's limit."""
MAX_LINES = 1000
MAX_SIZE = 65536
"""Bytes of all heads of one response, interim ones included."""
MAX_CONTENT_LENGTH = 2**63 - 1

# RFC 9110 5.1 and 5.5: a token, then visible characters, blanks, tabs and obs-text.
_FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
# Such lines and the empty one, blanks around the values included.
_WHOLE_HEAD = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r?\n)+\r?\n")
_STATUS = re.compile(r"([0-9]{3})(?:[ \t]+(.*))?")
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] +([0-9]{3}(?: [\t\x20-\x7e\x80-\xff]*)?)")
_DECIMAL = re.compile(r"[0-9]{1,19}")

_REASONS = {status.value: status.phrase for status in HTTPStatus}

_NEVER_TWICE = frozenset({"content-type", "location", "content-length", "status"})
_FIRST_COUNTS = frozenset({"etag", "date", "expires", "last-modified", "server", "content-range"})


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A valid head.

    ``reason`` is never empty.  ``fields`` are in the order received, without Status; values are
    "bytes as str".  ``explicit_status`` tells a Status of 200 from none at all.
    """

    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    content_length: int | None
    explicit_status: bool


@compiled_in("wsgi_scgi.scgi._response_head")
def parse_whole_head(data: bytes) -> tuple[ResponseHead, int] | None:
    """Parse a plain final head that is complete at the start of ``data``: (head, bytes used).

    A shortcut for what nearly all backends send at once: fields only, no status line, and few
    enough bytes that no limit but that of lines can be passed.  None leaves the verdict, also
    on what is invalid, to the parser below.
    """
    match = _WHOLE_HEAD.match(data, 0, MAX_LINE)
    if match is None:
        return None
    lines = match[0].decode("latin-1").split("\n")[:-2]
    if len(lines) > MAX_LINES:
        return None
    status: str | None = None
    fields = []
    for line in lines:
        name, _, value = line.partition(":")
        value = value.strip(" \t\r")
        if name.lower() != "status":
            fields.append((name, value))
        elif status is None and _STATUS.fullmatch(value):
            status = value
        else:
            return None
    try:
        head = _finished_head(status, fields)
    except ProtocolError:
        return None
    return (head, match.end()) if 200 <= head.status <= 599 else None


class ResponseHeadParser:
    """Collect bytes until they make a final head.

    >>> parser = ResponseHeadParser()
    >>> parser.receive(b"Status: 404 Not Found\\r\\nContent-")
    >>> head = parser.receive(b"Type: text/plain\\r\\n\\r\\nbody")
    >>> head.status, parser.rest
    (404, b'body')
    """

    __slots__ = ("interim", "_buffer", "_line_start", "_lines", "_fields", "_status")

    def __init__(self) -> None:
        self.interim: list[ResponseHead] = []
        """Heads of status 1xx, 101 excepted, seen so far (RFC 9110 15.2)."""
        self._buffer: bytes | bytearray = bytearray()
        self._line_start = 0
        self._lines = 0
        self._begin_head()

    def _begin_head(self) -> None:
        self._status: str | None = None
        self._fields: list[tuple[str, str]] = []

    @property
    def rest(self) -> bytes:
        """The bytes received after the head: the start of the body."""
        return bytes(self._buffer[self._line_start :])

    @property
    def raw(self) -> bytes:
        """The bytes of the heads received so far, as they came."""
        return bytes(self._buffer[: self._line_start])

    @property
    def started(self) -> bool:
        """Whether any byte has been received."""
        return bool(self._buffer)

    def receive(self, data: bytes) -> ResponseHead | None:
        """Add bytes; return the final head once it is complete.

        Raises ProtocolError at the first line that no valid head can contain, and where a limit
        is passed.
        """
        if not self._buffer:
            whole = parse_whole_head(data)
            if whole is not None:
                self._buffer = data
                head, self._line_start = whole
                return head
        self._buffer += data
        while (end := self._buffer.find(b"\n", self._line_start)) >= 0:
            line = bytes(self._buffer[self._line_start : end])
            self._line_start = end + 1
            if line.endswith(b"\r"):
                line = line[:-1]
            self._check_size(len(line), end)
            if line:
                self._receive_line(line)
                continue
            head = _finished_head(self._status, self._fields)
            if head.status >= 200:
                return head
            self.interim.append(head)
            self._begin_head()
        # A CR may still be the first half of the line's end.
        self._check_size(len(self._buffer) - self._line_start - 1, len(self._buffer))
        return None

    def _check_size(self, line_length: int, total: int) -> None:
        if line_length > MAX_LINE:
            raise ProtocolError(f"a line of the response head is longer than {MAX_LINE} bytes")
        if total > MAX_SIZE:
            raise ProtocolError(f"the response head is larger than {MAX_SIZE} bytes")

    def _receive_line(self, line: bytes) -> None:
        self._lines += 1
        if self._lines > MAX_LINES:
            raise ProtocolError(f"the response head has more than {MAX_LINES} lines")
        match = _FIELD_LINE.fullmatch(line)
        if match is not None:
            name = match[1].decode("ascii")
            value = match[2].rstrip(b" \t").decode("latin-1")
            if name.lower() == "status":
                self._set_status(value)
            else:
                self._fields.append((name, value))
            return
        status_line = _STATUS_LINE.fullmatch(line)
        if status_line is None or self._fields or self._status is not None:
            raise ProtocolError(f"{line[:80]!r} is not a line of a response head")
        self._set_status(status_line[1].decode("latin-1"))

    def _set_status(self, value: str) -> None:
        if self._status is not None:
            raise ProtocolError("the response head has two statuses")
        match = _STATUS.fullmatch(value)
        # 101 answers an Upgrade that the gateway never passes on.
        if match is None or not 100 <= int(match[1]) <= 599 or match[1] == "101":
            raise ProtocolError(f"{value[:80]!r} is not a status")
        self._status = value


def _finished_head(status_value: str | None, fields: list[tuple[str, str]]) -> ResponseHead:
    if status_value is None and not fields:
        raise ProtocolError("the response head is empty")
    explicit = status_value is not None
    match = _STATUS.fullmatch(status_value or "200")
    assert match is not None  # checked where it was set
    status = int(match[1])
    kept = tuple(_without_repetitions(fields))
    if not explicit and any(name.lower() == "location" and value for name, value in kept):
        status = 302  # RFC 3875 6.2.3
    reason = (match[2] or "").strip(" \t") or _REASONS.get(status, "Unknown")
    return ResponseHead(status, reason, kept, _content_length(kept), explicit)


def _without_repetitions(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    seen: set[str] = set()
    kept = []
    for field in fields:
        name = field[0].lower()
        if name in seen and name in _NEVER_TWICE:
            raise ProtocolError(f"the response head has two {field[0]} fields")
        if name == "transfer-encoding":
            raise ProtocolError("the response has a Transfer-Encoding, which CGI does not know")
        if name not in seen or name not in _FIRST_COUNTS:
            kept.append(field)
        seen.add(name)
    return kept


def _content_length(fields: tuple[tuple[str, str], ...]) -> int | None:
    for name, value in fields:
        if name.lower() == "content-length":
            if not _DECIMAL.fullmatch(value) or int(value) > MAX_CONTENT_LENGTH:
                raise ProtocolError(f"{value[:80]!r} is not a Content-Length")
            return int(value)
    return None
