# cython: language_level=3
"""What leaves in one turn of gevent's loop leaves together, at the end of the turn.

Sending to a process that sleeps on another core wakes it, and of all that the kernel does for a
small request this costs the most.  Where each is sent as soon as it is made, its receiver is done
with it and asleep again before the next one comes.  Sent one right behind the other they find it
awake.  Who is alone in a turn loses nothing: it ends at once.  Who computes for long in a turn
keeps the others waiting, as everything else does with greenlets.
"""

import sys

from greenlet import getcurrent, greenlet

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

cdef enum:
    # With so many on their way the receiver has enough to do, and the rest must not wait longer.
    MOST_WAITING = 32

cdef object _switch_to = greenlet.switch


cdef class Departure:
    """System calls of one greenlet, which fail or succeed without waiting."""

    cdef void depart(self) noexcept:
        """Do them.  No Python can run: others wait to leave right behind."""


cdef class Turn:
    """One turn of a loop after the other."""

    def __cinit__(self, loop):
        self._loop = loop
        self._waiting = []
        self._departed = []

    cdef int join(self, hub, Departure departure) except -1:
        """Return once it has departed; ``hub`` is that of the loop.

        Whatever is thrown into the greenlet meanwhile may come before that or after.
        """
        departure._greenlet = getcurrent()
        try:
            if not self._ends:
                # gevent runs it after all that became ready in this turn, and before it waits.
                self._loop.run_callback(self._end)
                self._ends = True
            self._waiting.append(departure)
            if len(self._waiting) >= MOST_WAITING:
                self._depart()
            _switch_to(hub)
        finally:
            departure._greenlet = None
        return 0

    cdef int _depart(self) except -1:
        cdef Departure departure
        for departure in self._waiting:
            if departure._greenlet is not None:
                departure.depart()
        self._departed += self._waiting
        self._waiting.clear()
        return 0

    def _end(self):
        """Let all depart that are still here, then wake everybody."""
        cdef Departure departure
        cdef list departed
        self._ends = False
        self._depart()
        departed, self._departed = self._departed, []
        for departure in departed:
            greenlet = departure._greenlet
            if greenlet is not None:
                try:
                    greenlet.switch()
                except BaseException:
                    # It ended with that; the others must be woken all the same.
                    self._loop.handle_error(greenlet, *sys.exc_info())
