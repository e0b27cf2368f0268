"""Forwarding: a request to a backend, its answer back, and who is to blame if not."""

import io
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.balancer.pools import Site
from tests.gateway.environs import changed, server_environ
from tests.gateway.gunicorn_server import ServedConnection, post
from tests.kit.backend import Backend, PeerEnd, Script
from tests.kit.gates import Gates, Wait
from tests.kit.script import ReadHead, ReadToEnd, Reply, Write, play
from tests.transports import BOUND, Transport
from wsgi_scgi.address import BackendURL, TCPAddress, UnixAddress, address_url
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.errors import (
    BackendTimeout,
    ConnectError,
    ConnectTimeout,
    DeadlineExceeded,
    RequestError,
    ResponseError,
)
from wsgi_scgi.gateway.body import BodyState, SpooledBody, StreamedBody
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Response
from wsgi_scgi.gateway.variables import VariableRules
from wsgi_scgi.proxy import forward
from wsgi_scgi.proxy.forward import Forwarder, ForwardRules
from wsgi_scgi.scgi.request_head import encode_request_head
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText
from wsgi_scgi.semantics.fields import FieldRules
from wsgi_scgi.semantics.path import PathInfo
from wsgi_scgi.semantics.target import parse_target
from wsgi_scgi.transport.exchange import Limits
from wsgi_scgi.transport.names import Resolver
from wsgi_scgi.transport.relay import BackendBody


def lone_balancer(url: BackendURL) -> Balancer:
    """Return a balancer whose one member is ``url``."""
    pool = Board([("lone", 1)], shared=False).pool("lone")
    with pool.lock:
        pool.enrol(MemberText(address_url(url.address)))
        pool.bump()
    return Balancer("lone", pool)


OK = b"Status: 200 Fine\nContent-Type: text/plain\nContent-Length: 2\n\nok"


class Bench:
    """A backend, a forwarder to it, and what the backend saw."""

    def __init__(self, transport: Transport, backend: Backend, port: int) -> None:
        self._transport = transport
        self.backend = backend
        self.gates = Gates()
        self.url = BackendURL(TCPAddress("127.0.0.1", port))
        self.variables = VariableRules()
        self.rules = ForwardRules()

    def plays(self, script: Script) -> None:
        self.backend.begin(script, gates=self.gates, bound=BOUND)

    def forward(self, request: Request) -> Response:
        forwarder = Forwarder(
            lone_balancer(self.url), self.variables, self.rules, resolver=Resolver()
        )
        return self._transport.call(lambda: forwarder(request))

    def answer(self, environ: dict[str, Any]) -> tuple[Response, bytes]:
        """Forward and read the whole body."""
        response = self.forward(Request(environ))
        if isinstance(response.body, bytes):
            return response, response.body
        pieces = response.body
        try:
            return response, self._transport.call(lambda: b"".join(pieces))
        finally:
            response.close()

    def refuses(self, environ: dict[str, Any], status: int, cause: str) -> RequestError:
        """Expect an error of the client before the backend is contacted."""
        with pytest.raises(RequestError, match=cause) as caught:
            self.forward(Request(environ))
        self.backend.settle()
        assert self.backend.connections == []
        assert caught.value.status == status
        return caught.value

    @property
    def seen(self) -> dict[str, str]:
        """The variables that the backend received."""
        self.backend.settle()
        connection = self.backend.connections[0]
        assert connection.wait_done(BOUND)
        request = connection.request
        assert request.violations == ()
        return {name: (request.get(name) or b"").decode("latin-1") for name in request.names}


@pytest.fixture
def bench(nothing_left_open: None, transport: Transport) -> Iterator[Bench]:
    del nothing_left_open
    with Backend() as backend:
        bench = Bench(transport, backend, backend.listen_tcp())
        bench.plays(Reply(OK))
        yield bench
        bench.gates.open_all()


def test_a_request_is_answered_with_status_reason_fields_and_body(bench: Bench) -> None:
    response, body = bench.answer(server_environ("/a?q"))

    assert (response.status, response.reason) == (200, "Fine")
    assert response.fields == [("Content-Type", "text/plain"), ("Content-Length", "2")]
    assert response.explicit_status
    assert body == b"ok"
    assert bench.seen["REQUEST_URI"] == "/a?q"
    assert bench.seen["CONTENT_LENGTH"] == "0"


def test_what_came_whole_is_handed_over_whole(bench: Bench) -> None:
    assert bench.forward(Request(server_environ("/"))).body == b"ok"


def test_what_does_not_come_at_once_is_streamed(bench: Bench) -> None:
    bench.plays(play(ReadHead(), Write(b"X: y\n\npart"), Wait("part"), Write(b" two")))

    response = bench.forward(Request(server_environ("/")))

    assert isinstance(response.body, BackendBody)
    bench.gates.open("part")
    assert b"".join(response.body) == b"part two"
    response.close()
    response.close()


def test_the_route_s_rules_make_the_variables(bench: Bench) -> None:
    bench.variables = VariableRules(base="/base", path_info=PathInfo.ON, configured={"A": "b"})

    bench.answer(server_environ("/x"))

    assert (bench.seen["PATH_INFO"], bench.seen["A"]) == ("/base/x", "b")


def test_the_request_remembers_what_the_backend_was_sent(bench: Bench) -> None:
    request = Request(server_environ("/x"))

    bench.forward(request)

    assert request.variables["SCRIPT_NAME"] == "/x"


def test_a_body_is_sent_with_its_length(bench: Bench) -> None:
    bench.answer(server_environ("/", method="POST", body=b"hello"))

    assert bench.seen["CONTENT_LENGTH"] == "5"
    assert bench.backend.connections[0].request.body == b"hello"


def test_a_body_of_unknown_length_gets_its_true_length(bench: Bench) -> None:
    environ = server_environ(
        "/",
        method="POST",
        HTTP_TRANSFER_ENCODING="chunked",
        wsgi__input=io.BytesIO(b"hello"),
        wsgi__input_terminated=True,
    )
    request = Request(environ)

    bench.forward(request)

    assert bench.seen["CONTENT_LENGTH"] == "5"
    assert "HTTP_TRANSFER_ENCODING" not in bench.seen
    assert isinstance(request.body, SpooledBody)
    request.body.close()


def test_a_body_may_be_received_whole_before_the_backend_is_contacted(
    bench: Bench, served: ServedConnection, transport: Transport
) -> None:
    bench.rules = ForwardRules(buffer_request=True)
    served.far.sendall(post(b"abc", length=10))
    request = Request(transport.call(served.next_environ))
    served.half_close()

    with pytest.raises(RequestError, match="before its declared length"):
        bench.forward(request)
    bench.backend.settle()
    assert bench.backend.connections == []


def test_a_buffered_body_can_be_sent_again(bench: Bench) -> None:
    bench.rules = ForwardRules(buffer_request=True)
    request = Request(server_environ("/", method="POST", body=b"hello"))

    bench.forward(request)

    assert request.body is not None
    assert request.body.state is BodyState.REPLAYABLE
    assert bench.backend.connections[0].request.body == b"hello"
    request.body.close()


def test_a_body_that_was_sent_is_gone(bench: Bench) -> None:
    request = Request(server_environ("/", method="POST", body=b"hello"))

    bench.forward(request)

    assert isinstance(request.body, StreamedBody)
    assert request.body.state is BodyState.GONE


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413_before_the_backend_is_contacted(
    bench: Bench, chunked: bool
) -> None:
    bench.rules = ForwardRules(max_body=4)
    environ = server_environ("/", method="POST", body=b"hello")
    if chunked:
        del environ["CONTENT_LENGTH"]
        environ.update({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True})

    bench.refuses(environ, 413, "larger than 4 bytes")


@pytest.mark.parametrize(
    ("changes", "status", "cause"),
    [
        ({"CONTENT_LENGTH": "5x"}, 400, "Content-Length"),
        ({"HTTP_TRANSFER_ENCODING": "gzip"}, 501, "not chunked"),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None}, 411, "needs"),
        ({"HTTP_MAX_FORWARDS": "0"}, 400, "Max-Forwards"),
        ({"HTTP_MAX_FORWARDS": "x"}, 400, "Max-Forwards"),
    ],
)
def test_a_malformed_request_never_reaches_the_backend(
    bench: Bench, changes: dict[str, Any], status: int, cause: str
) -> None:
    environ = changed(server_environ("/", method="POST", body=b"hello"), changes)

    bench.refuses(environ, status, cause)


def test_a_head_over_the_limit_is_431_and_the_client_reads_no_number(bench: Bench) -> None:
    bench.rules = ForwardRules(max_request_head=1024)

    error = bench.refuses(server_environ("/", HTTP_COOKIE="x" * 1024), 431, "of 1024")

    assert error.public == "The header fields are too large."


def test_what_was_sent_before_a_local_redirect_does_not_cost_the_request(bench: Bench) -> None:
    bench.rules = ForwardRules(max_request_head=1024)
    first = Request(server_environ("/a"))
    first.head = encode_request_head(0, {"LONG": "x" * 1024})

    bench.forward(first.redirected(parse_target("/b"), status=200))

    assert bench.seen["REDIRECT_URL"] == "/a"
    assert "REDIRECT_LONG" not in bench.seen


@pytest.mark.parametrize(("value", "cause"), [("a\0b", "a NUL"), ("\u20ac", "no byte")])
def test_a_value_that_would_forge_variables_is_400(bench: Bench, value: str, cause: str) -> None:
    error = bench.refuses(server_environ("/", HTTP_X=value), 400, cause)

    assert error.public == "The request is malformed."


def test_options_with_no_hop_left_is_answered_here(bench: Bench) -> None:
    environ = server_environ("/", method="OPTIONS", HTTP_MAX_FORWARDS="0")

    response = bench.forward(Request(environ))

    assert (response.status, response.body) == (200, b"")
    bench.backend.settle()
    assert bench.backend.connections == []


def test_a_hop_is_counted(bench: Bench) -> None:
    bench.answer(server_environ("/", HTTP_MAX_FORWARDS="5"))

    assert bench.seen["HTTP_MAX_FORWARDS"] == "4"


@pytest.mark.parametrize("status", [204, 304])
def test_where_no_content_is_allowed_none_is_passed_on(bench: Bench, status: int) -> None:
    bench.plays(Reply(b"Status: %d\nETag: x\nContent-Type: a/b\n\nnot allowed" % status))

    response, body = bench.answer(server_environ("/"))

    assert (response.status, response.fields, body) == (status, [("ETag", "x")], b"")


def test_head_keeps_the_length_and_drops_the_body(bench: Bench) -> None:
    response, body = bench.answer(server_environ("/", method="HEAD"))

    assert dict(response.fields)["Content-Length"] == "2"
    assert body == b""
    assert bench.seen["REQUEST_METHOD"] == "HEAD"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_body_that_nobody_wants_is_not_waited_for(bench: Bench, method: str) -> None:
    status = 200 if method == "HEAD" else 304
    bench.plays(play(ReadHead(), Write(b"Status: %d\nX: y\n\n" % status), ReadToEnd()))

    bench.answer(server_environ("/", method=method))

    assert bench.seen["REQUEST_METHOD"] == method
    assert bench.backend.connections[0].end is PeerEnd.EOF


def test_orders_to_a_step_of_the_route_are_set_apart(bench: Bench) -> None:
    bench.rules = ForwardRules(fields=FieldRules(control=frozenset({"x-send"})))
    bench.plays(Reply(b"X-Send: /a\nX-Sendfile: /b\nX-Other: c\n\n"))

    response, _ = bench.answer(server_environ("/"))

    assert response.control == {"x-send": "/a"}
    assert response.fields == [("X-Other", "c")]
    assert not response.explicit_status


def test_early_hints_are_passed_on_where_the_server_can(bench: Bench) -> None:
    bench.plays(
        Reply(b"Status: 103\nLink: </a>\nX: y\nLink: </b>\n\nStatus: 103\n\nStatus: 100\n\n" + OK)
    )
    hints: list[object] = []

    bench.answer({**server_environ("/"), "wsgi.early_hints": hints.append})

    assert hints == [[("Link", "</a>"), ("Link", "</b>")]]


def test_a_client_that_left_before_its_hints_is_noticed_elsewhere(bench: Bench) -> None:
    bench.plays(Reply(b"Status: 103\nLink: </a>\n\n" + OK))

    def send(fields: list[tuple[str, str]]) -> None:
        raise BrokenPipeError(f"{len(fields)} fields")

    assert bench.answer({**server_environ("/"), "wsgi.early_hints": send})[1] == b"ok"


def test_a_backend_that_is_away_is_a_connect_error(bench: Bench, tmp_path: Any) -> None:
    bench.url = BackendURL(UnixAddress(str(tmp_path / "absent")))

    with pytest.raises(ConnectError):
        bench.forward(Request(server_environ("/")))


def test_a_backend_that_answers_nonsense_is_a_response_error(bench: Bench) -> None:
    bench.plays(Reply(b"nonsense\n\n"))

    with pytest.raises(ResponseError):
        bench.forward(Request(server_environ("/")))


def test_a_silent_backend_is_a_timeout(bench: Bench) -> None:
    bench.rules = ForwardRules(limits=Limits(timeout=0.05))
    bench.plays(ReadToEnd())

    with pytest.raises(BackendTimeout):
        bench.forward(Request(server_environ("/")))


def test_the_deadline_includes_the_reception_of_the_body(bench: Bench) -> None:
    bench.rules = ForwardRules(deadline=0.1)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            time.sleep(0.2)
            return super().read(size)

    environ = server_environ(
        "/",
        method="POST",
        HTTP_TRANSFER_ENCODING="chunked",
        wsgi__input=Slow(b"hello"),
        wsgi__input_terminated=True,
    )
    request = Request(environ)

    with pytest.raises((BackendTimeout, ConnectError)) as caught:
        bench.forward(request)
    assert caught.value.status == 504
    assert request.body is not None
    request.body.close()


def test_an_exchange_that_is_broken_off_leaves_nothing_open(
    bench: Bench, transport: Transport
) -> None:
    bench.plays(ReadToEnd())
    forwarder = Forwarder(
        lone_balancer(bench.url), bench.variables, bench.rules, resolver=Resolver()
    )

    def received() -> bool:
        return any(connection.received for connection in bench.backend.connections)

    transport.interrupt(lambda: forwarder(Request(server_environ("/"))), ready=received)

    assert bench.seen["REQUEST_METHOD"] == "GET"
    assert bench.backend.connections[0].end is PeerEnd.EOF


def test_a_member_is_not_blamed_where_the_deadline_left_no_time_to_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site("", "")

    def too_slow(*_: object, timeout: float, **_others: object) -> None:
        time.sleep(timeout)
        raise ConnectTimeout(f"no connection in {timeout} seconds")

    monkeypatch.setattr(forward, "connect", too_slow)
    rules = ForwardRules(deadline=0.05)
    forwarder = Forwarder(site.balancer, VariableRules(), rules, resolver=Resolver())

    with pytest.raises(DeadlineExceeded) as caught:
        forwarder(Request(server_environ("/")))

    assert caught.value.status == 504
    assert (site.letters("a"), site.letters("b")) == ("", "")
