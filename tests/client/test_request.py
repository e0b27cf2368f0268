"""The client half alone: one request to an SCGI server from any Python program."""

import io
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import wsgi_scgi
from tests.kit.backend import Backend, PeerEnd, Script
from tests.kit.gates import Gates, Wait
from tests.kit.script import HalfClose, ReadHead, ReadToEnd, Reply, ReplyFrom, Write, play
from tests.transports import BOUND, Transport
from wsgi_scgi.address import parse_backend_url
from wsgi_scgi.client.request import Answer, Fields, request_variables

OK = b"Status: 200 Fine\nContent-Type: text/plain\nX-A: 1\nx-a: 2\n\nhello world"


class Server:
    """A scripted SCGI server and requests to it on one transport."""

    def __init__(self, transport: Transport, backend: Backend, port: int) -> None:
        self.transport = transport
        self.gates = Gates()
        self.url = f"scgi://127.0.0.1:{port}/"
        self._backend = backend

    def plays(self, script: Script) -> None:
        self._backend.begin(script, gates=self.gates, bound=BOUND)

    def ask(self, method: str = "GET", path: str = "/", **others: Any) -> Answer:
        return self.transport.call(
            lambda: wsgi_scgi.request(self.url, method, path, **{"timeout": BOUND, **others})
        )

    def read(self, answer: Answer, size: int = -1) -> bytes:
        return self.transport.call(lambda: answer.read(size))

    @property
    def seen(self) -> dict[str, str]:
        """The variables of the one request, which must be valid."""
        request = self.connection.request
        assert request.violations == ()
        return {name: (request.get(name) or b"").decode("latin-1") for name in request.names}

    @property
    def connection(self) -> Any:
        self._backend.settle()
        (connection,) = self._backend.connections
        assert connection.wait_done(BOUND)
        return connection

    @property
    def connections(self) -> int:
        self._backend.settle()
        return len(self._backend.connections)


@pytest.fixture
def server(nothing_left_open: None, transport: Transport) -> Iterator[Server]:
    del nothing_left_open
    with Backend() as backend:
        server = Server(transport, backend, backend.listen_tcp())
        server.plays(Reply(OK))
        yield server
        server.gates.open_all()


def test_an_answer_has_status_reason_headers_and_body(server: Server) -> None:
    answer = server.ask()

    assert (answer.status, answer.reason) == (200, "Fine")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers.get_all("X-A") == ["1", "2"]
    assert answer.raw_head == OK.removesuffix(b"hello world")
    assert server.read(answer) == b"hello world"
    assert server.read(answer) == b""
    answer.close()


def test_a_body_can_be_read_in_parts(server: Server) -> None:
    with server.ask() as answer:
        assert server.read(answer, 0) == b""
        assert server.read(answer, 5) == b"hello"
        assert server.read(answer, 3) == b" wo"
        assert server.read(answer, 100) == b"rld"
        assert server.read(answer, 5) == b""


def test_reading_in_parts_goes_over_the_pieces_of_the_backend(server: Server) -> None:
    server.plays(play(ReadHead(), Write(b"X: y\n\nab"), Wait("ab"), Write(b"cd")))

    with server.ask() as answer:
        assert server.read(answer, 1) == b"a"
        server.gates.open("ab")
        assert server.read(answer, 3) == b"bcd"
        assert server.read(answer) == b""


def test_a_body_can_be_iterated_over_and_no_piece_is_empty(server: Server) -> None:
    server.plays(play(ReadHead(), Write(b"X: y\n\n"), Wait("go"), Write(b"ab")))

    with server.ask() as answer:
        server.gates.open("go")
        assert server.transport.call(lambda: list(answer)) == [b"ab"]


def test_iterating_after_reading_goes_on_where_reading_stopped(server: Server) -> None:
    with server.ask() as answer:
        server.read(answer, 5)
        assert server.transport.call(lambda: b"".join(answer.body)) == b" world"


def test_a_request_has_the_variables_that_servers_need(server: Server) -> None:
    server.ask("GET", "/a/%20b?x=%20y").close()

    assert list(server.seen.items())[:5] == [
        ("CONTENT_LENGTH", "0"),
        ("SCGI", "1"),
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/a/%20b?x=%20y"),
        ("QUERY_STRING", "x=%20y"),
    ]
    assert (server.seen["SCRIPT_NAME"], server.seen["PATH_INFO"]) == ("", "/a/ b")
    assert server.seen["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert server.seen["HTTP_HOST"] == "localhost"


@pytest.mark.parametrize("headers", [{"Content-Type": "a/b"}, [("content-type", "a/b")]])
def test_a_body_of_bytes_is_sent_with_its_length_and_type(server: Server, headers: Fields) -> None:
    server.ask("POST", "/RPC2", body=b"hello", headers=headers).close()

    assert server.seen["CONTENT_LENGTH"] == "5"
    assert server.seen["CONTENT_TYPE"] == "a/b"
    assert server.connection.request.body == b"hello"


def test_a_file_is_sent_whole_wherever_it_stands(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"x" * 300_000)
    with path.open("rb") as file:
        file.seek(100)
        server.ask("PUT", "/", body=file).close()

    assert server.connection.request.body == b"x" * 300_000


def test_a_large_body_and_a_large_answer_do_not_wait_for_each_other(server: Server) -> None:
    size = 8 * 1024 * 1024
    server.plays(play(ReadHead(), Write(b"X: y\n\n" + b"a" * size), Reply(b"")))

    with server.ask("POST", body=bytes(size)) as answer:
        assert len(server.read(answer)) == size
    assert len(server.connection.request.body) == size


def test_head_and_answers_without_content_have_no_body(server: Server) -> None:
    server.plays(play(ReadHead(), Write(b"Content-Length: 5\n\n"), ReadToEnd()))
    with server.ask("HEAD") as answer:
        assert answer.headers["Content-Length"] == "5"
        assert answer.read() == b""
    assert server.connection.end is PeerEnd.EOF


@pytest.mark.parametrize("status", [204, 304])
def test_these_have_no_body_either(server: Server, status: int) -> None:
    server.plays(Reply(b"Status: %d\nX: y\n\ngarbage" % status))

    with server.ask() as answer:
        assert (answer.status, list(answer)) == (status, [])


def test_closing_early_drops_the_server_at_once(server: Server) -> None:
    server.plays(play(ReadHead(), Write(b"X: y\n\npart"), ReadToEnd()))

    answer = server.ask()
    answer.close()
    answer.close()

    assert server.connection.end in (PeerEnd.EOF, PeerEnd.RESET)


def test_interim_heads_are_part_of_the_raw_head_only(server: Server) -> None:
    server.plays(Reply(b"Status: 103\nLink: </a>\n\nStatus: 201\nX: y\n\n"))

    with server.ask() as answer:
        assert (answer.status, answer.headers.keys()) == (201, ["X"])
        assert answer.raw_head.startswith(b"Status: 103\n")


def test_an_xml_rpc_call_comes_back(server: Server) -> None:
    import xmlrpc.client

    call = xmlrpc.client.dumps(("x",), "echo").encode()
    server.plays(ReplyFrom(lambda request: b"Content-Type: text/xml\n\n" + request.body))

    with server.ask("POST", "/RPC2", body=call, headers={"Content-Type": "text/xml"}) as answer:
        assert xmlrpc.client.loads(server.read(answer)) == (("x",), "echo")


# Failures


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"path": "no-slash"}, "neither a path"),
        ({"path": "/a b"}, "character that no URI has"),
        ({"path": "/%zz"}, "starts no escape"),
        ({"path": "/%00"}, "control character"),
        ({"headers": {"X": "a\0b"}}, "a NUL"),
        ({"headers": {"X": "\u20ac"}}, "no byte"),
        ({"variables": {"": "x"}}, "an empty name"),
        ({"variables": {"SCGI": "2"}}, "SCGI"),
        ({"headers": {"X": "x" * 70_000}}, "of 65536"),
    ],
)
def test_what_cannot_be_sent_is_a_request_error_and_nothing_is_sent(
    server: Server, arguments: dict[str, Any], cause: str
) -> None:
    with pytest.raises(wsgi_scgi.RequestError, match=cause):
        server.ask(**arguments)
    assert server.connections == 0


def test_a_url_that_is_none_is_an_address_error() -> None:
    with pytest.raises(wsgi_scgi.ConfigurationError, match="is not a backend URL"):
        wsgi_scgi.request("http://localhost/")


def test_a_server_that_is_away_is_a_connect_error(transport: Transport, tmp_path: Path) -> None:
    url = f"scgi+unix://{tmp_path}/absent"

    with pytest.raises(wsgi_scgi.ConnectError, match="is the backend running"):
        transport.call(lambda: wsgi_scgi.request(url))


def test_a_silent_server_is_a_timeout(server: Server) -> None:
    server.plays(ReadToEnd())

    with pytest.raises(wsgi_scgi.BackendTimeout, match=r"silent for 0\.05 seconds"):
        server.ask(timeout=0.05)


def test_a_server_that_talks_nonsense_is_a_response_error(server: Server) -> None:
    server.plays(Reply(b"nonsense\n"))

    with pytest.raises(wsgi_scgi.ResponseError, match="is invalid"):
        server.ask()


@pytest.mark.parametrize("size", [-1, 5])
def test_a_server_that_breaks_off_raises_while_reading(server: Server, size: int) -> None:
    server.plays(play(ReadHead(), Write(b"Content-Length: 10\n\nhel"), HalfClose()))

    with server.ask() as answer, pytest.raises(wsgi_scgi.TruncatedResponse, match="7 bytes"):
        server.read(answer, size)


def test_a_request_that_is_broken_off_leaves_nothing_open(server: Server) -> None:
    server.plays(ReadToEnd())

    def received() -> bool:
        return any(connection.received for connection in server._backend.connections)

    server.transport.interrupt(lambda: wsgi_scgi.request(server.url), ready=received)

    assert server.connection.end is PeerEnd.EOF


# Variables


def variables(
    path: str = "/",
    *,
    url: str = "scgi://h/",
    headers: Fields = (),
    variables: Mapping[str, str] | None = None,
) -> dict[str, str]:
    return request_variables(
        parse_backend_url(url), "GET", path, headers=headers, variables=variables
    )


@pytest.mark.parametrize(
    ("url", "path", "path_info"),
    [
        ("scgi://h/", "/x", "/x"),
        ("scgi://h", "/", "/"),
        ("scgi://h/base/", "/x", "/base/x"),
        ("scgi://h/base", "/x?y", "/base/x"),
        ("scgi+unix:///s", "/caf%C3%A9", "/caf\xc3\xa9"),
    ],
)
def test_path_info_lies_below_the_base_path_of_the_url(url: str, path: str, path_info: str) -> None:
    assert variables(path, url=url)["PATH_INFO"] == path_info


def test_headers_become_variables_and_repeated_ones_are_joined() -> None:
    headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1"), ("Cookie", "b=2"), ("Host", "h:1")]
    headers += [("Content-Length", "99"), ("Content-Type", "a/b"), ("Accept", "")]

    block = variables(headers=headers)

    assert block["HTTP_X_A"] == "1, 2"
    assert block["HTTP_COOKIE"] == "a=1; b=2"
    assert block["HTTP_HOST"] == "h:1"
    assert block["CONTENT_TYPE"] == "a/b"
    assert block["HTTP_ACCEPT"] == ""
    assert "CONTENT_LENGTH" not in block
    assert "HTTP_CONTENT_LENGTH" not in block


def test_variables_are_added_last_and_win() -> None:
    block = variables(variables={"REMOTE_USER": "bob", "PATH_INFO": "/other"})

    assert (block["REMOTE_USER"], block["PATH_INFO"]) == ("bob", "/other")
    assert list(block)[-1] == "REMOTE_USER"


def test_the_client_works_where_gevent_is_not_loaded(tmp_path: Path) -> None:
    program = f"""
        import sys
        from wsgi_scgi import ConnectError, request
        assert "gevent" not in sys.modules, "importing the client imports gevent"
        try:
            request("scgi+unix://{tmp_path}/absent")
        except ConnectError as error:
            print("fine" if "is the backend running" in str(error) else error)
        assert "gevent" not in sys.modules
    """
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=BOUND * 2,
        check=False,
    )

    assert (run.stdout, run.stderr) == ("fine\n", "")


def test_an_answer_is_shown_without_its_body(server: Server) -> None:
    with server.ask() as answer:
        assert "hello" not in repr(answer)
        assert isinstance(answer.body.read(), bytes)
        assert io.BytesIO(answer.raw_head).readline() == b"Status: 200 Fine\n"
