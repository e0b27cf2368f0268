"""Connections live as long, and end in the same way, as with gunicorn's own worker."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.response import End
from tests.worker.serving import (
    BOUND,
    OURS,
    STOCK,
    Pair,
    ask,
    connected,
    connections,
    ends,
    exchange,
    pair,
    request,
    serving,
    wait_logged,
    wait_until,
    workers,
)

CHUNKED = (
    b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
)
IDLE = 1000
KEEP_ALIVE = 5


@pytest.fixture(params=[STOCK, OURS])
def worker(request: pytest.FixtureRequest) -> str:
    """Each of the two workers."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def both() -> Iterator[Pair]:
    """Both workers."""
    with pair() as started:
        yield started


@pytest.fixture(scope="module")
def closing() -> Iterator[Pair]:
    """Both workers, which close a connection that is idle for longer than a test should be."""
    with pair("--keep-alive", str(KEEP_ALIVE)) as started:
        yield started


def answer(client: Client, data: bytes) -> str:
    """Send a request; return what the answer says about the connection."""
    client.send(data)
    response = client.read_response("GET")
    assert response is not None and response.status == 200
    said = response.get("Connection")
    assert said is not None
    return said


def test_an_idle_connection_is_closed_in_time(closing: Pair) -> None:
    before: tuple[list[bytes], ...] = ([], [request("/unread")], [request("/unread"), CHUNKED])
    sent = (b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n")
    with contextlib.ExitStack() as stack:
        idle = []
        gateways = (closing.stock, closing.ours)
        for gateway, requests, data in itertools.product(gateways, before, sent):
            busy_at = time.monotonic()
            client = stack.enter_context(connected(gateway))
            for earlier in requests:
                busy_at = time.monotonic()
                assert answer(client, earlier) == "keep-alive"
            idle.append((client, busy_at))
            client.send(data)
        for client, busy_at in idle:
            assert ends(client) is End.EOF
            assert client.unread == b""
            assert time.monotonic() - busy_at > KEEP_ALIVE / 2


def test_a_client_that_goes_on_is_not_taken_for_a_silent_one(closing: Pair) -> None:
    gateway = closing.ours
    with connected(gateway) as busy, contextlib.ExitStack() as stack:
        silent = []
        for _ in range(5):
            silent.append(stack.enter_context(connected(gateway)))
            assert answer(silent[-1], request("/unread")) == "keep-alive"
            assert answer(busy, request("/unread")) == "keep-alive"
        deadline = time.monotonic() + BOUND
        while any(client.end is End.OPEN for client in silent):
            assert answer(busy, request("/unread")) == "keep-alive"
            assert time.monotonic() < deadline
            for client in silent:
                client.bound = 0.02
                client.read_to_end()
        assert all(client.end is End.EOF for client in silent)
        assert answer(busy, request("/unread")) == "keep-alive"
        assert ends(busy) is End.EOF


def test_a_head_may_come_slowly(both: Pair) -> None:
    data = request("/unread")
    for gateway in (both.stock, both.ours):
        with connected(gateway) as client:
            for position in range(len(data)):
                client.send(data[position : position + 1])
                time.sleep(0.005)
            response = client.read_response("GET")
            assert response is not None and response.body == b"unread"


def test_a_head_that_comes_too_slowly_is_given_up(closing: Pair) -> None:
    for gateway in (closing.stock, closing.ours):
        with connected(gateway) as client:
            deadline = time.monotonic() + BOUND
            while client.end is End.OPEN and not client.send_error:
                client.send(b"X")
                assert time.monotonic() < deadline
                client.bound = 0.1
                client.read_to_end()
            assert not client.received


def test_without_keep_alive_any_request_is_the_last() -> None:
    with pair("--keep-alive", "0") as both:
        for first in (request("/unread"), CHUNKED, request("/echo", method="POST", body=b"abc")):
            received = both.exchange(first + request("/unread"))
            assert received.count(b"HTTP/1.1 200 OK") == 1
            assert b"Connection: close" in received


def test_a_client_may_end_its_side_after_the_request(both: Pair, tmp_path: Path) -> None:
    for gateway in (both.stock, both.ours):
        gate = tmp_path / f"{gateway.pid}"
        with connected(gateway) as client:
            client.send(request(f"/waits?{gate}"))
            client.half_close()
            assert client.await_bytes(b"begun ")
            gate.touch()
            response = client.read_response("GET")
            assert response is not None and response.body == b"begun and done"
            assert ends(client) is End.EOF


def _wait_closed(gateway: Gateway) -> None:
    # All that stays is the listening socket, and what gevent may keep.
    wait_until(lambda: connections(gateway) <= 2, gateway)


def test_connections_of_clients_that_vanish_are_closed(both: Pair) -> None:
    beginnings = (
        b"",
        b"GET / HT",
        request("/file"),
        request("/file") * 3,
        request("/echo", "Content-Length: 10", method="POST") + b"12345",
        request("/unread", "Content-Length: 10", method="POST") + b"12345",
        CHUNKED[:-5],
        CHUNKED + request("/file"),
    )
    for gateway in (both.stock, both.ours):
        ask(gateway, request("/unread", "Connection: close"))
        for data in beginnings * 5:
            with connected(gateway) as client:
                client.send(data)
                client.reset()
        _wait_closed(gateway)
        assert ask(gateway, request("/unread")).body == b"unread"


def test_an_endless_answer_ends_with_its_client(both: Pair) -> None:
    for gateway in (both.stock, both.ours):
        with connected(gateway) as client:
            client.send(request("/endless"))
            assert client.await_bytes(b"endless ")
            client.reset()
        wait_logged(gateway, "the endless end")


def test_many_idle_connections_cost_others_nothing(worker: str) -> None:
    settings = ("--keep-alive", "60", "--worker-connections", str(IDLE + 50))
    with serving(*settings, worker=worker) as gateway, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connected(gateway)) for _ in range(IDLE)]
        for client in idle:
            client.send(request("/unread"))
        for client in idle:
            response = client.read_response("GET")
            assert response is not None and response.body == b"unread"
        for _ in range(50):
            assert ask(gateway, request("/unread")).body == b"unread"
        for client in idle[::50]:
            assert answer(client, request("/pieces")) == "keep-alive"


def stopping(gateway: Gateway, client: Client) -> None:
    """Send SIGTERM; return once the worker knows: then an answer says that it is the last."""
    os.kill(gateway.pid, signal.SIGTERM)

    def is_last() -> bool:
        return answer(client, request("/unread")) == "close"

    wait_until(is_last, gateway)


@pytest.mark.parametrize("odd", [False, True], ids=["plain", "odd"])
def test_a_request_under_way_is_finished_before_the_end(
    worker: str, odd: bool, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    fields = ("X-A: 1", "X-A: 2") if odd else ()
    settings = ("--graceful-timeout", "15", "--keep-alive", "5")
    with serving(*settings, worker=worker) as gateway:
        with connected(gateway) as client, connected(gateway) as other:
            client.send(request(f"/waits?{gate}", *fields))
            assert client.await_bytes(b"begun ")
            assert answer(other, request("/unread")) == "keep-alive"
            stopping(gateway, other)
            assert ends(other) is End.EOF
            assert gateway.running
            gate.touch()
            response = client.read_response("GET")
            assert response is not None and response.complete
            assert response.body == b"begun and done"
        wait_until(lambda: not gateway.running, gateway)
        assert gateway.stop() == 0
        assert "graceful timeout" not in gateway.log()


def test_a_request_that_takes_too_long_is_cut_at_the_end(worker: str, tmp_path: Path) -> None:
    with serving("--graceful-timeout", "1", worker=worker) as gateway, connected(gateway) as client:
        client.send(request(f"/waits?{tmp_path / 'never'}"))
        assert client.await_bytes(b"begun ")
        os.kill(gateway.pid, signal.SIGTERM)
        response = client.read_response("GET")
        assert response is not None and not response.complete
        wait_until(lambda: not gateway.running, gateway)


def test_new_workers_take_over_while_requests_are_finished(worker: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with (
        serving("--graceful-timeout", "15", worker=worker) as gateway,
        connected(gateway) as client,
    ):
        client.send(request(f"/waits?{gate}"))
        assert client.await_bytes(b"begun ")
        os.kill(gateway.pid, signal.SIGHUP)
        wait_until(lambda: len(workers(gateway)) == 2, gateway)
        wait_until(lambda: _worker_of(gateway) == workers(gateway)[1], gateway)
        gate.touch()
        response = client.read_response("GET")
        assert response is not None and response.body == b"begun and done"


def _worker_of(gateway: Gateway) -> int:
    return int(ask(gateway, request("/worker", "Connection: close")).body)


def test_every_request_counts_for_max_requests() -> None:
    with pair("--max-requests", "4") as both:
        with_odd_ones = request("/unread") + CHUNKED + request("/unread", "X: 1", "X: 2")
        for gateway in (both.stock, both.ours):
            received = exchange(gateway, with_odd_ones + request("/pieces") * 3)
            assert received.count(b"HTTP/1.1 200 OK") == 4
            assert received.count(b"Connection: keep-alive") == 3
            wait_logged(gateway, "Autorestarting worker after current request.")


def test_jitter_is_added_to_max_requests(worker: str) -> None:
    settings = ("--max-requests", "3", "--max-requests-jitter", "4")
    with serving(*settings, worker=worker) as gateway, connected(gateway) as client:
        served = 1
        while answer(client, request("/unread")) == "keep-alive":
            served += 1
        assert 3 <= served <= 7
        wait_logged(gateway, "Autorestarting worker after current request.")
        assert re.search("Autorestarting.*\n(?s:.*)Booting worker", wait_booted(gateway))


def wait_booted(gateway: Gateway) -> str:
    """Return the log once a second worker has started."""
    wait_until(lambda: len(workers(gateway)) > 1, gateway)
    return gateway.log()


PACED = """
import socket

CONTROL = (socket.IPPROTO_TCP, socket.TCP_CONGESTION)


def when_ready(server):
    for listener in server.LISTENERS:
        listener.setsockopt(*CONTROL, b"bbr")


def application(environ, start_response):
    body = environ["gunicorn.socket"].getsockopt(*CONTROL, 16).rstrip(b"\\0")
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.mark.skipif(
    not hasattr(socket, "TCP_CONGESTION"), reason="congestion control is chosen on Linux only"
)
def test_connections_from_this_host_are_not_paced() -> None:
    with socket.socket() as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")
        except OSError:
            pytest.skip("the kernel does not offer BBR to everybody")
    with serving(files=PACED, application="settings:application") as gateway:
        # A connection that was made before the worker was there has the listener's first choice.
        wait_until(lambda: ask(gateway, request("/")).body == b"reno", gateway)


def asked(gateway: Gateway) -> list[bytes]:
    """Return the paths that ``tests.worker.leaving`` was asked for."""
    return ask(gateway, request("/asked")).body.split()


def served_to_who_left(gateway: Gateway) -> list[bytes]:
    """Return what is served of two requests whose client leaves before the first answer."""
    before = len(asked(gateway))
    with connected(gateway) as client:
        client.send(request("/when-you-left") + request("/behind"))
    wait_until(lambda: len(asked(gateway)) > before, gateway)
    wait_until(lambda: connections(gateway) == 1, gateway)  # the listening one
    return asked(gateway)[before:]


@pytest.mark.parametrize("files", ["", "accesslog = '-'\n"], ids=["lean", "logged"])
def test_what_a_client_sent_that_is_not_there_any_more_is_not_served(files: str) -> None:
    with serving(files=files, application="tests.worker.leaving:application") as gateway:
        # The kernel may take a moment to say that nobody takes an answer.
        assert any(served_to_who_left(gateway) == [b"/when-you-left"] for _ in range(20))


@pytest.mark.parametrize("files", ["", "accesslog = '-'\n"], ids=["lean", "logged"])
def test_a_client_that_only_sends_nothing_more_is_served_all_it_has_sent(files: str) -> None:
    with (
        serving(files=files, application="tests.worker.leaving:application") as gateway,
        connected(gateway) as client,
    ):
        client.send(request("/when-you-left") + request("/behind"))
        client.half_close()
        for _ in range(2):
            assert client.read_response("GET") is not None
        assert ask(gateway, request("/asked")).body == b"/when-you-left /behind"


def test_no_more_connections_are_served_than_may_be(worker: str) -> None:
    with (
        serving("--worker-connections", "2", worker=worker) as gateway,
        connected(gateway) as one,
        connected(gateway) as another,
    ):
        assert answer(one, request("/unread")) == "keep-alive"
        assert answer(another, request("/unread")) == "keep-alive"
        with connected(gateway) as third:
            third.send(request("/unread"))
            assert answer(one, request("/unread")) == "keep-alive"
            assert answer(another, request("/unread")) == "keep-alive"
            assert connections(gateway) == 3  # the listening one, too
            another.half_close()
            response = third.read_response("GET")
            assert response is not None and response.body == b"unread"


_FEW_DESCRIPTORS = """
import os
import resource

def post_worker_init(worker):
    lowest = os.dup(0)
    os.close(lowest)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 8, hard))
"""


def test_a_worker_without_descriptors_says_so_and_goes_on() -> None:
    with serving(files=_FEW_DESCRIPTORS) as gateway:
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(connected(gateway))
            wait_logged(gateway, "Accepting failed, again in 1 s: [Errno 24] Too many open files")
        assert ask(gateway, request("/unread")).body == b"unread"
        assert "Traceback" not in gateway.log()
