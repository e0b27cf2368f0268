"""The usual answer: wait once, and it is there as a whole.

Nearly all requests have no body, so that their head is all of them and leaves with the
connection; and nearly all backends answer them with one piece.  That is done here with as few
calls as it takes.  Whatever is not usual is not judged here: ``Exchange`` goes on from where
this stopped, and meets it again.
"""

from dataclasses import dataclass
from typing import NamedTuple

from ..compiled import compiled_in
from ..scgi.response_head import ResponseHead, parse_whole_head
from .connecting import Connection
from .waiting import READ

RECEIVE_SIZE = 65536
"""Bytes a read: larger buffers come from mmap, and cost five times as much."""

WITHOUT_CONTENT = (204, 304)
"""Statuses that allow no content (RFC 9110 15.3.5, 15.4.5)."""


class Answer(NamedTuple):
    """A whole answer; ``received`` is how many bytes it took."""

    head: ResponseHead
    body: bytes
    received: int


@dataclass(frozen=True, slots=True)
class Begun:
    """How far an exchange has come: bytes of the head ``sent``, bytes ``received``.

    ``error`` is what receiving ended with.  ``waited`` are seconds of silence.
    """

    sent: int = 0
    received: bytes = b""
    error: OSError | None = None
    waited: float = 0.0


NOTHING = Begun()


@compiled_in("wsgi_scgi.transport._whole_answer")
def receive_whole_answer(
    connection: Connection, size: int, patience: float, without_content: bool
) -> Answer | Begun:
    """Return the whole answer to a request of ``size`` bytes, or how far the exchange came.

    It waits once, for at most ``patience`` seconds.  ``without_content``: the answer has no body
    whatever its fields say, as one to HEAD.
    """
    sock, sent = connection.socket, connection.sent
    if sent < size:
        return Begun(sent)
    if connection.waiter.wait(((connection.fd, READ),), patience) < 0:
        return Begun(sent, waited=patience)
    received = b""
    parsed: tuple[ResponseHead, int] | None = None
    while True:
        try:
            data = sock.recv(RECEIVE_SIZE - len(received))
        except BlockingIOError:
            return Begun(sent, received)
        except OSError as error:
            return Begun(sent, received, error)
        received += data
        if parsed is None:
            parsed = parse_whole_head(received)
            if parsed is None:
                return Begun(sent, received)
        answer, used = parsed
        length = len(received) - used
        if without_content or answer.status in WITHOUT_CONTENT:
            return Answer(answer, b"", len(received))
        expected = answer.content_length
        if length == expected or (expected is None and not data):
            return Answer(answer, received[used:], len(received))
        if not data or len(received) == RECEIVE_SIZE or length > (expected or length):
            return Begun(sent, received)
