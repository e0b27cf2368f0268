# cython: language_level=3, boundscheck=False, wraparound=False
"""The usual answer: its length is known, and its head is beyond doubt.

Head and first piece go out with one send(2), together with what other connections send.  Whatever
else an application does, PlainResponse does it from there: it is told what has been taken over
here so far, so nothing is sent twice or decided differently.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memcpy, memset, strerror

from wsgi_scgi.transport._turn cimport Departure
from wsgi_scgi.transport._waiting cimport turn_of

from email.utils import formatdate

from gevent import get_hub
from gunicorn import SERVER

from wsgi_scgi.worker.client_socket import ClientLeft
from wsgi_scgi.worker.lean_path import NO_BODY
from wsgi_scgi.worker.plain_request import PlainRequest
from wsgi_scgi.worker.plain_response import PlainResponse

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

cdef extern from "Python.h":
    unsigned char *PyUnicode_1BYTE_DATA(object text)
    int PyUnicode_KIND(object text)
    int PyUnicode_1BYTE_KIND
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from "<sys/socket.h>" nogil:
    enum:
        MSG_DONTWAIT, MSG_NOSIGNAL
    struct iovec:
        void *iov_base
        size_t iov_len
    struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    Py_ssize_t send(int descriptor, const void *data, size_t size, int flags)
    Py_ssize_t sendmsg(int descriptor, const msghdr *message, int flags)

cdef extern from "<time.h>" nogil:
    ctypedef long time_t
    time_t time(time_t *result)

SOURCE = WSGI_SCGI_SOURCE

cdef enum:
    SIZE = 32768  # of an answer that is copied into one piece: a larger one is worth two
    LONGEST_HEAD = 16384
    LONGEST_LENGTH = 18

# Filled and copied before any other code runs, so that all answers can share them.
cdef char[SIZE] _sent
cdef unsigned char[LONGEST_HEAD] _head

# What does not depend on an answer, made once a second.
cdef time_t _made_at = 0
cdef bytes _keeping = b""
cdef bytes _closing = b""


cdef int _make_standing_fields(time_t now) except -1:
    global _made_at, _keeping, _closing
    date = formatdate(now, usegmt=True)
    _keeping = f"\r\nServer: {SERVER}\r\nDate: {date}\r\nConnection: keep-alive\r\n".encode()
    _closing = f"\r\nServer: {SERVER}\r\nDate: {date}\r\nConnection: close\r\n".encode()
    _made_at = now
    return 0


cdef class Recipient:
    """The client to whom the answers on one connection go, and what all of them need."""

    def __cinit__(self, client, path, address):
        self.client = client
        self.path = path
        self.address = address
        self.names = path.lines.names
        self.statuses = path.lines.statuses
        self.descriptor = client.fd
        self.hub = get_hub()
        self.turn = turn_of(self.hub)

    cdef int send(self, bytes head, bytes body, Py_ssize_t size) except -1:
        """Send a head, b"" if it is gone, and ``size`` bytes of a body; raise ClientLeft."""
        cdef _Sending sending = _Sending(head, body)
        cdef Py_ssize_t gone
        sending.descriptor = self.descriptor
        sending.size = size
        if head:
            self.turn.join(self.hub, sending)
        else:
            sending.depart()
        gone = sending.gone
        if gone == len(head) + size:
            return 0
        if gone < 0:
            if sending.code != EAGAIN and sending.code != EINTR:
                raise ClientLeft(strerror(sending.code).decode())
            gone = 0
        if gone < len(head):
            self.client.send_rest(memoryview(head)[gone:])
            gone = len(head)
        self.client.send_rest(memoryview(body)[gone - len(head) : size])
        return 0


@cython.final
cdef class _Sending(Departure):
    """A head and ``size`` bytes of a body; ``gone`` of both have left, -1 for an error."""

    cdef int descriptor
    cdef bytes head
    cdef bytes body
    cdef Py_ssize_t size
    cdef Py_ssize_t gone
    cdef int code

    def __cinit__(self, bytes head not None, bytes body not None):
        self.head = head
        self.body = body

    cdef void depart(self) noexcept:
        cdef Py_ssize_t before = len(self.head)
        cdef iovec[2] parts
        cdef msghdr message
        parts[0].iov_base, parts[0].iov_len = <void *>PyBytes_AS_STRING(self.head), before
        parts[1].iov_base, parts[1].iov_len = <void *>PyBytes_AS_STRING(self.body), self.size
        if before + self.size <= SIZE:
            memcpy(_sent, parts[0].iov_base, before)
            memcpy(_sent + before, parts[1].iov_base, self.size)
            self.gone = send(
                self.descriptor, _sent, before + self.size, MSG_DONTWAIT | MSG_NOSIGNAL
            )
        else:
            memset(&message, 0, sizeof(message))
            message.msg_iov, message.msg_iovlen = parts, 2
            self.gone = sendmsg(self.descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
        if self.gone < 0:
            self.code = errno


@cython.final
@cython.freelist(16)
cdef class UsualAnswer:
    """The answer to one usual request; it is the ``start_response`` of PEP 3333.

    It becomes a PlainResponse, by ``reference``, as soon as something unusual is wanted.
    """

    def __call__(self, status, headers, exc_info=None):
        """Take status and fields; they are sent with the first piece of the body."""
        if (
            self.response is None
            and self.head is None
            and exc_info is None
            and self.environ is not None
            and self.take_head(status, headers)
        ):
            return self.write
        return self.reference().start_response(status, headers, exc_info)

    def write(self, data):
        """Send a piece of the body, the head before the first."""
        if self.environ is None:
            raise RuntimeError("the response is over")
        self.put(data)

    def send_early_hints(self, headers):
        """Send 103 with these fields (RFC 8297).  Nothing after the head."""
        if self.environ is not None and not self.is_begun:
            self.reference().send_early_hints(headers)

    def splice(self, descriptor, count, behind):
        """Move bytes of the body from a socket to the client."""
        if self.environ is None:
            return -1
        return self.reference().splice(descriptor, count, behind)

    cdef bint take_head(self, status, headers) except -1:
        """Make the head; return False if it is not beyond doubt that gunicorn would, too."""
        cdef unsigned char *at = _head
        cdef const unsigned char *end = _head + LONGEST_HEAD
        cdef PyObject *known
        cdef bytes standing, head
        cdef Py_ssize_t length = -1
        cdef bint omits_body
        cdef int number
        cdef time_t now
        if type(status) is not str or type(headers) is not list:
            return False
        known = PyDict_GetItem(self.recipient.statuses, status)
        if known == NULL:
            return False
        number = <object>known
        if number < 200 or number == 204:
            return False
        omits_body = number == 304 or self.method == "HEAD"

        now = time(NULL)
        if now != _made_at:
            _make_standing_fields(now)
        standing = _closing if self.must_close else _keeping
        if len(standing) + PyUnicode_GET_LENGTH(status) + 9 > end - at:
            return False
        memcpy(at, b"HTTP/1.1 ", 9)
        at = _copy(at + 9, status)
        memcpy(at, PyBytes_AS_STRING(standing), len(standing))
        at += len(standing)
        for field in <list>headers:
            if type(field) is not tuple or len(<tuple>field) != 2:
                return False
            name = (<tuple>field)[0]
            value = (<tuple>field)[1]
            if type(name) is not str or type(value) is not str:
                return False
            known = PyDict_GetItem(self.recipient.names, name)
            if known == NULL or PyUnicode_KIND(value) != PyUnicode_1BYTE_KIND:
                return False
            if <object>known is True:
                length = _length_of(PyUnicode_1BYTE_DATA(value), PyUnicode_GET_LENGTH(value))
                if length < 0:
                    return False
            elif not _is_plain(PyUnicode_1BYTE_DATA(value), PyUnicode_GET_LENGTH(value)):
                return False
            if PyUnicode_GET_LENGTH(name) + PyUnicode_GET_LENGTH(value) + 6 > end - at:
                return False
            at = _copy(at, name)
            at[0] = c':'
            at[1] = c' '
            at = _copy(at + 2, value)
            at[0] = c'\r'
            at[1] = c'\n'
            at += 2
        if length < 0 and not omits_body:
            return False
        at[0] = c'\r'
        at[1] = c'\n'
        at += 2
        head = PyBytes_FromStringAndSize(<char *>_head, at - _head)
        # From here on other code may run: the garbage collector comes with a new tuple.
        self.status = status
        self.fields = tuple(<list>headers)
        self.length = length
        self.omits_body = omits_body
        self.head = head
        return True

    cdef int put(self, data) except -1:
        """Send a piece of the body, the head before the first; an empty one sends the head."""
        cdef Py_ssize_t size
        if self.response is not None or self.head is None or type(data) is not bytes:
            self.reference().write(data)
            return 0
        size = len(<bytes>data)
        if self.omits_body:
            if size:
                self.reference().write(data)
                return 0
        elif size > self.length - self.sent:
            size = self.length - self.sent
        self.sent += size
        if not self.is_begun:
            self.is_begun = True
            self.recipient.send(self.head, <bytes>data, size)
        elif size:
            self.recipient.send(b"", <bytes>data, size)
        return 0

    cdef int finish(self) except -1:
        """Send what is still to be sent."""
        if self.response is not None or self.head is None:
            self.reference().close()
        elif self.sent < self.length and not self.omits_body:
            self.reference().close()
        elif not self.is_begun:
            self.is_begun = True
            self.recipient.send(self.head, b"", 0)
        return 0

    cdef int end(self) except -1:
        """Let go of the connection: what an application has kept must not disturb others on it."""
        self.environ = None
        if self.response is not None:
            self.response.end()
        return 0

    cdef bint should_close(self) except -1:
        if self.is_handled or self.response is None:
            return self.must_close
        return self.response.should_close()

    cdef reference(self):
        """Return a PlainResponse that goes on from here."""
        cdef Recipient to = self.recipient
        if self.response is None:
            if self.environ is None:
                raise RuntimeError("the response is over")
            # The application may have changed what it was given.
            received = dict(self.environ)
            received["REQUEST_METHOD"] = self.method
            received["RAW_URI"] = self.uri
            received["wsgi.input"] = NO_BODY
            for own in ("wsgi.early_hints", "wsgi_scgi.splice"):  # else it would hold itself
                received.pop(own, None)
            request = PlainRequest(received, to.address)
            request.must_close = self.must_close
            response = PlainResponse(request, to.client, cfg=to.path.cfg, lines=to.path.lines)
            if self.head is not None:
                response.start_response(self.status, list(self.fields))
                response.sent = self.sent
                response.headers_sent = self.is_begun
            self.response = response
        return self.response


cdef inline unsigned char *_copy(unsigned char *to, str text) noexcept:
    """Copy text of which each character is a byte; return the place behind it."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
    memcpy(to, PyUnicode_1BYTE_DATA(text), size)
    return to + size


cdef inline bint _is_plain(const unsigned char *value, Py_ssize_t size) noexcept:
    """Tell whether a value is visible characters and spaces between them."""
    cdef Py_ssize_t i
    if size == 0 or value[0] == c' ' or value[size - 1] == c' ':
        return False
    for i in range(size):
        if not 0x20 <= value[i] <= 0x7E:
            return False
    return True


cdef inline Py_ssize_t _length_of(const unsigned char *value, Py_ssize_t size) noexcept:
    """Return the number that digits say, -1 if they are none."""
    cdef Py_ssize_t number = 0
    cdef Py_ssize_t i
    if not 0 < size <= LONGEST_LENGTH:
        return -1
    for i in range(size):
        if not c'0' <= value[i] <= c'9':
            return -1
        number = number * 10 + (value[i] - c'0')
    return number
