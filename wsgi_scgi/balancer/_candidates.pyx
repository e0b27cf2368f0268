# cython: language_level=3, wraparound=False
"""The compiled twins of ``candidates`` and ``full_slots`` in candidates.py, their reference."""

from cpython.array cimport array, clone
from libc.math cimport INFINITY
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t

from wsgi_scgi.balancer.candidates import PROBE_LOST, SLOW_START_STEPS, Candidates
from wsgi_scgi.scoreboard.status import Status

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

cdef array _numbers = array("q")
cdef array _marks = array("b")
cdef double _probe_lost = PROBE_LOST
cdef int64_t _steps = SLOW_START_STEPS

cdef int64_t _IN_USE = Status.IN_USE
cdef int64_t _OUT = Status.DISABLED | Status.STOPPED | Status.HEALTH_FAILED
cdef int64_t _ERROR = Status.ERROR
cdef int64_t _RESTS = Status.ERROR | Status.IGNORE_ERRORS
cdef int64_t _DRAIN = Status.DRAIN
cdef int64_t _SPARE = Status.HOT_SPARE
cdef int64_t _STANDBY = Status.HOT_STANDBY

# What is known of a slot.
cdef enum:
    PASSED_OVER = 1
    USABLE = 2


def candidates(object pool, double now, *, double slow_start=0.0, object without=()):
    """Return who may be chosen at ``now``."""
    cdef const int64_t[::1] status = pool.status
    cdef const int64_t[::1] weights = pool.weight
    cdef const int64_t[::1] probe_row = pool.probe_row
    cdef const double[::1] rest_until = pool.rest_until
    cdef const double[::1] probe_at = pool.probe_at
    cdef const double[::1] up_since = pool.up_since
    cdef Py_ssize_t slot, capacity = status.shape[0]
    cdef array all_marks = clone(_marks, capacity, True)
    cdef array all_weights = clone(_numbers, capacity, False)
    cdef array usable = clone(_numbers, capacity, False)
    cdef array usable_weights = clone(_numbers, capacity, False)
    cdef signed char[::1] mark = all_marks
    cdef int64_t[::1] weight_of = all_weights
    cdef int64_t[::1] member = usable
    cdef int64_t[::1] weight_of_member = usable_weights
    cdef int64_t step, weight
    cdef Py_ssize_t number = 0
    cdef double until, age, next_change = INFINITY
    for each in without:
        if 0 <= each < capacity:
            mark[each] = PASSED_OVER
    for slot in range(capacity):
        if not status[slot] & _IN_USE or status[slot] & _OUT or mark[slot]:
            continue
        if status[slot] & _RESTS == _ERROR:
            until = rest_until[slot]
            if until <= now and probe_row[slot] >= 0:
                until = probe_at[slot] + _probe_lost
            if until > now:
                next_change = min(next_change, until)
                continue
        weight = weights[slot]
        age = max(now - up_since[slot], 0.0)
        if up_since[slot] != 0 and age < slow_start:
            step = <int64_t>(age / slow_start * _steps) + 1
            weight = max(1, weight * step // _steps)
            next_change = min(next_change, up_since[slot] + step * slow_start / _steps)
        mark[slot] = USABLE
        weight_of[slot] = weight
        member[number] = slot
        weight_of_member[number] = weight
        number += 1
    slots = _first_set(status, pool.lbset, mark)
    return Candidates(
        slots=slots,
        weights=_weights_of(slots, weight_of),
        usable=usable[:number],
        usable_weights=usable_weights[:number],
        next_change=next_change,
    )


def full_slots(const int64_t[::1] limits, object rows):
    """Return the slots with as many requests in flight as their limits allow."""
    cdef Py_ssize_t slot, capacity = limits.shape[0]
    cdef array sums = clone(_numbers, capacity, True)
    cdef int64_t[::1] busy = sums
    cdef const int64_t[::1] row
    cdef list full = []
    for each in rows:
        row = each
        if row.shape[0] != capacity:
            raise ValueError("rows and limits do not fit together")
        for slot in range(capacity):
            busy[slot] += row[slot]
    for slot in range(capacity):
        if 0 < limits[slot] <= busy[slot]:
            full.append(slot)
    return tuple(full)


cdef array _first_set(
    const int64_t[::1] status, const int64_t[::1] lbset, const signed char[::1] mark
):
    """Return whom the first set offers that has anybody."""
    cdef Py_ssize_t slot, i, capacity = status.shape[0]
    cdef Py_ssize_t offered, spares, standbys, missing
    cdef array normal_slots = clone(_numbers, capacity, False)
    cdef array spare_slots = clone(_numbers, capacity, False)
    cdef array standby_slots = clone(_numbers, capacity, False)
    cdef int64_t[::1] normal = normal_slots
    cdef int64_t[::1] spare = spare_slots
    cdef int64_t[::1] standby = standby_slots
    cdef int64_t current, last = INT64_MIN
    cdef bint may_serve, is_any = True
    while is_any:
        is_any = False
        current = INT64_MAX
        for slot in range(capacity):
            if status[slot] & _IN_USE and last < lbset[slot] <= current:
                current = lbset[slot]
                is_any = True
        offered = spares = standbys = missing = 0
        for slot in range(capacity):
            if not status[slot] & _IN_USE or lbset[slot] != current:
                continue
            may_serve = mark[slot] == USABLE and not status[slot] & _DRAIN
            if not status[slot] & (_SPARE | _STANDBY):
                if may_serve:
                    normal[offered] = slot
                    offered += 1
                else:
                    missing += 1
            elif may_serve and status[slot] & _SPARE:
                spare[spares] = slot
                spares += 1
            elif may_serve:
                standby[standbys] = slot
                standbys += 1
        for i in range(min(spares, missing)):
            normal[offered] = spare[i]
            offered += 1
        if offered:
            return normal_slots[:offered]
        if standbys:
            return standby_slots[:standbys]
        last = current
    return normal_slots[:0]


cdef array _weights_of(array slots, const int64_t[::1] weight_of):
    cdef array weights = clone(_numbers, len(slots), False)
    cdef const int64_t[::1] slot = slots
    cdef int64_t[::1] weight = weights
    cdef Py_ssize_t i
    for i in range(slot.shape[0]):
        weight[i] = weight_of[slot[i]]
    return weights
