# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of ``encode_request_head`` in request_head.py, its reference.

It measures all strings, makes one bytes object of just that size and fills it.  Whatever it does
not like is given to the reference, which refuses it in its own words.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcpy

from wsgi_scgi.compiled import TWINS

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object text)
    int PyUnicode_KIND(object text)
    int PyUnicode_1BYTE_KIND
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE
DEFAULT_LIMIT = 65536

# "CONTENT_LENGTH" NUL, and NUL "SCGI" NUL "1" NUL behind its value.
cdef bytes _BEFORE = b"CONTENT_LENGTH\0"
cdef bytes _BEHIND = b"\0SCGI\0001\0"


cdef inline Py_ssize_t _size(object text) except -2:
    """Return the bytes of a string that holds bytes and no NUL; -1 for any other object."""
    cdef Py_ssize_t length
    # CPython stores a string of one byte a character exactly if it is one of Latin-1.
    if not PyUnicode_CheckExact(text) or PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND:
        return -1
    length = PyUnicode_GET_LENGTH(text)
    if memchr(PyUnicode_DATA(text), 0, length) != NULL:
        return -1
    return length


cdef inline char *_write(char *at, char *end, object text) except NULL:
    """Copy a string that ``_size`` has measured, and a NUL, to ``at``; return what follows."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    if end - at <= length:
        raise SystemError("the variables have grown while they were encoded")
    memcpy(at, PyUnicode_DATA(text), length)
    at[length] = 0
    return at + length + 1


def encode_request_head(content_length, variables, *, limit=DEFAULT_LIMIT):
    """Encode ``variables`` for a body of ``content_length`` bytes."""
    cdef dict items
    cdef Py_ssize_t size, length
    cdef str digits
    cdef bytes head
    cdef char[24] start  # 20 digits at most, the colon, the NUL
    cdef int prefix
    cdef char *at
    cdef char *end

    if type(content_length) is not int or type(limit) is not int or type(variables) is not dict:
        return _refer(content_length, variables, limit)
    items = variables
    if "" in items or "SCGI" in items or "CONTENT_LENGTH" in items:
        return _refer(content_length, variables, limit)
    digits = str(content_length)
    size = len(_BEFORE) + len(digits) + len(_BEHIND)
    for name, value in items.items():
        length = _size(name)
        if length < 0:
            return _refer(content_length, variables, limit)
        size += length + 1
        length = _size(value)
        if length < 0:
            return _refer(content_length, variables, limit)
        size += length + 1
    if size > limit:
        return _refer(content_length, variables, limit)

    prefix = snprintf(start, sizeof(start), b"%zd:", size)
    # Nothing from here on runs Python code, so the variables stay as they were measured; _write
    # checks it all the same.
    head = PyBytes_FromStringAndSize(NULL, prefix + size + 1)
    at = PyBytes_AS_STRING(head)
    end = at + prefix + size
    memcpy(at, start, prefix)
    at += prefix
    memcpy(at, PyBytes_AS_STRING(_BEFORE), len(_BEFORE))
    at = _write(at + len(_BEFORE), end, digits) - 1
    memcpy(at, PyBytes_AS_STRING(_BEHIND), len(_BEHIND))
    at += len(_BEHIND)
    for name, value in items.items():
        at = _write(at, end, name)
        at = _write(at, end, value)
    if at != end:
        raise SystemError("the variables have shrunk while they were encoded")
    at[0] = c','
    return head


cdef _refer(content_length, variables, limit):
    return TWINS["encode_request_head"].reference(content_length, variables, limit=limit)
