# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of ``request_head`` in variables.py, its reference.

It does a request that makes the variables alone, without a body: it writes the block straight from
the environ, in the order of the reference.  The reference does the others.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memchr, memcpy

from wsgi_scgi.gateway.request cimport Request

from wsgi_scgi.compiled import TWINS
from wsgi_scgi.gateway.variables import split_path
from wsgi_scgi.semantics.fields import _known as known
from wsgi_scgi.semantics.fields import is_forwarded
from wsgi_scgi.semantics.path import PathInfo

cdef extern from "Python.h":
    bint PyUnicode_CheckExact(object text)
    int PyUnicode_KIND(object text)
    int PyUnicode_1BYTE_KIND
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    enum:
        AF_INET
    int getsockname(int descriptor, sockaddr *address, socklen_t *length)

cdef extern from "<netinet/in.h>" nogil:
    enum:
        INET_ADDRSTRLEN
    struct in_addr:
        unsigned int s_addr
    struct sockaddr_in:
        in_addr sin_addr

cdef extern from "<arpa/inet.h>" nogil:
    const char *inet_ntop(int family, const void *address, char *text, socklen_t size)

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

cdef tuple _OPTIONAL = ("REMOTE_ADDR", "REMOTE_PORT", "REMOTE_USER", "AUTH_TYPE", "CONTENT_TYPE")
cdef object _NO_PATH_INFO = PathInfo.OFF
cdef dict _verdicts = known
cdef bytes _START = b"CONTENT_LENGTH\0000\0SCGI\0001\0"

cdef enum:
    # Room for the length and its colon, for the block, and for the comma.
    PREFIX = 24
    BLOCK = 16000


cdef union _Address:
    sockaddr any
    sockaddr_in inet

# The address that a client connected to last: mostly there is only one.
cdef in_addr _last
cdef str _last_text = None


cdef struct _Block:
    char *at
    char *end


cdef inline bint _put(_Block *block, str name, object value) except -1:
    """Add a variable, if it is one of bytes without NUL and there is room; tell whether it is."""
    cdef Py_ssize_t name_size, size
    if not PyUnicode_CheckExact(value) or PyUnicode_KIND(value) != PyUnicode_1BYTE_KIND:
        return False
    name_size = PyUnicode_GET_LENGTH(name)
    size = PyUnicode_GET_LENGTH(value)
    if block.end - block.at < name_size + size + 2:
        return False
    if memchr(PyUnicode_1BYTE_DATA(value), 0, size) != NULL:
        return False
    memcpy(block.at, PyUnicode_1BYTE_DATA(name), name_size)
    block.at += name_size
    block.at[0] = 0
    memcpy(block.at + 1, PyUnicode_1BYTE_DATA(value), size)
    block.at += size + 1
    block.at[0] = 0
    block.at += 1
    return True


def request_head(request, rules, added, Py_ssize_t limit):
    """Return the head of a request, with variables ``added`` to those of ``rules``."""
    cdef char[PREFIX + BLOCK + 1] room
    cdef char *start = room + PREFIX
    cdef _Block block
    cdef Py_ssize_t size, digits
    cdef Request asked
    if type(request) is not Request or not rules.is_plain:
        return _refer_head(request, rules, added, limit)
    asked = request
    if asked.body is not None or asked.inherited or type(asked.environ) is not dict:
        return _refer_head(request, rules, added, limit)
    block.at = start
    block.end = block.at + BLOCK
    memcpy(block.at, PyBytes_AS_STRING(_START), len(_START))
    block.at += len(_START)
    if not _put_request(&block, asked, rules, asked.environ):
        return _refer_head(request, rules, added, limit)
    if added is not None:
        for name, value in added.items():
            if not _put(&block, name, value):
                return _refer_head(request, rules, added, limit)
    size = block.at - start
    if size > limit:
        return _refer_head(request, rules, added, limit)
    block.at[0] = c','
    block.at += 1
    start -= 1
    start[0] = c':'
    digits = size
    while digits:
        start -= 1
        start[0] = <char>(c'0' + digits % 10)
        digits //= 10
    return PyBytes_FromStringAndSize(start, block.at - start)


cdef bint _put_request(_Block *block, Request request, object rules, dict environ) except -1:
    """Add what the request says; tell whether all of it is as usual."""
    cdef object host, scheme, address, script_name, path_info
    if "HTTP_MAX_FORWARDS" in environ:
        return False
    address = environ.get("SERVER_ADDR")
    if address is None:
        address = _server_address(request)
    path = request.path
    if rules.path_info is _NO_PATH_INFO and not request.mount and "//" not in path:
        script_name, path_info = path, None
    else:
        script_name, path_info = split_path(request, rules)
    if not (
        _put(block, "REQUEST_METHOD", request.method)
        and _put(block, "REQUEST_URI", request.target)
        and _put(block, "QUERY_STRING", request.query)
        and _put(block, "SCRIPT_NAME", script_name)
        and (path_info is None or _put(block, "PATH_INFO", path_info))
        and _put(block, "SERVER_NAME", request.server_name)
        and _put(block, "SERVER_PORT", request.server_port)
        and (not address or _put(block, "SERVER_ADDR", address))
        and _put(block, "SERVER_PROTOCOL", environ["SERVER_PROTOCOL"])
        and _put(block, "SERVER_SOFTWARE", environ.get("SERVER_SOFTWARE") or "wsgi-scgi")
    ):
        return False
    scheme = environ["wsgi.url_scheme"]
    if not _put(block, "REQUEST_SCHEME", scheme):
        return False
    if scheme == "https" and not _put(block, "HTTPS", "on"):
        return False
    for name in _OPTIONAL:
        value = environ.get(name)
        if value and not _put(block, name, value):
            return False
    if rules.document_root and not _put(block, "DOCUMENT_ROOT", rules.document_root):
        return False
    host = request.host
    if host is not None and not _put(block, "HTTP_HOST", host):
        return False
    return _put_fields(block, environ)


cdef object _server_address(Request request):
    """Return the IP address that the client connected to, None where nobody can tell."""
    global _last, _last_text
    cdef _Address address
    cdef socklen_t length = sizeof(address)
    cdef char[INET_ADDRSTRLEN] text
    client = request.client
    if client is None:
        return None
    if getsockname(client.fd, &address.any, &length) or address.any.sa_family != AF_INET:
        return client.server_address()
    if _last_text is None or address.inet.sin_addr.s_addr != _last.s_addr:
        inet_ntop(AF_INET, &address.inet.sin_addr, text, INET_ADDRSTRLEN)
        _last_text = text.decode("ascii")
        _last = address.inet.sin_addr
    return _last_text


cdef bint _put_fields(_Block *block, dict environ) except -1:
    """Add the header fields, as ``forwarded_fields`` chooses them, but Host."""
    cdef object connection = environ.get("HTTP_CONNECTION")
    if connection is not None and not (
        type(connection) is str
        and (connection == "keep-alive" or connection == "close" and "HTTP_CLOSE" not in environ)
    ):
        return False
    for name, value in environ.items():
        if not PyUnicode_CheckExact(name):
            return False
        if not _is_field(name):
            continue
        verdict = _verdicts.get(name)
        if verdict is None:
            verdict = is_forwarded(name)
        if verdict and name != "HTTP_HOST" and not _put(block, name, value):
            return False
    return True


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


cdef _refer_head(request, rules, added, limit):
    return TWINS["request_head"].reference(request, rules, added, limit)
