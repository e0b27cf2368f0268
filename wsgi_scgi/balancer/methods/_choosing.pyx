# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled twins of what methods do with all candidates, to be called as the references.

Columns are read and written where they lie, after all slots have been compared with their
length.  Loops have no branch that depends on the numbers: a wrong guess of the processor costs
more than a second pass over them.
"""

cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_ND, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
)
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport INFINITY, exp2, fabs, log, log2
from libc.stdint cimport INT64_MIN, int64_t, uint64_t

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE


@cython.final
@cython.freelist(64)
cdef class _Column:
    """The numbers of an array, or of a memoryview of one."""

    cdef Py_buffer view
    cdef Py_ssize_t length
    cdef int64_t *q
    cdef uint64_t *u
    cdef double *d

    def __cinit__(self, object numbers, str kind):
        PyObject_GetBuffer(numbers, &self.view, PyBUF_WRITABLE | PyBUF_FORMAT | PyBUF_ND)
        if self.view.ndim != 1 or self.view.itemsize != 8 or self.view.format[0] != ord(kind):
            raise TypeError(f"one dimension of numbers of the kind {kind} is needed")
        self.length = self.view.shape[0]
        self.q = <int64_t *>self.view.buf
        self.u = <uint64_t *>self.view.buf
        self.d = <double *>self.view.buf

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


cdef int _compare(_Column slots, _Column aligned, Py_ssize_t length) except -1:
    """Raise ValueError unless ``aligned`` is as long as ``slots``, and these below ``length``."""
    cdef const int64_t *slot = slots.q
    cdef int64_t signs = 0
    cdef Py_ssize_t i
    for i in range(slots.length):
        signs |= slot[i] | (length - 1 - slot[i])
    if signs < 0 or aligned.length != slots.length or slots.length == 0:
        raise ValueError("slots and columns do not fit together")
    return 0


def take_turn(object slots, object weights, object lbstatus):
    """Return the slot whose turn it is."""
    cdef _Column members = _Column(slots, "q")
    cdef _Column shares = _Column(weights, "q")
    cdef _Column counters = _Column(lbstatus, "q")
    cdef const int64_t *slot = members.q
    cdef const int64_t *weight = shares.q
    cdef int64_t *counter = counters.q
    cdef int64_t status, share, most = INT64_MIN, total = 0
    cdef Py_ssize_t i
    _compare(members, shares, counters.length)
    for i in range(members.length):
        share = weight[i]
        status = counter[slot[i]] + share
        counter[slot[i]] = status
        total += share
        most = status if status > most else most
    i = 0
    while counter[slot[i]] != most:
        i += 1
    counter[slot[i]] -= total
    return slot[i]


def count_turn(object slots, object weights, object lbstatus, *, int64_t slot):
    """Move the counters as if ``slot`` had won."""
    cdef _Column members = _Column(slots, "q")
    cdef _Column shares = _Column(weights, "q")
    cdef _Column counters = _Column(lbstatus, "q")
    cdef const int64_t *member = members.q
    cdef const int64_t *weight = shares.q
    cdef int64_t *counter = counters.q
    cdef int64_t share, total = 0
    cdef Py_ssize_t i
    _compare(members, shares, counters.length)
    if not 0 <= slot < counters.length:
        raise IndexError("the slot is outside of the columns")
    for i in range(members.length):
        share = weight[i]
        counter[member[i]] += share
        total += share
    counter[slot] -= total


def take_least_busy(object slots, object weights, object lbstatus, *, object rows, bint weighted):
    """Return the slot with the fewest requests in flight."""
    cdef _Column members = _Column(slots, "q")
    cdef _Column shares = _Column(weights, "q")
    cdef _Column counters = _Column(lbstatus, "q")
    cdef const int64_t *slot = members.q
    cdef const int64_t *weight = shares.q
    cdef int64_t *counter = counters.q
    cdef int64_t *busy
    cdef double *loads
    cdef double load, least = INFINITY
    cdef int64_t status, share, most = INT64_MIN, total = 0
    cdef Py_ssize_t i, winner = 0
    _compare(members, shares, counters.length)
    busy = _sums(rows, counters.length)
    loads = <double *>busy + counters.length
    for i in range(members.length):
        share = weight[i]
        counter[slot[i]] += share
        total += share
        load = <double>(busy[slot[i]] + 1) / <double>(share if weighted else 1)
        loads[i] = load
        least = load if load < least else least
    for i in range(members.length):
        # Whoever is busier is nobody.
        status = counter[slot[i]] if loads[i] == least else INT64_MIN
        winner = i if status > most else winner
        most = status if status > most else most
    PyMem_Free(busy)
    counter[slot[winner]] -= total
    return slot[winner]


cdef int64_t *_sums(object columns, Py_ssize_t length) except NULL:
    """Return the sums of ``columns`` by slot, and room for as many numbers; the caller frees it."""
    cdef list all_columns = [_Column(each, "q") for each in columns]
    cdef int64_t *sums
    cdef const int64_t *numbers
    cdef _Column column
    cdef Py_ssize_t i
    for column in all_columns:
        if column.length != length:
            raise ValueError("slots and columns do not fit together")
    sums = <int64_t *>PyMem_Calloc(2 * length, sizeof(int64_t))
    if sums is NULL:
        raise MemoryError()
    for column in all_columns:
        numbers = column.q
        for i in range(length):
            sums[i] += numbers[i]
    return sums


def count_bytes(object columns, object seen, object load, double age):
    """Add to each load what its columns have grown by."""
    cdef _Column before = _Column(seen, "q")
    cdef _Column loads = _Column(load, "d")
    cdef int64_t *known = before.q
    cdef int64_t *now
    cdef int64_t new
    cdef double one, other
    cdef Py_ssize_t slot
    if loads.length != before.length:
        raise ValueError("slots and columns do not fit together")
    now = _sums(columns, before.length)
    for slot in range(before.length):
        new = now[slot] - known[slot]
        if new > 0:
            known[slot] = now[slot]
            one = loads.d[slot]
            other = log2(<double>new) + age
            loads.d[slot] = max(one, other) + log2(1 + exp2(-fabs(one - other)))
    PyMem_Free(now)


def least_load(object slots, object log_weights, object load, double age):
    """Return the slot with the least load for its weight."""
    cdef _Column members = _Column(slots, "q")
    cdef _Column shares = _Column(log_weights, "d")
    cdef _Column loads = _Column(load, "d")
    cdef const int64_t *slot = members.q
    cdef const double *log_weight = shares.d
    cdef const double *bytes_moved = loads.d
    cdef double ours, least = INFINITY
    cdef Py_ssize_t i, winner = 0
    _compare(members, shares, loads.length)
    for i in range(members.length):
        ours = bytes_moved[slot[i]]
        ours = ours - log_weight[i] if ours > age else -INFINITY
        winner = i if ours < least else winner
        least = ours if ours < least else least
    return slot[winner]


def least_draw(object seeds, object weights, uint64_t place):
    """Return the index of the member that draws the least."""
    cdef _Column members = _Column(seeds, "Q")
    cdef _Column shares = _Column(weights, "q")
    cdef double ours, least = INFINITY
    cdef uint64_t bits
    cdef Py_ssize_t i, winner = 0
    if shares.length != members.length or members.length == 0:
        raise ValueError("slots and columns do not fit together")
    for i in range(members.length):
        bits = members.u[i] + place * <uint64_t>0x9E3779B97F4A7C15
        bits = (bits ^ (bits >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
        bits = (bits ^ (bits >> 27)) * <uint64_t>0x94D049BB133111EB
        bits = (bits ^ (bits >> 31)) >> 12
        ours = -log((<double>bits + 0.5) / 4503599627370496.0) / <double>shares.q[i]
        if ours < least:
            winner = i
            least = ours
    return winner
