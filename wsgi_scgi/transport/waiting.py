"""Waiting for sockets: the whole difference between the two transports.

Inside a gevent greenlet the hub runs other greenlets meanwhile; anywhere else (sync and threaded
workers, mod_wsgi, WebTest) the thread sleeps in poll(2).  gevent's own sockets would cost a third
more there and leak descriptors with every thread.
"""

import importlib
import select
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

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
        """Run something that blocks in a real thread, without waiting for it."""

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


class CooperativeWaiter:
    """Switches to gevent's hub; one watcher for each descriptor and kind, reused."""

    __slots__ = ("_hub", "_timers", "_watchers")

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._watchers: dict[Interest, Any] = {}
        self._timers: dict[float, Any] = {}

    def wait(self, interests: Sequence[Interest], timeout: float | None) -> int:
        """See Waiter.  Whatever is thrown into the greenlet meanwhile leaves nothing running."""
        from gevent.hub import Waiter as Switch

        switch: Switch[int] = Switch(self._hub)
        running = []
        try:
            for index, interest in enumerate(interests):
                watcher = self._watchers.get(interest)
                if watcher is None:
                    watcher = self._watchers[interest] = self._hub.loop.io(*interest)
                running.append(watcher)
                watcher.start(switch.switch, index)
            if timeout is not None:
                timer = self._timer(max(timeout, 1e-6))
                running.append(timer)
                timer.again(switch.switch, -1)
            index = switch.get()
        finally:
            for watcher in running:
                watcher.stop()
        # Where the hub comes late, libev tells of the timer before it tells of the socket.
        return index if index >= 0 else BlockingWaiter().wait(interests, 0)

    def pause(self, seconds: float) -> None:
        """See Waiter."""
        import gevent

        gevent.sleep(seconds)

    def close(self) -> None:
        """Close the watchers; libev must not meet a descriptor that another file has taken."""
        for watcher in self._watchers.values():
            watcher.close()
        self._watchers.clear()
        self._drop_timers()

    def run_aside(self, call: Callable[[], None]) -> None:
        """See Waiter."""
        self._hub.threadpool.spawn(call)

    def _timer(self, seconds: float) -> Any:
        # An exchange waits for the same span again and again.  A repeating timer can be reused:
        # libev would start one that does not repeat with what its last wait had left over.
        timer = self._timers.get(seconds)
        if timer is None:
            self._drop_timers()
            timer = self._timers[seconds] = self._hub.loop.timer(seconds, seconds)
        return timer

    def _drop_timers(self) -> None:
        for timer in self._timers.values():
            timer.close()
        self._timers.clear()


def current_waiter() -> Waiter:
    """Return a waiter for where the caller runs.

    A greenlet whose parent is the hub may switch to it.  The main greenlet and plain threads
    may not, even where gevent is loaded.
    """
    if "gevent" in sys.modules:
        from gevent import getcurrent
        from gevent.hub import Hub

        hub = getcurrent().parent
        if isinstance(hub, Hub):
            return CooperativeWaiter(hub)
    return BlockingWaiter()


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


def original(module: str, name: str) -> Any:
    """Return what gevent's monkey patching has replaced: threads must really block."""
    if "gevent.monkey" in sys.modules:
        from gevent.monkey import get_original

        return get_original(module, name)
    return getattr(importlib.import_module(module), name)
