# cython: language_level=3
"""The compiled twin of ``receive_whole_answer`` in whole_answer.py, on the C socket calls."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport EAGAIN, errno

from wsgi_scgi.transport._connecting cimport Connection
from wsgi_scgi.transport._waiting cimport CooperativeWaiter

import os

from wsgi_scgi.compiled import TWINS
from wsgi_scgi.scgi.response_head import parse_whole_head
from wsgi_scgi.transport.waiting import READ
from wsgi_scgi.transport.whole_answer import RECEIVE_SIZE, Answer, Begun

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

cdef extern from "<sys/socket.h>" nogil:
    enum:
        MSG_DONTWAIT
    Py_ssize_t recv(int descriptor, void *data, size_t size, int flags)

SOURCE = WSGI_SCGI_SOURCE

cdef enum:
    SIZE = 65536

assert SIZE == RECEIVE_SIZE

cdef object _new_tuple = tuple.__new__
cdef int _READ = READ

# Filled and copied before any other code runs, so that all exchanges can share it.
cdef char[SIZE] _buffer


def receive_whole_answer(connection, Py_ssize_t sent, double patience, bint without_content):
    """Return the whole answer to a request of ``sent`` bytes, or how far the exchange came."""
    cdef Py_ssize_t size, length, used
    cdef bytes received
    cdef int descriptor, ready
    cdef bint ended = False
    cdef object answer, expected
    if type(connection) is not Connection:
        reference = TWINS["receive_whole_answer"].reference
        return reference(connection, sent, patience, without_content)
    if (<Connection>connection).sent < sent:
        return Begun((<Connection>connection).sent)
    descriptor = (<Connection>connection).fd
    waiter = (<Connection>connection).waiter
    if type(waiter) is CooperativeWaiter:
        ready = (<CooperativeWaiter>waiter).wait_for(descriptor, _READ, patience)
    else:
        ready = waiter.wait(((descriptor, _READ),), patience)
    if ready < 0:
        return Begun(sent, waited=patience)

    size = recv(descriptor, _buffer, SIZE, MSG_DONTWAIT)
    if size < 0:
        return Begun(sent, b"", _failure())
    received = PyBytes_FromStringAndSize(_buffer, size)
    parsed = parse_whole_head(received)
    if parsed is None:
        return Begun(sent, received)
    answer, used = parsed
    if without_content or answer.status == 204 or answer.status == 304:
        return _new_tuple(Answer, (answer, b"", len(received)))
    expected = answer.content_length
    while True:
        length = len(received) - used
        if ended if expected is None else length == expected:
            return _new_tuple(Answer, (answer, received[used:], len(received)))
        if ended or len(received) == SIZE or (expected is not None and length > expected):
            return Begun(sent, received)
        size = recv(descriptor, _buffer, SIZE - len(received), MSG_DONTWAIT)
        if size < 0:
            return Begun(sent, received, _failure())
        received += PyBytes_FromStringAndSize(_buffer, size)
        ended = size == 0


cdef _failure():
    """Return the error of the last call, None if there is only nothing to receive yet."""
    cdef int code = errno
    return None if code == EAGAIN else OSError(code, os.strerror(code))
