"""What has been taken of a request and not been sent yet: in memory, or in a pipe."""

import _socket  # the C socket: the same below gevent's monkey patches and without them

from ..gateway.body import LARGEST_READ, RequestBody
from .pipe import CAN_SPLICE, Pipe
from .whole_answer import RECEIVE_SIZE

_IN_FLOW = RECEIVE_SIZE
"""Bytes that are moved at once by a client that is not waited for: the next are there already."""


class Outgoing:
    """The piece that is sent next.  Close it, always.

    ``flows`` tells that the last piece was moved and large.
    """

    __slots__ = ("_data", "_pipe", "flows")

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._pipe: Pipe | None = None
        self.flows = False

    def __bool__(self) -> bool:
        """Tell whether there is anything to send."""
        return bool(self._data) or self._pipe is not None

    def take(self, body: RequestBody) -> None:
        """Take the next piece of ``body``, copied only where that cannot be avoided.

        Raises BlockingIOError if nothing has arrived, and what the body raises.
        """
        self.flows = False
        if not (CAN_SPLICE and body.may_move()):
            self._data = memoryview(body.read(LARGEST_READ))
            return
        pipe = Pipe.borrow()
        try:
            body.move(pipe.fill)
        finally:
            if pipe.held:
                self._pipe = pipe
            else:
                pipe.give_back()
        self.flows = pipe.held >= _IN_FLOW

    def send(self, sock: _socket.socket) -> int:
        """Send what the socket takes at once; raises BlockingIOError if that is nothing."""
        if self._pipe is None:
            sent = sock.send(self._data)
            self._data = self._data[sent:]
            return sent
        sent = self._pipe.drain(sock.fileno())
        if not self._pipe.held:
            self.close()
        return sent

    def close(self) -> None:
        """Let go of what is left.  Harmless when repeated."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.give_back()
