"""Request bodies: counted, never more than declared, never silently fewer.

A body of known length is streamed: taken from the client only as fast as the backend takes it.
One of unknown length (chunked, or HTTP/2 without Content-Length) is spooled first, to memory and
then to a temporary file, since SCGI wants the length before the first byte.
"""

import contextlib
import enum
import errno
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

from ..errors import ClientDisconnected, GatewayError, RequestError
from .client import Client, client_of
from .framing import check_length, declared_length, may_have_body
from .server_input import GunicornInput, bounded_read, read_some

READ_SIZE = 65536
"""Bytes that are asked for at once, at first."""
LARGEST_READ = 1 << 20
"""The same where the client fills every read: 64 MiB then cost a third of the CPU time."""
LARGE = 1 << 18
"""Bytes of a body that are worth a pipe, and are then not copied (splice(2))."""
SPOOL_IN_MEMORY = 1 << 20
DISCARD_BYTES = 1 << 20
DISCARD_SECONDS = 2.0
DISCARD_STEP = 1024
DISCARD_PAUSE = 0.1


Fill = Callable[[int, int, int | None], int]
"""Takes up to so many bytes from a descriptor, from an offset if it is a file; as Pipe.fill."""


class BodyState(enum.Enum):
    """What redirects, fallbacks and further attempts may still do with a body."""

    UNTOUCHED = enum.auto()
    REPLAYABLE = enum.auto()
    GONE = enum.auto()


class RequestBody(Protocol):
    """What an exchange sends after the head."""

    @property
    def length(self) -> int:
        """CONTENT_LENGTH, in bytes."""

    @property
    def remaining(self) -> int:
        """Bytes not yet read."""

    @property
    def state(self) -> BodyState: ...

    @property
    def fd(self) -> int:
        """The descriptor whose readability ``ready`` waits for, -1 if none is known."""

    def ready(self) -> bool:
        """Tell whether ``read`` returns without waiting, or that this cannot be known."""

    def read(self, limit: int) -> bytes:
        """Return 1 to ``limit`` bytes of those remaining.

        Raises ClientDisconnected at an early end and RequestTimeout.
        """

    def may_move(self) -> bool:
        """Tell whether the next bytes can be had with ``move`` rather than with ``read``."""

    def move(self, fill: Fill) -> None:
        """Let ``fill`` take the next bytes from a descriptor, where ``may_move`` is true.

        Raises BlockingIOError if none has arrived, and ClientDisconnected.
        """

    def rewind(self) -> None:
        """Start again; only if the state is not GONE."""

    def abandon(self) -> None:
        """Give the client up: nobody waits for it again, not even to discard."""

    def discard(self) -> None:
        """Take the rest from the client within 1 MiB and 2 seconds.

        Closing a connection with bytes unread resets it, and the client loses the answer.
        """

    def close(self) -> None:
        """Release the temporary file, if any."""


class StreamedBody:
    """A body of known length, read from ``wsgi.input`` as it is sent on."""

    __slots__ = (
        "_broken",
        "_buffered",
        "_client",
        "_descriptor",
        "_input",
        "_size",
        "_timeout",
        "length",
        "remaining",
    )

    def __init__(
        self, environ: dict[str, Any], length: int, client: Client | None, *, timeout: float
    ) -> None:
        """Bound each read by ``timeout`` seconds, where the client's connection is known."""
        self.length = length
        self.remaining = length
        self._client = client
        self._timeout = timeout
        self._broken = False
        self._size = READ_SIZE
        self._input = environ["wsgi.input"]
        self._buffered = GunicornInput.of(self._input) if client else None
        self._descriptor = -1
        if length >= LARGE and self._buffered is not None:
            self._descriptor = self._buffered.descriptor()

    @property
    def state(self) -> BodyState:
        """Return UNTOUCHED until the first byte is read."""
        return BodyState.UNTOUCHED if self.remaining == self.length else BodyState.GONE

    @property
    def fd(self) -> int:
        """Return the client's descriptor, where what gunicorn holds back can be known."""
        return self._client.fd if self._buffered is not None and self._client else -1

    def ready(self) -> bool:
        """Tell whether bytes have been received already; see RequestBody."""
        # Under TLS nothing tells: there is no descriptor to wait on.
        return self._buffered is None or self.fd < 0 or self._buffered.has_data()

    def read(self, limit: int) -> bytes:
        """Read what there is, waiting at most ``client_timeout``; see RequestBody."""
        return self._read(limit, self._timeout)

    def _read(self, limit: int, timeout: float) -> bytes:
        limit = min(limit, self.remaining, self._size)
        read = self._buffered.read if self._buffered is not None else read_some(self._input)
        try:
            data = bounded_read(read, limit, self._client, timeout)
            if not data:
                raise self._ended()
        except RequestError:
            self._broken = True
            raise
        if len(data) == self._size and self._buffered is not None:
            self._size = min(2 * self._size, LARGEST_READ)
        self.remaining -= len(data)
        return data

    def may_move(self) -> bool:
        """See RequestBody: a large one can be moved, once what the server holds has been read."""
        return self._descriptor >= 0 and self._buffered is not None and not self.ready()

    def move(self, fill: Fill) -> None:
        """See RequestBody."""
        assert self._buffered is not None
        try:
            count = fill(self._descriptor, self.remaining, None)
        except BlockingIOError:
            raise
        except OSError as error:
            self._broken = True
            raise ClientDisconnected(
                f"the body could not be read ({error.strerror})",
                public="The body could not be read.",
            ) from error
        if not count:
            self._broken = True
            raise self._ended()
        self._buffered.account(count)
        self.remaining -= count

    def _ended(self) -> ClientDisconnected:
        return ClientDisconnected(
            f"the body ended {self.remaining} bytes before its declared length"
        )

    def abandon(self) -> None:
        """See RequestBody."""
        self._broken = True

    def rewind(self) -> None:
        """Do nothing: there is nothing to go back over while the state is UNTOUCHED."""

    def discard(self) -> None:
        """See RequestBody.  Without a bound on reads (no socket shown) the rest is left alone."""
        if self._client is not None and not self._broken:
            _discard(lambda timeout: self._read(READ_SIZE, timeout) if self.remaining else b"")

    def close(self) -> None:
        """Do nothing: the input is the server's."""


class SpooledBody:
    """A body that has been received completely and can be sent again."""

    __slots__ = ("length", "remaining", "_descriptor", "_file")

    fd = -1
    state = BodyState.REPLAYABLE

    def __init__(self, file: IO[bytes], length: int, *, descriptor: int = -1) -> None:
        """``descriptor`` is the file's, where it is one of ours and not in memory."""
        self._file = file
        self._descriptor = descriptor
        self.length = length
        self.remaining = length
        file.seek(0)

    def ready(self) -> bool:
        """Return True: memory and files do not wait."""
        return True

    def read(self, limit: int) -> bytes:
        """Read the next bytes; see RequestBody."""
        with _temporary_file():
            data = self._file.read(min(limit, self.remaining))
        self.remaining -= len(data)
        return data

    def may_move(self) -> bool:
        """Return True for a body that is in a file."""
        return self._descriptor >= 0

    def move(self, fill: Fill) -> None:
        """See RequestBody."""
        position = self.length - self.remaining
        try:
            self.remaining -= fill(self._descriptor, self.remaining, position)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise GatewayError(f"the body was kept and cannot be read: {error}") from error
            # Not every file system can: from now on it is read.
            self._descriptor = -1
            self._file.seek(position)
            raise BlockingIOError from error

    def abandon(self) -> None:
        """Do nothing: the client has sent all."""

    def rewind(self) -> None:
        """Go back to the first byte."""
        self._file.seek(0)
        self.remaining = self.length

    def discard(self) -> None:
        """Do nothing: the client has sent all."""

    def close(self) -> None:
        """Release the temporary file."""
        self._file.close()


def spool_body(
    environ: dict[str, Any], client: Client | None, *, timeout: float, max_body: int
) -> SpooledBody:
    """Receive a whole body of unknown length from ``wsgi.input``.

    ``timeout`` bounds each read in seconds, ``max_body`` the whole in bytes (0: not).  Raises
    RequestError (413), ClientDisconnected or RequestTimeout, and GatewayError (500) where there is
    no room for it.
    """
    read = environ["wsgi.input"].read
    length = 0

    def read_next() -> bytes:
        nonlocal length
        data = bounded_read(read, READ_SIZE, client, timeout)
        length += len(data)
        check_length(length, max_body)
        return data

    return _spool(read_next)


def buffer_body(body: RequestBody) -> SpooledBody:
    """Receive a whole body of known length: ``buffer_request``.  Raises as ``spool_body`` does."""
    return _spool(lambda: body.read(READ_SIZE) if body.remaining else b"")


def _spool(read_next: Callable[[], bytes]) -> SpooledBody:
    file = tempfile.SpooledTemporaryFile(SPOOL_IN_MEMORY)  # noqa: SIM115  # the body closes it
    try:
        while data := read_next():
            with _temporary_file():
                file.write(data)
        with _temporary_file():
            length = file.tell()
            on_disk = length > SPOOL_IN_MEMORY
            return SpooledBody(file, length, descriptor=file.fileno() if on_disk else -1)
    except BaseException:
        with contextlib.suppress(OSError):  # what the disk had no room for
            file.close()
        raise


@contextlib.contextmanager
def _temporary_file() -> Iterator[None]:
    """Raise GatewayError for what it fails with: no room, no directory, a broken disk."""
    try:
        yield
    except OSError as error:
        raise GatewayError(f"the body cannot be kept: {error}") from error


def release_body(environ: dict[str, Any], body: RequestBody | None) -> None:
    """Let go of a body after the answer: take what is unread within bounds, free the rest.

    ``body`` is None where the request was refused before anybody looked at it.
    """
    if body is not None:
        try:
            body.discard()
        finally:
            body.close()
        return
    client = client_of(environ) if may_have_body(environ) else None
    if client is None:
        return
    try:
        length = declared_length(environ)
    except RequestError:
        return  # nobody knows where it ends
    if length:
        StreamedBody(environ, length, client, timeout=DISCARD_SECONDS).discard()
    elif length is None:
        read = environ["wsgi.input"].read
        # A read of chunks is many reads of the socket, each of which may take its whole time.
        pause = DISCARD_PAUSE
        _discard(lambda left: bounded_read(read, DISCARD_STEP, client, min(left, pause)))


def _discard(read: Callable[[float], bytes]) -> None:
    """Call ``read`` with the seconds left until it returns nothing or a bound is reached."""
    deadline = time.monotonic() + DISCARD_SECONDS
    allowance = DISCARD_BYTES
    with contextlib.suppress(RequestError):
        while allowance > 0 and (left := deadline - time.monotonic()) > 0:
            data = read(left)
            if not data:
                return
            allowance -= len(data)
