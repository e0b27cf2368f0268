"""The worker under real gunicorn: what any WSGI application and any client may rely on."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.response import End, Framing
from tests.worker.serving import BOUND, ask, connected, ends, request, serving, wait_logged


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """The worker with gunicorn's own settings."""
    with serving() as started:
        yield started


@pytest.fixture(scope="module")
def stock() -> Iterator[Gateway]:
    """gunicorn's own worker, to compare with."""
    with serving(worker="gevent") as started:
        yield started


@pytest.mark.parametrize(
    "target", ["/", "/a%20b/%C3%BC?x=%41&y", "/a//b/../c", "/x?http://other/"], ids=str
)
def test_the_environ_is_that_of_the_stock_worker(
    gateway: Gateway, stock: Gateway, target: str
) -> None:
    fields = ("Accept: a, b", "X-Blanks:  \t in between \t", "Cookie: a=1", "Content-Type: a/b")
    theirs = ask(stock, request(target, *fields)).body
    assert ask(gateway, request(target, *fields)).body == theirs
    assert b"HTTP_X_BLANKS='in between'" in theirs


def test_an_application_that_checks_its_server_finds_nothing(gateway: Gateway) -> None:
    assert ask(gateway, request("/valid")).body == b"valid"


def test_requests_share_a_connection(gateway: Gateway) -> None:
    with connected(gateway) as client:
        for body in (b"first", b"second"):
            client.send(request("/echo", method="POST", body=body))
            response = client.read_response("POST")
            assert response is not None and response.body == body
            assert response.get("Connection") == "keep-alive"


def test_requests_that_come_at_once_are_answered_in_order(gateway: Gateway) -> None:
    with connected(gateway) as client:
        client.send(
            request("/echo", method="POST", body=b"first")
            + request("/pieces")
            + request("/unread", method="POST", body=b"nobody reads me")
            + request("/echo", "Connection: close", method="POST", body=b"last")
        )
        bodies = [client.read_response("GET") for _ in range(4)]
        assert [response and response.body for response in bodies] == [
            b"first",
            b"one two three",
            b"unread",
            b"last",
        ]
        assert ends(client) is End.EOF


def test_what_comes_together_with_the_end_of_a_body_is_not_lost(gateway: Gateway) -> None:
    with connected(gateway) as client:
        client.send(request("/partly", "Content-Length: 5000", method="POST") + b"x" * 2000)
        assert client.await_bytes(b"50 bytes")  # the rest of the body has not been sent yet
        client.send(b"y" * 3000 + request("/unread") + request("/pieces"))
        bodies = [client.read_response("GET") for _ in range(3)]
        assert [response and response.body for response in bodies] == [
            b"50 bytes, then 10",
            b"unread",
            b"one two three",
        ]


def test_fields_may_be_lists(gateway: Gateway) -> None:
    assert ask(gateway, request("/lists")).get("X-List") == "kept"


def test_a_body_that_nobody_reads_ends_the_connection_if_it_is_large(gateway: Gateway) -> None:
    with connected(gateway) as client:
        client.send(request("/unread", "Content-Length: 10000000", method="POST") + b"x" * 70_000)
        response = client.read_response("POST")
        assert response is not None and response.body == b"unread"
        assert ends(client) is not End.OPEN


@pytest.mark.parametrize(
    "data",
    [
        b"GET /pieces HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET /unread HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n",
        b"GET /unread HTTP/1.1\nHost: a\n\n",
        b"GET /unread HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET /unread HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-A: 2\r\nX_A: 3\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nok",
        b"get /unread HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /unread HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
        b"GET /unread HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /unread HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
    ],
    ids=lambda data: repr(data[:60]),
)
def test_what_is_not_plain_gets_the_answer_of_gunicorns_own_path(
    gateway: Gateway, stock: Gateway, data: bytes
) -> None:
    theirs = ask(stock, data)
    ours = ask(gateway, data)
    assert (ours.status, ours.reason, ours.body, ours.framing, ours.interim) == (
        theirs.status,
        theirs.reason,
        theirs.body,
        theirs.framing,
        theirs.interim,
    )


def test_a_plain_request_may_be_followed_by_one_that_is_not(gateway: Gateway) -> None:
    chunked = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(gateway) as client:
        client.send(request("/unread") + chunked + b"3\r\nabc\r\n0\r\n\r\n" + request("/unread"))
        bodies = [client.read_response("GET") for _ in range(3)]
        assert [response and response.body for response in bodies] == [b"unread", b"abc", b"unread"]


def test_a_head_that_comes_in_pieces_is_answered(gateway: Gateway) -> None:
    with connected(gateway) as client:
        data = request("/unread")
        client.send(data[:10])
        client.send(data[10:])
        response = client.read_response("GET")
        assert response is not None and response.body == b"unread"


def test_a_connection_without_a_request_is_closed() -> None:
    with serving("--keep-alive", "1") as gateway, connected(gateway) as client:
        assert ends(client) is End.EOF


def test_pieces_without_a_length_are_chunks(gateway: Gateway) -> None:
    response = ask(gateway, request("/pieces"))
    assert (response.body, response.framing) == (b"one two three", Framing.CHUNKED)


def test_no_more_is_sent_than_the_declared_length(gateway: Gateway) -> None:
    response = ask(gateway, request("/written"))
    assert (response.body, response.violations) == (b"written", ())


@pytest.mark.parametrize("path", ["/written", "/pieces", "/file"])
def test_a_head_request_gets_no_body(gateway: Gateway, path: str) -> None:
    with connected(gateway) as client:
        client.send(request(path, method="HEAD") + request("/unread"))
        first, second = client.read_response("HEAD"), client.read_response("GET")
        assert first is not None and first.status == 200
        assert second is not None and second.body == b"unread"


def test_204_has_no_length(gateway: Gateway) -> None:
    response = ask(gateway, request("/empty"))
    assert response.status == 204 and response.get("Content-Length") is None


@pytest.mark.parametrize("path", ["/raises", "/refused", "/bad-field", "/no-bytes"])
def test_an_application_that_fails_before_its_head_is_500(gateway: Gateway, path: str) -> None:
    response = ask(gateway, request(path))
    assert response.status == 500 and response.get("X-Injected") is None


@pytest.mark.parametrize("path", ["/breaks", "/short-file"])
def test_a_response_that_breaks_off_never_looks_complete(gateway: Gateway, path: str) -> None:
    with connected(gateway) as client:
        client.send(request(path))
        response = client.read_response("GET")
        assert response is not None and not response.complete
        assert ends(client) is not End.OPEN


def test_fields_of_the_connection_are_the_servers(gateway: Gateway) -> None:
    response = ask(gateway, request("/hop-by-hop"))
    assert response.all("Connection") == ("keep-alive",)
    assert response.all("Server") == ("gunicorn",) and response.get("X-Kept") == "kept"


def test_early_hints_go_before_the_head(gateway: Gateway) -> None:
    response = ask(gateway, request("/hints"))
    assert [interim.status for interim in response.interim] == [103]
    assert response.body == b"hinted"


def test_a_file_is_sent_from_where_it_stands(gateway: Gateway) -> None:
    assert ask(gateway, request("/file")).body == b"x" * 2_000_000


def test_a_file_begins_in_the_segment_of_its_head(gateway: Gateway) -> None:
    assert isinstance(gateway.address, tuple)
    with socket.create_connection(gateway.address, timeout=BOUND) as client:
        client.sendall(request("/file"))
        head, end, begin = client.recv(1 << 20).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert end
    assert begin.startswith(b"xxx")


def test_the_head_of_an_empty_file_does_not_wait_for_more(gateway: Gateway) -> None:
    with connected(gateway) as client:
        times = []
        for _ in range(20):
            started = time.monotonic()
            client.send(request("/empty-file"))
            response = client.read_response("GET")
            times.append(time.monotonic() - started)
            assert response is not None and response.body == b""
        # Linux lets a segment wait for 0.2 seconds, each of them.
        assert min(times) < 0.15


def test_a_file_without_a_descriptor_is_read(gateway: Gateway) -> None:
    assert ask(gateway, request("/no-file")).body == b"memory"


def test_a_part_of_a_body_may_come_from_a_socket(gateway: Gateway) -> None:
    expected = b"f" * 1000 + b"s" * 990 + b"the end of"
    assert ask(gateway, request("/splice")).body == expected


def test_a_client_that_leaves_does_not_disturb_others(gateway: Gateway) -> None:
    for _ in range(20):
        with connected(gateway) as client:
            client.send(request("/file"))
            client.reset()
    assert ask(gateway, request("/unread")).body == b"unread"


def test_the_scheme_is_what_a_trusted_proxy_says(gateway: Gateway) -> None:
    secure = ask(gateway, request("/", "X-Forwarded-Proto: https")).body
    assert b"wsgi.url_scheme='https'" in secure
    both = request("/", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off")
    assert ask(gateway, both).status == 400
    with serving("--forwarded-allow-ips", "192.0.2.1") as wary:
        plain = ask(wary, request("/", "X-Forwarded-Proto: https")).body
    assert b"wsgi.url_scheme='http'" in plain


def test_on_a_unix_socket_the_host_names_the_server(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with serving("--bind", f"unix:{path}", "--bind", "127.0.0.1:0") as gateway:
        assert gateway.address[1]
        with Client(path, bound=BOUND) as client:
            client.send(request("/"))
            response = client.read_response("GET")
    assert response is not None
    assert b"SERVER_NAME='site.test'" in response.body
    assert b"REMOTE_ADDR=''" in response.body


SETTINGS = """
accesslog = "-"
access_log_format = "LOG %(m)s %(U)s %(s)s %(B)s %({x-name}i)s %({content-type}o)s"
def post_request(worker, req, environ, resp):
    worker.log.info("HOOK %s %s %s %s", req.method, req.uri, req.path, resp.status)
"""


def test_the_access_log_and_hooks_see_requests_as_ever() -> None:
    with serving(files=SETTINGS) as gateway:
        ask(gateway, request("/pieces?x=1", "X-Name: value"))
        wait_logged(gateway, "LOG GET /pieces 200 13 value text/plain")
        wait_logged(gateway, "HOOK GET /pieces?x=1 /pieces 200 OK")


def test_a_hook_before_requests_gets_gunicorns_own() -> None:
    hook = 'def pre_request(worker, req):\n    req.headers.append(("X-ADDED", "by the hook"))\n'
    with serving(files=hook) as gateway:
        assert b"HTTP_X_ADDED='by the hook'" in ask(gateway, request("/")).body


def test_a_worker_that_has_done_enough_is_replaced() -> None:
    with serving("--max-requests", "2") as gateway:
        seen: set[bytes] = set()
        deadline = time.monotonic() + 3 * BOUND
        while len(seen) < 3 and time.monotonic() < deadline:
            with contextlib.suppress(OSError, AssertionError):  # between two workers
                seen.add(ask(gateway, request("/worker")).body)
        assert len(seen) >= 3


def test_without_keep_alive_each_request_has_its_connection() -> None:
    with serving("--keep-alive", "0") as gateway, connected(gateway) as client:
        client.send(request("/unread"))
        response = client.read_response("GET")
        assert response is not None and response.get("Connection") == "close"
        assert ends(client) is End.EOF


def test_a_busy_connection_does_not_keep_others_waiting(gateway: Gateway) -> None:
    with connected(gateway) as busy:
        busy.send(request("/unread") * 500)
        assert ask(gateway, request("/unread")).body == b"unread"


def test_a_slow_reader_gets_all_of_it(gateway: Gateway) -> None:
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(BOUND)
        slow.connect(gateway.address)
        slow.sendall(request("/file", "Connection: close"))
        received = bytearray()
        while piece := slow.recv(3000):
            received += piece
    assert received.endswith(b"x" * 2_000_000)


@pytest.mark.parametrize(("name", "is_reused"), [("application", False), ("clean", True)])
def test_a_greenlet_serves_several_clients_where_the_application_leaves_it_clean(
    name: str, is_reused: bool
) -> None:
    with serving(application=f"tests.worker.remembering:{name}") as gateway:
        answers = []
        for _ in range(5):
            with connected(gateway) as client:
                client.send(request("/", "Connection: close"))
                response = client.read_response("GET")
                assert response is not None
                answers.append(response.body)
                assert ends(client) is End.EOF  # its greenlet has done all that it had to
        assert (b"2" in answers) is is_reused
