"""The server as a whole: where it listens, how many it serves at once, and how it stops."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from tests.server.peer import BOUND, Peer, exchange, head, wait_until
from wsgi_scgi.address import TCPAddress, UnixAddress
from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.server.limits import ServerLimits
from wsgi_scgi.server.scgi_server import SCGIServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.server.conftest import Serve

ANSWER = b"Status: 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def hello(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer at once."""
    start_response("200 OK", [])
    return [b"hello"]


class Rendezvous:
    """An application that counts who is inside, and lets nobody out before it is told."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.release = Event()

    def __call__(self, _: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        assert self.release.wait(BOUND)
        self.inside -= 1
        start_response("200 OK", [])
        return [b"hello"]


def test_the_port_that_the_system_chose_can_be_read() -> None:
    server = SCGIServer(hello, TCPAddress("127.0.0.1", 0))
    assert server.address == TCPAddress("127.0.0.1", 0)
    with server:
        assert isinstance(server.address, TCPAddress) and server.address.port > 0
        assert exchange(server.address, head()) == ANSWER


def test_ipv6_is_served(serve: Serve) -> None:
    assert exchange(serve(hello, TCPAddress("::1", 0)), head()) == ANSWER


def test_a_name_is_served(serve: Serve) -> None:
    address = serve(hello, TCPAddress("localhost", 0))
    assert exchange(address, head()) == ANSWER


def test_many_requests_in_turn_are_served(
    serve: Serve, any_address: TCPAddress | UnixAddress
) -> None:
    address = serve(hello, any_address)
    assert [exchange(address, head()) for _ in range(100)] == [ANSWER] * 100


def test_requests_are_served_at_the_same_time(
    serve: Serve, any_address: TCPAddress | UnixAddress
) -> None:
    application = Rendezvous()
    address = serve(application, any_address)
    clients = [gevent.spawn(exchange, address, head()) for _ in range(50)]
    wait_until(lambda: application.inside == 50)
    application.release.set()
    gevent.joinall(clients, timeout=BOUND)
    assert [client.value for client in clients] == [ANSWER] * 50


def test_connections_over_the_limit_wait_for_their_turn(serve: Serve) -> None:
    application = Rendezvous()
    address = serve(application, limits=ServerLimits(max_connections=3))
    clients = [gevent.spawn(exchange, address, head()) for _ in range(9)]
    wait_until(lambda: application.inside == 3)
    gevent.sleep(0.05)
    application.release.set()
    gevent.joinall(clients, timeout=BOUND)
    assert [client.value for client in clients] == [ANSWER] * 9
    assert application.most == 3


def test_stopping_finishes_what_is_in_flight_and_takes_nothing_new(
    any_address: TCPAddress | UnixAddress,
) -> None:
    application = Rendezvous()
    server = SCGIServer(application, any_address)
    server.start()
    client = gevent.spawn(exchange, server.address, head())
    wait_until(lambda: application.inside == 1)
    stopping = gevent.spawn(server.stop, timeout=BOUND)
    wait_until(lambda: _refuses(server.address))
    assert not stopping.ready()
    application.release.set()
    assert client.get(timeout=BOUND) == ANSWER
    stopping.get(timeout=BOUND)


def test_stopping_serves_what_the_system_has_accepted(
    any_address: TCPAddress | UnixAddress,
) -> None:
    application = Rendezvous()
    server = SCGIServer(application, any_address, limits=ServerLimits(max_connections=2))
    server.start()
    # Connected by the system and told so; two are served, and five wait in its queue.
    peers = [Peer(server.address, head()) for _ in range(7)]
    wait_until(lambda: application.inside == 2)
    stopping = gevent.spawn(server.stop, timeout=BOUND)
    wait_until(
        lambda: (
            not Path(any_address.path).exists()
            if isinstance(any_address, UnixAddress)
            else stopping.started
        )
    )
    application.release.set()
    assert [peer.receive_all() for peer in peers] == [ANSWER] * 7
    for peer in peers:
        peer.socket.close()
    stopping.get(timeout=BOUND)
    assert application.most == 2
    assert _refuses(server.address)


def test_stopping_breaks_off_what_waits_beyond_the_bound() -> None:
    application = Rendezvous()
    server = SCGIServer(
        application, TCPAddress("127.0.0.1", 0), limits=ServerLimits(max_connections=1)
    )
    server.start()
    peers = [Peer(server.address, head()) for _ in range(3)]
    wait_until(lambda: application.inside == 1)
    server.stop(timeout=0.05)
    for peer in peers:
        assert peer.receive_until_cut() == b""
        peer.socket.close()


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_a_unix_socket_has_the_permissions_that_are_asked_for(mode: int, socket_path: str) -> None:
    before = os.umask(0o027)
    try:
        with SCGIServer(hello, UnixAddress(socket_path), socket_mode=mode):
            assert stat.S_IMODE(os.stat(socket_path).st_mode) == mode
        with SCGIServer(hello, UnixAddress(socket_path)):
            assert stat.S_IMODE(os.stat(socket_path).st_mode) == 0o750
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_a_mount_that_is_given_reaches_the_application() -> None:
    def mount(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    with SCGIServer(mount, TCPAddress("127.0.0.1", 0), script_name="/app/path") as server:
        assert exchange(server.address, head({"PATH_INFO": "/path/x"})).endswith(b"/app/path /x")


def test_stopping_lets_a_stream_run_to_its_end_within_the_bound(tcp_address: TCPAddress) -> None:
    proceed = Event()

    def stream(_: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"one"
        assert proceed.wait(BOUND)
        yield b"two"

    server = SCGIServer(stream, tcp_address)
    server.start()
    with Peer(server.address, head()) as peer:
        peer.receive_until(b"one")
        stopping = gevent.spawn(server.stop, timeout=BOUND)
        wait_until(lambda: _refuses(server.address))
        proceed.set()
        assert peer.receive_all() == b"two"
    stopping.get(timeout=BOUND)


def test_stopping_breaks_off_what_outlasts_the_bound(caplog: pytest.LogCaptureFixture) -> None:
    closed = Event()

    class Endless:
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b"tick"
                gevent.sleep(0.001)

        def close(self) -> None:
            closed.set()

    def stream(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Endless()

    server = SCGIServer(stream, TCPAddress("127.0.0.1", 0))
    server.start()
    with Peer(server.address, head()) as peer:
        peer.receive_until(b"tick")
        server.stop(timeout=0.05)
        assert closed.is_set()
        peer.receive_until_cut()  # never a complete-looking response
    assert "was broken off" in caplog.text


def test_stopping_twice_or_before_the_start_does_nothing() -> None:
    server = SCGIServer(hello, TCPAddress("127.0.0.1", 0))
    server.stop()
    server.start()
    server.stop()
    server.stop()


def test_a_stopped_server_can_be_started_again(socket_path: str) -> None:
    server = SCGIServer(hello, UnixAddress(socket_path))
    for _ in range(2):
        with server:
            assert exchange(server.address, head()) == ANSWER
        assert not Path(socket_path).exists()


def test_an_error_in_the_block_stops_without_waiting(tcp_address: TCPAddress) -> None:
    application = Rendezvous()
    server = SCGIServer(application, tcp_address)

    def fail() -> None:
        with server, Peer(server.address, head()):
            wait_until(lambda: application.inside)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert _refuses(server.address)


def test_a_taken_port_is_a_configuration_error(serve: Serve) -> None:
    address = serve(hello)
    with pytest.raises(ConfigurationError, match=r"cannot listen on scgi://127.0.0.1:\d+: Address"):
        SCGIServer(hello, address).start()


def test_a_directory_that_does_not_exist_is_a_configuration_error(socket_path: str) -> None:
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        SCGIServer(hello, UnixAddress(f"{socket_path}/none/s")).start()


def test_a_living_unix_socket_is_left_alone(serve: Serve, socket_path: str) -> None:
    address = serve(hello, UnixAddress(socket_path))
    with pytest.raises(ConfigurationError, match="in use"):
        SCGIServer(hello, address).start()
    assert exchange(address, head()) == ANSWER


def test_a_stale_unix_socket_is_replaced(serve: Serve, socket_path: str) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(socket_path)
        dead.listen()
    assert stat.S_ISSOCK(os.stat(socket_path).st_mode)
    assert exchange(serve(hello, UnixAddress(socket_path)), head()) == ANSWER


def test_a_file_that_is_no_socket_is_left_alone(socket_path: str) -> None:
    Path(socket_path).write_text("precious")
    with pytest.raises(ConfigurationError, match="in use"):
        SCGIServer(hello, UnixAddress(socket_path)).start()
    assert Path(socket_path).read_text() == "precious"


def test_the_socket_of_a_successor_is_not_removed(socket_path: str) -> None:
    first = SCGIServer(hello, UnixAddress(socket_path))
    first.start()
    Path(socket_path).unlink()
    with SCGIServer(hello, UnixAddress(socket_path)) as second:
        first.stop()
        assert exchange(second.address, head()) == ANSWER


def test_importing_the_package_imports_no_gevent() -> None:
    code = (
        "import sys, wsgi_scgi.server, wsgi_scgi.server.limits, wsgi_scgi.server.demo.application,"
        " wsgi_scgi.server.demo.launch; sys.exit('gevent' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def _refuses(address: TCPAddress | UnixAddress) -> bool:
    try:
        Peer(address).socket.close()
    except OSError:
        return True
    return False
