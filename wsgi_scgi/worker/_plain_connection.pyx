# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of ``PlainConnection`` in connection.py, its reference.

The usual request and the usual answer stay in C.  Whatever else there is belongs to the
reference: a request with a body or one that is logged as a whole, and an answer as soon as
it does something unusual.  Nothing of it has been sent twice or decided differently by then: what
has been taken over here so far is told to a PlainResponse.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.string cimport memcpy

from wsgi_scgi.worker._next_request cimport NextRequest
from wsgi_scgi.worker._plain_head cimport environ_of

from email.utils import formatdate

from gevent import GreenletExit, get_hub
from gunicorn import SERVER
from gunicorn.http.wsgi import FileWrapper

from wsgi_scgi.compiled import TWINS
from wsgi_scgi.transport.pipe import CAN_SPLICE
from wsgi_scgi.worker.client_socket import RECEIVE_SIZE, ClientLeft
from wsgi_scgi.worker.lean_path import NO_BODY, complete
from wsgi_scgi.worker.plain_request import PlainRequest
from wsgi_scgi.worker.plain_response import PlainResponse

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

cdef extern from "Python.h":
    unsigned char *PyUnicode_1BYTE_DATA(object text)
    int PyUnicode_KIND(object text)
    int PyUnicode_1BYTE_KIND
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from "<errno.h>" nogil:
    int errno
    enum:
        EAGAIN, EINTR

cdef extern from "<string.h>" nogil:
    char *strerror(int code)
    void *memmem(const void *text, size_t length, const void *searched, size_t size)

cdef extern from "<sys/socket.h>" nogil:
    enum:
        MSG_DONTWAIT, MSG_NOSIGNAL
    Py_ssize_t send(int descriptor, const void *data, size_t size, int flags)
    Py_ssize_t recv(int descriptor, void *data, size_t size, int flags)

cdef extern from "<time.h>" nogil:
    ctypedef long time_t
    time_t time(time_t *result)

SOURCE = WSGI_SCGI_SOURCE

cdef enum:
    SIZE = 65536
    LONGEST_HEAD = 16384
    LONGEST_LENGTH = 18

assert SIZE == RECEIVE_SIZE

cdef bint _can_splice = CAN_SPLICE

# Filled and copied before any other code runs, so that all connections can share them.
cdef char[SIZE] _received
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


cdef class PlainConnection:
    """Serves one connection for as long as its requests are plain."""

    cdef object _worker, _path, _client, _address, _log
    cdef dict _base, _scheme_fields, _names, _statuses
    cdef tuple _schemes
    cdef bytes _data
    cdef NextRequest _next
    cdef int _descriptor
    cdef double _patience
    cdef Py_ssize_t _longest_line, _most_fields, _longest_field
    cdef bint _sees_requests, _keepalive_allowed, _is_named_by_host

    def __init__(self, worker, client, *, base, address):
        """Take what the environs of all its requests have in common as ``base``."""
        path = worker.lean_path
        self._worker = worker
        self._path = path
        self._client = client
        self._address = address
        self._base = base
        self._data = b""
        self._descriptor = client.fd
        self._patience = path.keepalive
        self._scheme_fields = path.scheme_fields(address)
        self._schemes = tuple(self._scheme_fields)
        self._names = path.lines.names
        self._statuses = path.lines.statuses
        self._longest_line = path.limits.request_line
        self._most_fields = path.limits.fields
        self._longest_field = path.limits.field_size - 2
        self._sees_requests = path.sees_requests
        self._keepalive_allowed = path.keepalive_allowed
        self._is_named_by_host = not base["SERVER_PORT"]

    def serve(self):
        """Serve requests; return the start of one that is not plain, None when all is over."""
        self._next = NextRequest(get_hub(), self._descriptor, self._patience)
        try:
            return self._serve()
        finally:
            self._next.close()

    cdef bytes _serve(self):
        cdef bytes data
        cdef dict environ
        cdef Py_ssize_t end
        cdef bint goes_on
        while True:
            data = self._data
            if not data:
                data = self._receive()
                if not data:
                    return None
            end = _end_of_head(data)
            environ = None
            if end > 0:
                environ = environ_of(
                    data,
                    end,
                    self._base,
                    self._longest_line,
                    self._most_fields,
                    self._longest_field,
                )
            if environ is None or not self._complete(environ):
                return data
            data = data[end + 4 :] if len(data) > end + 4 else b""
            if self._is_usual(environ):
                self._data = data
                goes_on = self._respond(environ)
            else:
                goes_on, self._data = self._refer(environ, data)
            if not goes_on:
                return None
            # Nothing of the request is held while the client is silent.
            environ = None
            data = None
            if self._data:
                self._client.let_others_run()  # requests that came at once need not wait

    cdef bytes _receive(self):
        """Wait for bytes and return them; b"" at the end or after the keep-alive time."""
        cdef Py_ssize_t size
        cdef bint in_time = True
        while in_time:
            # Where the loop comes late it may tell of the time before it tells of the bytes.
            in_time = self._next.wait()
            size = recv(self._descriptor, _received, SIZE, MSG_DONTWAIT)
            if size >= 0:
                return PyBytes_FromStringAndSize(_received, size)
            if errno != EAGAIN and errno != EINTR:
                break
        return b""

    cdef bint _complete(self, dict environ) except -1:
        """Add what depends on fields, see ``complete``."""
        if not self._is_named_by_host:
            for name in self._schemes:
                if name in environ:
                    break
            else:
                return True
        return complete(environ, self._scheme_fields)

    cdef bint _is_usual(self, dict environ) except -1:
        if self._sees_requests:
            return False
        length = environ.get("CONTENT_LENGTH")
        return length is None or length == "0"

    cdef _refer(self, dict environ, bytes behind):
        return self._reference().respond(environ, behind)

    cdef _reference(self):
        return TWINS["PlainConnection"].reference(
            self._worker, self._client, base=self._base, address=self._address
        )

    cdef bint _respond(self, dict environ) except -1:
        """Answer one request; tell whether another may follow."""
        cdef _Answer answer = _Answer.__new__(_Answer)
        worker = self._worker
        answer.connection = self
        answer.environ = environ
        answer.method = environ["REQUEST_METHOD"]
        answer.uri = environ["RAW_URI"]
        answer.length = -1
        connection = environ.get("HTTP_CONNECTION")
        if connection is not None and len(<str>connection) == 5:
            answer.must_close = True
        environ["wsgi.early_hints"] = answer.send_early_hints
        if _can_splice:
            environ["wsgi_scgi.splice"] = answer.splice
        if not worker.count_request() or not self._keepalive_allowed:
            answer.must_close = True
        try:
            self._run(environ, answer)
        except ClientLeft as error:
            worker.log.debug("The client left: %s", error)
            return False
        except (GreenletExit, SystemExit):
            return False  # the worker ends
        except BaseException as error:
            self._reference().fail(answer.reference(), error)
            return False
        finally:
            answer.end()
        return not answer.should_close()

    cdef int _run(self, dict environ, _Answer answer) except -1:
        """Let the application answer."""
        worker = self._worker
        result = worker.wsgi(environ, answer)
        if type(result) is list:
            for piece in <list>result:
                answer.put(piece)
            answer.finish()
            return 0
        if worker.is_already_handled(result):
            answer.is_handled = True
            return 0
        try:
            if isinstance(result, FileWrapper):
                answer.reference().write_file(result)
            else:
                for piece in result:
                    answer.put(piece)
            answer.finish()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        return 0

    cdef int send_piece(self, bytes head, bytes body, Py_ssize_t size) except -1:
        """Send a head and the first ``size`` bytes of a body; raise ClientLeft."""
        cdef Py_ssize_t before = 0 if head is None else len(head)
        cdef Py_ssize_t total = before + size
        cdef Py_ssize_t gone
        cdef const char *data
        if before and total <= SIZE:
            memcpy(_sent, PyBytes_AS_STRING(head), before)
            memcpy(_sent + before, PyBytes_AS_STRING(body), size)
            data = _sent
        elif before:
            self._client.send(head + body[:size])
            return 0
        else:
            data = PyBytes_AS_STRING(body)
        gone = send(self._descriptor, data, total, MSG_DONTWAIT | MSG_NOSIGNAL)
        if gone == total:
            return 0
        if gone < 0:
            if errno != EAGAIN and errno != EINTR:
                raise ClientLeft(strerror(errno).decode())
            gone = 0
        rest = PyBytes_FromStringAndSize(data + gone, total - gone)
        self._client.send_rest(memoryview(rest))
        return 0


@cython.final
@cython.freelist(16)
cdef class _Answer:
    """The answer to one usual request; it is the ``start_response`` of PEP 3333.

    It becomes a PlainResponse, by ``reference``, as soon as something unusual is wanted.
    """

    cdef PlainConnection connection
    cdef dict environ
    cdef object method, uri, status, response
    cdef tuple fields
    cdef bytes head
    cdef Py_ssize_t length, sent
    cdef bint must_close, omits_body, is_begun, is_handled

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
        cdef bytes standing
        cdef Py_ssize_t length = -1
        cdef bint omits_body
        cdef int number
        cdef time_t now
        if type(status) is not str or type(headers) is not list:
            return False
        known = PyDict_GetItem(self.connection._statuses, status)
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
            known = PyDict_GetItem(self.connection._names, name)
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
        self.status = status
        self.fields = tuple(<list>headers)
        self.length = length
        self.omits_body = omits_body
        self.head = PyBytes_FromStringAndSize(<char *>_head, at - _head)
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
            self.connection.send_piece(self.head, <bytes>data, size)
        elif size:
            self.connection.send_piece(None, <bytes>data, size)
        return 0

    cdef int finish(self) except -1:
        """Send what is still to be sent."""
        if self.response is not None or self.head is None:
            self.reference().close()
        elif self.sent < self.length and not self.omits_body:
            self.reference().close()
        elif not self.is_begun:
            self.is_begun = True
            self.connection.send_piece(self.head, b"", 0)
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
        cdef PlainConnection connection = self.connection
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
            request = PlainRequest(received, connection._address)
            request.must_close = self.must_close
            path = connection._path
            response = PlainResponse(request, connection._client, cfg=path.cfg, lines=path.lines)
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


cdef inline Py_ssize_t _end_of_head(bytes data) noexcept:
    """Return where CR LF CR LF stands, -1 if nowhere."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef const char *found = <const char *>memmem(start, len(data), b"\r\n\r\n", 4)
    return -1 if found == NULL else found - start


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
