"""A connection that could keep the process to itself lets the others have their turn."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest
from gevent import socket

from wsgi_scgi.server import channel
from wsgi_scgi.server.limits import ServerLimits

SHARE = 8192
AMOUNT = 10 * SHARE


def _receive(ours: channel.Channel, peer: socket.socket) -> None:
    peer.sendall(bytes(AMOUNT))
    buffer = memoryview(bytearray(1024))
    left = AMOUNT
    while left:
        left -= ours.receive_into(buffer)


def _send(ours: channel.Channel, _: socket.socket) -> None:
    for _piece in range(AMOUNT // 1024):
        ours.send(bytes(1024))


@pytest.mark.parametrize("move", [_receive, _send])
def test_a_socket_that_is_always_ready_leaves_turns_to_others(
    move: Callable[[channel.Channel, socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "_FAIR_SHARE", SHARE)
    turns = []
    left, right = socket.socketpair()

    def other() -> None:
        while True:
            turns.append(1)
            gevent.sleep(0)

    with right:
        # All bytes fit into the socket's buffer, so nothing here has to wait.
        right.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * AMOUNT)
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * AMOUNT)
        ours = channel.Channel(left, ServerLimits())
        greenlet = gevent.spawn(other)
        move(ours, right)
        greenlet.kill()
        ours.abort()
    assert len(turns) >= AMOUNT // SHARE - 1
