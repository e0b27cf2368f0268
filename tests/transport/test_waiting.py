"""Waiting for sockets, in a greenlet and in a thread."""

import _socket
import contextlib
import os
import select
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

import gevent
import pytest

from tests.transports import BOUND, Transport, until
from wsgi_scgi.transport.waiting import (
    READ,
    WRITE,
    BlockingWaiter,
    CooperativeWaiter,
    Deadline,
    current_waiter,
    original,
)

Pair = tuple[_socket.socket, _socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two connected sockets."""
    near, far = _socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    yield near, far
    near.close()
    far.close()


def fill(sock: _socket.socket) -> None:
    """Write until the socket takes no more."""
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(bytes(65536))


def test_the_transport_is_chosen_by_where_the_caller_runs(transport: Transport) -> None:
    expected = CooperativeWaiter if transport is Transport.COOPERATIVE else BlockingWaiter

    assert type(transport.call(current_waiter)) is expected


def test_a_thread_waits_in_the_ordinary_way_even_where_gevent_is_loaded() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(current_waiter()))
    thread.start()
    thread.join(BOUND)

    assert type(found[0]) is BlockingWaiter
    assert type(gevent.get_hub().threadpool.apply(current_waiter)) is BlockingWaiter


def test_a_greenlet_that_is_not_the_hub_s_waits_in_the_ordinary_way() -> None:
    from greenlet import greenlet

    def in_the_middle() -> object:
        return greenlet(current_waiter).switch()

    assert type(gevent.spawn(in_the_middle).get(timeout=BOUND)) is BlockingWaiter


def test_the_first_interest_that_is_ready_is_told(transport: Transport, pair: Pair) -> None:
    near, far = pair

    def test() -> None:
        waiter = current_waiter()
        read, write = (near.fileno(), READ), (near.fileno(), WRITE)
        assert waiter.wait([read, write], BOUND) == 1
        assert waiter.wait([write], None) == 0
        far.send(b"x")
        assert waiter.wait([read], BOUND) == 0
        assert waiter.wait([read], None) == 0
        assert waiter.wait([(far.fileno(), READ), read], BOUND) == 1
        near.recv(1)
        fill(near)
        far.send(b"x")
        assert waiter.wait([write, read], BOUND) == 1
        waiter.close()

    transport.call(test)


def test_both_directions_of_one_socket_may_be_waited_for(transport: Transport, pair: Pair) -> None:
    near, far = pair

    def test() -> None:
        fill(near)
        waiter = current_waiter()
        assert waiter.wait([(near.fileno(), READ | WRITE)], 0.01) == -1
        far.send(b"x")
        assert waiter.wait([(near.fileno(), READ | WRITE)], BOUND) == 0
        waiter.close()

    transport.call(test)


@pytest.mark.parametrize("timeout", [0.0, -1.0, 1e-9, 0.01])
def test_nothing_ready_is_told_after_the_timeout(
    transport: Transport, pair: Pair, timeout: float
) -> None:
    near, _ = pair

    def test() -> None:
        waiter = current_waiter()
        for _ in range(2):
            assert waiter.wait([(near.fileno(), READ)], timeout) == -1
        waiter.close()

    transport.call(test)


@pytest.mark.parametrize("timeout", [0.0, -1.0, 1e-9])
def test_what_is_ready_is_told_even_without_any_time(
    transport: Transport, pair: Pair, timeout: float
) -> None:
    near, far = pair
    far.send(b"x")

    def test() -> None:
        waiter = current_waiter()
        for _ in range(2):
            assert waiter.wait([(near.fileno(), READ)], timeout) == 0
        waiter.close()

    transport.call(test)


def test_a_time_limit_may_be_thirty_years(transport: Transport, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")

    def test() -> None:
        waiter = current_waiter()
        assert waiter.wait([(near.fileno(), READ)], 1e9) == 0
        waiter.close()

    transport.call(test)


def test_the_wait_lasts_as_long_as_its_timeout(transport: Transport, pair: Pair) -> None:
    near, _ = pair

    def test() -> None:
        waiter = current_waiter()
        for seconds in (0.05, 0.05, 0.02, 0.05):
            start = time.monotonic()
            assert waiter.wait([(near.fileno(), READ)], seconds) == -1
            assert time.monotonic() - start > seconds * 0.9
        waiter.close()

    transport.call(test)


@pytest.mark.parametrize("events", [READ, WRITE, READ | WRITE])
def test_a_hang_up_is_readiness(transport: Transport, pair: Pair, events: int) -> None:
    near, far = pair
    fill(near)
    far.close()

    def test() -> None:
        waiter = current_waiter()
        assert waiter.wait([(near.fileno(), events)], BOUND) == 0
        waiter.close()

    transport.call(test)


def test_a_reset_is_readiness(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    far.close()

    def test() -> None:
        waiter = current_waiter()
        assert waiter.wait([(near.fileno(), READ)], BOUND) == 0
        waiter.close()

    with near:
        transport.call(test)


def test_other_greenlets_run_while_one_waits(pair: Pair) -> None:
    near, far = pair

    def test() -> int:
        waiter = current_waiter()
        index = waiter.wait([(near.fileno(), READ)], BOUND)
        waiter.close()
        return index

    waiting = gevent.spawn(test)
    gevent.spawn(far.send, b"x")
    assert waiting.get(timeout=BOUND) == 0


def test_a_pause_lets_time_pass(transport: Transport) -> None:
    def test() -> float:
        start = time.monotonic()
        current_waiter().pause(0.02)
        return time.monotonic() - start

    assert transport.call(test) > 0.015


def test_what_blocks_can_run_aside(transport: Transport) -> None:
    here = threading.get_ident()
    done = threading.Event()
    ran: list[int] = []

    def block() -> None:
        ran.append(threading.get_ident())
        done.set()

    transport.call(lambda: current_waiter().run_aside(block))
    assert done.wait(BOUND)
    assert ran != [here]


@pytest.mark.usefixtures("nothing_left_open")
def test_a_closed_waiter_holds_nothing_and_can_be_used_again(
    transport: Transport, pair: Pair
) -> None:
    near, far = pair

    def test() -> None:
        waiter = current_waiter()
        waiter.wait([(near.fileno(), READ)], 0.01)
        waiter.close()
        waiter.close()
        far.send(b"x")
        assert waiter.wait([(near.fileno(), READ)], 0.5) == 0
        waiter.close()

    transport.call(test)


def test_a_descriptor_that_another_file_has_taken_is_watched_afresh(transport: Transport) -> None:
    def test() -> None:
        waiter = current_waiter()
        first, first_far = _socket.socketpair()
        second, second_far = _socket.socketpair()
        try:
            number = first.fileno()
            assert waiter.wait([(number, READ)], 0.01) == -1
            waiter.close()
            os.dup2(second.fileno(), number)  # at no moment it is anybody else's
            second_far.send(b"x")
            start = time.monotonic()
            assert waiter.wait([(number, READ)], BOUND) == 0
            assert time.monotonic() - start < BOUND / 2  # it was woken, and did not just look
        finally:
            waiter.close()
            for sock in (first, first_far, second, second_far):
                sock.close()

    transport.call(test)


@pytest.mark.usefixtures("nothing_left_open")
def test_a_wait_that_is_broken_off_leaves_nothing_running(transport: Transport, pair: Pair) -> None:
    near, _ = pair
    waiting = threading.Event()

    def test() -> None:
        waiter = current_waiter()
        try:
            waiting.set()
            waiter.wait([(near.fileno(), READ)], BOUND)
        finally:
            waiter.close()

    transport.interrupt(test, ready=waiting.is_set)


def test_threads_really_block_in_a_process_that_gevent_has_patched() -> None:
    program = """
        from gevent import monkey
        monkey.patch_all()
        import gevent, select, time
        from wsgi_scgi.transport.waiting import BlockingWaiter, CooperativeWaiter, READ
        from wsgi_scgi.transport.waiting import current_waiter, original
        import _socket

        assert original("time", "sleep") is not time.sleep
        assert original("time", "sleep").__module__ == "time"
        # The real poll(2) is there for threads, although the patched module hides it.
        near, far = _socket.socketpair()
        pool = gevent.get_hub().threadpool
        def wait():
            waiter = current_waiter()
            assert type(waiter) is BlockingWaiter, waiter
            waiter.pause(0.001)
            assert waiter.wait([(near.fileno(), READ)], 0.01) == -1
            far.send(b"x")
            return waiter.wait([(near.fileno(), READ)], 10)
        assert pool.apply(wait) == 0
        near.recv(1)
        def cooperate():
            waiter = current_waiter()
            assert type(waiter) is CooperativeWaiter, waiter
            gevent.spawn(far.send, b"x")
            return waiter.wait([(near.fileno(), READ)], 10)
        assert gevent.spawn(cooperate).get() == 0
        near.close()
        far.close()
        print("fine")
    """
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=BOUND * 2,
        check=False,
    )

    assert (run.stdout, run.stderr) == ("fine\n", "")


def test_without_patches_what_is_there_is_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    assert original("select", "poll") is select.poll
    monkeypatch.delitem(sys.modules, "gevent.monkey", raising=False)
    assert original("select", "poll") is select.poll


def test_without_gevent_every_wait_is_an_ordinary_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gevent")

    assert type(current_waiter()) is BlockingWaiter


def test_a_deadline_bounds_every_step_by_what_is_left() -> None:
    deadline = Deadline(1000.0)

    assert deadline.bound(5.0) == 5.0
    assert 990 < deadline.bound(2000.0) <= 1000
    assert not deadline.passed


def test_a_deadline_of_zero_sets_no_limit() -> None:
    deadline = Deadline(0)

    assert deadline.bound(5.0) == 5.0
    assert not deadline.passed


def test_when_a_deadline_has_passed_nothing_is_left() -> None:
    deadline = Deadline(1e-9)
    until(lambda: deadline.passed)

    assert deadline.bound(5.0) == 0.0
