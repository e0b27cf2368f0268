"""Large bodies through ``serve``, in either worker and direction: every byte, and no waiting."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.integration.serving import ANY_PORT, BOUND, Start, answering
from tests.kit.backend import Backend, BackendConnection
from tests.kit.gates import Gates, Open, Wait
from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.response import End
from tests.kit.script import Close, ReadBody, ReadHead, Reset, Write, play

MEGABYTE = 1 << 20
WORKERS = ("wsgi_scgi.worker.GatewayWorker", "gevent", "sync")


def pattern(size: int) -> bytes:
    """Return bytes of which none can be lost or doubled unnoticed: the period is a prime."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def request(length: int, *fields: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *fields, "", ""]
    return "\r\n".join(lines).encode()


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A backend without a script."""
    with Backend() as backend:
        yield backend


@pytest.fixture(params=WORKERS)
def gateway(request: pytest.FixtureRequest, start: Start, backend: Backend) -> Gateway:
    """A gateway in front of the backend, in each worker."""
    url = f"scgi://127.0.0.1:{backend.listen_tcp()}/"
    return start(url, *ANY_PORT, "--worker-class", request.param)


# A plain request, and one that GatewayWorker leaves to gunicorn's own path
@pytest.mark.parametrize("fields", [(), ("Expect: 100-continue",)])
@pytest.mark.parametrize("size", [20_000, 60_000, 5 * MEGABYTE + 3])
def test_an_upload_arrives_and_the_connection_goes_on(
    gateway: Gateway, backend: Backend, fields: tuple[str, ...], size: int
) -> None:
    content = pattern(size)
    backend.begin(answering(b"yes"), bound=BOUND)
    with Client(gateway.address, bound=BOUND) as client:
        client.send(request(size, *fields) + content + request(2) + b"ok")
        first = client.read_response("POST")
        if first is not None and first.status == 100:
            first = client.read_response("POST")
        second = client.read_response("POST") if "sync" not in gateway.log() else None
    assert first is not None
    assert (first.status, first.body) == (200, b"yes")
    backend.settle()
    assert backend.connections[0].request.body == content
    if second is not None:
        assert backend.connections[1].request.body == b"ok"


def test_a_download_arrives(gateway: Gateway, backend: Backend) -> None:
    content = pattern(5 * MEGABYTE + 3)
    head = b"Content-Length: %d\r\n\r\n" % len(content)
    backend.begin(play(ReadHead(), ReadBody(), Write(head + content), Close()), bound=BOUND)
    with Client(gateway.address, bound=BOUND) as client:
        client.send(request(0))
        response = client.read_response("POST")
    assert response is not None
    assert response.body == content
    assert not response.violations


def test_what_a_backend_gives_in_bursts_is_not_held_back(
    gateway: Gateway, backend: Backend
) -> None:
    bursts = [MEGABYTE, 10, 700_000, 1, 300_000, 5]
    content = pattern(sum(bursts) + 4 * MEGABYTE)
    gates = Gates()

    def give(connection: BackendConnection) -> None:
        connection.read_head()
        connection.write(b"Content-Length: %d\r\n\r\n" % len(content))
        at = 0
        for number, size in enumerate(bursts):
            connection.write(content[at : at + size])
            at += size
            Wait(str(number))(connection)
        connection.write(content[at:])

    backend.begin(give, gates=gates, bound=BOUND)
    with socket.create_connection(gateway.address, timeout=BOUND) as client:
        client.sendall(request(0))
        received = bytearray()
        while b"\r\n\r\n" not in received:
            received += client.recv(65536)
        del received[: received.index(b"\r\n\r\n") + 4]
        expected = 0
        for number, size in enumerate(bursts):
            expected += size
            while len(received) < expected:
                received += client.recv(1 << 20)
            assert len(received) == expected
            gates.open(str(number))
        while len(received) < len(content):
            received += client.recv(1 << 20)
    assert received == content


@pytest.mark.parametrize("end", [Close(), Reset()])
def test_a_download_that_breaks_off_never_looks_complete(
    gateway: Gateway, backend: Backend, end: Close | Reset
) -> None:
    content = pattern(2 * MEGABYTE)
    gates = Gates()
    head = b"Content-Length: %d\r\n\r\n" % (len(content) + MEGABYTE)
    backend.begin(
        play(ReadHead(), Write(head + content), Wait("received"), end), gates=gates, bound=BOUND
    )
    with Client(gateway.address, bound=BOUND) as client:
        client.send(request(0))
        assert client.await_bytes(content)
        gates.open("received")
        assert client.read_to_end() is not End.OPEN
        assert client.received.endswith(content)
    backend.begin(answering(b"yes"), bound=BOUND)
    with Client(gateway.address, bound=BOUND) as another:
        another.send(request(0))
        response = another.read_response("POST")
    assert response is not None
    assert response.body == b"yes"


@pytest.mark.parametrize("gateway", WORKERS[:2], indirect=True)
def test_transfers_do_not_keep_others_waiting(gateway: Gateway, backend: Backend) -> None:
    # The machine may be so busy that a transfer is over before anybody has asked: a longer one is
    # not.
    sizes = (256 * MEGABYTE << attempt for attempt in range(5))
    assert any(answers_meanwhile(gateway, backend, size) == 3 for size in sizes)


def answers_meanwhile(gateway: Gateway, backend: Backend, size: int) -> int:
    """Return how many of three requests are answered before a download of ``size`` bytes ends."""
    gates = Gates()

    def serve(connection: BackendConnection) -> None:
        connection.read_head()
        if (
            connection.request.variables
            and b"/small" in dict(connection.request.variables).values()
        ):
            connection.write(b"Content-Length: 3\r\n\r\nyes")
            return
        connection.write(b"Content-Length: %d\r\n\r\n" % size)
        Open("begun")(connection)
        piece = bytes(MEGABYTE)
        for _ in range(size // MEGABYTE):
            connection.write(piece)

    backend.begin(serve, gates=gates, bound=BOUND)

    ended = threading.Event()

    def download() -> None:
        with socket.create_connection(gateway.address, timeout=BOUND) as client:
            client.sendall(request(0))
            left = size
            while left > 0 and (data := client.recv(1 << 20)):
                left -= len(data)
        ended.set()

    thread = threading.Thread(target=download)
    thread.start()
    assert gates.wait("begun", BOUND)
    answered = 0
    while answered < 3 and not ended.is_set():
        with Client(gateway.address, bound=BOUND) as client:
            client.send(b"GET /small HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            response = client.read_response("GET")
        assert response is not None and response.body == b"yes"
        answered += not ended.is_set()
    thread.join(BOUND)
    assert ended.is_set()
    return answered
