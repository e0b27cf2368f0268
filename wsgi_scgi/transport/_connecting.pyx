# cython: language_level=3
"""The compiled twins of ``Connection`` and ``connect_to`` in connecting.py, their references.

``connect_to`` does Unix sockets and IPv4 for requests that are not large; the reference does the
others, and waits where the backlog of a Unix socket is full.  Requests of one turn of gevent's loop
leave together.
"""

import _socket
import os

from cpython.bytes cimport PyBytes_AS_STRING
from libc.errno cimport EAGAIN, EALREADY, EINPROGRESS, EISCONN, errno
from libc.string cimport memcpy, memset
from posix.unistd cimport close

from wsgi_scgi.transport._turn cimport Departure
from wsgi_scgi.transport._waiting cimport CooperativeWaiter

from wsgi_scgi.compiled import TWINS
from wsgi_scgi.transport.waiting import WRITE

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    enum:
        AF_INET, AF_UNIX, SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC, IPPROTO_TCP, SOL_SOCKET, SO_ERROR
        MSG_DONTWAIT, MSG_NOSIGNAL
    int socket(int family, int kind, int protocol)
    int connect(int descriptor, const sockaddr *address, socklen_t length)
    Py_ssize_t send(int descriptor, const void *data, size_t size, int flags)
    int getsockopt(int descriptor, int level, int name, void *value, socklen_t *length)
    int setsockopt(int descriptor, int level, int name, const void *value, socklen_t length)

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        pass
    struct sockaddr_in:
        unsigned short sin_family
        unsigned short sin_port
        in_addr sin_addr
    unsigned short htons(unsigned short port)

cdef extern from "<netinet/tcp.h>" nogil:
    enum:
        TCP_NODELAY

cdef extern from "<arpa/inet.h>" nogil:
    int inet_pton(int family, const char *text, void *address)

cdef extern from "<sys/un.h>" nogil:
    struct sockaddr_un:
        unsigned short sun_family
        char[108] sun_path

SOURCE = WSGI_SCGI_SOURCE

cdef union _Address:
    sockaddr any
    sockaddr_in inet
    sockaddr_un local


cdef class Connection:
    """A connected non-blocking socket, and the way to wait for it."""

    def __cinit__(self, int fd, waiter, target, Py_ssize_t sent=0):
        self.fd = fd
        self.sent = sent
        self.waiter = waiter
        self.target = target

    @property
    def socket(self):
        """The same as an object, which many connections never need."""
        if self._socket is None:
            self._socket = _socket.socket(self.target[0], SOCK_STREAM, 0, self.fd)
            self._socket.setblocking(False)
        return self._socket

    def send_at_once(self):
        """Let small pieces of a body not wait for each other (TCP_NODELAY)."""
        cdef int on = 1
        if self.target[0] != AF_UNIX:
            # Reset meanwhile: sending will tell.
            setsockopt(self.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))

    def __del__(self):
        # An exception may come between any two lines, before anybody can have it.
        if self.fd >= 0:
            self.close()

    def close(self):
        """Close it: first what watches it, then itself.  Harmless when repeated."""
        cdef int fd = self.fd
        self.fd = -1
        if fd < 0:
            return
        self.waiter.close()
        if self._socket is not None:
            self._socket.close()
        else:
            close(fd)


cdef class _Call(Departure):
    """A socket that connects and sends the head.

    ``code`` is the error that this ended with; ``descriptor`` is -1 where there is no socket.
    """

    cdef _Address address
    cdef socklen_t length
    cdef bytes head
    cdef int descriptor
    cdef int code
    cdef Py_ssize_t sent

    def __cinit__(self, bytes head not None):
        self.head = head
        self.descriptor = -1

    cdef void depart(self) noexcept:
        cdef int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC
        self.descriptor = socket(self.address.any.sa_family, kind, 0)
        if self.descriptor < 0:
            return
        self.connect()
        if self.code == EINPROGRESS:
            # Over loopback it is done already: asking again costs less than waiting.
            self.connect()
        if self.code == EISCONN:
            self.code = 0
        if self.code == 0:
            self.send()

    cdef void connect(self) noexcept:
        self.code = errno if connect(self.descriptor, &self.address.any, self.length) else 0

    cdef void send(self) noexcept:
        cdef Py_ssize_t size = len(self.head)
        if size:
            size = send(
                self.descriptor, PyBytes_AS_STRING(self.head), size, MSG_DONTWAIT | MSG_NOSIGNAL
            )
            # Whoever goes on meets the error again.
            self.sent = max(size, 0)

    cdef int wait_connected(self, waiter, double seconds) except -1:
        cdef int code = 0
        cdef socklen_t size = sizeof(code)
        if waiter.wait(((self.descriptor, WRITE),), seconds) < 0:
            raise TimeoutError
        getsockopt(self.descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        self.code = code
        if code == 0:
            self.send()
        return 0

    cdef void hang_up(self) noexcept:
        if self.descriptor >= 0:
            close(self.descriptor)
            self.descriptor = -1


def connect_to(target, waiter, double seconds, head, bint large):
    """Return a connection to ``target``, with what it took of ``head``."""
    cdef _Call call = _Call(head)
    call.length = _address_of(target, &call.address)
    if large or not call.length:
        return _refer(target, waiter, seconds, head, large)
    try:
        if type(waiter) is CooperativeWaiter:
            (<CooperativeWaiter>waiter).depart(call)
        else:
            call.depart()
        if call.code == EINPROGRESS or call.code == EALREADY:
            call.wait_connected(waiter, seconds)
        if call.descriptor >= 0 and call.code == 0:
            return Connection(call.descriptor, waiter, target, call.sent)
    except BaseException:
        waiter.close()
        call.hang_up()
        raise
    # The next socket may get the same descriptor.
    waiter.close()
    call.hang_up()
    if call.code == 0 or call.code == EAGAIN:
        # There was no socket, or no room in the backlog, for which the reference waits.
        return _refer(target, waiter, seconds, head, large)
    raise OSError(call.code, os.strerror(call.code))


cdef _refer(target, waiter, double seconds, bytes head, bint large):
    return TWINS["connect_to"].reference(target, waiter, seconds, head, large)


cdef socklen_t _address_of(object target, _Address *address) except? 1:
    """Write a socket address, and return its length; 0 for what the reference has to do."""
    cdef bytes text
    cdef object host, port
    family = target[0]
    memset(address, 0, sizeof(_Address))
    if family == AF_UNIX:
        text = os.fsencode(target[1])
        if not 0 < len(text) < <Py_ssize_t>sizeof(address.local.sun_path):
            return 0
        address.local.sun_family = AF_UNIX
        memcpy(address.local.sun_path, <const char *>text, len(text))
        return sizeof(unsigned short) + len(text) + 1
    if family == AF_INET:
        host, port = target[1]
        text = (<str>host).encode()
        address.inet.sin_family = AF_INET
        address.inet.sin_port = htons(port)
        return sizeof(sockaddr_in) if inet_pton(AF_INET, text, &address.inet.sin_addr) == 1 else 0
    return 0
