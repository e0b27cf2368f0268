"""Connecting: the addresses of a backend in turn, within one span of time."""

import _socket
import contextlib
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.transport.rig import Clock
from tests.transports import BOUND, Transport, until
from tests.twins import both
from wsgi_scgi.address import TCPAddress, UnixAddress
from wsgi_scgi.errors import ConnectError, ConnectTimeout, ResolveError
from wsgi_scgi.transport import waiting
from wsgi_scgi.transport.connecting import Connection, connect
from wsgi_scgi.transport.names import Resolver, SocketAddress
from wsgi_scgi.transport.pacing import PACING, WITHOUT_PACING
from wsgi_scgi.transport.waiting import BlockingWaiter, Interest, current_waiter

NAME = TCPAddress("backend.test", 4000)
_NOBODY = 65534

pytestmark = [
    pytest.mark.usefixtures("nothing_left_open"),
    pytest.mark.skipif(sys.platform != "linux", reason="full backlogs are like this on Linux only"),
]


def resolver_for(*targets: SocketAddress) -> Resolver:
    def lookup(host: str, port: int) -> list[SocketAddress]:
        del host, port
        return list(targets)

    return Resolver(lookup)


def connect_to(
    transport: Transport,
    address: TCPAddress | UnixAddress,
    resolver: Resolver | None = None,
    *,
    timeout: float = BOUND,
    head: bytes = b"",
) -> Connection:
    resolver = resolver or Resolver()
    return transport.call(
        lambda: connect(address, resolver, current_waiter(), timeout=timeout, head=head)
    )


def fails(
    transport: Transport,
    address: TCPAddress | UnixAddress,
    resolver: Resolver | None = None,
    *,
    timeout: float = BOUND,
) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        connect_to(transport, address, resolver, timeout=timeout)
    return caught.value


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(BOUND)
        yield sock


@pytest.fixture
def refusing() -> Iterator[SocketAddress]:
    """An address on which nobody listens and nobody else can: it is bound."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield socket.AF_INET, sock.getsockname()


@pytest.fixture
def black_hole() -> Iterator[SocketAddress]:
    """An address that never answers."""
    with full_listener() as listener:
        yield socket.AF_INET, listener.getsockname()


@contextlib.contextmanager
def full_listener() -> Iterator[socket.socket]:
    """Listen with a backlog that is full: what comes is dropped."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can enter."""
    directory = Path(tempfile.mkdtemp(prefix="scgi-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's rights for a while: permissions do not bind root."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(_NOBODY)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def listen_unix(path: Path, *, backlog: int = 8) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen(backlog)
    sock.settimeout(BOUND)
    return sock


def test_a_tcp_backend_is_connected(transport: Transport, listener: socket.socket) -> None:
    host, port = listener.getsockname()

    with contextlib.closing(connect_to(transport, TCPAddress(host, port))) as near:
        far, _ = listener.accept()
        with far:
            sock = near.socket
            assert sock.gettimeout() == 0.0
            assert not os.get_inheritable(sock.fileno())
            near.send_at_once()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            sock.send(b"hello")
            assert far.recv(5) == b"hello"
            near.close()
            assert sock.fileno() == -1
            near.close()


def test_the_head_leaves_with_the_connection(transport: Transport, listener: socket.socket) -> None:
    address = TCPAddress(*listener.getsockname())

    with contextlib.closing(connect_to(transport, address, head=b"the head")) as near:
        assert near.sent == 8
        with listener.accept()[0] as far:
            assert far.recv(9) == b"the head"


@pytest.mark.parametrize("large", [False, True])
def test_only_for_what_is_large_pacing_is_given_up(
    transport: Transport, listener: socket.socket, large: bool
) -> None:
    def control_of(sock: object) -> bytes:
        assert isinstance(sock, _socket.socket)
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")

    with socket.socket() as sock:
        usual = control_of(sock)
    address = TCPAddress(*listener.getsockname())
    resolver = Resolver()
    near = transport.call(
        lambda: connect(address, resolver, current_waiter(), timeout=BOUND, large=large)
    )
    with contextlib.closing(near), listener.accept()[0]:
        paced = usual == PACING
        assert control_of(near.socket) == (WITHOUT_PACING if paced and large else usual)


def test_of_a_long_head_as_much_leaves_as_the_kernel_takes(
    transport: Transport, tmp_path: Path
) -> None:
    path = tmp_path / "app.sock"
    head = bytes(1 << 24)
    with listen_unix(path) as listener:
        near = connect_to(transport, UnixAddress(str(path)), head=head)
        with listener.accept()[0] as far, contextlib.closing(near):
            assert 0 < near.sent < len(head)
            far.settimeout(BOUND)
            received = 0
            while received < near.sent:
                received += len(far.recv(1 << 20))
            assert received == near.sent


def test_the_head_follows_a_connection_that_comes_late(transport: Transport) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        listener.settimeout(BOUND)
        fillers = [stack.enter_context(socket.socket()) for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        under_way = threading.Event()
        received: list[bytes] = []

        def accept_late() -> None:
            assert under_way.wait(BOUND)
            while b"the head" not in received:
                with listener.accept()[0] as far:
                    far.settimeout(BOUND)
                    for filler in fillers:
                        filler.close()
                    received.append(far.recv(9))

        accepting = threading.Thread(target=accept_late)
        accepting.start()
        threading.Timer(0.05, under_way.set).start()
        address = TCPAddress(*listener.getsockname())
        with contextlib.closing(connect_to(transport, address, head=b"the head")) as near:
            assert under_way.is_set()
            assert near.sent == 8
            accepting.join(BOUND)
            assert received[-1] == b"the head"


def test_a_connection_that_is_dropped_closes_itself(
    transport: Transport, listener: socket.socket
) -> None:
    address = TCPAddress(*listener.getsockname())

    def connect_and_drop() -> None:
        connect(address, Resolver(), current_waiter(), timeout=BOUND)

    transport.call(connect_and_drop)

    far, _ = listener.accept()
    with far:
        far.settimeout(BOUND)
        assert far.recv(1) == b""


def test_an_ipv6_backend_is_connected(transport: Transport) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 on loopback ({error})")
    with listener:
        near = connect_to(transport, TCPAddress("::1", listener.getsockname()[1]))
        near.close()


def test_a_unix_backend_is_connected(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with listen_unix(path) as listener:
        near = connect_to(transport, UnixAddress(str(path)))
        far, _ = listener.accept()
        with far:
            assert near.socket.gettimeout() == 0.0
            near.socket.send(b"hello")
            assert far.recv(5) == b"hello"
        near.close()


def test_where_nothing_listens_the_cause_names_the_address(
    transport: Transport, refusing: SocketAddress
) -> None:
    host, port = refusing[1]

    error = fails(transport, TCPAddress(host, port))

    assert type(error) is ConnectError
    assert f"cannot connect to scgi://127.0.0.1:{port}" in str(error)
    assert f"127.0.0.1 port {port}: Connection refused" in str(error)
    assert host not in error.public


def test_a_missing_socket_asks_whether_the_backend_runs(
    transport: Transport, tmp_path: Path
) -> None:
    path = str(tmp_path / "absent.sock")

    error = fails(transport, UnixAddress(path))

    assert type(error) is ConnectError
    assert path in str(error)
    assert "is the backend running" in str(error)


def test_a_socket_that_a_program_left_behind_is_told_apart(
    transport: Transport, tmp_path: Path
) -> None:
    path = tmp_path / "stale.sock"
    listen_unix(path).close()

    error = fails(transport, UnixAddress(str(path)))

    assert "no program listens on it any more" in str(error)


def test_a_file_that_is_no_socket_is_refused(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")

    assert "Connection refused" in str(fails(transport, UnixAddress(str(path))))


def test_a_socket_of_another_kind_is_just_an_error(transport: Transport, tmp_path: Path) -> None:
    path = str(tmp_path / "datagrams")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)

        error = fails(transport, UnixAddress(path))

    assert str(error).endswith(f"{path}: Protocol wrong type for socket")


def test_permission_denied_names_mode_owner_group_and_this_user(
    transport: Transport, open_directory: Path
) -> None:
    path = open_directory / "app.sock"
    with listen_unix(path):
        path.chmod(0o600 if os.geteuid() == 0 else 0o000)
        with as_nobody():
            error = fails(transport, UnixAddress(str(path)))

    assert type(error) is ConnectError
    assert f"the socket is {'srw-------' if os.geteuid() == 0 else 's---------'} " in str(error)
    if os.geteuid() == 0:
        assert "root:root" in str(error)
        assert "this process runs as nobody" in str(error)


def test_a_user_without_a_name_is_a_number(transport: Transport, open_directory: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user; run the tests as root")
    path = open_directory / "app.sock"
    with listen_unix(path):
        os.chown(path, 4242424, 4343434)
        path.chmod(0o600)
        with as_nobody():
            error = fails(transport, UnixAddress(str(path)))

    assert "4242424:4343434" in str(error)


def test_a_directory_that_cannot_be_entered_is_named_as_the_cause(
    transport: Transport, open_directory: Path
) -> None:
    private = open_directory / "private"
    private.mkdir()
    path = private / "app.sock"
    with listen_unix(path):
        private.chmod(0o700 if os.geteuid() == 0 else 0o000)
        with as_nobody():
            error = fails(transport, UnixAddress(str(path)))
    private.chmod(0o700)

    assert "a directory on its way cannot be entered" in str(error)


def test_a_full_backlog_of_a_unix_socket_is_waited_for_in_vain(
    transport: Transport, tmp_path: Path
) -> None:
    path = tmp_path / "app.sock"
    with contextlib.ExitStack() as stack:
        stack.enter_context(listen_unix(path, backlog=0))
        fill_backlog(stack, path)

        error = fails(transport, UnixAddress(str(path)), timeout=0.05)

    assert type(error) is ConnectTimeout
    assert re.search(r"app\.sock: no connection in 0\.0[0-9]+ seconds", str(error))


def fill_backlog(stack: contextlib.ExitStack, path: Path) -> None:
    for _ in range(8):
        filler = stack.enter_context(socket.socket(socket.AF_UNIX))
        filler.setblocking(False)
        if filler.connect_ex(str(path)):
            return
    pytest.skip("the backlog of a Unix socket never fills on this system")


def test_a_full_backlog_of_a_unix_socket_is_waited_for_until_it_is_not(
    transport: Transport, tmp_path: Path
) -> None:
    path = tmp_path / "app.sock"
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen_unix(path, backlog=0))
        fill_backlog(stack, path)
        refused = threading.Event()

        def accept_late() -> None:
            assert refused.wait(BOUND)
            stack.enter_context(listener.accept()[0])

        accepting = threading.Thread(target=accept_late)
        accepting.start()

        def call() -> Connection:
            waiter = current_waiter()
            stopwatch = threading.Timer(0.05, refused.set)
            stopwatch.start()
            address = UnixAddress(str(path))
            return connect(address, Resolver(), waiter, timeout=BOUND, head=b"the head")

        near = transport.call(call)
        assert refused.is_set()
        assert near.sent == 8
        near.close()
        accepting.join(BOUND)


def test_a_tcp_backend_that_never_answers_is_a_timeout(
    transport: Transport, black_hole: SocketAddress
) -> None:
    host, port = black_hole[1]

    error = fails(transport, TCPAddress(host, port), timeout=0.05)

    assert type(error) is ConnectTimeout
    assert re.search(rf"127\.0\.0\.1 port {port}: no connection in 0\.0[0-9]+ seconds", str(error))


def test_several_addresses_are_tried_in_turn(
    transport: Transport, refusing: SocketAddress, listener: socket.socket
) -> None:
    good = (socket.AF_INET, listener.getsockname())

    near = connect_to(transport, NAME, resolver_for(refusing, refusing, good))

    assert near.socket.getpeername() == good[1]
    near.close()


def test_a_dead_first_address_leaves_the_others_their_share_of_the_time(
    transport: Transport, black_hole: SocketAddress, listener: socket.socket
) -> None:
    good = (socket.AF_INET, listener.getsockname())

    near = connect_to(transport, NAME, resolver_for(black_hole, good), timeout=0.2)

    assert near.socket.getpeername() == good[1]
    near.close()


def test_when_all_addresses_fail_each_cause_is_named(
    transport: Transport, refusing: SocketAddress, tmp_path: Path
) -> None:
    missing: SocketAddress = (socket.AF_UNIX, str(tmp_path / "absent"))
    unknown: SocketAddress = (4242, ("192.0.2.1", 4000))

    error = fails(transport, NAME, resolver_for(refusing, missing, unknown))

    assert type(error) is ConnectError
    assert "Connection refused; " in str(error)
    assert "No such file or directory" in str(error)
    assert "192.0.2.1 port 4000: Address family not supported" in str(error)


def test_a_timeout_among_the_causes_makes_it_one(
    transport: Transport, refusing: SocketAddress, black_hole: SocketAddress
) -> None:
    error = fails(transport, NAME, resolver_for(black_hole, refusing), timeout=0.1)

    assert type(error) is ConnectTimeout
    assert "refused" in str(error)


def test_a_name_without_an_address_is_not_available(transport: Transport) -> None:
    assert "no address" in str(fails(transport, NAME, resolver_for()))


def test_a_name_that_does_not_resolve_is_told_apart(transport: Transport) -> None:
    def lookup(host: str, port: int) -> list[SocketAddress]:
        raise socket.gaierror(-2, f"{host}:{port} not known")

    assert type(fails(transport, NAME, Resolver(lookup))) is ResolveError


def test_a_look_up_takes_its_time_from_the_whole_span(
    transport: Transport, black_hole: SocketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)

    def lookup(host: str, port: int) -> list[SocketAddress]:
        del host, port
        clock.now += BOUND - 0.05
        return [black_hole]

    error = fails(transport, NAME, Resolver(lookup), timeout=BOUND)

    assert "no connection in 0.05 seconds" in str(error)


def test_no_time_at_all_is_a_timeout_and_not_for_ever(
    transport: Transport, black_hole: SocketAddress
) -> None:
    assert type(fails(transport, NAME, resolver_for(black_hole), timeout=0.0)) is ConnectTimeout


def test_after_a_failure_the_name_is_looked_up_again_soon(
    transport: Transport, refusing: SocketAddress
) -> None:
    asked: list[str] = []
    now = [1000.0]

    def lookup(host: str, port: int) -> list[SocketAddress]:
        del port
        asked.append(host)
        return [refusing]

    resolver = Resolver(lookup, clock=lambda: now[0])
    fails(transport, NAME, resolver)
    fails(transport, NAME, resolver)
    assert len(asked) == 1
    now[0] += 1.0
    fails(transport, NAME, resolver)

    until(lambda: len(asked) == 2)


@pytest.mark.parametrize("where", ["tcp", "unix", "name"])
def test_a_connect_that_is_broken_off_leaves_nothing_open(
    transport: Transport, black_hole: SocketAddress, tmp_path: Path, where: str
) -> None:
    started: list[int] = []
    over = threading.Event()
    with contextlib.ExitStack() as stack:
        if where == "unix":
            path = tmp_path / "app.sock"
            stack.enter_context(listen_unix(path, backlog=0))
            fill_backlog(stack, path)
            address: TCPAddress | UnixAddress = UnixAddress(str(path))
        elif where == "tcp":
            address = TCPAddress(*black_hole[1])
        else:
            address = NAME

        def lookup(host: str, port: int) -> list[SocketAddress]:
            del host, port
            assert over.wait(BOUND)
            return []

        def call() -> None:
            waiter = current_waiter()
            started.append(1)
            resolver = Resolver(lookup if where == "name" else None)
            connect(address, resolver, waiter, timeout=BOUND)

        stack.callback(over.set)
        transport.interrupt(call, ready=lambda: bool(started))


class WaitsOnce:
    """A waiter that lets something happen first."""

    def __init__(self, first: Callable[[], None]) -> None:
        self.first = first
        self.closed = 0
        self.poll = BlockingWaiter()

    def wait(self, interests: Sequence[Interest], timeout: float | None) -> int:
        self.first()
        return self.poll.wait(interests, timeout)

    def close(self) -> None:
        self.closed += 1


def test_what_watched_an_address_that_failed_in_the_end_is_forgotten() -> None:
    for form in both("connect_to"):
        with full_listener() as listener:
            # What is sent again after a second meets nobody.
            waiter = WaitsOnce(listener.close)
            with pytest.raises(ConnectionRefusedError):
                form((socket.AF_INET, listener.getsockname()), waiter, BOUND, b"", False)
            assert waiter.closed
