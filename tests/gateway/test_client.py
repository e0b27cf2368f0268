"""The client's connection: what can be learnt from it, and how it is bounded and cut."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator

import gevent.socket
import pytest

from tests.transports import BOUND, until
from wsgi_scgi.gateway.client import Client, Presence, client_of

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The server's and the client's end of a TCP connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as far,
        listener.accept()[0] as near,
    ):
        near.settimeout(BOUND)
        far.settimeout(BOUND)
        yield near, far


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_client_that_waits_is_silent(pair: Pair) -> None:
    near, _ = pair

    assert Client(near).presence() is Presence.SILENT


def test_a_client_that_sent_more_is_pipelining_and_keeps_its_bytes(pair: Pair) -> None:
    near, far = pair
    far.sendall(b"GET /next")
    client = Client(near)
    until(lambda: client.presence() is not Presence.SILENT)

    assert client.presence() is Presence.PIPELINING
    assert near.recv(100) == b"GET /next"


def test_a_client_that_sent_fin_has_half_closed(pair: Pair) -> None:
    near, far = pair
    far.shutdown(socket.SHUT_WR)
    client = Client(near)
    until(lambda: client.presence() is not Presence.SILENT)

    assert client.presence() is Presence.HALF_CLOSED


def test_a_client_that_reset_the_connection_is_gone(pair: Pair) -> None:
    near, far = pair
    client = Client(near)
    reset(far)
    seen = [Presence.SILENT]

    def look() -> bool:
        # A reset is told once, so the first answer that tells anything counts.
        seen[0] = client.presence()
        return seen[0] is not Presence.SILENT

    until(look)
    assert seen == [Presence.GONE]


def test_looking_at_a_client_leaves_the_server_s_socket_as_it_is(pair: Pair) -> None:
    near, far = pair
    near.settimeout(3.5)

    Client(near).presence()

    assert near.gettimeout() == 3.5
    far.sendall(b"x")
    assert near.recv(1) == b"x"


@pytest.mark.parametrize("seconds", [0.01, 0.02])
def test_reads_are_bounded_for_a_while_and_then_as_before(pair: Pair, seconds: float) -> None:
    near, far = pair
    client = Client(near)

    with pytest.raises(TimeoutError):
        client.read_within(seconds, near.recv, 1)

    assert near.gettimeout() == BOUND
    far.sendall(b"xy")
    assert client.read_within(seconds + BOUND, near.recv, 1) == b"x"
    assert client.read_within(BOUND, near.recv, 1) == b"y"  # bounded so anyway
    assert near.gettimeout() == BOUND


@pytest.mark.parametrize("seconds", [1.0, BOUND])
def test_the_bound_is_lifted_when_the_read_raises(pair: Pair, seconds: float) -> None:
    near, _ = pair

    def read(limit: int) -> bytes:
        raise KeyError(limit)

    with pytest.raises(KeyError):
        Client(near).read_within(seconds, read, 1)

    assert near.gettimeout() == BOUND


def test_a_socket_that_is_closed_meanwhile_is_no_error(pair: Pair) -> None:
    near, _ = pair

    def read(limit: int) -> bytes:
        near.close()
        return bytes(limit)

    assert Client(near).read_within(1.0, read, 2) == bytes(2)
    assert near.fileno() == -1


def test_the_server_s_address_is_known_on_tcp_only(pair: Pair) -> None:
    near, far = socket.socketpair()
    with near, far:
        assert Client(near).server_address() is None
        closed = Client(far)
        far.close()
        assert closed.server_address() is None
    assert Client(pair[0]).server_address() == "127.0.0.1"


def test_a_cut_is_seen_by_the_client_as_a_reset(pair: Pair) -> None:
    near, far = pair
    near.sendall(b"half an answ")

    Client(near).reset()

    received: list[bytes] = []
    with pytest.raises(ConnectionResetError):
        received.extend(iter(lambda: far.recv(100), b""))
    assert b"".join(received) in (b"", b"half an answ")


def test_cutting_twice_is_harmless(pair: Pair) -> None:
    client = Client(pair[0])

    client.reset()
    client.reset()


def test_under_tls_the_descriptor_says_nothing(pair: Pair) -> None:
    near, _ = pair
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with context.wrap_socket(near, server_side=True, do_handshake_on_connect=False) as wrapped:
        client = Client(wrapped)

        assert client.fd == -1
        assert client.server_address() == "127.0.0.1"


@pytest.mark.parametrize("key", ["gunicorn.socket", "gunicorn.sock"])
@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1.1"])
def test_gunicorn_s_workers_show_the_socket_by_either_name(
    pair: Pair, key: str, protocol: str
) -> None:
    client = client_of({key: pair[0], "SERVER_PROTOCOL": protocol})

    assert client is not None
    assert client.fd == pair[0].fileno()


def test_a_server_that_shows_no_socket_has_no_client() -> None:
    assert client_of({"SERVER_PROTOCOL": "HTTP/1.1"}) is None


@pytest.mark.parametrize("protocol", ["HTTP/2", "HTTP/2.0", "", None])
def test_a_connection_that_carries_other_requests_too_is_left_alone(
    pair: Pair, protocol: str | None
) -> None:
    environ: dict[str, object] = {"gunicorn.socket": pair[0]}
    if protocol is not None:
        environ["SERVER_PROTOCOL"] = protocol

    assert client_of(environ) is None


@pytest.mark.parametrize("socketpair", [socket.socketpair, gevent.socket.socketpair])
def test_a_closed_socket_has_no_descriptor_to_wait_on(socketpair: Callable[[], Pair]) -> None:
    near, far = socketpair()
    near.close()
    far.close()

    client = client_of({"gunicorn.socket": near, "SERVER_PROTOCOL": "HTTP/1.1"})

    assert client is not None
    assert client.fd == -1
    assert client.server_address() is None
