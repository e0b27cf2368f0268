"""Reading wsgi.input: bounded, without over-waiting, and never beyond the body."""

import io
import socket
import ssl
import sys
from typing import Any

import gevent
import pytest
from gunicorn.http.body import Body, ChunkedReader, EOFReader, LengthReader
from gunicorn.http.unreader import IterUnreader, SocketUnreader

from tests.gateway.gunicorn_server import GET_NEXT, ServedConnection, post, post_chunked
from tests.transports import Transport
from wsgi_scgi.errors import ClientDisconnected, RequestTimeout
from wsgi_scgi.gateway.client import Client
from wsgi_scgi.gateway.server_input import GunicornInput, bounded_read, read_some


def of(served: ServedConnection) -> GunicornInput:
    gunicorn_input = GunicornInput.of(served.next_environ()["wsgi.input"])
    assert gunicorn_input is not None
    return gunicorn_input


def test_read1_is_preferred_since_it_gives_what_has_arrived() -> None:
    class WithRead1(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError(f"read waits for all {size} bytes")

    assert read_some(WithRead1(b"abc"))(9) == b"abc"


def test_an_input_without_read1_is_read_plainly() -> None:
    class PlainInput:
        def read(self, size: int) -> bytes:
            return b"x" * size

    assert read_some(PlainInput())(3) == b"xxx"


def test_without_a_client_a_read_is_just_a_read() -> None:
    assert bounded_read(io.BytesIO(b"hello").read, 3, None, 0.001) == b"hel"


def test_a_client_that_is_silent_is_a_request_timeout(
    served: ServedConnection, transport: Transport
) -> None:
    def read() -> None:
        bounded_read(served.near.recv, 10, Client(served.near), 0.02)

    with pytest.raises(RequestTimeout, match=r"silent for 0\.02 seconds"):
        transport.call(read)
    assert served.near.gettimeout() is None


def test_whatever_else_a_parser_raises_is_a_client_that_broke_off() -> None:
    def read(size: int) -> bytes:
        raise ValueError(f"bad chunk of {size}")

    with pytest.raises(ClientDisconnected, match="ValueError: bad chunk of 5") as caught:
        bounded_read(read, 5, None, 1.0)
    assert caught.value.public == "The body could not be read."


@pytest.mark.parametrize("exception", [gevent.GreenletExit, KeyboardInterrupt, gevent.Timeout])
def test_what_ends_the_greenlet_or_the_process_passes(exception: type[BaseException]) -> None:
    def read(size: int) -> bytes:
        raise exception(size)

    with pytest.raises(exception):
        bounded_read(read, 5, None, 1.0)


def test_only_gunicorn_s_bodies_of_known_length_are_read_in_this_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unreader = IterUnreader([b"hello"])
    body = Body(LengthReader(unreader, 5))

    class Wrapped(Body):
        pass

    assert GunicornInput.of(body) is not None
    assert GunicornInput.of(Wrapped(LengthReader(unreader, 5))) is None
    assert GunicornInput.of(Body(EOFReader(unreader))) is None
    unknown: Any = object()
    assert GunicornInput.of(Body(LengthReader(unknown, 5))) is None
    assert GunicornInput.of(io.BytesIO()) is None
    monkeypatch.delitem(sys.modules, "gunicorn.http.body")
    assert GunicornInput.of(body) is None


def test_a_chunked_body_is_not_read_in_this_way(
    served: ServedConnection, transport: Transport
) -> None:
    served.far.sendall(post_chunked(b"5\r\nhello\r\n0\r\n\r\n"))
    body = transport.call(served.next_environ)["wsgi.input"]

    assert isinstance(body.reader, ChunkedReader)
    assert GunicornInput.of(body) is None


def test_pieces_are_returned_as_they_arrive(served: ServedConnection, transport: Transport) -> None:
    def test() -> None:
        served.far.sendall(post(b"", length=11))
        body = of(served)
        assert not body.has_data()

        served.far.sendall(b"hello")
        assert body.read(65536) == b"hello"
        assert not body.has_data()

        served.far.sendall(b" world")
        assert body.read(65536) == b" world"

    transport.call(test)


def test_what_came_with_the_head_is_there_at_once(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello"))
        body = of(served)

        assert body.has_data()
        assert body.read(3) == b"hel"
        assert body.has_data()
        assert body.read(3) == b"lo"
        assert not body.has_data()

    transport.call(test)


def test_a_pipelined_request_is_not_eaten(served: ServedConnection, transport: Transport) -> None:
    def test() -> None:
        served.far.sendall(post(b"hello") + GET_NEXT)
        body = of(served)

        assert body.read(5) == b"hello"
        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)


def test_a_pipelined_request_that_arrives_with_the_last_piece_is_not_eaten(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"", length=5))
        body = of(served)
        served.far.sendall(b"hello" + GET_NEXT)

        assert body.read(5) == b"hello"
        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)


@pytest.mark.parametrize("ahead", [1, 3, 5, 8])
def test_what_a_middleware_has_looked_at_is_not_lost(
    served: ServedConnection, transport: Transport, ahead: int
) -> None:
    def test() -> None:
        served.far.sendall(post(b"he\nlo world\n"))
        environ = served.next_environ()
        looked = environ["wsgi.input"].readline(ahead)
        body = GunicornInput.of(environ["wsgi.input"])
        assert body is not None

        collected = looked
        while len(collected) < 12:
            assert body.has_data()
            data = body.read(12 - len(collected))
            assert data
            collected += data
        assert collected == b"he\nlo world\n"
        assert not body.has_data()

    transport.call(test)


def test_the_end_of_the_connection_is_an_empty_read(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"abc", length=10))
        body = of(served)
        served.far.close()

        assert body.read(10) == b"abc"
        assert body.read(7) == b""
        assert body.read(7) == b""

    transport.call(test)


def test_after_a_timeout_not_a_byte_is_missing(
    served: ServedConnection, transport: Transport
) -> None:
    def test() -> None:
        served.far.sendall(post(b"", length=5))
        body = of(served)
        with pytest.raises(RequestTimeout):
            bounded_read(body.read, 5, Client(served.near), 0.02)
        served.far.sendall(b"hello" + GET_NEXT)

        assert body.read(5) == b"hello"
        assert served.next_environ()["PATH_INFO"] == "/next"

    transport.call(test)


# The socket itself


def test_the_socket_is_shown_where_it_gives_all_and_never_waits(
    served: ServedConnection, transport: Transport
) -> None:
    served.far.sendall(post(b"hello"))
    body = transport.call(served.next_environ)["wsgi.input"]
    known = GunicornInput.of(body)
    assert known is not None

    # gunicorn's gevent worker has non-blocking sockets, its sync worker has not.
    expected = served.near.fileno() if transport is Transport.COOPERATIVE else -1
    assert known.descriptor() == expected
    served.near.close()
    assert known.descriptor() == -1


class Replaying:
    """A server's stand-in for a socket that gives first what it has read before."""

    plain_socket: socket.socket | None

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.mark.parametrize("kind", ["replayed", "TLS", "none"])
def test_no_socket_is_shown_where_it_would_give_something_else(kind: str) -> None:
    near, far = socket.socketpair()
    far.setblocking(False)
    unreader: Any = SocketUnreader(far)
    if kind == "replayed":
        unreader.sock = Replaying(far)
    elif kind == "TLS":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        far = unreader.sock = context.wrap_socket(far, do_handshake_on_connect=False)
    else:
        unreader = IterUnreader([b"hello"])
    known = GunicornInput.of(Body(LengthReader(unreader, 5)))
    assert known is not None

    with near, far:
        assert known.descriptor() == -1


def test_a_stand_in_may_show_the_socket_once_it_holds_nothing_more() -> None:
    near, far = socket.socketpair()
    far.setblocking(False)
    unreader: Any = SocketUnreader(far)
    unreader.sock = stand_in = Replaying(far)
    known = GunicornInput.of(Body(LengthReader(unreader, 5)))
    assert known is not None

    with near, far:
        stand_in.plain_socket = None
        assert known.descriptor() == -1
        stand_in.plain_socket = far
        assert known.descriptor() == far.fileno()


def test_what_was_received_from_the_socket_itself_is_accounted_for(
    served: ServedConnection, transport: Transport
) -> None:
    served.far.sendall(post(b"", length=5))
    environ = transport.call(served.next_environ)
    known = GunicornInput.of(environ["wsgi.input"])
    assert known is not None
    served.far.sendall(b"hello" + GET_NEXT)

    assert transport.call(lambda: served.near.recv(5)) == b"hello"
    known.account(5)

    assert transport.call(lambda: environ["wsgi.input"].read(100)) == b""
    assert transport.call(served.next_environ)["PATH_INFO"] == "/next"
