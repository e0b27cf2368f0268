# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of ``control_data`` in control_data.py, its reference.

It does the usual request: GET, HEAD or POST for a path that no two parties could read differently
(nothing to decode, to resolve or to compare), one Host, no mount.  The reference does the others.
"""

from libc.string cimport memcmp

from wsgi_scgi.compiled import TWINS
from wsgi_scgi.gateway.control_data import ControlData, may_have_body
from wsgi_scgi.semantics.host import parse_host

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object text)
    int PyUnicode_KIND(object text)
    int PyUnicode_1BYTE_KIND
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

_new_tuple = tuple.__new__


cdef inline bint _is_bytes(object text) noexcept:
    """Tell whether this is a string that holds bytes."""
    return PyUnicode_CheckExact(text) and PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND


cdef inline bint _is_plain_target(object target, object path) noexcept:
    """Tell whether ``path`` is the target's, and reads as it stands, and the target is valid."""
    cdef const unsigned char *text
    cdef unsigned char byte
    cdef Py_ssize_t at, end, length
    if not _is_bytes(target) or not _is_bytes(path):
        return False
    text = PyUnicode_1BYTE_DATA(target)
    length = PyUnicode_GET_LENGTH(target)
    end = PyUnicode_GET_LENGTH(path)
    if not 0 < end <= length or text[0] != c'/':
        return False
    if memcmp(text, PyUnicode_1BYTE_DATA(path), end) != 0:
        return False
    if end < length and text[end] != c'?':
        return False
    for at in range(length):
        byte = text[at]
        if not 0x21 <= byte <= 0x7E or byte == c'#':
            return False
        if at < end and (byte == c'%' or byte == c'?' or byte == c'.' and text[at - 1] == c'/'):
            return False
    return True


def control_data(environ):
    """Return what a request asks for; raise RequestError if it is malformed."""
    cdef dict variables
    if type(environ) is not dict:
        return _refer(environ)
    variables = environ
    method = variables.get("REQUEST_METHOD")
    target = variables.get("RAW_URI")
    path = variables.get("PATH_INFO")
    query = variables.get("QUERY_STRING")
    host = variables.get("HTTP_HOST")
    mount = variables.get("SCRIPT_NAME")
    if not (
        PyUnicode_CheckExact(method)
        and (method == "GET" or method == "POST" or method == "HEAD")
        and PyUnicode_CheckExact(query)
        and PyUnicode_CheckExact(host)
        and PyUnicode_CheckExact(mount)
        and PyUnicode_GET_LENGTH(mount) == 0
        and _is_plain_target(target, path)
        and "HTTP_" not in variables
    ):
        return _refer(environ)
    try:
        server = parse_host(host)
    except ValueError:
        return _refer(environ)
    port = server.port
    if port is not None:
        port = str(port)
    else:
        scheme = variables.get("wsgi.url_scheme")
        if not PyUnicode_CheckExact(scheme):
            return _refer(environ)
        port = "443" if scheme == "https" else "80"
    return _new_tuple(
        ControlData,
        (
            method, target, query, host, server.name, port, mount, path, path,
            (
                "CONTENT_LENGTH" in variables
                or "HTTP_TRANSFER_ENCODING" in variables
                or variables.get("SERVER_PROTOCOL") != "HTTP/1.1"
            )
            and may_have_body(variables),
        ),
    )


cdef _refer(environ):
    return TWINS["control_data"].reference(environ)
