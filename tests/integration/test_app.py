"""``wsgi-scgi app`` behind the servers that it is made for."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import wsgi_scgi
from tests.integration.app_behind_fronts import FRONTS, serving
from tests.integration.backends.process import log_of, wait_for
from tests.integration.backends.requests_to_gateway import BOUND, ask, request_head
from tests.kit import gateways
from tests.kit.gateways import Gateway
from tests.kit.http import Client
from wsgi_scgi.errors import ConnectError

MIB = 1 << 20
ROUTES = [("/", ""), ("/app/", "/app")]


@pytest.fixture(scope="module")
def application() -> Iterator[tuple[Path, str]]:
    """The directory of a running application, and the path of its socket."""
    directory = gateways.new_directory()
    try:
        with serving(directory, "--script-name", "/app") as (socket, _):
            yield directory, socket
    finally:
        gateways.remove_directory(directory)


@pytest.fixture(scope="module", params=FRONTS)
def front(request: pytest.FixtureRequest, application: tuple[Path, str]) -> Iterator[Gateway]:
    """Each of the servers in front of the application."""
    directory = gateways.new_directory()
    try:
        with FRONTS[request.param](directory, application[1]) as gateway:
            yield gateway
    finally:
        gateways.remove_directory(directory)


def variables_of(front: Gateway, target: str, *fields: str) -> dict[str, str]:
    """Return the strings of the environ that the application gets."""
    response = ask(front, "GET", target, *fields)
    assert response.status == 200, response
    variables = json.loads(response.body)
    assert isinstance(variables, dict)
    return variables


@pytest.mark.parametrize(("route", "mount"), ROUTES)
@pytest.mark.parametrize(
    ("rest", "path"),
    [("", ""), ("variables", "variables"), ("caf%C3%A9/x%20y/variables", "café/x y/variables")],
)
def test_mount_and_path_reach_the_application(
    front: Gateway, route: str, mount: str, rest: str, path: str
) -> None:
    variables = variables_of(front, f"{route}{rest}?a=%3F&b")
    assert variables["SCRIPT_NAME"] == mount
    assert variables["PATH_INFO"].encode("latin-1").decode() == f"/{path}"
    assert variables["QUERY_STRING"] == "a=%3F&b"
    assert variables["REQUEST_URI"] == f"{route}{rest}?a=%3F&b"
    assert variables["REMOTE_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize("size", [0, 1, 8 * MIB])
def test_a_body_arrives_whole(front: Gateway, size: int) -> None:
    body = os.urandom(size)
    response = ask(front, "POST", "/digest", body=body)
    assert (response.status, response.body) == (200, hashlib.sha256(body).hexdigest().encode())


def test_a_body_comes_back(front: Gateway) -> None:
    # nginx and Apache read no answer before they have sent all of a body; more than what the
    # sockets hold would let them and this application wait for each other.
    body = os.urandom(64 * 1024)
    assert ask(front, "PUT", "/echo", body=body).body == body


def test_a_large_answer_arrives_whole(front: Gateway) -> None:
    expected = b"".join(bytes([number]) * MIB for number in range(20))
    response = ask(front, "GET", "/large")
    assert response.complete and response.body == expected


def test_head_has_the_fields_and_no_body(front: Gateway) -> None:
    response = ask(front, "HEAD", "/large")
    assert (response.status, response.complete, response.body) == (200, True, b"")


def test_statuses_without_a_body_and_failures_arrive(front: Gateway) -> None:
    for path, status in (("nothing", 204), ("unchanged", 304), ("fails", 500)):
        response = ask(front, "GET", f"/{path}")
        assert (response.status, response.complete) == (status, True)


def test_cookies_stay_apart(front: Gateway) -> None:
    response = ask(front, "GET", "/cookies")
    assert response.all("Set-Cookie") == ("a=1", "b=2; Path=/")


def test_fields_that_a_client_repeats_arrive_joined(front: Gateway) -> None:
    fields = ("Cookie: a=1", "X-Many: 1", "Cookie: b=2", "X-Many: 2", "X-Many: 3")
    variables = variables_of(front, "/variables", *fields)
    assert variables["HTTP_X_MANY"].replace(" ", "") == "1,2,3"
    # Apache joins cookies like all fields.
    separator = ", " if front.name == "Apache" else "; "
    assert variables["HTTP_COOKIE"] == f"a=1{separator}b=2"


def test_a_stream_arrives_piece_by_piece(front: Gateway, application: tuple[Path, str]) -> None:
    gate = application[0] / "gate"
    gate.unlink(missing_ok=True)
    with Client(front.address, bound=BOUND) as client:
        client.send(request_head("GET", "/stream"))
        assert client.await_bytes(b"first ")
        gate.touch()
        response = client.read_response("GET")
    assert response is not None and response.complete
    assert response.body == b"first second"


def test_a_client_that_leaves_ends_the_answer(
    front: Gateway, application: tuple[Path, str]
) -> None:
    closed = application[0] / "closed"
    closed.unlink(missing_ok=True)
    with Client(front.address, bound=BOUND) as client:
        client.send(request_head("GET", "/endless"))
        assert client.await_bytes(b"tick ")
        assert not closed.exists()
        client.reset()
    wait_for(closed.exists, "close() of the answer")


class Load:
    """Threads that ask without a pause until nobody listens any more."""

    def __init__(self, url: str, threads: int) -> None:
        self.answered = 0
        self.wrong: list[str] = []
        self._url = url
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for the end."""
        for thread in self._threads:
            thread.join(BOUND)
            assert not thread.is_alive()

    def _run(self) -> None:
        body = b"x" * 10000
        while True:
            try:
                answer = wsgi_scgi.request(self._url, "POST", "/echo", body=body, timeout=BOUND)
                complete = answer.status == 200 and answer.read() == body
            except ConnectError:
                return  # told at once: whoever asks may ask another
            except Exception as error:
                complete = False
                self.wrong.append(repr(error))
            with self._lock:
                self.answered += 1
                if not complete:
                    self.wrong.append("an incomplete answer")
                    return


def test_a_graceful_stop_under_load_loses_no_request() -> None:
    directory = gateways.new_directory()
    try:
        # More clients than connections, so that some wait in the system's queue.
        with serving(directory, "--access-log", "--max-connections", "3") as (socket, pid):
            load = Load(f"scgi+unix://{socket}", threads=12)
            wait_for(lambda: load.answered >= 200 or bool(load.wrong), "200 answers")
            os.kill(pid, signal.SIGTERM)
            load.join()
        assert load.wrong == []
        logged = re.findall(r'"POST /echo HTTP/1\.1" 200 10000 ', log_of(directory))
        assert len(logged) == load.answered
        assert not Path(socket).exists()
    finally:
        gateways.remove_directory(directory)
