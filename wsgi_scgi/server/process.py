"""A server as the work of a whole process: it ends on a signal, or with a parent that it helps.

A process whose parent dies gets another one.  Asking for the parent's id now and then sees that
on every Unix, however the parent died; Linux alone could send a signal (PR_SET_PDEATHSIG), and
does so already when the thread ends that started the process.
"""

import os
import signal
from collections.abc import Callable

import gevent
from gevent.event import Event

from .scgi_server import STOP_TIMEOUT, SCGIServer

_PARENT_INTERVAL = 0.5
"""Seconds between two looks at the parent."""


def run(
    server: SCGIServer,
    *,
    parent: int | None = None,
    stop_timeout: float = STOP_TIMEOUT,
    ready: Callable[[], object] | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or the end of the process ``parent``, if one is named.

    The first signal stops gracefully, within ``stop_timeout`` seconds; a second one at once.
    ``ready`` is called once the server listens.
    """
    ended, hurried = Event(), Event()

    def end() -> None:
        if ended.is_set():
            hurried.set()
        ended.set()

    signals = [gevent.signal_handler(number, end) for number in (signal.SIGTERM, signal.SIGINT)]
    watch = None if parent is None else gevent.spawn(_set_when_orphaned, ended, parent)
    try:
        server.start()
        if ready is not None:
            ready()
        ended.wait()
        stopping = gevent.spawn(server.stop, timeout=stop_timeout)
        stopping.link(lambda _stopped: hurried.set())
        hurried.wait()
        server.stop(timeout=0.0)
    finally:
        if watch is not None:
            watch.kill()
        for handler in signals:
            handler.cancel()


def _set_when_orphaned(ended: Event, parent: int) -> None:
    while os.getppid() == parent:
        gevent.sleep(_PARENT_INTERVAL)
    ended.set()
