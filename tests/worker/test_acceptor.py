"""Connections are accepted, each is served, and greenlets serve one after the other."""

import contextlib
import logging
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.socket
import pytest
from gevent.event import Event

from tests.transports import BOUND, until
from wsgi_scgi.worker import acceptor as module
from wsgi_scgi.worker.acceptor import Acceptor

pytestmark = pytest.mark.usefixtures("nothing_left_open")

seen: ContextVar[str] = ContextVar("seen", default="nothing")


class Worker:
    """What an acceptor needs of a worker: it answers with what the test wants, and closes."""

    def __init__(self, workers: int) -> None:
        self.cfg = SimpleNamespace(workers=workers)
        self.log = logging.getLogger("tests.worker.acceptor")
        self.greenlets: list[Any] = []
        self.act: Callable[[], object] = lambda: None

    def handle(self, _: Any, client: Any, __: Any) -> None:
        """Do as GatewayWorker."""
        self.greenlets.append(gevent.getcurrent())
        with contextlib.closing(client):
            self.act()
            client.sendall(b"served")


class Rig:
    """An acceptor at work, and its clients."""

    def __init__(self, most: int, workers: int, reuses_greenlets: bool) -> None:
        self.worker = Worker(workers)
        listener = gevent.socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(200)
        self.address = listener.getsockname()
        worker: Any = self.worker
        self.acceptor = Acceptor(worker, listener, most, reuses_greenlets=reuses_greenlets)
        self.clients: list[Any] = []

    def connect(self) -> Any:
        """Return a new client."""
        client = gevent.socket.create_connection(self.address, timeout=BOUND)
        self.clients.append(client)
        return client

    def ask(self) -> bytes:
        """Return what a new client is told."""
        return read_all(self.connect())

    def has_begun(self, count: int) -> None:
        """Wait until so many connections have been given to greenlets that run."""
        until(lambda: len(self.worker.greenlets) == count, pause=gevent.idle)

    def is_busy(self, count: int) -> None:
        """Wait until so many connections are being served."""
        until(lambda: self.acceptor.size - self.acceptor.free_count() == count, pause=gevent.idle)


def read_all(client: Any) -> bytes:
    return b"".join(iter(lambda: client.recv(100), b""))


@pytest.fixture
def start() -> Iterator[Callable[..., Rig]]:
    rigs = []

    def started(most: int = 1000, workers: int = 1, reuses_greenlets: bool = True) -> Rig:
        rigs.append(rig := Rig(most, workers, reuses_greenlets))
        rig.acceptor.start()
        return rig

    yield started
    for rig in rigs:
        rig.acceptor.stop(0)
        for client in rig.clients:
            client.close()
        # Those that wait for a connection would wait for ever.
        gevent.killall({*rig.worker.greenlets})


def test_connections_one_after_the_other_are_served_by_one_greenlet(
    start: Callable[..., Rig],
) -> None:
    rig = start()
    assert [rig.ask() for _ in range(5)] == [b"served"] * 5
    assert len({*rig.worker.greenlets}) == 1
    rig.is_busy(0)


def test_each_connection_has_a_greenlet_of_its_own_where_something_may_stay_in_it(
    start: Callable[..., Rig],
) -> None:
    rig = start(reuses_greenlets=False)
    assert [rig.ask() for _ in range(5)] == [b"served"] * 5
    assert len({*rig.worker.greenlets}) == 5
    until(lambda: all(greenlet.dead for greenlet in rig.worker.greenlets), pause=gevent.idle)
    rig.is_busy(0)


@pytest.mark.parametrize("end", [gevent.GreenletExit, gevent.Timeout])
def test_a_greenlet_that_is_ended_while_it_waits_gets_no_connection(
    start: Callable[..., Rig], end: type[BaseException]
) -> None:
    rig = start()
    assert rig.ask() == b"served"
    rig.is_busy(0)
    gevent.kill(rig.worker.greenlets[0], end())
    assert [rig.ask() for _ in range(2)] == [b"served"] * 2
    assert rig.worker.greenlets[0].dead
    assert len({*rig.worker.greenlets}) == 2
    rig.is_busy(0)


def test_a_connection_ends_with_the_greenlet_that_was_about_to_serve_it(
    start: Callable[..., Rig],
) -> None:
    rig = start()
    assert rig.ask() == b"served"
    rig.is_busy(0)
    client = socket.create_connection(rig.address)  # the loop stands still
    rig.clients.append(client)
    rig.worker.greenlets[0].kill(block=False)
    rig.acceptor._accept()
    rig.is_busy(0)
    client.settimeout(BOUND)
    assert client.recv(100) == b""
    assert rig.ask() == b"served"


def test_connections_at_a_time_are_served_at_a_time(start: Callable[..., Rig]) -> None:
    rig = start()
    on = Event()
    rig.worker.act = on.wait
    clients = [rig.connect() for _ in range(module.MOST_AT_ONCE + 5)]
    rig.is_busy(len(clients))
    assert len({*rig.worker.greenlets}) == len(clients)
    on.set()
    assert [read_all(client) for client in clients] == [b"served"] * len(clients)
    rig.is_busy(0)
    waiting = [greenlet for greenlet in rig.worker.greenlets if not greenlet.dead]
    assert len(waiting) == module.MOST_WAITING
    assert [rig.ask() for _ in range(5)] == [b"served"] * 5
    assert {*rig.worker.greenlets[-5:]} <= {*waiting}


def test_what_was_set_for_one_client_is_not_there_for_the_next(start: Callable[..., Rig]) -> None:
    rig = start()
    found = []

    def act() -> None:
        found.append(seen.get())
        seen.set("one client's")

    rig.worker.act = act
    assert [rig.ask() for _ in range(3)] == [b"served"] * 3
    assert len({*rig.worker.greenlets}) == 1
    assert found == ["nothing"] * 3


def test_no_more_are_served_than_may_be(start: Callable[..., Rig]) -> None:
    rig = start(most=2)
    events = [Event() for _ in range(5)]
    waiting = iter(events)
    rig.worker.act = lambda: next(waiting).wait()
    clients = [rig.connect() for _ in events]
    for served in range(2, 6):
        rig.has_begun(served)
        assert rig.acceptor.free_count() == 0
        gevent.sleep(0.01)
        assert len(rig.worker.greenlets) == served
        events[served - 2].set()
    events[-1].set()
    assert [read_all(client) for client in clients] == [b"served"] * 5
    rig.worker.act = lambda: None
    assert rig.ask() == b"served"


@pytest.mark.parametrize(("workers", "taken"), [(1, 3), (2, 1)])
def test_one_of_several_workers_leaves_some_to_the_others(
    start: Callable[..., Rig], workers: int, taken: int
) -> None:
    rig = start(workers=workers)
    for _ in range(3):
        rig.clients.append(socket.create_connection(rig.address))  # the loop stands still
    rig.acceptor._accept()
    assert rig.acceptor.size - rig.acceptor.free_count() == taken
    rig.is_busy(0)


def test_a_failure_of_one_is_not_that_of_the_next(
    start: Callable[..., Rig], capsys: pytest.CaptureFixture[str]
) -> None:
    rig = start()

    def act() -> None:
        raise ValueError("broken")

    rig.worker.act = act
    assert rig.ask() == b""
    rig.worker.act = lambda: None
    assert rig.ask() == b"served"
    assert "ValueError: broken" in capsys.readouterr().err
    rig.is_busy(0)


def test_without_descriptors_it_pauses_and_goes_on(
    start: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.01)
    rig = start()
    client = rig.connect()
    until(lambda: rig.acceptor.free_count() == rig.acceptor.size, pause=gevent.idle)
    assert read_all(client) == b"served"
    client = socket.socket()
    rig.clients.append(client)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        client.connect(rig.address)
        until(lambda: "Accepting failed" in caplog.text, pause=gevent.idle)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    rig.has_begun(2)
    assert client.recv(100) == b"served"
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_after_closing_nobody_is_accepted_and_who_is_there_is_served(
    start: Callable[..., Rig],
) -> None:
    rig = start()
    on = Event()
    rig.worker.act = on.wait
    client = rig.connect()
    rig.is_busy(1)
    rig.acceptor.close()
    rig.acceptor.close()
    with pytest.raises(ConnectionRefusedError):
        rig.connect()
    on.set()
    assert read_all(client) == b"served"
    rig.is_busy(0)
    until(lambda: rig.worker.greenlets[0].dead, pause=gevent.idle)


def test_stopping_ends_what_does_not_end(start: Callable[..., Rig]) -> None:
    rig = start()
    rig.worker.act = Event().wait
    client = rig.connect()
    rig.is_busy(1)
    rig.acceptor.stop(0.01)
    assert read_all(client) == b""
    rig.is_busy(0)


def test_closing_ends_a_pause(start: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", BOUND)
    rig = start()
    rig.acceptor._pause(OSError(24, "Too many open files"))
    rig.acceptor.close()
