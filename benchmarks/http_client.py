"""One HTTP/1.1 connection for what wrk cannot do: long bodies, and responses that stay open."""

import socket
from dataclasses import dataclass

from .measurement import WrongResponse

PERIOD = 251
_PIECE = 1 << 18
PATTERN = bytes(range(PERIOD)) * (_PIECE // PERIOD + 2)
"""What the backend sends and expects: position modulo PERIOD."""
# Seconds for each read or write on a busy machine; nothing that is measured comes near it.
_TIMEOUT = 60.0
_HEAD_LIMIT = 65536


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a response, and what came with it of the body."""

    status: int
    content_length: int | None
    rest: bytes


class HTTPConnection:
    """A connection to a gateway for one request.  Close it, always."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)

    def send_head(self, path: str, *, length: int = 0) -> None:
        """Send the head of a request: POST where there is a body of ``length`` bytes."""
        method, fields = ("POST", f"Content-Length: {length}\r\n") if length else ("GET", "")
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())

    def send_pattern(self, length: int) -> None:
        """Send ``length`` bytes of the pattern."""
        pattern = memoryview(PATTERN)
        sent = 0
        while sent < length:
            at = sent % PERIOD
            sent += self.socket.send(pattern[at : at + min(_PIECE, length - sent)])

    def receive_head(self) -> Head:
        """Return the head of the response.  Raises WrongResponse where it is not 200."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(_HEAD_LIMIT)
            data += piece
            if not piece or len(data) > 2 * _HEAD_LIMIT:
                raise WrongResponse(f"no response head in {data[:200]!r}")
        text, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
        length = fields.get("content-length")
        head = Head(int(first.split()[1]), int(length) if length else None, rest)
        if head.status != 200:
            raise WrongResponse(f"{first}: {rest[:300]!r}")
        return head

    def receive_pattern(self, length: int) -> None:
        """Receive a response of ``length`` bytes.  Raises WrongResponse if one byte is wrong."""
        head = self.receive_head()
        if head.content_length != length:
            raise WrongResponse(f"Content-Length is {head.content_length}, not {length}")
        pattern = memoryview(PATTERN)
        buffer = memoryview(bytearray(_PIECE))
        received = len(head.rest)
        if head.rest != pattern[:received]:
            raise WrongResponse("the first bytes of the body are wrong")
        while received < length:
            count = self.socket.recv_into(buffer)
            at = received % PERIOD
            if not count or buffer[:count] != pattern[at : at + count]:
                raise WrongResponse(f"the body is wrong or ends after {received} bytes")
            received += count

    def receive_text(self) -> str:
        """Return the body of a short response whose length is declared."""
        head = self.receive_head()
        data = head.rest
        while len(data) < (head.content_length or 0):
            piece = self.socket.recv(_HEAD_LIMIT)
            if not piece:
                break
            data += piece
        return data.decode("latin-1")

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()
