# cython: language_level=3
"""The compiled twins of ``CooperativeWaiter`` and ``current_waiter`` in waiting.py.

Watchers and timers of gevent's loop are used again by the next exchange instead of made anew.
"""

import sys
import weakref

from greenlet import getcurrent

from wsgi_scgi.transport.waiting import BlockingWaiter

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

# Spare watchers of one kind: more than so many exchanges at a time pay for new ones.
cdef enum:
    MOST_SPARE = 1024
    # Limits of time are few, unless an exchange has a deadline: then each wait has another.
    MOST_SPANS = 32

cdef object _watchers_of_hubs = weakref.WeakKeyDictionary()


cdef dict _modules = sys.modules
cdef object _Hub = None
cdef object _blocking = BlockingWaiter()


def current_waiter():
    """Return a waiter for where the caller runs."""
    global _Hub
    if "gevent" in _modules:
        if _Hub is None:
            from gevent.hub import Hub as _Hub
        hub = getcurrent().parent
        if isinstance(hub, _Hub):
            return CooperativeWaiter(hub)
    return _blocking


cdef class _Watchers:
    """The watchers of one loop that nobody uses."""

    def __cinit__(self, loop):
        self.loop = loop
        self.of_descriptors = []
        self.of_spans = {}


cdef _Watchers _watchers_of(hub):
    watchers = _watchers_of_hubs.get(hub)
    # A hub that was destroyed and made again has another loop.
    if watchers is None or (<_Watchers>watchers).loop is not hub.loop:
        watchers = _watchers_of_hubs[hub] = _Watchers(hub.loop)
    return watchers


cdef class CooperativeWaiter:
    """Switches to gevent's hub; one watcher for each descriptor and kind, reused."""

    def __cinit__(self, hub):
        self._hub = hub
        self._own = []
        self._span = 0.0

    def wait(self, interests, timeout):
        """Return the index of an interest that is ready, or -1 after ``timeout``."""
        cdef int running = 0
        cdef int ready
        cdef double span = -1.0 if timeout is None else max(timeout, 0.0)
        if len(interests) == 1:
            descriptor, events = interests[0]
            return self.wait_for(descriptor, events, span)
        try:
            for descriptor, events in interests:
                watcher = self._watcher_of(descriptor, events)
                watcher.start(self._ready, running)
                running += 1
            ready = self._switch(span)
        finally:
            for descriptor, events in interests[:running]:
                self._watcher_of(descriptor, events).stop()
        # Where the hub comes late, libev tells of the timer before it tells of the socket.
        return ready if ready >= 0 else BlockingWaiter().wait(interests, 0)

    cdef int wait_for(self, int descriptor, int events, double timeout) except -2:
        """Return 0 as soon as ``descriptor`` is ready, -1 after ``timeout``; below 0: for ever."""
        cdef int ready
        watcher = self._watcher_of(descriptor, events)
        watcher.start(self._ready, 0)
        try:
            ready = self._switch(timeout)
        finally:
            watcher.stop()
        return ready if ready >= 0 else BlockingWaiter().wait(((descriptor, events),), 0)

    cdef int _switch(self, double timeout) except -2:
        """Let the hub run until a watcher, or the timer, calls ``_ready``."""
        timer = None
        self._greenlet = getcurrent()
        try:
            if timeout >= 0:
                timer = self._timer_of(timeout)
                timer.again(self._ready, -1)
            return self._hub.switch()
        finally:
            self._greenlet = None
            if timer is not None:
                timer.stop()

    def _ready(self, int index):
        """Wake the greenlet, once: another watcher may call in the same turn of the loop."""
        greenlet = self._greenlet
        if greenlet is not None:
            self._greenlet = None
            greenlet.switch(index)

    def pause(self, seconds):
        """Let time pass."""
        import gevent

        gevent.sleep(seconds)

    def run_aside(self, call):
        """Run something that blocks in a real thread, without waiting for it."""
        self._hub.threadpool.spawn(call)

    def close(self):
        """Give the watchers back; libev must not meet a descriptor that another file has taken."""
        cdef list own = self._own
        cdef _Watchers watchers = self._watchers
        if self._timer is not None:
            timer, self._timer = self._timer, None
            spare = watchers.of_spans.get(self._span)
            if spare is None and len(watchers.of_spans) < MOST_SPANS:
                spare = watchers.of_spans[self._span] = []
            if spare is None or len(<list>spare) >= MOST_SPARE:
                timer.close()
            else:
                (<list>spare).append(timer)
        if own:
            self._own = []
            for _, _, watcher in own:
                if len(watchers.of_descriptors) >= MOST_SPARE:
                    watcher.close()
                else:
                    watchers.of_descriptors.append(watcher)

    cdef object _watcher_of(self, int descriptor, int events):
        cdef list spare
        for known, kind, watcher in self._own:
            if known == descriptor and kind == events:
                return watcher
        if self._watchers is None:
            self._watchers = _watchers_of(self._hub)
        spare = self._watchers.of_descriptors
        if spare:
            watcher = spare.pop()
            watcher.fd = descriptor
            watcher.events = events
        else:
            watcher = self._watchers.loop.io(descriptor, events)
        self._own.append((descriptor, events, watcher))
        return watcher

    cdef object _timer_of(self, double seconds):
        # A repeating timer can be reused: libev would start one that does not repeat with what
        # its last wait had left over.
        cdef double span = max(seconds, 1e-6)
        if self._timer is None or self._span != span:
            if self._timer is not None:
                self._timer.close()
                self._timer = None
            spare = self._watchers.of_spans.get(span)
            self._timer = spare.pop() if spare else self._watchers.loop.timer(span, span)
            self._span = span
        return self._timer
