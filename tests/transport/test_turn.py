"""What leaves in one turn of gevent's loop leaves together: the compiled connections do."""

import select
import socket
import threading
from collections.abc import Callable, Iterator

import gevent
import pytest
from greenlet import greenlet

from tests.transports import BOUND, until
from tests.twins import both
from wsgi_scgi.address import TCPAddress
from wsgi_scgi.transport.connecting import Connection, connect
from wsgi_scgi.transport.names import Resolver
from wsgi_scgi.transport.waiting import current_waiter, line_up

MOST_WAITING = 32
"""As many leave before their turn ends."""

pytestmark = pytest.mark.usefixtures("nothing_left_open")


class Backend:
    """A listener, and the connections to it."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.resolver = Resolver()
        self.connections: list[Connection] = []

    def call(self, number: int) -> Connection:
        """Connect, and send ``number``."""
        address = TCPAddress(*self.listener.getsockname())
        head = f"{number} ".encode()
        waiter = current_waiter()
        near = connect(address, self.resolver, waiter, timeout=BOUND, head=head)
        self.connections.append(near)
        return near

    @property
    def is_called(self) -> bool:
        """Whether a connection waits to be accepted."""
        return self.is_called_within(0)

    def is_called_within(self, seconds: float) -> bool:
        """Wait for a connection, and let nobody else run meanwhile."""
        return bool(select.select([self.listener], [], [], seconds)[0])

    def received(self, number: int) -> Iterator[bytes]:
        """Yield what came on so many connections, in their order, up to their end."""
        for _ in range(number):
            with self.listener.accept()[0] as far:
                far.settimeout(BOUND)
                received = b""
                while data := far.recv(100):
                    received += data
                yield received


@pytest.fixture
def backend() -> Iterator[Backend]:
    both("connect_to")
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        listener.settimeout(BOUND)
        backend = Backend(listener)
        backend.resolver.resolve(TCPAddress(*listener.getsockname()), current_waiter(), BOUND)
        yield backend
        for connection in backend.connections:
            connection.close()


def run(*functions: Callable[[], object]) -> None:
    """Run functions in greenlets that start in the same turn of the loop."""
    greenlets = [gevent.spawn(function) for function in functions]
    assert len(gevent.joinall(greenlets, timeout=BOUND)) == len(greenlets)


def was_killed(caller: "gevent.Greenlet[..., Connection]") -> bool:
    outcome: object = caller.value
    return isinstance(outcome, gevent.GreenletExit)


def test_connections_of_one_turn_leave_at_its_end_and_in_order(backend: Backend) -> None:
    log: list[str] = []

    def call(number: int) -> None:
        log.append(f"{number}: {backend.is_called}")
        backend.call(number)
        log.append(f"{number} left")

    run(*(lambda number=number: call(number) for number in range(3)))

    assert log == ["0: False", "1: False", "2: False", "0 left", "1 left", "2 left"]
    for connection in backend.connections:
        connection.close()
    assert list(backend.received(3)) == [b"0 ", b"1 ", b"2 "]
    assert not backend.is_called


def test_one_alone_does_not_wait_for_the_next_turn(backend: Backend) -> None:
    log: list[str] = []

    def call() -> None:
        next_turn.start(log.append, "next turn")
        backend.call(0)
        log.append("connected")

    # A kernel that has much else to do may take longer for a connection than a turn lasts.
    for _ in range(20):
        log.clear()
        next_turn = gevent.get_hub().loop.timer(0)
        run(call, lambda: until(lambda: "next turn" in log, pause=lambda: gevent.sleep(0.002)))
        next_turn.close()
        if log == ["connected", "next turn"]:
            break

    assert log == ["connected", "next turn"]


def test_many_leave_before_the_turn_ends(backend: Backend) -> None:
    seen: list[bool] = []

    def call(number: int) -> None:
        # The kernel may take a moment to tell of those that have left.
        seen.append(backend.is_called_within(BOUND if number == MOST_WAITING else 0))
        backend.call(number)

    numbers = range(MOST_WAITING + 1)
    run(*(lambda number=number: call(number) for number in numbers))

    assert seen == [False] * MOST_WAITING + [True]


def test_who_is_killed_before_the_end_of_the_turn_never_leaves(backend: Backend) -> None:
    caller = gevent.spawn(backend.call, 0)
    gevent.get_hub().loop.run_callback(caller.throw, gevent.GreenletExit)
    caller.join(BOUND)

    assert was_killed(caller)
    assert not backend.is_called


def test_who_is_killed_after_leaving_closes_the_connection(backend: Backend) -> None:
    callers = [gevent.spawn(backend.call, number) for number in range(MOST_WAITING)]
    gevent.get_hub().loop.run_callback(callers[0].throw, gevent.GreenletExit)
    gevent.joinall(callers, timeout=BOUND)

    assert was_killed(callers[0])
    assert len(backend.connections) == MOST_WAITING - 1
    assert next(backend.received(1)) == b"0 "


def test_one_that_fails_after_leaving_does_not_hold_the_others_up(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = gevent.get_hub()
    told: list[object] = []
    monkeypatch.setattr(hub, "handle_error", lambda _, kind, *__: told.append(kind))

    def call_and_fail() -> None:
        backend.call(0)
        raise ZeroDivisionError

    # No gevent.Greenlet, which would tell of the error itself.
    hub.loop.run_callback(greenlet(call_and_fail, parent=hub).switch)
    run(lambda: backend.call(1))

    assert told == [ZeroDivisionError]
    assert len(backend.connections) == 2


def test_who_lines_up_goes_on_when_the_others_of_the_turn_have_come_as_far() -> None:
    both("line_up")
    log: list[str] = []

    def walk(name: str) -> None:
        for step in range(3):
            log.append(f"{name}{step}")
            line_up()

    run(lambda: walk("a"), lambda: walk("b"))

    assert log == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_where_nobody_can_wait_nobody_lines_up() -> None:
    for form in both("line_up"):
        form()
        thread = threading.Thread(target=form)
        thread.start()
        thread.join(BOUND)
        assert not thread.is_alive()


def test_the_reference_does_not_line_up() -> None:
    reference, _ = both("line_up")
    log: list[str] = []

    def walk(name: str) -> None:
        log.append(f"{name}0")
        reference()
        log.append(f"{name}1")

    run(lambda: walk("a"), lambda: walk("b"))

    assert log == ["a0", "a1", "b0", "b1"]


def test_who_is_killed_in_the_line_does_not_hold_the_others_up() -> None:
    both("line_up")
    walkers = [gevent.spawn(line_up) for _ in range(3)]
    gevent.get_hub().loop.run_callback(walkers[1].throw, gevent.GreenletExit)
    gevent.joinall(walkers, timeout=BOUND)

    values: list[object] = [walker.value for walker in walkers]
    assert values[0] is values[2] is None
    assert isinstance(values[1], gevent.GreenletExit)


def test_every_hub_has_turns_of_its_own(backend: Backend) -> None:
    def in_its_own_hub() -> None:
        run(lambda: backend.call(1))
        gevent.get_hub().destroy(destroy_loop=True)

    run(lambda: backend.call(0))
    for _ in range(2):
        thread = threading.Thread(target=in_its_own_hub)
        thread.start()
        thread.join(BOUND)

    assert len(backend.connections) == 3
