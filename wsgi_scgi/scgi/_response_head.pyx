# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of ``parse_whole_head`` in response_head.py, its reference.

Every index into the bytes is compared with their number before it is used.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.object cimport PyObject_GenericSetAttr

from wsgi_scgi.scgi.response_head import _REASONS as reasons
from wsgi_scgi.scgi.response_head import MAX_LINE, MAX_LINES, ResponseHead

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

cdef object _Head = ResponseHead
cdef object _new = object.__new__
cdef dict _reasons = reasons
cdef Py_ssize_t _max_size = MAX_LINE
cdef Py_ssize_t _max_lines = MAX_LINES

# What a byte may be part of (RFC 9110 5.1 and 5.5).
cdef enum:
    TOKEN = 1
    VALUE = 2

cdef unsigned char[256] _kind
cdef int _byte
for _byte in range(256):
    _kind[_byte] = 0
    if _byte == 9 or (_byte >= 0x20 and _byte != 0x7F):
        _kind[_byte] |= VALUE
for _byte in bytearray(b"!#$%&'*+-.^_`|~0123456789"):
    _kind[_byte] |= TOKEN
for _byte in bytearray(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"):
    _kind[_byte] |= TOKEN

# The fields with rules of their own; a bit for each, so that repetitions are noticed.
cdef enum:
    CONTENT_TYPE = 1
    LOCATION = 2
    CONTENT_LENGTH = 4
    STATUS = 8
    ETAG = 16
    DATE = 32
    EXPIRES = 64
    LAST_MODIFIED = 128
    SERVER = 256
    CONTENT_RANGE = 512
    TRANSFER_ENCODING = 1024
    NEVER_TWICE = 1 | 2 | 4 | 8


cdef inline bint _is(const unsigned char *name, Py_ssize_t length, const char *lower) noexcept:
    """Compare ``length`` bytes of a token with as many letters and dashes, whatever the case."""
    cdef Py_ssize_t i
    for i in range(length):
        # Of all token characters, only a letter or a dash becomes one by this.
        if name[i] | 0x20 != lower[i]:
            return False
    return True


cdef inline int _rule(const unsigned char *name, Py_ssize_t length) noexcept:
    """Return the bit of a field with rules of its own, else 0."""
    if length == 4:
        if _is(name, 4, b"etag"):
            return ETAG
        if _is(name, 4, b"date"):
            return DATE
    elif length == 6:
        if _is(name, 6, b"status"):
            return STATUS
        if _is(name, 6, b"server"):
            return SERVER
    elif length == 7:
        if _is(name, 7, b"expires"):
            return EXPIRES
    elif length == 8:
        if _is(name, 8, b"location"):
            return LOCATION
    elif length == 12:
        if _is(name, 12, b"content-type"):
            return CONTENT_TYPE
    elif length == 13:
        if _is(name, 13, b"content-range"):
            return CONTENT_RANGE
        if _is(name, 13, b"last-modified"):
            return LAST_MODIFIED
    elif length == 14:
        if _is(name, 14, b"content-length"):
            return CONTENT_LENGTH
    elif length == 17:
        if _is(name, 17, b"transfer-encoding"):
            return TRANSFER_ENCODING
    return 0


cdef inline bint _is_digit(unsigned char byte) noexcept:
    return c'0' <= byte <= c'9'


cdef inline bint _is_blank(unsigned char byte) noexcept:
    return byte == c' ' or byte == c'\t'


cdef inline long long _content_length(const unsigned char *value, Py_ssize_t length) noexcept:
    """Return the number that ``length`` bytes are, -1 if they are none up to 2**63 - 1."""
    cdef unsigned long long number = 0
    cdef Py_ssize_t i
    if not 1 <= length <= 19:  # so many digits cannot overflow
        return -1
    for i in range(length):
        if not _is_digit(value[i]):
            return -1
        number = number * 10 + (value[i] - c'0')
    return -1 if number > <unsigned long long>0x7FFFFFFFFFFFFFFF else <long long>number


def parse_whole_head(bytes data not None):
    """Parse a plain final head that is complete at the start of ``data``."""
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = min(<Py_ssize_t>len(data), _max_size)
    cdef Py_ssize_t at = 0, name, name_end, value, value_end
    cdef Py_ssize_t lines = 0
    cdef int seen = 0, rule
    cdef int status = 200
    cdef long long number
    cdef object reason = None, length = None
    cdef bint has_location = False
    cdef list fields = []

    while True:
        # A line of the head: the empty one, or a field.
        if at >= size:
            return None
        if text[at] == c'\r':
            at += 1
            if at >= size or text[at] != c'\n':
                return None
        if text[at] == c'\n':
            at += 1
            break
        name = at
        while at < size and _kind[text[at]] & TOKEN:
            at += 1
        name_end = at
        if name_end == name or at >= size or text[at] != c':':
            return None
        at += 1
        while at < size and _is_blank(text[at]):
            at += 1
        value = at
        while at < size and _kind[text[at]] & VALUE:
            at += 1
        value_end = at
        while value_end > value and _is_blank(text[value_end - 1]):
            value_end -= 1
        if at < size and text[at] == c'\r':
            at += 1
        if at >= size or text[at] != c'\n':
            return None
        at += 1
        lines += 1

        rule = _rule(text + name, name_end - name)
        if rule:
            if seen & rule:
                if rule & NEVER_TWICE:
                    return None
                continue  # the first counts
            seen |= rule
            if rule == STATUS:
                status = _status(text + value, value_end - value)
                if status < 200:
                    return None
                reason = _reason(text + value, value_end - value)
                continue
            if rule == CONTENT_LENGTH:
                number = _content_length(text + value, value_end - value)
                if number < 0:
                    return None
                length = number
            elif rule == LOCATION:
                has_location = value_end > value
            elif rule == TRANSFER_ENCODING:
                return None
        fields.append(
            (
                text[name:name_end].decode("latin-1"),
                text[value:value_end].decode("latin-1"),
            )
        )

    if lines == 0 or lines > _max_lines:
        return None
    if has_location and not seen & STATUS:
        status = 302
    if not reason:
        reason = _reasons.get(status, "Unknown")

    head = _new(_Head)
    # As the frozen dataclass's own __init__ does it, past its __setattr__.
    PyObject_GenericSetAttr(head, "status", status)
    PyObject_GenericSetAttr(head, "reason", reason)
    PyObject_GenericSetAttr(head, "fields", tuple(fields))
    PyObject_GenericSetAttr(head, "content_length", length)
    PyObject_GenericSetAttr(head, "explicit_status", bool(seen & STATUS))
    return head, at


cdef int _status(const unsigned char *value, Py_ssize_t length) noexcept:
    """Return the status that ``length`` bytes start with, 0 if it is none."""
    cdef int status
    if length < 3 or not (_is_digit(value[0]) and _is_digit(value[1]) and _is_digit(value[2])):
        return 0
    if length > 3 and not _is_blank(value[3]):
        return 0
    status = (value[0] - c'0') * 100 + (value[1] - c'0') * 10 + (value[2] - c'0')
    return status if status <= 599 else 0


cdef str _reason(const unsigned char *value, Py_ssize_t length):
    """Return what follows a status of three digits and blanks in ``length`` bytes."""
    cdef Py_ssize_t at = 3
    while at < length and _is_blank(value[at]):
        at += 1
    return value[at:length].decode("latin-1")
