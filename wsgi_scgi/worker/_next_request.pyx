# cython: language_level=3
"""Waiting for a client's next request, which costs more than reading it.

A watcher of gevent's loop is started and stopped once for a connection instead of once for a
request: it runs on while the request is answered, and is only stopped if the client does not wait
for that.  And there is one timer for all clients of a worker: all have the same time, so they
stand in a list, and whoever came first is late first.
"""

from cpython.object cimport PyObject

import sys

from greenlet import getcurrent, greenlet

from wsgi_scgi.transport.waiting import READ

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

cdef extern from "<time.h>" nogil:
    struct timespec:
        long tv_sec
        long tv_nsec
    enum:
        CLOCK_MONOTONIC
    int clock_gettime(int clock, timespec *time)

SOURCE = WSGI_SCGI_SOURCE

cdef object _switch_to = greenlet.switch
cdef _Silence _last_used = None


cdef class NextRequest:
    """Waits for the requests of one client, in the greenlet that made it.  Close it, always."""

    def __cinit__(self, hub, int descriptor, double patience):
        """``patience`` is how many seconds the client may be silent."""
        self._hub = hub
        self._greenlet = getcurrent()
        self._watcher = hub.loop.io(descriptor, READ)
        self._silence = _silence_of(hub, patience)

    cdef bint wait(self) except -1:
        """Return as soon as there may be something to receive; tell whether it came in time.

        Other greenlets run in any case: a client that never lets us wait would keep all others
        from running.
        """
        if not self._is_watching:
            self._watcher.start(self._ready)
            self._is_watching = True
        self._is_late = False
        try:
            self._silence.add(self)
            _switch_to(self._hub)
        finally:
            if self._is_waiting:  # something else woke the greenlet, or ends it
                self._silence.remove(self)
        return not self._is_late

    def _ready(self):
        if self._is_waiting:
            self._wake(False)
        else:
            # The loop would tell it again and again.
            self._is_watching = False
            self._watcher.stop()

    cdef int _wake(self, bint is_late) except -1:
        self._silence.remove(self)
        self._is_late = is_late
        self._greenlet.switch()
        return 0

    def close(self):
        """Forget the descriptor.  Call it before closing that."""
        self._is_watching = False
        self._watcher.stop()
        self._watcher.close()


cdef class _Silence:
    """The clients of a worker that are silent, in the order in which they began to be."""

    def __cinit__(self, hub, double patience):
        self._hub = hub
        self._patience = patience

    cdef int add(self, NextRequest waiting) except -1:
        waiting._deadline = _now() + self._patience
        waiting._is_waiting = True
        waiting._behind = NULL
        waiting._before = self._last
        if self._last == NULL:
            self._first = <PyObject *>waiting
        else:
            (<NextRequest>self._last)._behind = <PyObject *>waiting
        self._last = <PyObject *>waiting
        if self._timer is None:
            self._start_timer(self._patience)
        return 0

    cdef void remove(self, NextRequest waiting) noexcept:
        waiting._is_waiting = False
        if waiting._before == NULL:
            self._first = waiting._behind
        else:
            (<NextRequest>waiting._before)._behind = waiting._behind
        if waiting._behind == NULL:
            self._last = waiting._before
        else:
            (<NextRequest>waiting._behind)._before = waiting._before

    cdef int _start_timer(self, double seconds) except -1:
        # At least a moment: the loop's clock is not quite ours.
        timer = self._hub.loop.timer(max(seconds, 0.001))
        timer.start(self._tell_late)
        self._timer = timer
        return 0

    def _tell_late(self):
        """Wake those whose time is over; come again when the next one's may be."""
        cdef double now = _now()
        cdef NextRequest late
        timer, self._timer = self._timer, None
        timer.close()
        while self._first != NULL and (<NextRequest>self._first)._deadline <= now:
            late = <NextRequest>self._first
            try:
                late._wake(True)
            except BaseException:
                # It ended with that; the others are late all the same.
                self._hub.loop.handle_error(late._greenlet, *sys.exc_info())
        if self._first != NULL and self._timer is None:
            self._start_timer((<NextRequest>self._first)._deadline - now)


cdef _Silence _silence_of(hub, double patience):
    """Return the list for one patience; a worker has one."""
    global _last_used
    if _last_used is None or _last_used._hub is not hub or _last_used._patience != patience:
        _last_used = _Silence(hub, patience)
    return _last_used


cdef double _now() noexcept:
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec + time.tv_nsec * 1e-9
