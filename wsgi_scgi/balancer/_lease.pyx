# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twins of ``Lease`` and ``UsualElections`` in lease.py and usual.py.

No line that counts calls Python code, so nothing comes between: no signal, no other thread.
Therefore the lock of the row, which the reference takes, is not needed.
"""

from libc.stdint cimport INT64_MIN, int64_t

from wsgi_scgi.scoreboard._memory cimport Lock

from wsgi_scgi.scoreboard.layout import BUCKETS, WORDS
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
cdef int _EPOCH = WORDS.index("epoch")


cdef class _Columns:
    """The columns of a row, for those who count."""

    cdef int64_t[::1] busy, elected, sent, received
    cdef double[::1] seconds, connect_seconds, first_byte_seconds
    cdef list statuses, buckets

    def __cinit__(self, row):
        self.look_at(row)

    def look_at(self, row):
        """Take the columns of a row."""
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
    cdef UsualElections _usual
    cdef Py_ssize_t _slot
    cdef bint _failed, _is_held

    def __init__(self, balancer, member, row, clock):
        """``row`` is where this process counts."""
        cdef Py_ssize_t slot = member.slot
        cdef _Columns columns = _columns_of(row)
        cdef UsualElections usual = balancer.usual
        if not 0 <= slot < columns.busy.shape[0] or slot >= usual._status.shape[0]:
            raise IndexError("the row has no such place")
        self._clock = clock
        self._begin(usual, balancer, member, slot, row, columns, clock())

    cdef int _begin(
        self,
        UsualElections usual,
        balancer,
        member,
        Py_ssize_t slot,
        row,
        _Columns columns,
        double now,
    ) except -1:
        if usual._faults is None:
            usual._faults = balancer.faults
        self.balancer = balancer
        self.member = member
        self.row = row
        self.started = now
        self._columns = columns
        self._usual = usual
        self._slot = slot
        columns.busy[slot] += 1
        self._is_held = True
        columns.elected[slot] += 1
        return 0

    def __del__(self):
        if self._is_held:
            self.release()

    def connected(self):
        """Note that the member has taken the connection."""
        self.connected_at = self._clock()

    def answered(self, int status):
        """Note the head of the answer; one that is no fault ends the member's rest."""
        cdef UsualElections usual = self._usual
        self.answered_at = self._clock()
        self.status = status
        if usual._status[self._slot] & _ERROR or usual._faults and status in usual._faults:
            self.balancer.judge_status(self, status)

    def failed(self, error):
        """Note why the attempt failed, and blame the member if it was its fault."""
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


cdef _Columns _columns_of(row):
    columns = row.compiled
    if columns is None:
        columns = row.compiled = _Columns(row)
    return columns


cdef class UsualElections:
    """Those of one balancer, as long as what ``prepare`` was told is true."""

    cdef object _pool, _clock, _row, _alone
    cdef frozenset _faults  # the balancer's, for its leases
    cdef Lock _lock
    cdef _Columns _columns
    cdef list _members
    cdef int64_t[::1] _words, _status, _lbstatus
    cdef int64_t[::1] _slots, _weights
    cdef double _next_change
    cdef int64_t _epoch

    def __init__(self, pool, clock):
        """``clock`` is the board's."""
        self._pool, self._clock = pool, clock
        self._lock = pool.lock if isinstance(pool.lock, Lock) else None
        self._words, self._status, self._lbstatus = pool.words, pool.status, pool.lbstatus
        self._members = []
        self._epoch = -1

    def prepare(self, candidates, members):
        """Let ``candidates`` take turns while nothing changes; ``members`` are all, by slot."""
        cdef int64_t slot
        self._epoch = -1
        self._slots, self._weights = candidates.slots, candidates.weights
        self._next_change = candidates.next_change
        self._members = [members[slot] for slot in candidates.slots]
        for slot in candidates.slots:
            if not 0 <= slot < self._lbstatus.shape[0]:
                raise IndexError("the pool has no such place")
        if not 0 < len(self._members) == self._weights.shape[0]:
            raise ValueError("slots and weights do not fit together")
        self._alone = None
        self._epoch = self._words[_EPOCH]

    def prepare_alone(self, member):
        """Lend ``member`` without an election while nothing changes; as above."""
        self._alone = member
        self._epoch = self._words[_EPOCH]

    def lend(self, balancer):
        """Return a lease of the member whose turn it is; None if this is no usual election."""
        row = self._pool.own_row
        if row is None or self._words[_EPOCH] != self._epoch:
            return None
        if row is not self._row:
            self._columns, self._row = _columns_of(row), row
        if self._alone is not None:
            return self._lease(balancer, self._alone, self._alone.slot, self._clock())
        if self._lock is None:  # its twin is missing
            return None
        self._lock.take()
        try:
            return self._elect(balancer)
        finally:
            self._lock.leave()

    cdef object _elect(self, balancer):
        cdef double now = self._clock()
        cdef Py_ssize_t winner
        if self._words[_EPOCH] != self._epoch or now >= self._next_change:
            return None
        winner = self._take_turn()
        return self._lease(balancer, self._members[winner], self._slots[winner], now)

    cdef Lease _lease(self, balancer, member, Py_ssize_t slot, double now):
        cdef Lease lease = Lease.__new__(Lease)
        lease._clock = self._clock
        lease._begin(self, balancer, member, slot, self._row, self._columns, now)
        return lease

    cdef Py_ssize_t _take_turn(self) noexcept:
        """Return the index of the candidate whose turn it is, as ``take_turn``."""
        cdef int64_t *counter = &self._lbstatus[0]
        cdef const int64_t *slot = &self._slots[0]
        cdef const int64_t *weight = &self._weights[0]
        cdef int64_t status, most = INT64_MIN, total = 0
        cdef Py_ssize_t i
        for i in range(self._slots.shape[0]):
            status = counter[slot[i]] + weight[i]
            counter[slot[i]] = status
            total += weight[i]
            most = status if status > most else most
        i = 0
        while counter[slot[i]] != most:
            i += 1
        counter[slot[i]] -= total
        return i
