"""Request bodies: counted, never more than declared, never silently fewer."""

import errno
import io
import resource
import signal
import ssl
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader

from tests.gateway.environs import server_environ
from tests.gateway.gunicorn_server import (
    GET_NEXT,
    ServedConnection,
    post,
    post_chunked,
    served_connection,
)
from tests.transports import BOUND, Transport
from wsgi_scgi.errors import ClientDisconnected, GatewayError, RequestError, RequestTimeout
from wsgi_scgi.gateway import body as body_module
from wsgi_scgi.gateway.body import (
    DISCARD_BYTES,
    LARGE,
    LARGEST_READ,
    READ_SIZE,
    SPOOL_IN_MEMORY,
    BodyState,
    SpooledBody,
    StreamedBody,
    buffer_body,
    release_body,
    spool_body,
)
from wsgi_scgi.gateway.client import client_of

_HEADROOM = 256 * 1024
"""Bytes that may be read beyond a bound: one read and what gunicorn holds."""


def streamed(served: ServedConnection, *, timeout: float = BOUND) -> StreamedBody:
    environ = served.next_environ()
    client = client_of(environ)
    return StreamedBody(environ, int(environ["CONTENT_LENGTH"]), client, timeout=timeout)


def spooled(served: ServedConnection, *, timeout: float = BOUND, max_body: int = 0) -> SpooledBody:
    environ = served.next_environ()
    return spool_body(environ, client_of(environ), timeout=timeout, max_body=max_body)


def read_all(body: StreamedBody | SpooledBody) -> bytes:
    collected = b""
    while body.remaining:
        collected += body.read(READ_SIZE)
    return collected


@pytest.fixture
def spool_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Every temporary file that the code under test makes."""
    made: list[Any] = []
    make = tempfile.SpooledTemporaryFile

    def make_and_note(max_size: int) -> Any:
        made.append(make(max_size))
        return made[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", make_and_note)
    yield made
    for file in made:
        file.close()


# Streamed


def test_a_body_is_read_as_it_arrives_and_counted(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"", length=10))
        body = streamed(served)
        assert (body.length, body.remaining, body.state) == (10, 10, BodyState.UNTOUCHED)
        assert not body.ready()
        assert body.fd == served.near.fileno()

        served.far.sendall(b"hello")
        assert body.read(READ_SIZE) == b"hello"
        assert (body.remaining, body.state) == (5, BodyState.GONE)

        served.far.sendall(b"world")
        assert (body.read(3), body.read(1), body.read(9)) == (b"wor", b"l", b"d")
        assert body.remaining == 0

    transport.call(test)


def test_what_came_with_the_head_is_ready_at_once(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello"))
        body = streamed(served)

        assert body.ready()
        body.rewind()
        assert body.read(READ_SIZE) == b"hello"

    transport.call(test)


def test_never_more_than_was_declared_is_read(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello") + GET_NEXT)
        body = streamed(served)

        assert body.read(READ_SIZE) == b"hello"
        assert body.remaining == 0
        body.discard()
        body.close()
        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)


class AheadSocket:
    """A client's socket that always has as much as is asked for, but for the reads in ``slow``."""

    def __init__(self, *slow: int) -> None:
        self.asked: list[int] = []
        self._slow = slow

    def recv(self, size: int) -> bytes:
        self.asked.append(size)
        return bytes(size if len(self.asked) not in self._slow else 1)

    def fileno(self) -> int:
        return -1

    def gettimeout(self) -> float:
        return BOUND

    def settimeout(self, seconds: float) -> None:
        raise AssertionError(seconds)  # it is so already


def test_a_client_that_is_ahead_is_read_in_larger_and_larger_pieces() -> None:
    length = 8 * LARGEST_READ
    client: Any = AheadSocket(3)
    environ = {
        "gunicorn.socket": client,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": Body(LengthReader(SocketUnreader(client), length)),
    }
    body = StreamedBody(environ, length, client_of(environ), timeout=BOUND)

    while body.remaining > LARGEST_READ:
        body.read(length)

    doubled = [READ_SIZE, 2 * READ_SIZE, 4 * READ_SIZE, 4 * READ_SIZE, 8 * READ_SIZE]
    assert client.asked[: len(doubled)] == doubled
    assert set(client.asked[len(doubled) :]) == {LARGEST_READ}


def test_a_body_that_ends_early_is_noticed_and_says_how_much_is_missing(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"abc", length=10))
        body = streamed(served)
        served.far.close()

        assert body.read(READ_SIZE) == b"abc"
        body.read(READ_SIZE)

    with pytest.raises(ClientDisconnected, match="7 bytes before its declared length"):
        transport.call(test)


def test_a_client_that_falls_silent_in_its_body_is_a_timeout(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"abc", length=10))
        body = streamed(served, timeout=0.02)
        assert body.read(READ_SIZE) == b"abc"
        body.read(READ_SIZE)

    with pytest.raises(RequestTimeout, match="silent"):
        transport.call(test)


def test_a_body_that_failed_is_not_waited_for_again(
    served: ServedConnection, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_module, "DISCARD_SECONDS", BOUND)

    def test() -> None:
        served.far.sendall(post(b"abc", length=10))
        body = streamed(served, timeout=0.02)
        body.read(READ_SIZE)
        with pytest.raises(RequestTimeout):
            body.read(READ_SIZE)
        body.discard()  # would wait for BOUND seconds

    transport.call(test)


def test_a_server_that_shows_no_socket_is_read_as_pep_3333_allows() -> None:
    source = io.BytesIO(b"hello and what is not the body")
    body = StreamedBody(server_environ(wsgi__input=source), 5, None, timeout=1.0)

    assert body.fd == -1
    assert body.ready()
    assert read_all(body) == b"hello"
    assert source.tell() == 5


def test_what_no_bound_protects_is_not_discarded() -> None:
    source = io.BytesIO(b"hello")
    body = StreamedBody(server_environ(wsgi__input=source), 5, None, timeout=1.0)

    body.discard()

    assert source.tell() == 0


def test_another_server_s_input_is_bounded_by_its_socket(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello"))
        environ = served.next_environ()
        environ["wsgi.input"] = environ["wsgi.input"].reader  # not gunicorn's own class
        body = StreamedBody(environ, 5, client_of(environ), timeout=0.02)

        assert body.fd == -1
        assert body.ready()
        assert body.read(READ_SIZE) == b"hello"

    transport.call(test)


def _unauthenticated(protocol: int) -> ssl.SSLContext:
    """Return a context that needs no certificate: what matters here is how TLS reads."""
    context = ssl.SSLContext(protocol)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
    if protocol == ssl.PROTOCOL_TLS_CLIENT:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def test_under_tls_pieces_are_read_as_they_arrive_too() -> None:
    wrapped: list[ssl.SSLSocket] = []
    with served_connection(Transport.BLOCKING) as served:

        def shake_hands() -> None:
            wrapped.append(_unauthenticated(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(served.far))

        shaking = threading.Thread(target=shake_hands)
        shaking.start()
        served.secure(
            _unauthenticated(ssl.PROTOCOL_TLS_SERVER).wrap_socket(served.near, server_side=True)
        )
        shaking.join(BOUND)
        with wrapped[0] as far:
            far.sendall(post(b"hello", length=10))
            body = streamed(served)

            assert body.fd == -1
            assert body.ready()
            assert body.read(READ_SIZE) == b"hello"
            assert body.ready()
            far.sendall(b"world")
            assert body.read(READ_SIZE) == b"world"


# Moving: without a copy


class Filling:
    """Stands for a pipe: notes what is asked of it, and does what it is told."""

    def __init__(self, *outcomes: int | OSError) -> None:
        self.asked: list[tuple[int, int, int | None]] = []
        self._outcomes = list(outcomes)

    def __call__(self, descriptor: int, limit: int, offset: int | None) -> int:
        self.asked.append((descriptor, limit, offset))
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome


def _take_until_moving(body: StreamedBody) -> bytes:
    """Read what the server holds back: only what comes behind it can be moved."""
    taken = b""
    while body.ready():
        taken += body.read(READ_SIZE)
    return taken


@pytest.mark.parametrize("transport", [Transport.COOPERATIVE])
def test_a_large_body_can_be_moved_once_what_the_server_holds_has_been_read(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello", length=LARGE))
        body = streamed(served)
        assert not body.may_move()
        assert _take_until_moving(body) == b"hello"
        assert body.may_move()
        fill = Filling(1000, 1000)

        body.move(fill)
        body.move(fill)

        left = LARGE - len(b"hello")
        assert fill.asked == [(body.fd, left, None), (body.fd, left - 1000, None)]
        assert (body.remaining, body.state) == (left - 2000, BodyState.GONE)

    transport.call(test)


@pytest.mark.parametrize(
    ("kind", "length"), [(Transport.COOPERATIVE, LARGE - 1), (Transport.BLOCKING, LARGE)]
)
def test_a_small_body_and_one_whose_socket_would_block_are_read(
    kind: Transport, length: int
) -> None:
    def test() -> None:
        with served_connection(kind) as served:
            served.far.sendall(post(b"", length=length))
            body = streamed(served)

            assert not body.ready()
            assert not body.may_move()

    kind.call(test)


@pytest.mark.parametrize("transport", [Transport.COOPERATIVE])
def test_nothing_to_move_yet_is_no_fault(served: ServedConnection, transport: Transport) -> None:
    def test() -> None:
        served.far.sendall(post(b"", length=LARGE))
        body = streamed(served)
        with pytest.raises(BlockingIOError):
            body.move(Filling(BlockingIOError()))
        assert (body.remaining, body.state) == (LARGE, BodyState.UNTOUCHED)
        assert body.may_move()

    transport.call(test)


@pytest.mark.parametrize("transport", [Transport.COOPERATIVE])
@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (0, f"ended {LARGE} bytes before its declared length"),
        (ConnectionResetError(104, "Connection reset by peer"), "could not be read .*reset"),
    ],
)
def test_a_client_that_breaks_off_while_its_body_is_moved_is_not_waited_for_again(
    served: ServedConnection,
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
    outcome: int | OSError,
    cause: str,
) -> None:
    monkeypatch.setattr(body_module, "DISCARD_SECONDS", 2 * BOUND)

    def test() -> None:
        served.far.sendall(post(b"", length=LARGE))
        body = streamed(served, timeout=2 * BOUND)
        with pytest.raises(ClientDisconnected, match=cause):
            body.move(Filling(outcome))
        body.discard()  # it would wait for longer than anybody waits for the greenlet

    transport.call(test)


def test_a_body_in_a_file_can_be_moved_and_one_in_memory_is_read() -> None:
    environ = server_environ()
    environ["wsgi.input"] = io.BytesIO(bytes(SPOOL_IN_MEMORY))
    body = spool_body(environ, None, timeout=BOUND, max_body=0)
    assert not body.may_move()
    body.close()

    environ["wsgi.input"] = io.BytesIO(bytes(SPOOL_IN_MEMORY) + b"end")
    body = spool_body(environ, None, timeout=BOUND, max_body=0)
    fill = Filling(SPOOL_IN_MEMORY, 3)
    assert body.may_move()
    body.move(fill)
    body.move(fill)
    assert [asked[1:] for asked in fill.asked] == [(SPOOL_IN_MEMORY + 3, 0), (3, SPOOL_IN_MEMORY)]
    assert body.remaining == 0
    body.close()


def test_a_file_that_cannot_be_moved_is_read_from_where_it_stands() -> None:
    environ = server_environ()
    environ["wsgi.input"] = io.BytesIO(bytes(SPOOL_IN_MEMORY) + b"end")
    body = spool_body(environ, None, timeout=BOUND, max_body=0)
    fill = Filling(SPOOL_IN_MEMORY, OSError(errno.EINVAL, "Invalid argument"))

    body.move(fill)
    with pytest.raises(BlockingIOError):
        body.move(fill)

    assert not body.may_move()
    assert body.read(READ_SIZE) == b"end"
    body.close()


def test_a_disk_that_fails_is_no_fault_of_the_client() -> None:
    environ = server_environ()
    environ["wsgi.input"] = io.BytesIO(bytes(SPOOL_IN_MEMORY + 1))
    body = spool_body(environ, None, timeout=BOUND, max_body=0)

    with pytest.raises(GatewayError, match="Input/output error") as caught:
        body.move(Filling(OSError(errno.EIO, "Input/output error")))
    body.close()
    assert caught.value.status == 500


@pytest.mark.usefixtures("nothing_left_open")
def test_a_body_for_which_there_is_no_room_is_no_fault_of_the_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    environ = server_environ()
    environ["wsgi.input"] = io.BytesIO(bytes(SPOOL_IN_MEMORY + 1))

    with pytest.raises(GatewayError, match="/nonexistent") as caught:
        spool_body(environ, None, timeout=BOUND, max_body=0)
    assert caught.value.status == 500
    assert "/nonexistent" not in caught.value.public


def test_where_the_disk_is_full_only_when_the_file_is_written_out_it_is_the_same() -> None:
    environ = server_environ()
    environ["wsgi.input"] = io.BytesIO(bytes(2 * SPOOL_IN_MEMORY))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * SPOOL_IN_MEMORY - 1000, limits[1]))
    try:
        with pytest.raises(GatewayError, match="File too large"):
            spool_body(environ, None, timeout=BOUND, max_body=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


# Discarding


def test_the_rest_of_a_small_body_is_taken_so_that_the_next_request_can_come(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello") + GET_NEXT)
        body = streamed(served)
        body.read(2)
        body.discard()

        assert body.remaining == 0
        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)


def test_of_a_large_body_no_more_than_a_mebibyte_is_taken(
    served: ServedConnection, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_module, "DISCARD_SECONDS", BOUND)
    size = 8 * DISCARD_BYTES

    def send() -> None:
        try:
            served.far.sendall(post(bytes(size)))
        except OSError:
            return  # the server closes in the middle of it

    sender = threading.Thread(target=send)
    sender.start()

    def test() -> None:
        body = streamed(served)
        body.discard()
        taken = size - body.remaining
        assert DISCARD_BYTES <= taken <= DISCARD_BYTES + _HEADROOM

    try:
        transport.call(test)
    finally:
        served.close()
        sender.join(BOUND)


def test_a_client_that_sends_nothing_is_waited_for_only_so_long(
    served: ServedConnection, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_module, "DISCARD_SECONDS", 0.05)

    def test() -> None:
        served.far.sendall(post(b"", length=5))
        body = streamed(served)
        body.discard()
        assert body.remaining == 5

    transport.call(test)


def test_a_client_that_drips_is_waited_for_only_so_long(
    served: ServedConnection, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_module, "DISCARD_SECONDS", 0.1)
    served.far.sendall(post(b"", length=1 << 30))
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.005):
            served.far.sendall(b"x")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        transport.call(lambda: streamed(served).discard())  # gives up by itself after BOUND
    finally:
        over.set()
        dripping.join(BOUND)


def test_a_client_that_left_is_no_error_while_discarding(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"abc", length=10))
        body = streamed(served)
        served.far.close()
        body.discard()
        body.discard()
        assert body.remaining == 7

    transport.call(test)


# Spooled


def test_a_chunked_body_is_received_whole_and_can_be_sent_again(
    served: ServedConnection, transport: Transport, spool_files: list[Any]
) -> None:
    def test() -> SpooledBody:
        served.far.sendall(post_chunked(b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-T: 1\r\n\r\n"))
        return spooled(served, max_body=11)

    body = transport.call(test)
    assert (body.length, body.remaining, body.state) == (11, 11, BodyState.REPLAYABLE)
    assert (body.fd, body.ready()) == (-1, True)
    assert (body.read(5), body.read(99)) == (b"hello", b" world")
    assert body.remaining == 0
    body.rewind()
    assert read_all(body) == b"hello world"
    body.discard()
    body.close()
    assert [file.closed for file in spool_files] == [True]


def test_an_empty_chunked_body_has_length_zero(
    served: ServedConnection, transport: Transport
) -> None:
    served.far.sendall(post_chunked(b"0\r\n\r\n") + GET_NEXT)

    def test() -> None:
        body = spooled(served)
        assert (body.length, body.remaining) == (0, 0)
        body.close()
        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)


def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_413(
    served: ServedConnection, transport: Transport, spool_files: list[Any]
) -> None:
    served.far.sendall(post_chunked(b"5\r\nhello\r\n0\r\n\r\n"))
    transport.call(lambda: spooled(served, max_body=5)).close()
    served.far.sendall(post_chunked(b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"))

    with pytest.raises(RequestError, match="larger than 5 bytes") as caught:
        transport.call(lambda: spooled(served, max_body=5))

    assert caught.value.status == 413
    assert [file.closed for file in spool_files] == [True, True]


def test_an_endless_chunked_body_is_given_up_at_the_limit(
    served: ServedConnection, transport: Transport
) -> None:
    served.far.sendall(post_chunked(b"10000\r\n" + bytes(0x10000) + b"\r\n"))

    with pytest.raises(RequestError, match="larger"):
        transport.call(lambda: spooled(served, max_body=1000))


def test_a_large_body_goes_to_a_temporary_file_and_a_small_one_does_not(
    served: ServedConnection, transport: Transport, spool_files: list[Any]
) -> None:
    size = SPOOL_IN_MEMORY + 1
    sender = threading.Thread(
        target=served.far.sendall,
        args=(post_chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size))),),
    )
    sender.start()
    large = transport.call(lambda: spooled(served))
    sender.join(BOUND)
    served.far.sendall(post_chunked(b"1\r\nx\r\n0\r\n\r\n"))
    small = transport.call(lambda: spooled(served))

    assert large.length == size
    assert small.length == 1
    assert [file._rolled for file in spool_files] == [True, False]
    assert read_all(large) == bytes(size)
    for body in (large, small):
        body.close()
    assert [file.closed for file in spool_files] == [True, True]


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nfoo\r\n0\r\n\r\n",
        b"-3\r\nfoo\r\n0\r\n\r\n",
        b"3\r\nfoobar\r\n0\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_malformed_chunks_are_the_client_s_fault_and_end_the_connection(
    served: ServedConnection, transport: Transport, spool_files: list[Any], chunks: bytes
) -> None:
    served.far.sendall(post_chunked(chunks) + GET_NEXT)

    with pytest.raises(ClientDisconnected):
        transport.call(lambda: spooled(served))

    assert [file.closed for file in spool_files] == [True]
    with pytest.raises(StopIteration):
        served.next_environ()


def test_a_chunked_body_that_breaks_off_is_no_body(
    served: ServedConnection, transport: Transport, spool_files: list[Any]
) -> None:
    served.far.sendall(post_chunked(b"3\r\nfoo\r\n"))
    served.far.close()

    with pytest.raises(ClientDisconnected):
        transport.call(lambda: spooled(served))
    assert [file.closed for file in spool_files] == [True]


def test_a_client_that_falls_silent_between_chunks_is_a_timeout(
    served: ServedConnection, transport: Transport, spool_files: list[Any]
) -> None:
    served.far.sendall(post_chunked(b"3\r\nfoo\r\n"))

    with pytest.raises(RequestTimeout):
        transport.call(lambda: spooled(served, timeout=0.02))
    assert [file.closed for file in spool_files] == [True]


def test_an_input_that_tells_its_end_is_spooled_without_a_socket() -> None:
    environ = server_environ(wsgi__input=io.BytesIO(b"hello"))

    body = spool_body(environ, None, timeout=1.0, max_body=0)

    assert (body.length, body.read(9)) == (5, b"hello")
    body.close()


# Buffered


def test_a_body_can_be_received_whole_before_it_is_sent(
    served: ServedConnection, transport: Transport, spool_files: list[Any]
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hel", length=5))
        body = streamed(served)
        served.far.sendall(b"lo" + GET_NEXT)

        copy = buffer_body(body)

        assert (body.remaining, copy.length) == (0, 5)
        assert read_all(copy) == b"hello"
        copy.close()
        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)
    assert [file.closed for file in spool_files] == [True]


def test_a_body_that_breaks_off_while_it_is_buffered_leaves_no_file(
    served: ServedConnection, transport: Transport, spool_files: list[Any]
) -> None:
    served.far.sendall(post(b"abc", length=5))
    served.far.close()

    with pytest.raises(ClientDisconnected):
        transport.call(lambda: buffer_body(streamed(served)))
    assert [file.closed for file in spool_files] == [True]


# Released after the answer


def test_releasing_a_body_takes_its_rest_and_closes_it(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello") + GET_NEXT)
        environ = served.next_environ()
        body = StreamedBody(environ, 5, client_of(environ), timeout=BOUND)

        release_body(environ, body)

        assert body.remaining == 0
        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)


def test_releasing_a_copy_frees_its_file() -> None:
    file = io.BytesIO(b"hello")

    release_body(server_environ(), SpooledBody(file, 5))

    assert file.closed


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"hello"),
        post(b""),
        b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 00\r\n\r\n",
        post_chunked(b"5\r\nhello\r\n0\r\n\r\n"),
        GET_NEXT,
    ],
    ids=["length", "empty", "zeros", "chunked", "none"],
)
def test_a_body_that_nobody_looked_at_is_taken_too(
    served: ServedConnection, transport: Transport, request_bytes: bytes
) -> None:
    def test() -> None:
        served.far.sendall(request_bytes + GET_NEXT)
        environ = served.next_environ()

        release_body(environ, None)

        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)


def test_where_nobody_knows_the_end_of_a_body_it_is_left_alone(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello"))
        environ = served.next_environ()
        environ["HTTP_TRANSFER_ENCODING"] = "gzip"

        release_body(environ, None)

        assert environ["wsgi.input"].read() == b"hello"

    transport.call(test)


def test_where_the_server_shows_no_socket_nothing_is_taken() -> None:
    source = io.BytesIO(b"hello")

    release_body(server_environ(body=b"hello", wsgi__input=source), None)

    assert source.tell() == 0
