"""The response of a WSGI application on its way to the peer (PEP 3333, RFC 3875 section 6).

An SCGI response is a CGI response: ``Status`` and the other fields, an empty line, the body.  It
ends at Content-Length or where the connection closes.
"""

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from types import TracebackType
from typing import TypeAlias

from ..errors import Error
from .channel import Channel

ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)
Fields: TypeAlias = list[tuple[str, str]]

_STATUS = re.compile(r"[2-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_DECIMAL = re.compile(r"[0-9]{1,19}")
_BODILESS = ("204", "304")  # RFC 9110 6.4.1

_FORBIDDEN = frozenset(
    {
        # RFC 9110 7.6.1: they speak of a connection, and the connection is not the application's.
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "status",  # the first line of the head is the server's
    }
)


class ApplicationError(Error):
    """The application broke PEP 3333."""


class Response:
    """What the application answers, from ``start_response`` to the last byte."""

    __slots__ = (
        "body_sent",
        "channel",
        "head_sent",
        "status",
        "too_long",
        "_bodiless",
        "_fields",
        "_length",
        "_to_head",
    )

    def __init__(self, channel: Channel, method: str) -> None:
        """Prepare the answer to a request with ``method``; to HEAD only a head is sent."""
        self.status = ""
        """The status of the application, such as "200 OK"; empty before it is known."""
        self.head_sent = False
        self.body_sent = 0
        """Bytes of the body that the peer has taken."""
        self.too_long = False
        """Whether the application produced more than its Content-Length."""
        self.channel = channel
        self._to_head = method == "HEAD"
        self._bodiless = self._to_head
        self._fields: Fields = []
        self._length: int | None = None

    def start_response(
        self, status: str, headers: Fields, exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Take status and header fields, as PEP 3333 describes it; return ``write``.

        Raises ApplicationError for what may not go on the wire and for a second call without
        ``exc_info``; the given exception if the head has gone out already.
        """
        if exc_info is not None:
            try:
                if self.head_sent and exc_info[1] is not None:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # a traceback refers to this frame
        elif self.status:
            raise ApplicationError("start_response was called again without exc_info")
        self.status = ""
        _check_status(status)
        self._length = _checked_length(headers)
        self._fields = list(headers)
        if status.startswith("204"):
            # RFC 9110 8.6: not even 0.
            self._fields = [field for field in headers if field[0].lower() != "content-length"]
        self._bodiless = self._to_head or status.startswith(_BODILESS)
        self.status = status
        return self.write

    def write(self, piece: bytes) -> None:
        """Send ``piece`` at once, after the head if that has not gone out."""
        if not isinstance(piece, bytes):
            raise ApplicationError(f"a piece of the body is {type(piece).__name__}, not bytes")
        if not piece:
            return  # the head waits for the first byte, so that it can still be replaced
        head = b"" if self.head_sent else self._take_head()
        if self._bodiless:
            piece = b""
        elif self._length is not None and len(piece) > self._length - self.body_sent:
            self.too_long = True
            piece = piece[: self._length - self.body_sent]
        if head or piece:
            self.channel.send(head + piece)
            self.body_sent += len(piece)

    def send(self, result: Iterable[bytes]) -> None:
        """Send every piece of ``result`` as it is made, then see that the response is whole.

        Raises ApplicationError if the application gave no head, or fewer bytes than its
        Content-Length.  After more bytes than that, and after the head of a response that has no
        body, the rest of ``result`` is not asked for.
        """
        sole = not self.head_sent and _has_one_piece(result)
        for piece in result:
            if sole and piece:
                self._declare_length(len(piece))
            self.write(piece)
            if self.too_long or (self._bodiless and self.head_sent):
                break
        if not self.head_sent:
            if not self._to_head:  # an application may leave the body of a HEAD to the server
                self._declare_length(0)
            self.channel.send(self._take_head())
        if self._length is not None and not self._bodiless and self.body_sent < self._length:
            raise ApplicationError(
                f"the application declared {self._length} body bytes and sent {self.body_sent}"
            )

    def send_failure(self) -> None:
        """Send a plain 500 in place of a response whose head has not gone out."""
        self.status = ""
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        text = b"The application failed.\n"
        fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))]
        self.start_response(f"{status.value} {status.phrase}", fields)
        self.write(text)

    def _declare_length(self, length: int) -> None:
        """Declare ``length`` where the application did not and the status allows it.

        A gateway can keep its client's connection open when it knows the length.
        """
        if self.status and self._length is None and not self.status.startswith(_BODILESS):
            self._length = length
            self._fields.append(("Content-Length", str(length)))

    def _take_head(self) -> bytes:
        if not self.status:
            raise ApplicationError("the application did not call start_response")
        self.head_sent = True
        lines = [f"Status: {self.status}", *(f"{name}: {value}" for name, value in self._fields)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _has_one_piece(result: Iterable[bytes]) -> bool:
    try:
        return len(result) == 1  # type: ignore[arg-type]  # PEP 3333: where it has a length
    except TypeError:
        return False


def _check_status(status: str) -> None:
    if type(status) is not str or not _STATUS.fullmatch(status):
        raise ApplicationError(f"{status!r} is not a final status like '200 OK'")


def _checked_length(headers: Fields) -> int | None:
    """Check the fields; return their Content-Length."""
    if type(headers) is not list:
        raise ApplicationError("the header fields are not a list")
    length = None
    for name, value in headers:
        if type(name) is not str or not _NAME.fullmatch(name):
            raise ApplicationError(f"{name!r} is not the name of a header field")
        if type(value) is not str or not _VALUE.fullmatch(value):
            raise ApplicationError(f"the value of {name} contains what no field value may")
        lower = name.lower()
        if lower in _FORBIDDEN:
            raise ApplicationError(f"an application may not send the field {name}")
        if lower == "content-length":
            if length is not None or not _DECIMAL.fullmatch(value):
                raise ApplicationError("Content-Length stands twice or is not a number")
            length = int(value)
    return length
