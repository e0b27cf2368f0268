"""The scripted backend records what a peer did and does what it is told."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.backend import Backend, BackendConnection, PeerEnd
from tests.kit.gates import Gates, Open, Wait
from tests.kit.script import (
    Close,
    Drip,
    DripUntilCut,
    ExpectOpen,
    ReadBody,
    ReadHead,
    ReadToEnd,
    Reply,
    ReplyFrom,
    Reset,
    Write,
    WriteUntilCut,
    play,
)
from tests.kit.test_netstring import BODY, EXAMPLE

BOUND = 30.0


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A backend that listens nowhere yet."""
    with Backend() as backend:
        yield backend


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=BOUND)


def _read_to_end(sock: socket.socket) -> bytes:
    received = b""
    while data := sock.recv(65536):
        received += data
    return received


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _only(backend: Backend) -> BackendConnection:
    backend.settle()
    assert backend.wait_done(BOUND)
    (connection,) = backend.connections
    return connection


def test_a_reply_comes_after_the_whole_request(backend: Backend) -> None:
    port = backend.listen_tcp()
    backend.begin(ReplyFrom(lambda request: b"got " + request.body))
    with _connect(port) as sock:
        for offset in range(len(EXAMPLE)):
            sock.sendall(EXAMPLE[offset : offset + 1])
        assert _read_to_end(sock) == b"got " + BODY
    connection = _only(backend)
    assert bytes(connection.received) == EXAMPLE
    assert connection.request.violations == ()
    assert connection.end is PeerEnd.EOF
    assert connection.notes == []
    assert connection.ended_at is not None
    assert connection.opened_at <= connection.pieces[0][0] <= connection.ended_at


def test_it_listens_on_unix_sockets_and_ipv6_as_well(backend: Backend, tmp_path: Path) -> None:
    path = backend.listen_unix(str(tmp_path / "s"))
    port = backend.listen_tcp("::1")
    backend.begin(Reply(b"answer"))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(BOUND)
        sock.connect(path)
        sock.sendall(EXAMPLE)
        assert _read_to_end(sock) == b"answer"
    with socket.create_connection(("::1", port), timeout=BOUND) as sock:
        sock.sendall(EXAMPLE)
        assert _read_to_end(sock) == b"answer"
    backend.settle()
    assert len(backend.connections) == 2


def test_settling_finds_every_connection_that_was_made_before(backend: Backend) -> None:
    port = backend.listen_tcp()
    for number in range(1, 20):
        backend.begin()
        sockets = [_connect(port) for _ in range(number)]
        backend.settle()
        assert len(backend.connections) == number
        for sock in sockets:
            sock.close()
        assert backend.wait_done(BOUND)


def test_each_connection_has_its_script_and_the_last_one_stays(backend: Backend) -> None:
    port = backend.listen_tcp()
    backend.begin(Reply(b"one"), Reply(b"two"))
    answers = []
    for _ in range(3):
        with _connect(port) as sock:
            sock.sendall(EXAMPLE)
            answers.append(_read_to_end(sock))
    assert answers == [b"one", b"two", b"two"]


def test_a_peer_that_resets_is_told_from_one_that_closes(backend: Backend) -> None:
    port = backend.listen_tcp()
    for leave, end in ((_reset, PeerEnd.RESET), (socket.socket.close, PeerEnd.EOF)):
        gates = Gates()
        backend.begin(play(ReadHead(), Open("head"), ReadToEnd()), gates=gates)
        sock = _connect(port)
        sock.sendall(EXAMPLE)
        assert gates.wait("head", BOUND)
        leave(sock)
        assert _only(backend).end is end


def test_a_peer_that_stays_is_still_open_after_the_bound(backend: Backend) -> None:
    port = backend.listen_tcp()
    backend.begin(ReadToEnd(), bound=0.05)
    with _connect(port) as sock:
        connection = _only(backend)
        sock.settimeout(BOUND)
    assert connection.end is PeerEnd.OPEN
    assert connection.notes[0] == "nothing came for 0.05 s"


def test_a_peer_that_leaves_too_early_is_noted(backend: Backend) -> None:
    port = backend.listen_tcp()
    backend.begin(play(ReadHead(), ReadBody()))
    with _connect(port) as sock:
        sock.sendall(EXAMPLE[:-1])
    assert _only(backend).notes == [
        "the gateway left before the backend had what it waited for",
    ]


def test_what_is_no_request_is_noted(backend: Backend) -> None:
    port = backend.listen_tcp()
    backend.begin(Reply(b"never"))
    with _connect(port) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert _read_to_end(sock) == b""
    assert "not a netstring" in _only(backend).notes[0]


def test_a_reset_reaches_the_peer_as_one(backend: Backend) -> None:
    port = backend.listen_tcp()
    backend.begin(play(ReadHead(), ReadBody(), Reset()))
    with _connect(port) as sock:
        sock.sendall(EXAMPLE)
        with pytest.raises(ConnectionResetError):
            _read_to_end(sock)


def test_a_close_ends_the_script_s_answer(backend: Backend) -> None:
    port = backend.listen_tcp()
    backend.begin(play(ReadHead(), ReadBody(), Write(b"a"), Drip(b"bc"), Close()))
    with _connect(port) as sock:
        sock.sendall(EXAMPLE)
        assert _read_to_end(sock) == b"abc"


def test_gates_order_both_ends(backend: Backend) -> None:
    port = backend.listen_tcp()
    gates = Gates()
    backend.begin(play(ReadHead(), Open("head"), Wait("go"), Write(b"gone")), gates=gates)
    with _connect(port) as sock:
        sock.sendall(EXAMPLE)
        assert gates.wait("head", BOUND)
        gates.open("go")
        assert _read_to_end(sock) == b"gone"


def test_a_gate_that_stays_closed_is_noted_and_the_script_goes_on(backend: Backend) -> None:
    port = backend.listen_tcp()

    def lose_patience(connection: BackendConnection) -> None:
        connection.bound = 0.05

    backend.begin(play(ReadHead(), ReadBody(), lose_patience, Wait("never"), Write(b"on")))
    with _connect(port) as sock:
        sock.sendall(EXAMPLE)
        assert _read_to_end(sock) == b"on"
    assert "waited 0.05 s in vain for: never" in _only(backend).notes


def test_a_half_close_of_the_peer_is_noted_where_none_may_come(backend: Backend) -> None:
    port = backend.listen_tcp()
    backend.begin(play(ReadHead(), ReadBody(), ExpectOpen(BOUND), Write(b"on")))
    with _connect(port) as sock:
        sock.sendall(EXAMPLE)
        sock.shutdown(socket.SHUT_WR)
        assert _read_to_end(sock) == b"on"
    assert _only(backend).notes == ["the gateway closed its side before the answer"]


@pytest.mark.parametrize("step", [WriteUntilCut(b"x" * 4096), DripUntilCut(b"x", pause=0.001)])
def test_writing_until_the_peer_is_gone_ends_when_it_is(
    backend: Backend, step: WriteUntilCut | DripUntilCut
) -> None:
    port = backend.listen_tcp()
    backend.begin(play(ReadHead(), step), bound=BOUND)
    sock = _connect(port)
    sock.sendall(EXAMPLE)
    assert sock.recv(1) == b"x"
    _reset(sock)
    connection = _only(backend)
    assert connection.end is PeerEnd.RESET
    assert connection.notes == []
