# cython: language_level=3
"""The compiled twin of ``forwarded_fields`` in fields.py, its reference.

It does the usual cases: an environ of strings, and no Connection that names anything else than how
the connection goes on.  The reference does the others.
"""

from wsgi_scgi.compiled import TWINS
from wsgi_scgi.semantics.fields import _known as known
from wsgi_scgi.semantics.fields import is_forwarded

cdef extern from "Python.h":
    bint PyUnicode_CheckExact(object text)
    int PyUnicode_KIND(object text)
    int PyUnicode_1BYTE_KIND
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

cdef dict _verdicts = known


cdef inline bint _is_field(str name) noexcept:
    """Tell whether a name starts with HTTP_."""
    cdef const unsigned char *text
    if PyUnicode_KIND(name) != PyUnicode_1BYTE_KIND or PyUnicode_GET_LENGTH(name) < 5:
        # A character beyond Latin-1 is in no name that is forwarded.
        return False
    text = PyUnicode_1BYTE_DATA(name)
    return (
        text[0] == c'H' and text[1] == c'T' and text[2] == c'T' and text[3] == c'P'
        and text[4] == c'_'
    )


def forwarded_fields(environ):
    """Return the ``HTTP_*`` variables of a WSGI environ that the backend receives."""
    cdef dict fields = {}
    cdef dict variables
    if type(environ) is not dict:
        return _refer(environ)
    variables = environ
    connection = variables.get("HTTP_CONNECTION")
    if connection is not None and not (
        type(connection) is str
        and (connection == "keep-alive" or connection == "close" and "HTTP_CLOSE" not in variables)
    ):
        return _refer(environ)
    for name, value in variables.items():
        if not PyUnicode_CheckExact(name):
            return _refer(environ)
        if not _is_field(name):
            continue
        verdict = _verdicts.get(name)
        if verdict is None:
            verdict = is_forwarded(name)
        if verdict:
            if not PyUnicode_CheckExact(value):
                return _refer(environ)
            fields[name] = value
    return fields


cdef _refer(environ):
    return TWINS["forwarded_fields"].reference(environ)
