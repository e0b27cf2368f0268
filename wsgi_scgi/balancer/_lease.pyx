# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of ``Lease`` in lease.py, its reference.

No line that counts calls Python code, so nothing comes between: no signal, no other thread.
Therefore the lock of the row, which the reference takes, is not needed.
"""

from libc.stdint cimport int64_t

from wsgi_scgi.scoreboard.layout import BUCKETS
from wsgi_scgi.scoreboard.status import Status

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

cdef enum:
    MOST_BUCKETS = 32

cdef int _buckets = len(BUCKETS)
cdef double[MOST_BUCKETS] _bounds
for _number, _bound in enumerate(BUCKETS):
    _bounds[_number] = _bound
cdef int64_t _ERROR = Status.ERROR


cdef class _Columns:
    """The columns of a row, for those who count."""

    cdef int64_t[::1] busy, elected, sent, received
    cdef double[::1] seconds, connect_seconds, first_byte_seconds
    cdef list statuses, buckets

    def __cinit__(self, row):
        self.busy, self.elected = row.busy, row.elected
        self.sent, self.received = row.sent, row.received
        self.seconds, self.connect_seconds = row.seconds, row.connect_seconds
        self.first_byte_seconds = row.first_byte_seconds
        self.statuses = [_Counter(column) for column in row.statuses]
        self.buckets = [_Counter(column) for column in row.buckets]


cdef class _Counter:
    cdef int64_t[::1] of

    def __cinit__(self, column):
        self.of = column


cdef class Lease:
    """Counts its member busy until it is released, once, whatever happens."""

    cdef readonly object balancer, member, row
    cdef public double started, connected_at, answered_at, ended_at
    cdef public int status
    cdef public bint is_probe
    cdef object _clock
    cdef _Columns _columns
    cdef Py_ssize_t _slot
    cdef bint _failed, _is_held

    def __init__(self, balancer, member, row, clock):
        """``row`` is where this process counts."""
        cdef Py_ssize_t slot = member.slot
        columns = row.compiled
        if columns is None:
            columns = row.compiled = _Columns(row)
        if not 0 <= slot < (<_Columns>columns).busy.shape[0]:
            raise IndexError("the row has no such place")
        self.balancer = balancer
        self.member = member
        self.row = row
        self.started = clock()
        self._clock = clock
        self._columns = columns
        self._slot = slot
        self._columns.busy[slot] += 1
        self._is_held = True
        self._columns.elected[slot] += 1

    def __del__(self):
        if self._is_held:
            self.release()

    def connected(self):
        """Note that the member has taken the connection."""
        self.connected_at = self._clock()

    def answered(self, int status):
        """Note the head of the answer; one that is no fault ends the member's rest."""
        self.answered_at = self._clock()
        self.status = status
        balancer = self.balancer
        statuses = balancer.pool.status
        if status in balancer.faults or statuses[self._slot] & _ERROR:
            balancer.judge_status(self, status)

    def failed(self, error):
        """Note why the attempt failed, and blame the member if it was its fault (D26)."""
        if not self._failed:
            self._failed = True
            self.balancer.judge_failure(self, error)

    def release(self, int64_t sent=0, int64_t received=0):
        """Count the member free again, and ``sent`` and ``received`` bytes.  Harmless twice."""
        cdef Py_ssize_t slot = self._slot
        cdef _Columns columns = self._columns
        cdef _Counter of_status, of_bucket
        cdef double spent
        cdef int bucket = 0
        if not self._is_held:
            return
        self.ended_at = self._clock()
        spent = self.ended_at - self.started
        while bucket < _buckets and spent > _bounds[bucket]:
            bucket += 1
        of_bucket = columns.buckets[bucket]
        of_status = columns.statuses[self.status // 100 - 1 if self.answered_at else 0]
        if not self._is_held:  # the clock may be Python code
            return
        columns.busy[slot] -= 1
        self._is_held = False
        columns.sent[slot] += sent
        columns.received[slot] += received
        columns.seconds[slot] += spent
        if self.connected_at:
            columns.connect_seconds[slot] += self.connected_at - self.started
        if self.answered_at:
            columns.first_byte_seconds[slot] += self.answered_at - self.started
            of_status.of[slot] += 1
            of_bucket.of[slot] += 1
        if self.is_probe:
            self.balancer.end_probe(self)
