"""Names of backends: resolved off the hot path, kept, refreshed behind the requests' back."""

import _socket
import _thread
import errno
import logging
import socket
import threading
from collections.abc import Callable
from functools import partial

import gevent
import pytest

from tests.transports import BOUND, Transport, until
from wsgi_scgi.address import TCPAddress, UnixAddress
from wsgi_scgi.errors import ConnectTimeout, OutOfResources, ResolveError
from wsgi_scgi.transport.names import Resolver, SocketAddress, look_up
from wsgi_scgi.transport.waiting import current_waiter

NAME = TCPAddress("backend.test", 4001)
FIRST: SocketAddress = (socket.AF_INET, ("192.0.2.1", 4001))
SECOND: SocketAddress = (socket.AF_INET, ("192.0.2.2", 4001))


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class NameServer:
    """A look-up that answers what a test says, when it says so, and counts."""

    def __init__(self, *answers: list[SocketAddress] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []
        self.finished = 0
        self.open = threading.Event()
        self.open.set()

    def __call__(self, host: str, port: int) -> list[SocketAddress]:
        self.asked.append((host, port))
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        try:
            assert self.open.wait(BOUND)
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.finished += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resolve(transport: Transport) -> Callable[[Resolver], list[SocketAddress]]:
    """Resolve NAME on the transport."""

    def call(resolver: Resolver) -> list[SocketAddress]:
        return transport.call(lambda: resolver.resolve(NAME, current_waiter(), BOUND))

    return call


Resolve = Callable[[Resolver], list[SocketAddress]]


def test_a_unix_socket_needs_no_name(transport: Transport) -> None:
    resolver = Resolver(NameServer(OSError("not asked")))
    address = UnixAddress("/run/app.sock")

    found = transport.call(lambda: resolver.resolve(address, current_waiter(), BOUND))

    assert found == [(socket.AF_UNIX, "/run/app.sock")]
    resolver.expire(address)


@pytest.mark.usefixtures("nothing_left_open")
def test_a_name_is_looked_up_once_and_kept(resolve: Resolve, clock: Clock) -> None:
    names = NameServer([FIRST, SECOND])
    resolver = Resolver(names, clock=clock, time_to_live=30.0)

    assert resolve(resolver) == [FIRST, SECOND]
    clock.now += 29.9
    assert resolve(resolver) == [FIRST, SECOND]
    assert names.asked == [("backend.test", 4001)]


def test_the_first_look_up_runs_aside_so_that_other_greenlets_go_on(transport: Transport) -> None:
    here = threading.get_ident()
    asked_in: list[int] = []

    def lookup(host: str, port: int) -> list[SocketAddress]:
        del host, port
        asked_in.append(threading.get_ident())
        return [FIRST]

    resolver = Resolver(lookup)
    transport.call(lambda: resolver.resolve(NAME, current_waiter(), BOUND))

    assert asked_in != [here]


def test_an_old_name_is_refreshed_behind_the_request_s_back(resolve: Resolve, clock: Clock) -> None:
    names = NameServer([FIRST], [SECOND])
    resolver = Resolver(names, clock=clock, time_to_live=30.0)
    resolve(resolver)
    names.open.clear()
    clock.now += 30.0

    assert resolve(resolver) == [FIRST]  # does not wait for the look-up, which is stuck
    until(lambda: len(names.asked) == 2)
    assert resolve(resolver) == [FIRST]
    assert len(names.asked) == 2  # one request refreshes, not all
    names.open.set()
    until(lambda: resolve(resolver) == [SECOND])
    assert len(names.asked) == 2


def test_a_refresh_that_fails_keeps_what_is_known_and_says_so(
    resolve: Resolve, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    names = NameServer([FIRST], socket.gaierror(-3, "temporary failure"), [SECOND])
    resolver = Resolver(names, clock=clock, time_to_live=30.0)
    resolve(resolver)
    clock.now += 31.0

    with caplog.at_level(logging.WARNING, "wsgi_scgi"):
        assert resolve(resolver) == [FIRST]
        until(lambda: bool(caplog.records))
    assert resolve(resolver) == [FIRST]
    assert "backend.test" in caplog.text
    assert "temporary failure" in caplog.text

    clock.now += 31.0
    resolve(resolver)
    until(lambda: resolve(resolver) == [SECOND])


def test_a_name_that_cannot_be_reached_is_refreshed_soon(resolve: Resolve, clock: Clock) -> None:
    names = NameServer([FIRST], [SECOND])
    resolver = Resolver(names, clock=clock, time_to_live=30.0)
    resolve(resolver)

    resolver.expire(NAME)
    resolver.expire(TCPAddress("unknown.test"))
    clock.now += 1.0
    resolve(resolver)

    until(lambda: resolve(resolver) == [SECOND])


def test_a_dead_backend_does_not_make_every_request_a_look_up(
    resolve: Resolve, clock: Clock
) -> None:
    names = NameServer([FIRST])
    resolver = Resolver(names, clock=clock, time_to_live=30.0)
    resolve(resolver)

    for _ in range(5):
        resolver.expire(NAME)
        resolve(resolver)

    assert len(names.asked) == 1


@pytest.mark.usefixtures("nothing_left_open")
@pytest.mark.parametrize(
    "error",
    [socket.gaierror(-2, "not known"), UnicodeError("label too long"), OSError(24, "files")],
)
def test_a_name_that_does_not_resolve_is_a_resolve_error_and_is_asked_again(
    resolve: Resolve, error: Exception
) -> None:
    names = NameServer(error, [FIRST])
    resolver = Resolver(names)

    with pytest.raises(ResolveError, match=r"backend\.test.*does not resolve") as caught:
        resolve(resolver)

    assert caught.value.__cause__ is error
    assert resolve(resolver) == [FIRST]


@pytest.mark.parametrize("host", ["192.0.2.999", "1.2.3.4.5", "1234567890123"])
def test_digits_that_are_no_address_are_a_resolve_error_too(
    transport: Transport, host: str
) -> None:
    resolver = Resolver(NameServer(socket.gaierror(-2, "not known")))
    address = TCPAddress(host)

    with pytest.raises(ResolveError, match="does not resolve"):
        transport.call(lambda: resolver.resolve(address, current_waiter(), BOUND))


@pytest.mark.usefixtures("nothing_left_open")
def test_a_first_look_up_that_takes_too_long_is_a_connect_timeout(transport: Transport) -> None:
    names = NameServer([FIRST])
    names.open.clear()
    resolver = Resolver(names)
    try:
        with pytest.raises(ConnectTimeout, match=r"did not resolve in 0\.02 seconds"):
            transport.call(lambda: resolver.resolve(NAME, current_waiter(), 0.02))
    finally:
        names.open.set()
        until(lambda: names.finished == 1)


@pytest.mark.usefixtures("nothing_left_open")
def test_requests_for_one_name_share_its_first_look_up_and_keep_their_own_time() -> None:
    names = NameServer([FIRST])
    names.open.clear()
    resolver = Resolver(names)
    seconds = [0.02] * 20 + [BOUND] * 20

    def ask(timeout: float) -> object:
        try:
            return resolver.resolve(NAME, current_waiter(), timeout)
        except ConnectTimeout as error:
            return type(error)

    asking = [gevent.spawn(ask, timeout) for timeout in seconds]
    gevent.joinall(asking[:20], timeout=BOUND)
    assert [one.value for one in asking] == [ConnectTimeout] * 20 + [None] * 20
    names.open.set()
    gevent.joinall(asking, timeout=BOUND)

    assert [one.value for one in asking[20:]] == [[FIRST]] * 20
    assert len(names.asked) == 1
    assert not resolver._under_way


def wait_shortly(resolver: Resolver, name: TCPAddress) -> object:
    return resolver.resolve(name, current_waiter(), 0.01)


def test_names_that_hang_do_not_hold_the_look_ups_of_others_up(transport: Transport) -> None:
    names = NameServer([FIRST])
    names.open.clear()
    hanging = Resolver(names)
    try:
        for number in range(12):  # more than gevent's pool has threads
            name = TCPAddress(f"hangs{number}.test")
            with pytest.raises(ConnectTimeout):
                transport.call(partial(wait_shortly, hanging, name))
        other = Resolver(NameServer([SECOND]))
        found = transport.call(lambda: other.resolve(NAME, current_waiter(), BOUND))
    finally:
        names.open.set()
        until(lambda: names.finished == 12)
    assert found == [SECOND]


def test_where_there_are_no_descriptors_or_threads_left_no_backend_is_to_blame(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sockets() -> tuple[socket.socket, socket.socket]:
        raise OSError(errno.EMFILE, "Too many open files")

    def no_threads(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    names = NameServer([FIRST])
    resolver = Resolver(names)
    with monkeypatch.context() as patch:
        patch.setattr(_thread, "start_new_thread", no_threads)
        with pytest.raises(OutOfResources, match="can't start new thread"):
            resolve(resolver)
    names.open.clear()
    with monkeypatch.context() as patch:
        patch.setattr(_socket, "socketpair", no_sockets)
        with pytest.raises(OutOfResources, match="Too many open files"):
            resolve(resolver)
    names.open.set()
    assert resolve(resolver) == [FIRST]


def test_a_literal_address_needs_neither(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(_thread, "start_new_thread")
    monkeypatch.delattr(_socket, "socketpair")
    address = TCPAddress("192.0.2.1", 4001)

    found = transport.call(lambda: Resolver().resolve(address, current_waiter(), BOUND))

    assert found == [FIRST]


def test_a_refresh_for_which_there_is_no_thread_keeps_what_is_known_and_says_so(
    resolve: Resolve,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def no_threads(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    resolver = Resolver(NameServer([FIRST]), clock=clock, time_to_live=30.0)
    resolve(resolver)
    clock.now += 31.0
    monkeypatch.setattr(_thread, "start_new_thread", no_threads)

    assert resolve(resolver) == [FIRST]
    assert "can't start new thread" in caplog.text


def test_what_a_slow_look_up_found_in_the_end_serves_the_next_request(
    resolve: Resolve, transport: Transport
) -> None:
    names = NameServer([FIRST], OSError("asked twice"))
    names.open.clear()
    resolver = Resolver(names)
    with pytest.raises(ConnectTimeout):
        transport.call(lambda: resolver.resolve(NAME, current_waiter(), 0.02))
    names.open.set()
    until(lambda: bool(resolver._entries))

    assert resolve(resolver) == [FIRST]
    assert len(names.asked) == 1


@pytest.mark.usefixtures("nothing_left_open")
def test_a_look_up_that_is_broken_off_leaves_nothing_open(transport: Transport) -> None:
    names = NameServer([FIRST])
    names.open.clear()
    resolver = Resolver(names)
    try:
        transport.interrupt(
            lambda: resolver.resolve(NAME, current_waiter(), BOUND),
            ready=lambda: bool(names.asked),
        )
    finally:
        names.open.set()
        until(lambda: names.finished == 1)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", (socket.AF_INET, ("127.0.0.1", 4000))),
        ("::1", (socket.AF_INET6, ("::1", 4000, 0, 0))),
    ],
)
def test_a_literal_address_is_looked_up_on_the_spot_and_for_ever(
    transport: Transport, clock: Clock, host: str, address: SocketAddress
) -> None:
    here = threading.get_ident()
    asked: list[int] = []

    def lookup(host: str, port: int) -> list[SocketAddress]:
        asked.append(threading.get_ident())
        return look_up(host, port)

    resolver = Resolver(lookup, clock=clock)
    for _ in range(2):
        found = transport.call(lambda: resolver.resolve(TCPAddress(host), current_waiter(), BOUND))
        assert found == [address]
        resolver.expire(TCPAddress("other"))
        clock.now += 1e9

    assert asked == [here]


def test_the_system_s_resolver_finds_each_address_once() -> None:
    found = look_up("localhost", 4000)

    assert (socket.AF_INET, ("127.0.0.1", 4000)) in found
    assert len(found) == len(set(found))


def test_threads_may_share_a_resolver() -> None:
    names = NameServer([FIRST])
    resolver = Resolver(names, time_to_live=0.0)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                assert resolver.resolve(NAME, current_waiter(), BOUND) == [FIRST]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)

    assert errors == []
    until(lambda: names.finished == len(names.asked))
