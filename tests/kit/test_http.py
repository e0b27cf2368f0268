"""The raw client sends what it is told and tells how the server left."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.kit.http import Await, Break, Client, HalfClose, Send, SendPieces, SendReading
from tests.kit.response import End

BOUND = 30.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def _server(serve: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """Run ``serve`` on the one connection of a server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            sock, _ = listener.accept()
            sock.settimeout(BOUND)
            with sock:
                serve(sock)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()
        thread.join(BOUND)
        assert not thread.is_alive()


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_the_bytes_arrive_as_they_were_given() -> None:
    received = bytearray()

    def serve(sock: socket.socket) -> None:
        while data := sock.recv(65536):
            received.extend(data)
        sock.sendall(OK)

    with _server(serve) as address, Client(address, bound=BOUND) as client:
        for step in (Send(b"GET \0 x\n"), SendPieces(b"abcdef", size=4), HalfClose()):
            step(client)
        response = client.read_response("GET")
        assert response is not None
        assert response.body == b"ok"
        assert client.read_to_end() is End.EOF
    assert bytes(received) == b"GET \0 x\nabcdef"
    assert client.unread == b""


def test_two_responses_and_what_follows_are_told_apart() -> None:
    def serve(sock: socket.socket) -> None:
        sock.sendall(OK + OK + b"more")

    with _server(serve) as address, Client(address, bound=BOUND) as client:
        statuses = [response.status for _ in "12" if (response := client.read_response("GET"))]
        assert statuses == [200, 200]
        assert client.read_to_end() is End.EOF
        assert client.unread == b"more"


def test_a_reset_is_told_from_a_close() -> None:
    def serve(sock: socket.socket) -> None:
        sock.sendall(OK)
        assert sock.recv(1) == b"x"
        _reset(sock)

    with _server(serve) as address, Client(address, bound=BOUND) as client:
        assert client.read_response("GET") is not None
        Send(b"x")(client)
        assert client.read_to_end() is End.RESET


def test_a_server_that_says_nothing_is_told_from_one_that_left() -> None:
    def serve(sock: socket.socket) -> None:
        assert sock.recv(1) == b""

    with _server(serve) as address, Client(address, bound=0.05) as client:
        assert client.read_response("GET") is None
        assert client.read_to_end() is End.OPEN


def test_breaking_off_is_a_reset() -> None:
    def serve(sock: socket.socket) -> None:
        assert sock.recv(1) == b"x"
        with pytest.raises(ConnectionResetError):
            sock.recv(1)

    with _server(serve) as address, Client(address, bound=BOUND) as client:
        for step in (Send(b"x"), Break()):
            step(client)
        # A client that left reads nothing, and has no end to tell.
        assert client.read_to_end() is End.OPEN


def test_bytes_that_do_not_come_are_noted() -> None:
    def serve(sock: socket.socket) -> None:
        sock.sendall(b"abc")

    with _server(serve) as address, Client(address, bound=BOUND) as client:
        for step in (Await(b"bc"), Await(b"d")):
            step(client)
        assert client.notes == ["b'd' did not come"]


def test_sending_while_reading_does_not_dead_lock() -> None:
    much = b"x" * (8 * 1024 * 1024)

    def serve(sock: socket.socket) -> None:
        # It writes all before it reads anything.
        sock.sendall(much)
        left = len(much)
        while left:
            left -= len(sock.recv(65536))

    with _server(serve) as address, Client(address, bound=BOUND) as client:
        SendReading(much)(client)
        client.read_to_end()
        assert client.sent == len(much)
        assert len(client.received) == len(much)
        assert client.notes == []


def test_a_server_that_takes_no_more_is_noted() -> None:
    done = threading.Event()

    def serve(sock: socket.socket) -> None:
        assert done.wait(BOUND)
        assert sock.recv(1) == b"x"

    with _server(serve) as address, Client(address, bound=0.2) as client:
        SendReading(b"x" * (64 * 1024 * 1024))(client)
        done.set()
        assert client.notes == ["the gateway took no more for 0.2 s"]
