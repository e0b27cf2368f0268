"""gunicorn's Response, with the head and the first piece of the body in one segment.

What may be in a head, and how a body is framed, is decided by gunicorn; here it is only decided
faster, by remembering fields that have passed its checks.
"""

import email.utils
import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.http.wsgi import FileWrapper, Response
from gunicorn.util import has_fileno, is_hoppish

from .client_socket import ClientSocket
from .plain_request import PlainRequest

_REMEMBERED = 512
"""Names, and statuses, that are remembered: an application has few of them."""

# What no rule about field values can object to (RFC 9110 5.5).
_PLAIN_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_LENGTH = re.compile(r"[0-9]{1,18}")

logger = logging.getLogger("gunicorn.error")


class FieldLines:
    """What gunicorn has said about the statuses and fields of an application, remembered.

    Applications send the same few names again and again.  Once gunicorn has let one through, only
    a value that is not beyond doubt is shown to it again.
    """

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg
        self.names: dict[str, bool] = {}
        """Names that are sent as they are, with any plain value; True for a Content-Length."""
        self.statuses: dict[str, int] = {}
        """Statuses that may be sent, with their numbers."""

    def get(self, field: tuple[str, str]) -> tuple[str, str] | None:
        """Return name and value as gunicorn sends them, None for a field that it drops.

        Raises TypeError, InvalidResponseHeaderName or InvalidResponseHeader, as gunicorn does.
        """
        name, value = field
        if type(name) is str and type(value) is str and name in self.names:
            form = _LENGTH if self.names[name] else _PLAIN_VALUE
            if form.fullmatch(value):
                return name, value
        response: Any = Response(None, None, self._cfg)  # type: ignore[arg-type]  # it only checks
        response.process_headers([field])
        if not response.headers:
            return None
        if len(self.names) < _REMEMBERED and not is_hoppish(name):
            self.names[str(name)] = name.lower() == "content-length"
        checked: tuple[str, str] = response.headers[0]
        return checked

    def learn_status(self, status: str, number: int | None) -> None:
        """Remember a status that gunicorn has let through."""
        if number is not None and len(self.statuses) < _REMEMBERED:
            self.statuses[str(status)] = number


class PlainResponse(Response):
    """The response to one plain request."""

    headers: list[tuple[str, str]]
    _omits_body: bool

    def __init__(
        self, req: PlainRequest, client: ClientSocket, *, cfg: Any, lines: FieldLines
    ) -> None:
        super().__init__(req, client.gevent_socket, cfg)  # type: ignore[arg-type]  # as good as a Request
        self._client = client
        self._lines = lines
        self._pending = b""
        self._is_over = False

    def start_response(
        self, status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take status and fields (PEP 3333); they are sent with the first piece of the body."""
        write: Callable[[bytes], None] = super().start_response(status, headers, exc_info)
        self._lines.learn_status(status, self.status_code)
        return write

    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Check the fields, and take note of a Content-Length."""
        for field in headers:
            checked = self._lines.get(field)
            if checked is None:
                if field[0].lower() == "connection":  # it may be about WebSocket
                    super().process_headers([field])
                continue
            if checked[0].lower() == "content-length":
                self.response_length = int(checked[1])
            self.headers.append(checked)

    @property
    def has_begun(self) -> bool:
        """Tell whether the client has received any of it."""
        return self.headers_sent and not self._pending

    def send_headers(self) -> None:
        """Have the head ready: it goes out with the first piece."""
        if self.headers_sent:
            return
        lines = [
            f"HTTP/1.1 {self.status}\r\nServer: {self.version}\r\nDate: {http_date()}\r\n"
            f"Connection: {self._connection()}\r\n"
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        lines += [f"{name}: {value}\r\n" for name, value in self.headers]
        lines.append("\r\n")
        self._pending = "".join(lines).encode("latin-1")
        self.headers_sent = True

    def _connection(self) -> str:
        if self.upgrade:
            return "upgrade"
        return "close" if self.should_close() else "keep-alive"

    def write(self, data: bytes) -> None:
        """Send a piece of the body, the head before the first; an empty one sends the head."""
        if self._is_over:
            raise RuntimeError("the response is over")
        super().write(data)
        if self._pending:
            self._flush()

    def _emit_body(self, data: bytes) -> None:
        if self.chunked:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        if self._pending:
            data, self._pending = self._pending + data, b""
        self._client.send(data)

    def _flush(self, *, more: bool = False) -> None:
        data, self._pending = self._pending, b""
        self._client.send(data, more=more)

    def close(self) -> None:
        """Send what is still to be sent, the last chunk included.

        A body that ended before its Content-Length ends the connection: gunicorn would keep it,
        and the client take the next answer for the rest.
        """
        length = self.response_length
        if length is not None and self.sent < length and not self._omits_body:
            self.force_close()
            logger.error("body of %d bytes ended after %d: %s", length, self.sent, self.req.uri)
        self.send_headers()
        if self.chunked:
            self._pending += b"0\r\n\r\n"
        if self._pending:
            self._flush()

    def sendfile(self, respiter: FileWrapper) -> bool:
        """Send a file in the server's wrapper with sendfile(2); return False where that fails.

        A file that became shorter ends the connection, so that nobody takes it for whole.
        """
        file = respiter.filelike
        if not self.can_sendfile() or not has_fileno(file) or self.chunked or self._omits_body:
            return False
        descriptor = file.fileno()
        try:
            offset = os.lseek(descriptor, 0, os.SEEK_CUR)
        except OSError:
            return False
        count = self.response_length
        if count is None:
            count = max(os.fstat(descriptor).st_size - offset, 0)
        self.send_headers()
        self._flush(more=count > 0)
        sent = self._client.send_file(descriptor, offset, count)
        self.sent += sent
        os.lseek(descriptor, offset + sent, os.SEEK_SET)
        if sent < count:
            self.force_close()
        return True

    def splice(self, descriptor: int, count: int, behind: int) -> int:
        """Move bytes of the body from a socket to the client: ``wsgi_scgi.splice``.

        Called by an application while its body is iterated, as PEP 3333's ``write``; the head
        goes first.  Of up to ``count`` bytes those go that have arrived.  ``behind`` is how many
        the application has given before: where they have not come here, something between the
        two holds them back or changes them.  Return how many bytes the client took, 0 at the
        end of the source, -1 where the application has to give the bytes themselves.  Raises
        BlockingIOError if nothing has arrived, OSError for a source that is broken.
        """
        length = self.response_length
        if self._is_over or self.status is None or length is None or self._omits_body:
            return -1
        if self.sent != behind:
            return -1
        self.send_headers()
        if self._pending:
            self._flush()
        moved = self._client.splice(descriptor, min(count, length - self.sent))
        self.sent += moved
        return moved

    def send_early_hints(self, headers: Iterable[tuple[str, str]]) -> None:
        """Send 103 with these fields (RFC 8297): ``wsgi.early_hints``.  Nothing after the head."""
        if self.headers_sent or self._is_over:
            return
        checked = filter(None, (self._lines.get((_text(n), _text(v))) for n, v in headers))
        fields = "".join(f"{name}: {value}\r\n" for name, value in checked)
        self._client.send(f"HTTP/1.1 103 Early Hints\r\n{fields}\r\n".encode("latin-1"))

    def end(self) -> None:
        """Let go of the connection: what an application has kept must not disturb others on it."""
        self._is_over = True


def _text(part: Any) -> Any:
    """Return a part of a field that may be bytes, as gunicorn takes them in early hints."""
    return part.decode("latin-1") if isinstance(part, bytes) else part


def _date_of() -> Callable[[], str]:
    """Return a function for the Date field, which is made once a second."""
    made_at, text = 0, ""

    def date() -> str:
        nonlocal made_at, text
        now = int(time.time())
        if now != made_at:
            made_at, text = now, email.utils.formatdate(now, usegmt=True)
        return text

    return date


http_date = _date_of()
