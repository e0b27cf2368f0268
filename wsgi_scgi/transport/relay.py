"""The body of a response, from the backend's socket to the server's loop.

Usually that is one read after another.  While the request's body is still being sent it is more:
the client may not read before it has sent everything, and the backend may not read before it has
written everything.  What arrives is kept then, and the client gets only what it can take at once.
"""

import logging
import shutil
import tempfile
from collections.abc import Callable
from typing import IO

from ..errors import BackendError, ResponseError, TruncatedResponse
from ..gateway.body import LARGE
from ..scgi.response_head import ResponseHead
from .exchange import BETWEEN_PAUSES, Exchange, Turn
from .flow import Flow
from .whole_answer import RECEIVE_SIZE

logger = logging.getLogger("wsgi_scgi")

KEPT_IN_MEMORY = 1 << 20
KEPT_LIMIT = 1 << 30
"""Bytes kept for a client that sends and does not read; beyond, the backend has to wait."""

PIECE = 8192
"""Bytes that fit into a socket which is ready for writing."""


class BackendBody:
    """Iterator over the body behind ``head``; see gateway.response.ResponseBody."""

    __slots__ = (
        "_complete",
        "_error",
        "_exchange",
        "_first",
        "_given",
        "_kept",
        "_left",
        "_splice",
        "_unpaused",
    )

    def __init__(
        self,
        exchange: Exchange,
        head: ResponseHead,
        *,
        splice: Callable[[int, int, int], int] | None = None,
    ) -> None:
        """``splice`` is the server's ``wsgi_scgi.splice``, if it has one."""
        self._exchange = exchange
        self._splice = splice
        self._given = 0
        self._left = head.content_length
        self._kept = _Kept()
        self._complete = False
        self._error: Exception | None = None
        self._first: bytes | None = b""
        self._unpaused = 0
        if exchange.surplus or self._left == 0:
            self._first = self._account(exchange.surplus)

    def __iter__(self) -> "BackendBody":
        return self

    def __next__(self) -> bytes:
        """Return the next piece as soon as it is there.

        The first may be empty: with it the server sends the head before the backend goes on.
        Raises TruncatedResponse, BackendTimeout, ClientDisconnected or RequestTimeout; the
        server then cuts the connection.
        """
        try:
            piece = self._next()
        except BackendError as error:
            self._exchange.failure = error
            self._exchange.close()
            raise
        self._given += len(piece)
        return piece

    def _next(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            if self._uploading:
                self._kept.add(first)
                return b""
            if first or not self._complete:
                return first
        while self._uploading:
            turn = self._advance()
            if turn is Turn.CLIENT:
                return self._kept.take(PIECE)
            if isinstance(turn, bytes):
                self._kept.add(self._account(turn))
        if self._kept.size:
            # A piece that the socket cannot take whole would keep us from listening again.
            sent_all = self._exchange.discard_until_writable()
            return self._kept.take(RECEIVE_SIZE if sent_all else PIECE)
        if self._error is not None:
            raise self._error
        if self._complete:
            raise StopIteration
        if self._splice is not None and (self._left or 0) >= LARGE:
            self._pass_on(self._splice)
        data = self._account(b"" if self._left == 0 else self._receive())
        if data:
            return data
        if self._error is not None:
            raise self._error
        raise StopIteration

    def whole(self) -> bytes | None:
        """Return the body if all of it came together with the head, else None."""
        return self._first if self._complete else None

    def close(self) -> None:
        """Close the backend's connection at once, finished or not."""
        self._exchange.close()
        self._kept.close()

    @property
    def _uploading(self) -> bool:
        return self._exchange.sending and not self._complete and self._error is None

    def _advance(self) -> bytes | Turn:
        kept = self._kept.size
        try:
            return self._exchange.advance(keep=kept > 0, listen=kept < KEPT_LIMIT)
        except ResponseError as error:
            self._error = _truncated(error)
            return Turn.SENT

    def _pass_on(self, splice: Callable[[int, int, int], int]) -> None:
        """Let the server take from the backend's socket what it can, until little is left."""
        exchange = self._exchange
        flow = Flow(exchange)
        while self._left is not None and self._left >= LARGE:
            exchange.check_deadlines()
            try:
                moved = splice(exchange.fd, self._left, self._given)
            except BlockingIOError:
                flow.wait(self._left)
                continue
            except OSError as error:
                raise _truncated(exchange.broken(error)) from error
            if moved < 0:
                self._splice = None  # a middleware wants to see the bytes
            if moved <= 0:
                break
            exchange.received += moved
            self._given += moved
            self._left -= moved
        flow.end()

    def _receive(self) -> bytes:
        try:
            return self._exchange.receive()
        except ResponseError as error:
            raise _truncated(error) from error

    def _account(self, data: bytes) -> bytes:
        """Return what of ``data`` belongs to the body; find out whether it is complete."""
        left = self._left
        self._unpaused += len(data)
        if self._unpaused >= BETWEEN_PAUSES:
            self._unpaused = 0
            self._exchange.let_others_run()
        if left is None:
            self._complete = not data
        elif len(data) >= left:
            if len(data) > left:
                logger.warning("the backend sent more than its Content-Length: the rest is cut")
                data = data[:left]
            self._complete = True
        elif data:
            self._left = left - len(data)
        else:
            self._exchange.failure = self._error = TruncatedResponse(
                f"the backend closed the connection {left} bytes before the declared end"
            )
        if self._complete or self._error:
            self._exchange.close()
        return data


def _truncated(error: ResponseError) -> TruncatedResponse:
    return TruncatedResponse(f"{error}, in the middle of the response body")


class _Kept:
    """A queue of bytes in memory, or in a temporary file when there are many."""

    __slots__ = ("_file", "_read", "size")

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._read = 0
        self.size = 0

    def add(self, data: bytes) -> None:
        if not data:
            return
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY)  # noqa: SIM115  # close()
        self._file.seek(self._read + self.size)
        self._file.write(data)
        self.size += len(data)

    def take(self, limit: int) -> bytes:
        assert self._file is not None
        self._file.seek(self._read)
        data = self._file.read(limit)
        self._read += len(data)
        self.size -= len(data)
        if not self.size:
            self._read = 0
            self._file.seek(0)
            self._file.truncate()
        elif self._read > 4 * max(self.size, KEPT_IN_MEMORY):
            self._drop_what_was_read(self._file)
        return data

    def _drop_what_was_read(self, file: IO[bytes]) -> None:
        """Start a new file with what is left: one that is never empty would only grow."""
        self._file = tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY)  # noqa: SIM115  # close()
        self._read = 0
        shutil.copyfileobj(file, self._file)
        file.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
