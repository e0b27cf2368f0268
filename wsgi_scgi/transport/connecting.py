"""Connecting: the addresses of a backend in turn, within one span of time."""

import _socket
import contextlib
import errno
import grp
import os
import pwd
import socket
import stat

from ..address import TCPAddress, UnixAddress
from ..compiled import compiled_in
from ..errors import ConnectError, ConnectTimeout, OutOfResources
from .names import Resolver, SocketAddress
from .pacing import connect_without_pacing
from .waiting import WRITE, Deadline, Waiter

_NON_BLOCKING = getattr(socket, "SOCK_NONBLOCK", 0) | getattr(socket, "SOCK_CLOEXEC", 0)
_BACKLOG_PAUSE = 0.01
_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EINTR})
_OUT_OF_RESOURCES = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
)
"""What this process or host lacks: it says nothing about the backend."""


@compiled_in("wsgi_scgi.transport._connecting")
class Connection:
    """A connected non-blocking socket, and the way to wait for it.

    ``fd`` is its descriptor, -1 once it is closed; ``target`` the address connected to; ``sent``
    how many bytes of the head have left with it.
    """

    __slots__ = ("_socket", "fd", "sent", "target", "waiter")

    def __init__(self, fd: int, waiter: Waiter, target: SocketAddress, sent: int = 0) -> None:
        self.waiter = waiter
        self.target = target
        self._socket: _socket.socket | None = None
        self.fd = fd
        self.sent = sent

    @property
    def socket(self) -> _socket.socket:
        """The same as an object, which many connections never need."""
        if self._socket is None:
            self._socket = _socket.socket(self.target[0], socket.SOCK_STREAM, 0, self.fd)
            self._socket.setblocking(False)
        return self._socket

    def send_at_once(self) -> None:
        """Let small pieces of a body not wait for each other (TCP_NODELAY)."""
        if self.target[0] != socket.AF_UNIX:
            with contextlib.suppress(OSError):  # reset meanwhile: sending will tell
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __del__(self) -> None:
        # An exception may come between any two lines, before anybody can have it.
        self.close()

    def close(self) -> None:
        """Close it: first what watches it, then itself.  Harmless when repeated."""
        fd, self.fd = self.fd, -1
        if fd < 0:
            return
        self.waiter.close()
        if self._socket is not None:
            self._socket.close()
        else:
            os.close(fd)


def connect(
    address: TCPAddress | UnixAddress,
    resolver: Resolver,
    waiter: Waiter,
    *,
    timeout: float,
    head: bytes = b"",
    large: bool = False,
) -> Connection:
    """Connect to ``address``, and send what the kernel takes of ``head`` without waiting.

    ``large`` tells that much will follow, for which BBR is not wanted within this host.
    ``timeout`` seconds are for the look-up and all addresses together.  Raises ConnectError,
    ConnectTimeout or ResolveError, with the cause of every address that was tried.
    """
    deadline = Deadline(timeout)
    targets = resolver.resolve(address, waiter, timeout)
    causes = []
    timed_out = False
    for index, target in enumerate(targets):
        # A dead first address leaves the others their share of the time.
        share = max(deadline.bound(timeout) / (len(targets) - index), 1e-3)
        try:
            return connect_to(target, waiter, share, head, large)
        except TimeoutError:
            timed_out = True
            causes.append(f"{_display(target)}: no connection in {share:.3g} seconds")
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES:
                raise OutOfResources(f"cannot connect to {address}: {error.strerror}") from error
            causes.append(f"{_display(target)}: {_explain(error, target)}")
    resolver.expire(address)
    error_type = ConnectTimeout if timed_out else ConnectError
    raise error_type(f"cannot connect to {address}: {'; '.join(causes) or 'no address'}")


@compiled_in("wsgi_scgi.transport._connecting")
def connect_to(
    target: SocketAddress, waiter: Waiter, seconds: float, head: bytes, large: bool
) -> Connection:
    """Return a connection to ``target``, on which has left what the kernel took of ``head``.

    Whatever sending fails with, the next call on it tells.  Raises TimeoutError after ``seconds``,
    or the OSError that the kernel tells.
    """
    family, address = target
    deadline = Deadline(seconds)
    sock = _socket.socket(family, socket.SOCK_STREAM | _NON_BLOCKING)
    try:
        if not _NON_BLOCKING:
            sock.setblocking(False)
        if large:
            connect_without_pacing(sock, address[0])
        while True:
            code = sock.connect_ex(address)
            if code == errno.EINPROGRESS:
                # Over loopback it is done already: asking again costs less than waiting.
                code = sock.connect_ex(address)
            if code in (0, errno.EISCONN):
                break
            if code == errno.EAGAIN and family == socket.AF_UNIX:
                _wait_for_backlog(waiter, deadline)
                continue
            if code not in _UNDER_WAY:
                raise OSError(code, os.strerror(code))
            if waiter.wait([(sock.fileno(), WRITE)], deadline.bound(seconds)) < 0:
                raise TimeoutError
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            break
        sent = 0
        with contextlib.suppress(OSError):
            sent = sock.send(head) if head else 0
        return Connection(sock.detach(), waiter, target, sent)
    except BaseException:
        waiter.close()
        sock.close()
        raise


def _wait_for_backlog(waiter: Waiter, deadline: Deadline) -> None:
    # Linux: a Unix socket whose backlog is full refuses at once and nothing tells when it is not.
    if deadline.passed:
        raise TimeoutError
    waiter.pause(_BACKLOG_PAUSE)


def _display(target: SocketAddress) -> str:
    address = target[1]
    return address if isinstance(address, str) else f"{address[0]} port {address[1]}"


def _explain(error: OSError, target: SocketAddress) -> str:
    """Say what the administrator needs to know about a failed connect."""
    text = error.strerror or str(error)
    family, path = target
    if family != socket.AF_UNIX:
        return text
    if error.errno == errno.ENOENT:
        return f"{text}; is the backend running, and does it listen there?"
    if error.errno == errno.ECONNREFUSED:
        return f"{text}; the socket is there, but no program listens on it any more"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{text}; {_ownership(path)}, this process runs as {_user(os.geteuid())}"
    return text


def _ownership(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return "a directory on its way cannot be entered"
    mode = stat.filemode(status.st_mode)
    return f"the socket is {mode} {_user(status.st_uid)}:{_group(status.st_gid)}"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
