# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of ``plain_environ`` in plain_head.py, its reference.

One pass over the bytes.  Every index is compared with the end of the head, which is at most the
end of the data, before it is used.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.string cimport memcmp, memcpy

cdef extern from "Python.h":
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    unsigned char *PyUnicode_1BYTE_DATA(object text)

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

# What a byte may be part of.
cdef enum:
    NAME = 1
    TARGET = 2
    VALUE = 4

cdef unsigned char[256] _kind
# What stands for a byte of a name in a variable's name.
cdef unsigned char[256] _upper
cdef int _byte
for _byte in range(256):
    _kind[_byte] = 0
    _upper[_byte] = 0
    if _byte == 9 or (_byte >= 0x20 and _byte != 0x7F):
        _kind[_byte] |= VALUE
    if 0x21 <= _byte <= 0x7E and _byte != 0x23:
        _kind[_byte] |= TARGET
for _byte in bytearray(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"):
    _kind[_byte] |= NAME
    _upper[_byte] = _byte - 32 if _byte >= 97 else _byte
_kind[0x2D] |= NAME
_upper[0x2D] = 0x5F

cdef bytes _VERSION = b" HTTP/1.1"


cdef inline bint _is(const unsigned char *text, Py_ssize_t length, const char *lower) noexcept:
    """Compare ``length`` letters, digits or dashes with a word, whatever the case."""
    cdef Py_ssize_t i
    for i in range(length):
        if text[i] | 0x20 != lower[i]:
            return False
    return True


cdef inline bint _is_blank(unsigned char byte) noexcept:
    return byte == c' ' or byte == c'\t'


cdef inline bint _is_digit(unsigned char byte) noexcept:
    return c'0' <= byte <= c'9'


cdef inline bint _is_doubtful(const unsigned char *name, Py_ssize_t length) noexcept:
    """Tell whether a field changes how the message is read or answered."""
    if length == 6:
        return _is(name, 6, b"expect")
    if length == 7:
        return _is(name, 7, b"trailer") or _is(name, 7, b"upgrade")
    if length == 14:
        return _is(name, 14, b"http2-settings")
    if length == 17:
        return _is(name, 17, b"transfer-encoding")
    return False


cdef inline bint _keeps_or_closes(const unsigned char *value, Py_ssize_t length) noexcept:
    """Tell whether a Connection field says keep-alive or close and nothing else."""
    # The bytes that | 0x20 makes a dash or a letter of are checked to be what they seem.
    cdef Py_ssize_t i
    for i in range(length):
        if not _kind[value[i]] & NAME:
            return False
    if length == 5:
        return _is(value, 5, b"close")
    return length == 10 and _is(value, 10, b"keep-alive")


cdef inline bint _is_length(const unsigned char *value, Py_ssize_t length) noexcept:
    cdef Py_ssize_t i
    if not 1 <= length <= 18:
        return False
    for i in range(length):
        if not _is_digit(value[i]):
            return False
    return True


cdef enum:
    REMEMBERED = 256
    LONGEST_REMEMBERED = 32

# Names of fields as they came last, each in the place that its bytes give it, and their keys:
# clients send few names, and each makes a variable whose hash is computed once.
cdef unsigned char[REMEMBERED][LONGEST_REMEMBERED] _names
cdef Py_ssize_t[REMEMBERED] _lengths
cdef list _keys = [None] * REMEMBERED


cdef inline str _environ_key(const unsigned char *name, Py_ssize_t length):
    """Return the name of a field's variable: HTTP_, then the name as CGI writes it."""
    cdef unsigned int place = length
    cdef Py_ssize_t i
    cdef str key
    if length > LONGEST_REMEMBERED:
        return _new_key(name, length)
    for i in range(length):
        place = place * 31 + name[i]
    place %= REMEMBERED
    if _lengths[place] == length and memcmp(_names[place], name, length) == 0:
        return <str>_keys[place]
    key = _new_key(name, length)
    _lengths[place] = length
    memcpy(_names[place], name, length)
    _keys[place] = key
    return key


cdef str _new_key(const unsigned char *name, Py_ssize_t length):
    cdef str key = PyUnicode_New(length + 5, 0x7F)
    cdef unsigned char *at = PyUnicode_1BYTE_DATA(key)
    cdef Py_ssize_t i
    memcpy(at, b"HTTP_", 5)
    for i in range(length):
        at[5 + i] = _upper[name[i]]
    return key


cdef inline int _hexadecimal(unsigned char byte) noexcept:
    """Return the value of a digit, -1 if it is none."""
    if c'0' <= byte <= c'9':
        return byte - c'0'
    byte |= 0x20
    if c'a' <= byte <= c'f':
        return byte - c'a' + 10
    return -1


cdef str _unquote(bytes path):
    """Decode percent-encoded bytes; a percent sign without two digits stands for itself."""
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(path)
    cdef Py_ssize_t size = len(path), at = 0, used = 0
    cdef int high, low
    cdef bytearray decoded = bytearray(size)  # no decoding makes it longer
    cdef unsigned char[::1] into = decoded
    while at < size:
        if text[at] == c'%' and at + 2 < size:
            high = _hexadecimal(text[at + 1])
            low = _hexadecimal(text[at + 2])
            if high >= 0 and low >= 0:
                into[used] = high * 16 + low
                used += 1
                at += 3
                continue
        into[used] = text[at]
        used += 1
        at += 1
    return decoded[:used].decode("latin-1")


def plain_environ(bytes data not None, Py_ssize_t end, base, limits):
    """Return a copy of ``base`` with the variables of a head, None if the head is not plain."""
    return environ_of(data, end, base, limits.request_line, limits.fields, limits.field_size - 2)


cdef dict environ_of(
    bytes data,
    Py_ssize_t end,
    object base,
    Py_ssize_t longest_line,
    Py_ssize_t most_fields,
    Py_ssize_t longest_field,
):
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t at = 0, method_end, target, target_end, path_end
    cdef Py_ssize_t name, name_end, value, value_end, length
    cdef Py_ssize_t fields = 0, expected
    cdef bint has_host = False, encoded = False
    cdef dict environ
    cdef str key, path

    # As a slice takes it.
    if end < 0:
        end = max(<Py_ssize_t>0, end + <Py_ssize_t>len(data))
    end = min(end, <Py_ssize_t>len(data))

    # The request line.
    while at < end and c'A' <= text[at] <= c'Z':
        at += 1
    method_end = at
    if not 3 <= method_end <= 20 or at >= end or text[at] != c' ':
        return None
    if method_end == 7 and memcmp(text, b"CONNECT", 7) == 0:
        return None
    at += 1
    target = at
    path_end = -1
    while at < end and _kind[text[at]] & TARGET:
        if path_end < 0:
            if text[at] == c'?':
                path_end = at
            elif text[at] == c'%':
                encoded = True
        at += 1
    target_end = at
    if path_end < 0:
        path_end = target_end
    if target_end == target or text[target] != c'/':
        return None
    if target_end - target > 1 and text[target + 1] == c'/':
        return None
    length = len(_VERSION)
    if end - at < length or memcmp(text + at, PyBytes_AS_STRING(_VERSION), length) != 0:
        return None
    at += length
    if at > longest_line:
        return None

    environ = base.copy() if type(base) is dict else dict(base)
    expected = len(environ)
    while at < end:
        # The end of the line before, then a field.
        if end - at < 2 or text[at] != c'\r' or text[at + 1] != c'\n':
            return None
        at += 2
        name = at
        while at < end and _kind[text[at]] & NAME:
            at += 1
        name_end = at
        length = name_end - name
        if length == 0 or at >= end or text[at] != c':':
            return None
        if text[name] == c'-' or _is_digit(text[name]) or _is_doubtful(text + name, length):
            return None
        at += 1
        while at < end and _is_blank(text[at]):
            at += 1
        value = at
        while at < end and _kind[text[at]] & VALUE:
            at += 1
        value_end = at
        if at - name > longest_field:
            return None
        while value_end > value and _is_blank(text[value_end - 1]):
            value_end -= 1

        if length == 12 and _is(text + name, 12, b"content-type"):
            key = "CONTENT_TYPE"
        elif length == 14 and _is(text + name, 14, b"content-length"):
            if not _is_length(text + value, value_end - value):
                return None
            key = "CONTENT_LENGTH"
        else:
            if length == 4 and _is(text + name, 4, b"host"):
                has_host = True
            elif length == 10 and _is(text + name, 10, b"connection"):
                if not _keeps_or_closes(text + value, value_end - value):
                    return None
            key = _environ_key(text + name, length)
        environ[key] = text[value:value_end].decode("latin-1")
        fields += 1

    # Fewer variables than fields: a name stands twice.
    if fields > most_fields or len(environ) != expected + fields or not has_host:
        return None
    environ["REQUEST_METHOD"] = text[:method_end].decode("latin-1")
    path = text[target:path_end].decode("latin-1")
    environ["RAW_URI"] = path if path_end == target_end else text[target:target_end].decode("latin-1")
    environ["PATH_INFO"] = _unquote(text[target:path_end]) if encoded else path
    environ["QUERY_STRING"] = (
        text[path_end + 1 : target_end].decode("latin-1") if path_end < target_end else ""
    )
    return environ
