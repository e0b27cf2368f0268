"""A fast body gathers before it is looked at, and nothing is held back for long."""

import math
import socket
from collections.abc import Callable

import pytest

from tests.kit.gates import Wait
from tests.kit.script import Close, ReadHead, ReadToEnd, Write
from tests.transport.rig import Rig
from tests.transports import BOUND
from wsgi_scgi.transport import flow
from wsgi_scgi.transport.exchange import Exchange
from wsgi_scgi.transport.flow import Flow

MUCH = 1 << 30
MARK = 1000


@pytest.fixture(autouse=True)
def always_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wait is too long to be called fast, and all may last as long as the test."""
    monkeypatch.setattr(flow, "FAST", math.inf)
    monkeypatch.setattr(flow, "GATHER_TIME", BOUND)
    monkeypatch.setattr(flow, "FIRST_MARK", MARK)
    monkeypatch.setattr(flow, "HIGHEST_MARK", 3 * MARK)


def mark_of(exchange: Exchange) -> int:
    return exchange.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


def arrived(exchange: Exchange) -> int:
    """Return how many bytes have arrived, and take them."""
    return len(exchange.socket.recv(1 << 20))


def begin(rig: Rig, exchange: Exchange, body: Flow) -> None:
    """Let the first byte come, so that the next ones are let gather."""
    rig.gates.open("0")
    body.wait(MUCH)
    assert (arrived(exchange), mark_of(exchange)) == (1, MARK)


def flowing(rig: Rig, sizes: list[int], act: Callable[[Exchange, Flow], None]) -> None:
    """Let the backend send so many bytes one after the other, each when its gate is opened."""
    sending = [step for n, size in enumerate(sizes) for step in (Wait(str(n)), Write(b"x" * size))]
    rig.plays(ReadHead(), *sending, ReadToEnd())

    def call(exchange: Exchange) -> None:
        exchange.advance()
        act(exchange, Flow(exchange))

    rig.call(call)


def test_what_is_waited_for_doubles_up_to_a_limit(rig: Rig) -> None:
    def act(exchange: Exchange, body: Flow) -> None:
        marks = []
        for number in range(4):
            rig.gates.open(str(number))
            body.wait(MUCH)
            marks.append(mark_of(exchange))
            arrived(exchange)
        assert marks == [MARK, 2 * MARK, 3 * MARK, 3 * MARK]

    flowing(rig, [1, MARK, 2 * MARK, 3 * MARK], act)


def test_what_came_is_not_held_back_where_no_more_comes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "GATHER_TIME", 0.01)

    def act(exchange: Exchange, body: Flow) -> None:
        begin(rig, exchange, body)
        body.wait(MUCH)
        assert mark_of(exchange) == 1
        rig.gates.open("1")
        body.wait(MUCH)
        assert arrived(exchange) == 1

    flowing(rig, [1, 1], act)


def test_fewer_bytes_do_not_end_the_wait_before_its_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "GATHER_TIME", 0.3)

    def act(exchange: Exchange, body: Flow) -> None:
        begin(rig, exchange, body)
        rig.gates.open("1")
        body.wait(MUCH)
        assert mark_of(exchange) == 1
        exchange.wait_for_backend()
        assert arrived(exchange) == MARK - 1

    flowing(rig, [1, MARK - 1], act)


def test_never_more_is_waited_for_than_is_left(rig: Rig) -> None:
    def act(exchange: Exchange, body: Flow) -> None:
        begin(rig, exchange, body)
        rig.gates.open("1")
        body.wait(10)
        assert (arrived(exchange), mark_of(exchange)) == (10, 20)

    flowing(rig, [1, 10], act)


def test_the_end_of_the_connection_ends_the_wait(rig: Rig) -> None:
    rig.plays(ReadHead(), Write(b"x"), Wait("on"), Close())

    def act(exchange: Exchange) -> None:
        exchange.advance()
        body = Flow(exchange)
        body.wait(MUCH)
        arrived(exchange)
        rig.gates.open("on")
        body.wait(MUCH)
        assert arrived(exchange) == 0

    rig.call(act)


def test_a_backend_that_lets_one_wait_is_heard_at_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "FAST", 0)

    def act(exchange: Exchange, body: Flow) -> None:
        for number in range(3):
            rig.gates.open(str(number))
            body.wait(MUCH)
            assert (arrived(exchange), mark_of(exchange)) == (1, 1)

    flowing(rig, [1, 1, 1], act)


def test_after_its_end_every_byte_is_heard(rig: Rig) -> None:
    def act(exchange: Exchange, body: Flow) -> None:
        begin(rig, exchange, body)
        body.end()
        assert mark_of(exchange) == 1
        rig.gates.open("1")
        exchange.wait_for_backend()
        assert arrived(exchange) == 1

    flowing(rig, [1, 1], act)


def test_a_connection_that_is_closed_has_no_mark(rig: Rig) -> None:
    def act(exchange: Exchange, body: Flow) -> None:
        rig.gates.open("0")
        body.wait(MUCH)
        exchange.close()
        body.end()

    flowing(rig, [1], act)
