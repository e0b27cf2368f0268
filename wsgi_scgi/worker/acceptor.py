"""Accepting connections, and the greenlets that serve them.

gevent's StreamServer and its Pool do the same, and keep links, semaphores and events for each
connection that nobody here asks for.  A greenlet itself costs as much as half a small request:
where the application allows it, one that has served its connection waits for another.
"""

import _socket  # the C socket: the same below gevent's monkey patches and without them
import errno
import os
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import gevent
import gevent.socket
from gevent import Greenlet, get_hub, getcurrent

from ..transport.waiting import READ

if TYPE_CHECKING:
    from .gateway_worker import GatewayWorker

MOST_AT_ONCE = 100
"""Connections taken in one turn of the loop by an only worker, as by StreamServer.

One of several takes one, as in gunicorn's gevent worker: the others want to have some too.
"""

MOST_WAITING = 64
"""Greenlets that wait for another connection: seldom do more connections end at a time."""

PAUSE = 1.0
"""Seconds without accepting after it has failed: no descriptor is left, mostly."""

_LEFT_ALREADY = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EINTR})


class Acceptor:
    """What gunicorn's gevent worker needs of the server on one listener, and of its pool."""

    def __init__(
        self, worker: "GatewayWorker", listener: Any, most: int, *, reuses_greenlets: bool
    ) -> None:
        """Serve no more than ``most`` connections at a time (``worker_connections``)."""
        self._worker = worker
        self._listener = listener
        self._kind = (listener.family, listener.type, listener.proto)
        self._raw = _socket.socket(*self._kind, fileno=listener.fileno())
        self._at_once = MOST_AT_ONCE if worker.cfg.workers == 1 else 1
        self._most_waiting = MOST_WAITING if reuses_greenlets else 0
        self._hub = get_hub()
        self._watcher: Any = None
        self._timer: Any = None
        self._busy: dict[Greenlet[..., None], tuple[int, Any]] = {}
        self._waiting: list[Greenlet[..., None]] = []
        self.size = most
        self.pool = self

    def start(self) -> None:
        """Begin to accept."""
        self._watcher = self._hub.loop.io(self._listener.fileno(), READ)
        self._watcher.start(self._accept)

    def free_count(self) -> int:
        """Return how many more connections there may be."""
        return self.size - len(self._busy)

    def close(self) -> None:
        """Accept no more, and close the listener; connections go on."""
        if self._watcher is not None:
            self._end_pause()
            self._watcher.close()
            self._watcher = None
            self._raw.detach()
            self._listener.close()

    def stop(self, timeout: float) -> None:
        """Accept no more, wait so many seconds for the connections, and end what is left."""
        self.close()
        gevent.joinall(list(self._busy), timeout=timeout)
        gevent.killall(list(self._busy), timeout=1)

    def _accept(self) -> None:
        for _ in range(self._at_once):
            if len(self._busy) >= self.size:
                self._watcher.stop()
                return
            try:
                client = self._raw._accept()  # type: ignore[attr-defined]  # socket.accept's base
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in _LEFT_ALREADY:
                    self._pause(error)
                    return
            else:
                self._hand_over(client)

    def _hand_over(self, client: tuple[int, Any]) -> None:
        try:
            if self._waiting:
                greenlet: Any = self._waiting.pop()
                # As a new one: nothing that was set for one client is there for the next.
                greenlet.gr_context = copy_context()
                self._hub.loop.run_callback(greenlet.switch)
            else:
                greenlet = Greenlet(self._serve_one_after_the_other)
                greenlet.start()
        except BaseException:
            os.close(client[0])
            raise
        self._busy[greenlet] = client

    def _serve_one_after_the_other(self) -> None:
        greenlet: Any = getcurrent()
        while True:
            try:
                self._serve(*self._busy[greenlet])
            finally:
                del self._busy[greenlet]
                self._go_on()
            if self._watcher is None or len(self._waiting) >= self._most_waiting:
                return
            self._waiting.append(greenlet)
            try:
                self._hub.switch()
            except BaseException:
                # It is killed, or meets a timeout that somebody forgot: no more connections.
                if greenlet in self._busy:  # it was about to have one
                    os.close(self._busy.pop(greenlet)[0])
                else:
                    self._waiting.remove(greenlet)
                raise

    def _serve(self, descriptor: int, address: Any) -> None:
        try:
            client = gevent.socket.socket(*self._kind, fileno=descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._worker.handle(self._listener, client, address)

    def _go_on(self) -> None:
        if self._watcher is not None and self._timer is None and not self._watcher.active:
            self._watcher.start(self._accept)

    def _pause(self, error: OSError) -> None:
        self._worker.log.error("Accepting failed, again in %g s: %s", PAUSE, error)
        self._watcher.stop()
        self._timer = self._hub.loop.timer(PAUSE)
        self._timer.start(self._end_pause)

    def _end_pause(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
            self._go_on()
