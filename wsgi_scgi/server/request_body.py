"""``wsgi.input``: exactly CONTENT_LENGTH bytes, read from the peer as the application asks."""

import io
from typing import TYPE_CHECKING, BinaryIO

from .channel import Channel

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER_SIZE = 65536


class BodyStream(io.RawIOBase):
    """The unbuffered body, with an end where CONTENT_LENGTH says.

    A peer that closes earlier raises ConnectionResetError, and one that is silent for too long
    TimeoutError: a part must never look like the whole.  Frameworks know both as OSError and
    answer them with 400 on their own.
    """

    def __init__(self, channel: Channel, length: int, start: bytes) -> None:
        """Read ``length`` bytes, of which ``start`` came together with the request head.

        What ``start`` has beyond the length belongs to nobody and is dropped.
        """
        self._channel = channel
        self._length = length
        self._start = memoryview(start)[:length]
        self._left = length - len(self._start)

    @property
    def unread(self) -> bool:
        """Whether the peer has bytes of the body that were not taken off its hands."""
        return self._left > 0

    def readable(self) -> bool:
        """Return True, as for every stream one can read."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the start of ``buffer`` with what is there; return the count, 0 at the end."""
        view = memoryview(buffer).cast("B")
        if self._start:
            count = min(len(view), len(self._start))
            view[:count] = self._start[:count]
            self._start = self._start[count:]
            return count
        if not self._left:
            return 0
        if self._channel.failure is not None:
            raise self._channel.failure
        count = self._channel.receive_into(view[: self._left])
        if not count and len(view):
            done = self._length - self._left
            raise self._channel.fail(
                ConnectionResetError(f"the peer closed after {done} of {self._length} body bytes")
            )
        self._left -= count
        return count


def open_body(stream: BodyStream) -> BinaryIO:
    """Return ``stream`` with all that PEP 3333 asks of ``wsgi.input``: lines, iteration, read1."""
    return io.BufferedReader(stream, _BUFFER_SIZE)
