"""What wrk cannot do: long bodies, responses that stay open, and a look at every byte."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from .measurement import WrongResponse

PERIOD = 251
_PIECE = 1 << 18
PATTERN = bytes(range(PERIOD)) * (_PIECE // PERIOD + 2)
"""What the backend sends and expects: position modulo PERIOD."""
# Seconds for each read or write on a busy machine; nothing that is measured comes near it.
_TIMEOUT = 60.0


def pattern_pieces(length: int) -> Iterator[memoryview]:
    """Yield ``length`` bytes of the pattern."""
    pattern = memoryview(PATTERN)
    for done in range(0, length, _PIECE):
        at = done % PERIOD
        yield pattern[at : at + min(_PIECE, length - done)]


def write_pattern(path: Path, length: int) -> None:
    """Make a file of ``length`` bytes of the pattern, unless it is there."""
    if not path.exists():
        with path.open("wb") as file:
            file.writelines(pattern_pieces(length))


class Exchange:
    """One request on a connection of its own.  Close it, always."""

    def __init__(self, port: int, path: str) -> None:
        self._path = path
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
        self._response: http.client.HTTPResponse | None = None

    def __enter__(self) -> "Exchange":
        """Return the exchange itself."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, whatever is still to come."""
        if self._response is not None:
            self._response.close()
        self._connection.close()

    def ask(self) -> None:
        """Send a GET; do not wait for the response."""
        self._connection.request("GET", self._path)

    def upload_pattern(self, length: int) -> None:
        """Send a POST with ``length`` bytes of the pattern."""
        self._connection.putrequest("POST", self._path)
        self._connection.putheader("Content-Length", str(length))
        self._connection.endheaders()
        for piece in pattern_pieces(length):
            self._connection.send(piece)

    def response(self) -> http.client.HTTPResponse:
        """Return the response once its head is here.  Raises WrongResponse if it is not 200."""
        try:
            self._response = self._connection.getresponse()
        except http.client.HTTPException as error:
            raise WrongResponse(f"{self._path}: {error!r}") from error
        if self._response.status != http.client.OK:
            text = f"{self._response.status} {self._response.reason}"
            raise WrongResponse(f"{self._path}: {text}: {self._response.read(300)!r}")
        return self._response

    def text(self) -> str:
        """Return the body of a short response."""
        return self.response().read().decode("latin-1")

    def expect_pattern(self, length: int) -> None:
        """Receive ``length`` bytes of the pattern.  Raises WrongResponse if one is wrong."""
        response = self.response()
        buffer = memoryview(bytearray(_PIECE))
        received = 0
        try:
            while count := response.readinto(buffer):
                if not PATTERN.startswith(buffer[:count], received % PERIOD):
                    raise WrongResponse(f"{self._path}: wrong after {received} bytes")
                received += count
        except http.client.HTTPException as error:
            raise WrongResponse(f"{self._path}: {error!r}") from error
        if received != length:
            raise WrongResponse(f"{self._path}: {received} bytes instead of {length}")
