"""Waiting for sockets: the whole difference between the two transports.

Inside a gevent greenlet the hub runs other greenlets meanwhile; anywhere else (sync and threaded
workers, mod_wsgi, WebTest) the thread sleeps in poll(2).  gevent's own sockets would cost a third
more there and leak descriptors with every thread.
"""

import functools
import importlib
import select
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..compiled import compiled_in

if TYPE_CHECKING:
    from gevent.hub import Hub

READ = 1
WRITE = 2

_POLL_EVENTS = {
    READ: select.POLLIN,
    WRITE: select.POLLOUT,
    READ | WRITE: select.POLLIN | select.POLLOUT,
}
_POLL_PROBLEMS = select.POLLERR | select.POLLHUP | select.POLLNVAL
_LONGEST_POLL = 2**31 - 1
"""Milliseconds that poll(2) can wait: 24 days."""

Interest = tuple[int, int]
"""A descriptor, and READ, WRITE or both."""


class Waiter(Protocol):
    """One exchange's way to wait.  Not shared between exchanges."""

    def wait(self, interests: Sequence[Interest], timeout: float | None) -> int:
        """Return the index of an interest that is ready, or -1 after ``timeout``.

        Readiness includes errors and hang-ups: the next operation on the socket tells.
        ``timeout`` is in seconds, None waits for ever.
        """

    def pause(self, seconds: float) -> None:
        """Let time pass."""

    def run_aside(self, call: Callable[[], None]) -> None:
        """Run what computes for long in a real thread, and do not wait for its end.

        gevent's pool has ten: where all are busy, this waits for one of them.
        """

    def close(self) -> None:
        """Forget every descriptor.  Call it before closing them."""


class BlockingWaiter:
    """Sleeps in poll(2)."""

    __slots__ = ()

    def wait(self, interests: Sequence[Interest], timeout: float | None) -> int:
        """See Waiter."""
        poll = original("select", "poll")()
        masks: dict[int, int] = {}
        for fd, events in interests:
            masks[fd] = masks.get(fd, 0) | _POLL_EVENTS[events]
        for fd, mask in masks.items():
            poll.register(fd, mask)
        ready = dict(
            poll.poll(None if timeout is None else min(max(timeout, 0) * 1000, _LONGEST_POLL))
        )
        for index, (fd, events) in enumerate(interests):
            if ready.get(fd, 0) & (_POLL_EVENTS[events] | _POLL_PROBLEMS):
                return index
        return -1

    def pause(self, seconds: float) -> None:
        """See Waiter."""
        original("time", "sleep")(seconds)

    def run_aside(self, call: Callable[[], None]) -> None:
        """See Waiter."""
        original("_thread", "start_new_thread")(call, ())

    def close(self) -> None:
        """Do nothing: poll(2) keeps nothing."""


@compiled_in("wsgi_scgi.transport._waiting")
class CooperativeWaiter:
    """Switches to gevent's hub; one watcher for each descriptor and kind, reused."""

    __slots__ = ("_hub", "_span", "_timer", "_watchers")

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._watchers: dict[Interest, Any] = {}
        self._timer: Any = None
        self._span = 0.0

    def wait(self, interests: Sequence[Interest], timeout: float | None) -> int:
        """See Waiter.  Whatever is thrown into the greenlet meanwhile leaves nothing running."""
        switch = _gevent().switch(self._hub)
        running = []
        try:
            for index, interest in enumerate(interests):
                watcher = self._watchers.get(interest)
                if watcher is None:
                    watcher = self._watchers[interest] = self._hub.loop.io(*interest)
                running.append(watcher)
                watcher.start(switch.switch, index)
            if timeout is not None:
                timer = self._timer_for(timeout)
                running.append(timer)
                timer.again(switch.switch, -1)
            ready: int = switch.get()
        finally:
            for watcher in running:
                watcher.stop()
        # Where the hub comes late, libev tells of the timer before it tells of the socket.
        return ready if ready >= 0 else BlockingWaiter().wait(interests, 0)

    def pause(self, seconds: float) -> None:
        """See Waiter."""
        import gevent

        gevent.sleep(seconds)

    def close(self) -> None:
        """Close the watchers; libev must not meet a descriptor that another file has taken."""
        for watcher in self._watchers.values():
            watcher.close()
        self._watchers.clear()
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def run_aside(self, call: Callable[[], None]) -> None:
        """See Waiter."""
        self._hub.threadpool.spawn(call)

    def _timer_for(self, seconds: float) -> Any:
        # An exchange waits for the same span again and again.  A repeating timer can be reused:
        # libev would start one that does not repeat with what its last wait had left over.
        if self._timer is None or self._span != seconds:
            if self._timer is not None:
                self._timer.close()
            span = max(seconds, 1e-6)
            self._timer = self._hub.loop.timer(span, span)
            self._span = seconds
        return self._timer


class _Gevent(NamedTuple):
    getcurrent: Callable[[], Any]
    hub: "type[Hub]"
    switch: Any


@functools.cache
def _gevent() -> _Gevent:
    """Return what is needed of gevent; a process that does not use it never imports it."""
    from gevent import getcurrent
    from gevent.hub import Hub, Waiter

    return _Gevent(getcurrent, Hub, Waiter)


@compiled_in("wsgi_scgi.transport._waiting")
def current_waiter() -> Waiter:
    """Return a waiter for where the caller runs.

    A greenlet whose parent is the hub may switch to it.  The main greenlet and plain threads
    may not, even where gevent is loaded.
    """
    if "gevent" in sys.modules:
        gevent = _gevent()
        hub = gevent.getcurrent().parent
        if isinstance(hub, gevent.hub):
            return CooperativeWaiter(hub)
    return BlockingWaiter()


@compiled_in("wsgi_scgi.transport._waiting")
def line_up() -> None:
    """Let the other requests of this turn of gevent's loop come as far before this one goes on.

    Then they do the next step right behind each other, and what has just run runs faster: a server
    written in Python does so much between two requests that the processor's caches have lost it.
    Only compiled code is so fast that this shows; the reference goes on.
    """


class Deadline:
    """A point in time that every step of an exchange must meet."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        """Start a span of ``seconds``; 0 sets no limit."""
        self._at = time.monotonic() + seconds if seconds else None

    def bound(self, timeout: float) -> float:
        """Return ``timeout`` or what is left, whichever is less; never negative."""
        if self._at is None:
            return timeout
        return max(0.0, min(timeout, self._at - time.monotonic()))

    @property
    def passed(self) -> bool:
        """Tell whether the time is over."""
        return self._at is not None and time.monotonic() >= self._at


NO_DEADLINE = Deadline(0)


def original(module: str, name: str) -> Any:
    """Return what gevent's monkey patching has replaced: threads must really block."""
    if "gevent.monkey" in sys.modules:
        from gevent.monkey import get_original

        return get_original(module, name)
    return getattr(importlib.import_module(module), name)
