# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of ``PlainConnection`` in connection.py, its reference.

The usual request and the usual answer (``_usual_answer.pyx``) stay in C.  A request with a body, or
one that somebody looks at as a whole, is the reference's.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.errno cimport EAGAIN, EINTR, errno

from wsgi_scgi.worker._next_request cimport NextRequest
from wsgi_scgi.worker._plain_head cimport environ_of
from wsgi_scgi.worker._usual_answer cimport Recipient, UsualAnswer

from gevent import GreenletExit, get_hub
from gunicorn.http.wsgi import FileWrapper

from wsgi_scgi.compiled import TWINS
from wsgi_scgi.transport.pipe import CAN_SPLICE
from wsgi_scgi.worker.client_socket import RECEIVE_SIZE, ClientLeft
from wsgi_scgi.worker.lean_path import complete

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

cdef extern from "<string.h>" nogil:
    void *memmem(const void *text, size_t length, const void *searched, size_t size)

cdef extern from "<sys/socket.h>" nogil:
    enum:
        MSG_DONTWAIT
    Py_ssize_t recv(int descriptor, void *data, size_t size, int flags)

SOURCE = WSGI_SCGI_SOURCE

cdef enum:
    SIZE = 65536

assert SIZE == RECEIVE_SIZE

cdef bint _can_splice = CAN_SPLICE

# Filled and copied before any other code runs, so that all connections can share it.
cdef char[SIZE] _received


cdef class PlainConnection:
    """Serves one connection for as long as its requests are plain."""

    cdef object _worker, _client, _address
    cdef Recipient _recipient
    cdef dict _base, _scheme_fields
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
        self._client = client
        self._address = address
        self._recipient = Recipient(client, path, address)
        self._base = base
        self._data = b""
        self._descriptor = client.fd
        self._patience = path.keepalive
        self._scheme_fields = path.scheme_fields(address)
        self._schemes = tuple(self._scheme_fields)
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
                if self._client.has_reset():  # and nobody is there for whom to serve them
                    return None

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
        cdef UsualAnswer answer = UsualAnswer.__new__(UsualAnswer)
        worker = self._worker
        answer.recipient = self._recipient
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

    cdef int _run(self, dict environ, UsualAnswer answer) except -1:
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


cdef inline Py_ssize_t _end_of_head(bytes data) noexcept:
    """Return where CR LF CR LF stands, -1 if nowhere."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef const char *found = <const char *>memmem(start, len(data), b"\r\n\r\n", 4)
    return -1 if found == NULL else found - start
