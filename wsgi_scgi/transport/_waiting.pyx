# cython: language_level=3
"""The compiled twins of ``CooperativeWaiter``, ``current_waiter`` and ``line_up`` in waiting.py.

Watchers and timers of gevent's loop are used again by the next exchange instead of made anew.
"""

from wsgi_scgi.transport._turn cimport Departure, Turn

import sys
import weakref

from greenlet import getcurrent, greenlet

from wsgi_scgi.transport.waiting import READ, BlockingWaiter

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

# Spare watchers of one kind: more than so many exchanges at a time pay for new ones.
cdef enum:
    MOST_SPARE = 1024
    # The spans of the limits are few and come first.  What is left of one is another each time.
    MOST_SPANS = 32

cdef object _loops = weakref.WeakKeyDictionary()
cdef object _last_hub = None
cdef _Loop _last_loop = None

cdef object _switch_to = greenlet.switch
cdef dict _modules = sys.modules
cdef object _Hub = None
cdef object _blocking = BlockingWaiter()
cdef int _READ = READ


def current_waiter():
    """Return a waiter for where the caller runs."""
    hub = _hub_here()
    return _blocking if hub is None else CooperativeWaiter(hub)


def line_up():
    """Let the other requests of this turn of gevent's loop come as far before this one goes on."""
    hub = _hub_here()
    if hub is not None:
        _loop_of(hub).turn.join(hub, Departure())


cdef _hub_here():
    """Return the hub to which the current greenlet may switch."""
    global _Hub
    if "gevent" in _modules:
        if _Hub is None:
            from gevent.hub import Hub as _Hub
        hub = getcurrent().parent
        if isinstance(hub, _Hub):
            return hub
    return None


cdef class _Loop:
    """What there is once for each loop: its turn, and watchers and timers that nobody uses."""

    def __cinit__(self, loop):
        self.loop = loop
        self.turn = Turn(loop)
        self.readers = []
        self.others = []
        self.of_spans = {}
        self.span = -1.0

    cdef object take(self, int descriptor, int events):
        """Return a watcher for a descriptor."""
        cdef list spare = self.readers if events == _READ else self.others
        if not spare:
            return self.loop.io(descriptor, events)
        watcher = spare.pop()
        watcher.fd = descriptor
        if events != _READ:
            watcher.events = events
        return watcher

    cdef give(self, watcher, int events):
        """Keep a watcher that does not run."""
        cdef list spare = self.readers if events == _READ else self.others
        if len(spare) < MOST_SPARE:
            spare.append(watcher)
        else:
            watcher.close()

    cdef list timers(self, double span):
        """Return the timers of a span of time; None where too many spans are known."""
        if span != self.span:
            found = self.of_spans.get(span)
            if found is None:
                if len(self.of_spans) >= MOST_SPANS:
                    return None
                found = self.of_spans[span] = []
            self.span = span
            self.of_span = found
        return self.of_span


cdef _Loop _loop_of(hub):
    global _last_hub, _last_loop
    cdef _Loop loop = _last_loop
    # A hub that was destroyed and made again has another loop.
    if hub is not _last_hub or loop.loop is not hub.loop:
        loop = _loops.get(hub)
        if loop is None or loop.loop is not hub.loop:
            loop = _loops[hub] = _Loop(hub.loop)
        _last_hub, _last_loop = hub, loop
    return loop


cdef Turn turn_of(hub):
    """Return the turn of a hub's loop."""
    return _loop_of(hub).turn


cdef class CooperativeWaiter:
    """Switches to gevent's hub; one watcher for each descriptor and kind, reused."""

    def __cinit__(self, hub):
        self._hub = hub
        self._of_loop = _loop_of(hub)
        self._descriptor = -1

    cdef int depart(self, Departure departure) except -1:
        """Return once it has departed, with all others of this turn of the loop."""
        return self._of_loop.turn.join(self._hub, departure)

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
            return _switch_to(self._hub)
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
        """Run what computes for long in a real thread, and do not wait for its end."""
        self._hub.threadpool.spawn(call)

    def close(self):
        """Give the watchers back; libev must not meet a descriptor that another file has taken."""
        cdef list timers
        if self._timer is not None:
            timer, self._timer = self._timer, None
            timers = self._of_loop.timers(self._span)
            if timers is None or len(timers) >= MOST_SPARE:
                timer.close()
            else:
                timers.append(timer)
        if self._watcher is not None:
            watcher, self._watcher = self._watcher, None
            self._descriptor = -1
            self._of_loop.give(watcher, self._events)
        if self._more is not None:
            more, self._more = self._more, None
            for _, events, watcher in more:
                self._of_loop.give(watcher, events)

    cdef object _watcher_of(self, int descriptor, int events):
        if self._descriptor == descriptor and self._events == events:
            return self._watcher
        if self._watcher is None:
            self._watcher = self._of_loop.take(descriptor, events)
            self._descriptor = descriptor
            self._events = events
            return self._watcher
        if self._more is None:
            self._more = []
        for known, kind, watcher in self._more:
            if known == descriptor and kind == events:
                return watcher
        watcher = self._of_loop.take(descriptor, events)
        self._more.append((descriptor, events, watcher))
        return watcher

    cdef object _timer_of(self, double seconds):
        # A repeating timer can be reused: libev would start one that does not repeat with what
        # its last wait had left over.
        cdef double span = max(seconds, 1e-6)
        cdef list timers
        if self._timer is None or self._span != span:
            if self._timer is not None:
                self._timer.close()
                self._timer = None
            timers = self._of_loop.timers(span)
            self._timer = timers.pop() if timers else self._of_loop.loop.timer(span, span)
            self._span = span
        return self._timer
