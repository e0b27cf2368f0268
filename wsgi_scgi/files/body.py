"""The body of a file response, and how the server below is given it.

``wsgi.file_wrapper`` (PEP 3333) lets a server send a file with sendfile(2).  What servers make of
it differs, and a wrong guess sends the wrong bytes: ``delivery_of`` knows the differences.
However it is sent, a file that became shorter meanwhile makes the server cut the connection,
since a silent short end leaves the client waiting on a connection that stays open.
"""

import enum
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import TruncatedResponse
from ..semantics.ranges import ByteRange
from ..transport.waiting import CooperativeWaiter, current_waiter
from .opened import OpenedFile
from .response import Piece

BLOCK = 65536
"""Bytes read at once."""

BLOCKS_BETWEEN_PAUSES = 16
"""After each MiB other greenlets run: with a fast client nothing else would let them."""


class FileBody:
    """Iterator over the pieces of a file; see gateway.response.ResponseBody."""

    __slots__ = ("file", "pieces", "_blocks")

    def __init__(self, file: OpenedFile, pieces: Sequence[Piece]) -> None:
        """Take over ``file``."""
        self.file = file
        self.pieces = tuple(pieces)
        self._blocks = self._read()

    def __iter__(self) -> "FileBody":
        return self

    def __next__(self) -> bytes:
        """Return up to 64 KiB; raise TruncatedResponse where the file has become too short."""
        return next(self._blocks)

    def close(self) -> None:
        """Close the file, sent or not."""
        self.file.close()

    def _read(self) -> Iterator[bytes]:
        pause = _pause_of_server()
        unpaused = 0
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            position = piece.first
            while position <= piece.last:
                if unpaused == BLOCKS_BETWEEN_PAUSES:
                    pause()
                    unpaused = 0
                block = read_block(self.file, position, piece.last)
                position += len(block)
                unpaused += 1
                yield block


def read_block(file: OpenedFile, position: int, last: int, limit: int = BLOCK) -> bytes:
    """Return up to ``limit`` bytes from ``position`` to ``last``.

    Raises TruncatedResponse if there is none left.
    """
    block = file.read(min(limit, last + 1 - position), position)
    if not block:
        raise _truncated(last + 1 - position)
    return block


def _truncated(missing: int) -> TruncatedResponse:
    return TruncatedResponse(f"the file has become shorter: {missing} bytes are missing")


def _pause_of_server() -> Callable[[], None]:
    waiter = current_waiter()
    if isinstance(waiter, CooperativeWaiter):
        return lambda: waiter.pause(0)
    return _go_on


def _go_on() -> None:
    """Do nothing: the system shares time among threads and processes."""


class Delivery(enum.Enum):
    """How the server below gets a file."""

    DESCRIPTOR = enum.auto()
    """In its wrapper, with ``fileno``: it may use sendfile(2)."""
    READS = enum.auto()
    """In its wrapper, without ``fileno``: it can only read, and what it reads is bounded."""
    ITERATED = enum.auto()
    """As an ordinary iterable."""


def delivery_of(environ: Mapping[str, Any], *, whole: bool) -> Delivery:
    """Recognise the server by its ``wsgi.file_wrapper``; ``whole`` is false for a range.

    - Our own worker says with ``wsgi_scgi.sendfile`` that it uses sendfile(2).
    - In a greenlet no other server gets the descriptor: gevent's ``socket.sendfile`` is a loop over
      8 KiB reads that never lets other greenlets run.  Without one, gunicorn reads 64 KiB
      blocks from us.
    - gunicorn's other workers send as many bytes as Content-Length says from where the
      descriptor stands.
    - waitress reads and seeks, in its main loop, so that no thread is bound to a slow client.
    - A wrapper that is no class is uWSGI's, which sends a descriptor from its first byte to its
      last whatever Content-Length says.
    - Others follow PEP 3333 with a whole file; nobody knows what they do with a part.
    """
    wrapper = environ.get("wsgi.file_wrapper")
    if wrapper is None:
        return Delivery.ITERATED
    is_class = isinstance(wrapper, type)
    if environ.get("wsgi_scgi.sendfile"):
        return Delivery.DESCRIPTOR
    if isinstance(current_waiter(), CooperativeWaiter):
        return Delivery.READS if is_class else Delivery.ITERATED
    module = wrapper.__module__ if is_class else ""
    if module == "waitress.buffers":
        return Delivery.READS
    if whole or module == "gunicorn.http.wsgi":
        return Delivery.DESCRIPTOR
    return Delivery.ITERATED


def wrap_for_server(
    body: FileBody,
    environ: Mapping[str, Any],
    *,
    on_close: Callable[[], None],
    on_cut: Callable[[TruncatedResponse], None],
) -> Iterable[bytes] | None:
    """Return ``body`` in the server's ``wsgi.file_wrapper``, or None if it is to be iterated.

    The server has to get the result as it is.  It closes the body through it, which ends with
    ``on_close``; ``on_cut`` is told of a file that became too short before the server is.  Both
    may be called in a thread of the server's own.
    """
    if len(body.pieces) != 1 or not isinstance(piece := body.pieces[0], ByteRange):
        return None
    whole = piece.length == body.file.facts.size
    delivery = delivery_of(environ, whole=whole)
    if delivery is Delivery.ITERATED:
        return None
    kind = DescriptorFile if delivery is Delivery.DESCRIPTOR else RangeFile
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](
        kind(body, piece, on_close=on_close, on_cut=on_cut), BLOCK
    )
    return wrapped


class RangeFile:
    """A file-like object that ends where the range does; positions are those of the file.

    It is unbuffered: what a buffer had read ahead would be missing in what sendfile(2) sends.
    """

    def __init__(
        self,
        body: FileBody,
        piece: ByteRange,
        *,
        on_close: Callable[[], None],
        on_cut: Callable[[TruncatedResponse], None],
    ) -> None:
        self._body = body
        self._piece = piece
        self._on_close = on_close
        self._on_cut = on_cut
        self._position = piece.first
        self._unpaused = 0
        self._pause = _pause_of_server()
        self._closed = False

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, nothing at the end of the range.

        Raises TruncatedResponse where the file has become too short.
        """
        left = self._piece.last + 1 - self._position
        if not left or not size:
            return b""
        if self._unpaused >= BLOCK * BLOCKS_BETWEEN_PAUSES:
            self._pause()
            self._unpaused = 0
        limit = left if size < 0 else size
        try:
            block = read_block(self._body.file, self._position, self._piece.last, limit)
        except TruncatedResponse as error:
            self._on_cut(error)
            raise
        self._position += len(block)
        self._unpaused += len(block)
        return block

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the range; SEEK_END means its end."""
        start = {
            os.SEEK_SET: 0,
            os.SEEK_CUR: self._position,
            os.SEEK_END: self._piece.last + 1,
        }[whence]
        self._position = min(max(start + offset, self._piece.first), self._piece.last + 1)
        return self._position

    def tell(self) -> int:
        """Return the position in the file."""
        return self._position

    def close(self) -> None:
        """Close the body and call ``on_close``, once."""
        if self._closed:
            return
        self._closed = True
        try:
            self._body.close()
        finally:
            self._on_close()


class DescriptorFile(RangeFile):
    """A RangeFile that shows its descriptor, which stands at the first byte of the range."""

    def __init__(
        self,
        body: FileBody,
        piece: ByteRange,
        *,
        on_close: Callable[[], None],
        on_cut: Callable[[TruncatedResponse], None],
    ) -> None:
        super().__init__(body, piece, on_close=on_close, on_cut=on_cut)
        self._shown = False
        os.lseek(body.file.fd, piece.first, os.SEEK_SET)

    def fileno(self) -> int:
        """Return the descriptor."""
        self._shown = True
        return self._body.file.fd

    def close(self) -> None:
        """Close as RangeFile does; raise TruncatedResponse if the server sent too little.

        sendfile(2) ends at the end of the file without an error, and close() is the last that
        the server calls: only an exception from here makes it cut the connection.
        """
        missing = self._missing()
        super().close()
        if missing:
            error = _truncated(missing)
            self._on_cut(error)
            raise error

    def _missing(self) -> int:
        """Return how many bytes of the range the server cannot have sent.

        ``socket.sendfile`` seeks to where it stopped.  Where it sent nothing, or the server
        uses another way, only the size of the file tells.  An exception on its way means that
        the client has left, or that the loss is known already.
        """
        if self._closed or not self._shown or sys.exc_info()[0] is not None:
            return 0
        end = self._piece.last + 1
        if self._position == end:
            return 0
        if self._position > self._piece.first:
            return end - self._position
        return min(max(end - self._body.file.size_now(), 0), self._piece.length)
