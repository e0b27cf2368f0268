"""Pipes for splice(2): kept when empty, never shared with bytes in them or with another process."""

import errno
import os
import socket
import tempfile
from collections.abc import Iterator

import pytest

from wsgi_scgi.errors import OutOfResources
from wsgi_scgi.transport import pipe as pipe_module
from wsgi_scgi.transport.pipe import CAN_SPLICE, MOST_SPARE, PIPE_SIZE, Pipe, forget_spare

pytestmark = [
    pytest.mark.usefixtures("nothing_left_open"),
    pytest.mark.skipif(not CAN_SPLICE, reason="this system has no splice(2)"),
]

Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    """Two ends of a connection; what the first sends arrives at the second."""
    near, far = socket.socketpair()
    far.setblocking(False)
    with near, far:
        yield near, far


def test_what_was_taken_is_given_in_order_and_in_parts(sockets: Sockets) -> None:
    near, far = sockets
    near.sendall(b"one two")
    pipe = Pipe.borrow()

    assert pipe.fill(far.fileno(), 4) == 4
    assert pipe.fill(far.fileno(), 100) == 3
    assert pipe.held == 7
    with tempfile.TemporaryFile() as sink:
        assert pipe.drain(sink.fileno()) == 7
        sink.seek(0)
        assert sink.read() == b"one two"
    assert pipe.held == 0
    pipe.give_back()


def test_nothing_yet_and_the_end_are_told_apart(sockets: Sockets) -> None:
    near, far = sockets
    pipe = Pipe.borrow()

    with pytest.raises(BlockingIOError):
        pipe.fill(far.fileno(), 100)
    near.close()
    assert pipe.fill(far.fileno(), 100) == 0
    pipe.give_back()


def test_a_sink_takes_what_it_can(sockets: Sockets) -> None:
    near, far = sockets
    pipe = Pipe.borrow()
    with tempfile.TemporaryFile() as source:
        source.write(bytes(2 * PIPE_SIZE))
        source.flush()
        size = pipe.fill(source.fileno(), PIPE_SIZE, 0)
        near.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)

        given = pipe.drain(near.fileno())

        assert 0 < given < size
        assert pipe.held == size - given
        with pytest.raises(BlockingIOError):
            pipe.drain(near.fileno())
    assert len(far.recv(PIPE_SIZE)) <= given
    pipe.give_back()


def test_a_file_is_read_from_where_it_is_said(sockets: Sockets) -> None:
    near, far = sockets
    with tempfile.TemporaryFile() as source:
        source.write(b"0123456789")
        source.seek(2)
        pipe = Pipe.borrow()

        assert pipe.fill(source.fileno(), 3, 5) == 3

        assert source.tell() == 2
        pipe.drain(near.fileno())
        assert far.recv(100) == b"567"
        pipe.give_back()


def test_an_empty_pipe_is_used_again() -> None:
    pipe = Pipe.borrow()
    pipe.give_back()

    assert Pipe.borrow() is pipe

    pipe.give_back()


def test_nobody_gets_the_bytes_that_another_left_in_a_pipe(sockets: Sockets) -> None:
    near, far = sockets
    near.sendall(b"secret")
    pipe = Pipe.borrow()
    pipe.fill(far.fileno(), 100)
    pipe.give_back()

    other = Pipe.borrow()

    assert other is not pipe
    assert other.held == 0
    other.give_back()


def test_no_more_pipes_are_kept_than_are_worth_it() -> None:
    pipes = [Pipe.borrow() for _ in range(MOST_SPARE + 3)]
    for pipe in pipes:
        pipe.give_back()

    assert len(pipe_module._spare) == MOST_SPARE


def test_a_child_shares_no_pipe_with_its_parent() -> None:
    Pipe.borrow().give_back()
    spare = pipe_module._spare[0]

    child = os.fork()
    if not child:
        try:
            os.fstat(spare._exit)
        except OSError:
            os._exit(len(pipe_module._spare))
        os._exit(100)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pipe_module._spare == [spare]
    os.fstat(spare._exit)


def test_forgetting_closes_what_is_kept() -> None:
    Pipe.borrow().give_back()
    spare = pipe_module._spare[0]

    forget_spare()

    assert pipe_module._spare == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(spare._exit)


def test_one_that_is_dropped_is_closed(sockets: Sockets) -> None:
    near, far = sockets
    near.sendall(b"lost")
    pipe = Pipe()
    pipe.fill(far.fileno(), 4)
    del pipe
    # The fixture sees that nothing is open.


def test_where_there_is_no_descriptor_left_no_backend_is_to_blame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_pipe(_flags: int) -> tuple[int, int]:
        raise OSError(errno.EMFILE, "Too many open files")

    forget_spare()
    monkeypatch.setattr(os, "pipe2", no_pipe)

    with pytest.raises(OutOfResources, match="Too many open files"):
        Pipe.borrow()
