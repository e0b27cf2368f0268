"""The WSGI edge: failures become pages and log lines, and everything is released."""

import io
import logging
import os
import re
import socket
import warnings
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import gevent
import pytest

from tests.gateway.environs import changed, server_environ
from tests.gateway.gunicorn_server import GET_NEXT, ServedConnection, post, post_chunked
from tests.integration.backends.browser import webtest
from tests.transports import BOUND, Transport
from tests.twins import both
from wsgi_scgi import errors
from wsgi_scgi.edge import Edge
from wsgi_scgi.files.body import FileBody
from wsgi_scgi.files.opened import FileFacts, OpenedFile
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Foreign, Handler, Outcome, Response
from wsgi_scgi.semantics.ranges import ByteRange

SECRET = "/run/secret.sock at 10.0.0.1"


class Answer:
    """What a server hears from an application."""

    def __init__(self) -> None:
        self.status = ""
        self.fields: list[tuple[str, str]] = []
        self.written: list[bytes] = []

    def start(
        self, status: str, fields: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        assert exc_info is None
        self.status, self.fields = status, fields
        return self.written.append


def ask(application: Any, environ: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    """Call an application as a server does."""
    answer = Answer()
    pieces = application(environ, answer.start)
    try:
        body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return answer.status, dict(answer.fields), body


class Pieces:
    """A body that notes how it is used."""

    def __init__(self, *pieces: bytes | BaseException) -> None:
        self._pieces = iter(pieces)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def close(self) -> None:
        self.closed += 1


def answering(outcome: Outcome) -> Edge:
    def handle(request: Request) -> Outcome:
        del request
        return outcome

    return Edge(handle)


def failing(error: BaseException, *, route: str = "") -> Edge:
    def handle(request: Request) -> Outcome:
        request.route = route
        raise error

    return Edge(handle)


def response(body: bytes | Pieces | FileBody = b"hello", **fields: str) -> Response:
    named = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Response(200, "OK", [("Content-Type", "text/plain"), *named], body)


# Answers


def test_status_reason_and_fields_reach_the_server_as_they_are() -> None:
    fields = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    answer = Answer()

    result = answering(Response(299, "Own words", fields, b"x"))(server_environ(), answer.start)

    assert list(result) == [b"x"]
    assert (answer.status, answer.fields) == ("299 Own words", fields)


def test_pieces_are_passed_on_one_by_one() -> None:
    body = Pieces(b"one", b"", b"two")
    result: Any = answering(response(body))(server_environ(), Answer().start)

    assert list(result) == [b"one", b"", b"two"]
    assert body.closed == 0
    result.close()
    result.close()
    assert body.closed >= 1


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_is_sent_as_the_server_prefers_and_closed(tmp_path: Path, wrapped: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello")
    file = OpenedFile(os.open(path, os.O_RDONLY), FileFacts(b"file", 5, 0, 0))
    body = FileBody(file, [ByteRange(0, 4)])
    environ = server_environ(wsgi__file_wrapper=FileWrapper if wrapped else None)

    assert ask(answering(response(body, Content_Length="5")), environ)[2] == b"hello"
    assert file.fd == -1


def test_an_empty_body_is_no_piece_at_all() -> None:
    assert ask(answering(response(b"")), server_environ())[2] == b""
    assert list(answering(response(b""))(server_environ(), Answer().start)) == []


def test_a_foreign_answer_is_called_with_the_client_s_own_environ() -> None:
    environ = server_environ()
    result = [b"from elsewhere"]
    seen: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ)
        start_response("200 OK", [("X-A", "1")])
        return result

    answer = Answer()
    returned = answering(Foreign(application, environ))(environ, answer.start)

    assert returned is result  # wsgi.file_wrapper goes by identity
    assert seen[0] is environ
    assert (answer.status, answer.fields) == ("200 OK", [("X-A", "1")])


@pytest.mark.parametrize(
    ("kept", "expected"), [((404, "Not Here"), "404 Not Here"), (None, "200 OK")]
)
def test_a_foreign_answer_may_be_merged_into_what_redirected_to_it(
    kept: tuple[int, str] | None, expected: str
) -> None:
    environ = server_environ()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        del environ
        start_response("200 OK", [("Content-Type", "text/html")])
        return []

    foreign = Foreign(application, environ, [("Set-Cookie", "a=1")], kept)
    status, fields, _ = ask(answering(foreign), environ)

    assert status == expected
    assert fields == {"Set-Cookie": "a=1", "Content-Type": "text/html"}


@pytest.mark.parametrize(
    "changes",
    [
        {"RAW_URI": "*"},
        {"RAW_URI": None, "REQUEST_URI": "*"},
        {"RAW_URI": None, "PATH_INFO": "*"},
    ],
)
def test_options_about_the_server_itself_is_answered_here(changes: dict[str, Any]) -> None:
    environ = changed(server_environ(method="OPTIONS"), changes)

    status, fields, body = ask(failing(AssertionError("not asked")), environ)

    assert status == "200 OK"
    assert "GET" in fields["Allow"]
    assert body == b""


def test_options_about_a_resource_is_for_the_backend() -> None:
    environ = server_environ("/x", method="OPTIONS")

    assert ask(answering(response()), environ)[2] == b"hello"


# Failures


_FAILURES: list[tuple[errors.GatewayError, int]] = [
    (errors.RequestError("the Host is missing"), 400),
    (errors.RequestError("too large", status=HTTPStatus(413)), 413),
    (errors.RequestError("no CONNECT", status=HTTPStatus(405)), 405),
    (errors.ClientDisconnected("it left"), 400),
    (errors.RequestTimeout("it was silent"), 408),
    (errors.BackendError(SECRET), 502),
    (errors.ConnectError(SECRET), 503),
    (errors.ConnectTimeout(SECRET), 504),
    (errors.ResolveError(SECRET), 502),
    (errors.BackendTimeout(SECRET), 504),
    (errors.ResponseError(SECRET), 502),
    (errors.GatewayError(SECRET), 500),
]


@pytest.mark.parametrize(("error", "status"), _FAILURES)
@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/html", "text/html; charset=utf-8"),
        ("application/json", "application/json"),
        ("text/plain", "text/plain; charset=utf-8"),
        (None, "text/html; charset=utf-8"),
    ],
)
def test_every_failure_is_a_page_that_names_the_route_and_not_the_cause(
    error: errors.GatewayError, status: int, accept: str | None, content_type: str
) -> None:
    environ = changed(server_environ(), {"HTTP_ACCEPT": accept})

    line, fields, body = ask(failing(error, route="/app/"), environ)

    assert line == f"{status} {HTTPStatus(status).phrase}"
    assert fields["Content-Type"] == content_type
    assert fields["Content-Length"] == str(len(body))
    assert b"/app/" in body
    assert fields["X-Request-ID"].encode() in body
    assert error.public.encode() in body
    assert SECRET.encode() not in body
    assert not any(SECRET in value for value in fields.values())
    assert ("Allow" in fields) == (status == 405)


@pytest.mark.parametrize(("error", "status"), _FAILURES)
def test_every_failure_is_a_log_line_with_the_whole_cause(
    error: errors.GatewayError, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "wsgi_scgi"):
        _, fields, _ = ask(failing(error, route="/app/"), server_environ("/app/x?y"))

    (record,) = caplog.records
    assert record.getMessage() == (
        f"GET /app/x?y: {status} (route /app/, request {fields['X-Request-ID']}): {error}"
    )
    assert record.levelno == (logging.ERROR if status >= 500 else logging.INFO)


def test_a_request_that_is_none_fails_without_a_route(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "wsgi_scgi"):
        status, _, _ = ask(answering(response()), server_environ(HTTP_HOST="a b"))

    assert status == "400 Bad Request"
    assert "(route -," in caplog.text


def test_each_failure_has_another_id() -> None:
    edge = failing(errors.ConnectError("x"))

    ids = {ask(edge, server_environ())[1]["X-Request-ID"] for _ in range(20)}

    assert len(ids) == 20


def test_the_id_of_a_trusted_proxy_is_kept() -> None:
    def handle(request: Request) -> Outcome:
        request.request_id = "from-the-proxy"
        raise errors.ConnectError("x")

    assert ask(Edge(handle), server_environ())[1]["X-Request-ID"] == "from-the-proxy"


def test_a_failure_of_head_has_the_fields_and_no_body() -> None:
    get = ask(failing(errors.ConnectError("x")), server_environ())
    head = ask(failing(errors.ConnectError("x")), server_environ(method="HEAD"))

    assert head[2] == b""
    assert (head[0], head[1]["Content-Length"]) == (get[0], get[1]["Content-Length"])


@pytest.mark.parametrize(
    "changes",
    [
        {"RAW_URI": "/a\n2026-01-01 ERROR forged"},
        {"RAW_URI": "/a\r\x1b[2Jforged"},
        {"RAW_URI": None, "REQUEST_URI": "/a\x85\u2028forged"},
        {"RAW_URI": None, "PATH_INFO": "/a\nforged"},
        {"REQUEST_METHOD": "GET\nforged"},
    ],
)
def test_no_request_can_forge_a_line_of_the_log(
    changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "wsgi_scgi"):
        ask(failing(errors.ConnectError("x")), changed(server_environ(), changes))

    (record,) = caplog.records
    message = record.getMessage()
    assert "forged" in message
    assert re.fullmatch("[\x20-\x7e]+", message)


@pytest.mark.parametrize("error", [KeyError("bug"), KeyboardInterrupt(), SystemExit(1)])
def test_what_is_no_failure_of_ours_passes(error: BaseException) -> None:
    with pytest.raises(type(error)):
        failing(error)(server_environ(), Answer().start)


# Release


def _spooling(outcome: Outcome | BaseException, files: list[Any]) -> Handler:
    """Return a handler that spools the request's body and notes the file."""

    def handle(request: Request) -> Outcome:
        request.open_body(timeout=1.0, max_body=0)
        assert request.body is not None
        files.append(request.body._file)  # type: ignore[attr-defined]  # nothing else shows it
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return handle


def _chunked(protocol: str = "HTTP/1.1") -> dict[str, Any]:
    return server_environ(
        method="POST",
        protocol=protocol,
        HTTP_TRANSFER_ENCODING="chunked",
        wsgi__input=io.BytesIO(b"hello"),
        wsgi__input_terminated=True,
    )


@pytest.mark.parametrize(
    "outcome",
    [
        response(b"whole"),
        response(b""),
        errors.ConnectError("away"),
        Foreign(lambda _environ, _start_response: [], {}),
    ],
)
@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/2"])
def test_a_spooled_body_is_freed_however_the_request_ends(
    outcome: Outcome | BaseException, protocol: str
) -> None:
    files: list[Any] = []
    environ = _chunked(protocol)
    if protocol == "HTTP/2":
        del environ["HTTP_TRANSFER_ENCODING"]

    ask(Edge(_spooling(outcome, files)), environ)

    assert [file.closed for file in files] == [True]


@pytest.mark.parametrize("error", [KeyError("bug"), KeyboardInterrupt()])
def test_a_spooled_body_is_freed_when_the_handler_breaks(error: BaseException) -> None:
    files: list[Any] = []

    with pytest.raises(type(error)):
        Edge(_spooling(error, files))(_chunked(), Answer().start)
    assert [file.closed for file in files] == [True]


def test_both_bodies_are_released_when_start_response_raises() -> None:
    files: list[Any] = []
    body = Pieces(b"never")

    def start_response(*args: object) -> Any:
        raise AssertionError(args)

    with pytest.raises(AssertionError):
        Edge(_spooling(response(body), files))(_chunked(), start_response)
    assert body.closed == 1
    assert [file.closed for file in files] == [True]


def test_both_bodies_are_released_when_the_iteration_raises() -> None:
    files: list[Any] = []
    body = Pieces(b"one", errors.TruncatedResponse("cut"))

    with pytest.raises(errors.TruncatedResponse):
        ask(Edge(_spooling(response(body), files)), _chunked())
    assert body.closed >= 1
    assert [file.closed for file in files] == [True]


@pytest.mark.parametrize(
    "request_bytes", [post(b"hello"), post_chunked(b"5\r\nhello\r\n0\r\n\r\n")]
)
@pytest.mark.parametrize("read", [True, False])
def test_what_is_unread_of_the_body_is_taken_after_the_answer(
    served: ServedConnection, transport: Transport, request_bytes: bytes, read: bool
) -> None:
    def handle(request: Request) -> Outcome:
        if read:
            request.open_body(timeout=1.0, max_body=0)
        raise errors.ConnectError("away")

    def test() -> str:
        served.far.sendall(request_bytes + GET_NEXT)
        status, _, _ = ask(Edge(handle), served.next_environ())
        assert served.next_environ()["PATH_INFO"] == "/next"
        return status

    assert transport.call(test) == "503 Service Unavailable"


# Cuts


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (errors.TruncatedResponse("the backend broke off"), logging.ERROR),
        (errors.BackendTimeout("the backend stalled"), logging.ERROR),
        (errors.ClientDisconnected("the client left"), logging.INFO),
    ],
)
def test_a_failure_behind_the_head_raises_and_is_logged(
    error: errors.GatewayError, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    edge = answering(response(Pieces(b"one", error)))

    with caplog.at_level(logging.INFO, "wsgi_scgi"), pytest.raises(type(error)):
        ask(edge, server_environ("/a"))

    (record,) = caplog.records
    assert record.levelno == level
    assert record.getMessage() == f"GET /a: response cut: {error}"


@pytest.mark.parametrize(
    ("protocol", "framed", "is_reset"),
    [
        ("HTTP/1.0", False, True),
        ("HTTP/1.0", True, False),
        ("HTTP/1.1", False, False),
        ("HTTP/1.1", True, False),
    ],
)
def test_where_the_end_of_the_connection_would_look_like_success_it_is_reset(
    protocol: str, framed: bool, is_reset: bool
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as far,
        listener.accept()[0] as near,
    ):
        far.settimeout(30)
        environ = server_environ("/", protocol=protocol, gunicorn__socket=near)
        fields = {"Content_Length": "10"} if framed else {}
        body = Pieces(b"one", errors.TruncatedResponse("cut"))

        with pytest.raises(errors.TruncatedResponse):
            ask(answering(response(body, **fields)), environ)

        if is_reset:
            with pytest.raises(ConnectionResetError):
                far.recv(1)
        else:
            # The server below closes it, which is enough where the framing shows the cut.
            assert near.fileno() >= 0


def test_a_cut_without_a_client_to_reset_is_just_a_cut() -> None:
    body = Pieces(errors.TruncatedResponse("cut"))

    with pytest.raises(errors.TruncatedResponse):
        ask(answering(response(body)), server_environ(protocol="HTTP/1.0"))


# What other people check


_CHECKED: list[tuple[Outcome | errors.GatewayError, dict[str, Any]]] = [
    (response(), {}),
    (response(b""), {}),
    (response(Content_Length="5"), {}),
    (response(b"", Content_Length="5"), {"method": "HEAD"}),
    (Response(302, "Found", [("Content-Type", "text/html"), ("Location", "/x")], b"x"), {}),
    (Response(204, "No Content", [("ETag", '"x"')], b""), {}),
    (Response(304, "Not Modified", [("ETag", '"x"')], b""), {}),
    (errors.ConnectError("away"), {}),
    (errors.ConnectError("away"), {"method": "HEAD"}),
    (errors.RequestError("bad", status=HTTPStatus(405)), {"method": "POST", "body": b"hello"}),
]


@pytest.mark.parametrize("checker", [validator, webtest.lint.middleware])
@pytest.mark.parametrize(("outcome", "request_parts"), _CHECKED)
def test_the_validators_of_other_people_find_no_fault(
    checker: Callable[[Any], Any],
    outcome: Outcome | errors.GatewayError,
    request_parts: dict[str, Any],
) -> None:
    edge = failing(outcome) if isinstance(outcome, errors.GatewayError) else answering(outcome)
    environ = server_environ(**request_parts)
    # wsgiref asks every input for what only some have.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        status, _, _ = ask(checker(edge), environ)

    assert status


@pytest.mark.parametrize("checker", [validator, webtest.lint.middleware])
def test_a_streamed_answer_passes_the_validators_too(checker: Callable[[Any], Any]) -> None:
    body = Pieces(b"", b"one", b"two")

    assert ask(checker(answering(response(body))), server_environ())[2] == b"onetwo"
    assert body.closed >= 1


def test_options_about_the_server_passes_the_lint_that_knows_empty_bodies() -> None:
    # wsgiref.validate wants a Content-Type even where there is no content; RFC 9110 does not.
    environ = server_environ("/", method="OPTIONS", REQUEST_URI="*", RAW_URI=None)

    assert ask(webtest.lint.middleware(answering(response())), environ)[0] == "200 OK"


def steps_of_two(**keys: object) -> list[str]:
    """Return the steps of two requests that come in the same turn of gevent's loop."""
    log: list[str] = []

    def handler(request: Request) -> Response:
        log.append(f"{request.method} handled")
        return response()

    edge = Edge(handler)

    def serve(method: str) -> None:
        def start_response(*_: object) -> Callable[[bytes], object]:
            log.append(f"{method} answered")
            return Answer().written.append

        log.append(f"{method} read")
        edge({**server_environ(method=method), **keys}, start_response)

    greenlets = [gevent.spawn(serve, method) for method in ("GET", "HEAD")]
    assert len(gevent.joinall(greenlets, timeout=BOUND, raise_error=True)) == 2
    return log


def test_requests_of_one_turn_take_each_step_behind_each_other() -> None:
    both("line_up")
    steps = "GET read, HEAD read, GET handled, HEAD handled, GET answered, HEAD answered"
    assert ", ".join(steps_of_two()) == steps


def test_in_a_lean_server_each_request_takes_its_steps_alone() -> None:
    steps = "GET read, GET handled, GET answered, HEAD read, HEAD handled, HEAD answered"
    assert ", ".join(steps_of_two(**{"wsgi_scgi.is_lean": True})) == steps


def test_a_request_that_is_killed_before_it_is_answered_releases_both_bodies() -> None:
    both("line_up")
    files: list[Any] = []
    body = Pieces(b"never sent")
    handled: list[Request] = []
    handler = _spooling(response(body), files)

    def handle(request: Request) -> Outcome:
        handled.append(request)
        gevent.get_hub().loop.run_callback(server.throw, gevent.GreenletExit)
        return handler(request)

    server = gevent.spawn(Edge(handle), _chunked(), Answer().start)
    server.join(BOUND)

    assert len(handled) == 1
    outcome: object = server.value
    assert isinstance(outcome, gevent.GreenletExit)
    assert body.closed == 1
    assert files[0].closed


class TestStart:
    """What runs beside the requests is started once in each process."""

    def test_the_first_request_starts_it(self) -> None:
        started: list[int] = []
        edge = Edge(lambda _: response(b""), start=lambda: started.append(1))
        assert not started
        ask(edge, server_environ())
        ask(edge, server_environ())
        assert len(started) == 1

    def test_no_request_starts_what_the_server_has_started(self) -> None:
        started: list[int] = []
        edge = Edge(lambda _: response(b""), start=lambda: started.append(1))
        edge.start()
        ask(edge, server_environ())
        assert len(started) == 1

    def test_what_cannot_be_started_costs_no_request_and_is_tried_again(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        tries: list[int] = []

        def start() -> None:
            tries.append(1)
            if len(tries) < 3:
                raise RuntimeError("can't start new thread")

        edge = Edge(lambda _: response(b""), start=start)
        for _ in range(5):
            assert ask(edge, server_environ())[0].startswith("200 ")
        assert len(tries) == 3
        assert [record.exc_info is not None for record in caplog.records] == [True] * 2

    def test_a_process_that_was_forked_starts_its_own(self) -> None:
        started: list[int] = []
        edge = Edge(lambda _: response(b""), start=lambda: started.append(1))
        ask(edge, server_environ())
        child = os.fork()
        if child == 0:
            status = 1
            try:
                ask(edge, server_environ())
                status = len(started)
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        assert len(started) == 1
