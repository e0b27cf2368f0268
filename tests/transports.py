"""The two transports, for tests that are written once and run on both.

The machinery around a test (backends, clients) runs on ordinary threads in either case, so that
gevent's hub is free to turn while the test waits in a greenlet.
"""

import contextlib
import enum
import signal
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import gevent

T = TypeVar("T")

BOUND = 30.0
"""Seconds after which a test that waits for something gives up; never what is asserted."""


class Transport(enum.Enum):
    """Where the code under test runs, which decides how it waits."""

    BLOCKING = "blocking"
    COOPERATIVE = "cooperative"

    def call(self, function: Callable[[], T]) -> T:
        """Call ``function`` there and return what it returns; what it raises is raised here."""
        if self is Transport.BLOCKING:
            return function()
        greenlet = gevent.spawn(function)
        greenlet.join(BOUND)
        if not greenlet.ready():
            greenlet.kill()
            raise AssertionError(f"the greenlet did not end in {BOUND:g} seconds")
        result: T = greenlet.get()
        return result

    def interrupt(self, function: Callable[[], object], *, ready: Callable[[], bool]) -> None:
        """Call ``function`` and break it off once ``ready`` tells that it waits.

        A greenlet is killed; a thread gets SIGINT, so that it raises KeyboardInterrupt.
        """
        if self is Transport.COOPERATIVE:
            greenlet = gevent.spawn(function)
            until(ready, pause=lambda: gevent.sleep(0.005))
            gevent.sleep(0.02)
            greenlet.kill()
            assert isinstance(greenlet.value, gevent.GreenletExit), greenlet.value
            return
        main = threading.main_thread().ident
        assert main is not None

        def strike(thread: int = main) -> None:
            until(ready)
            time.sleep(0.02)
            signal.pthread_kill(thread, signal.SIGINT)

        striker = threading.Thread(target=strike)
        striker.start()
        interrupted = False
        try:
            function()
        except KeyboardInterrupt:
            interrupted = True
        finally:
            # Where the call has ended already, it is this test alone that fails.
            with contextlib.suppress(KeyboardInterrupt):
                striker.join()
        assert interrupted, "the call ended before it was interrupted"


def until(condition: Callable[[], bool], *, pause: Callable[[], None] | None = None) -> None:
    """Wait until ``condition`` holds; AssertionError if it does not in ``BOUND`` seconds."""
    end = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("what the test waits for did not happen")
        if pause is None:
            time.sleep(0.002)
        else:
            pause()
