"""``wsgi-scgi serve`` as a process: reload by HUP, and USR2."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.backends.process import accepts, wait_for
from tests.integration.serving import (
    BOUND,
    COMMAND,
    Requests,
    Served,
    Start,
    get,
    hang_up,
    routes_to,
    wait_ended,
    wait_logged,
    workers_of,
)
from tests.kit.backend import Backend
from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.netstring import SCGIRequest
from tests.kit.script import ReplyFrom


def wait_more(*all_requests: Requests) -> None:
    """Return once five more requests of each were answered, or one failed."""
    enough = [len(requests.bodies) + 5 for requests in all_requests]

    def answered() -> bool:
        return all(
            len(requests.bodies) > number or requests.failures
            for requests, number in zip(all_requests, enough, strict=True)
        )

    wait_for(answered, "further requests", BOUND)


@pytest.mark.parametrize("preload", ["false", "true"])
def test_a_good_file_is_taken_and_no_request_is_lost(
    start: Start, tmp_path: Path, first: Served, second: Served, preload: str
) -> None:
    server = f'bind = "127.0.0.1:0"\npreload_app = {preload}'
    (tmp_path / "gateway.toml").write_text(routes_to(first.url, server=server))
    gateway = start("-c", "gateway.toml", "--workers", "2")
    with Requests(gateway.address) as one, Requests(gateway.address) as other:
        wait_more(one, other)
        wait_for(lambda: len(workers_of(gateway)) == 2, "both workers", BOUND)
        old = workers_of(gateway)
        (tmp_path / "gateway.toml").write_text(routes_to(second.url, server=server))
        hang_up(gateway)
        for pid in old:
            wait_ended(pid)
        wait_more(one, other)
    assert one.failures + other.failures == []
    for requests in (one, other):
        assert (requests.bodies[0], requests.bodies[-1]) == (b"first", b"second")
        assert set(requests.bodies) == {b"first", b"second"}
    wait_logged(gateway, f"Route / -> {second.url.rstrip('/')}\n")


REFUSED = "The new configuration is not used; the gateway runs on unchanged."


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[route\n", "gateway.toml:1: syntax: "),
        ("[[route]]\npath = '/'\nbackend = 'scgi://h'\nx = 1\n", "gateway.toml:4: x: unknown key"),
        (
            "[[route]]\npath = '/'\nbackend = 'scgi://h'\nsendfile = true\n",
            "gateway.toml:1: sendfile_roots: is needed with sendfile",
        ),
        ("[server]\nworkers = 'x'\n", "gateway.toml:2: workers: invalid literal for int()"),
        ("[server]\nworker_class = 'x'\n", "gateway.toml:2: worker_class: "),
        ("[server]\npidfile = '/no/where/pid'\n", "gateway.toml:2: pidfile: the directory of"),
        ("[server]\nbind = 'unix:/no/where'\n", "cannot listen on unix:/no/where: No such file"),
        ("[server]\nbind = 'fd://77'\n", "cannot listen on fd://77: a descriptor can be given"),
        ("[server]\nbind = '127.0.0.1:0'\nreuse_port = true\n", "reuse_port: can be changed only"),
    ],
)
def test_a_bad_file_is_logged_and_the_old_workers_run_on(
    start: Start, tmp_path: Path, first: Served, text: str, line: str
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(routes_to(first.url))
    gateway = start("-c", "gateway.toml")
    with Requests(gateway.address) as requests:
        if "[[route" not in text:
            text += f"[[route]]\npath = '/'\nbackend = '{first.url}'\n"
        path.write_text(text)
        hang_up(gateway)
        wait_logged(gateway, REFUSED)
        wait_more(requests)
    assert requests.failures == []
    assert f"[ERROR] {line}" in gateway.log()
    assert len(workers_of(gateway)) == 1
    assert "Traceback" not in gateway.log()


def test_after_a_bad_file_a_good_one_is_taken(
    start: Start, tmp_path: Path, first: Served, second: Served
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(routes_to(first.url))
    gateway = start("-c", "gateway.toml")
    path.unlink()
    hang_up(gateway)
    wait_logged(gateway, "cannot read gateway.toml: No such file or directory")
    wait_logged(gateway, REFUSED)
    path.write_text(routes_to(second.url))
    hang_up(gateway)
    wait_for(lambda: get(gateway.address).body == b"second", "the new backend", BOUND)


def test_addresses_come_and_go_while_others_stay(tmp_path: Path, first: Served) -> None:
    path = tmp_path / "gateway.toml"
    staying, going, coming = (str(tmp_path / name) for name in ("stays", "goes", "comes"))

    def listen_on(*sockets: str) -> None:
        server = f"bind = {[f'unix:{name}' for name in sockets]}"
        path.write_text(routes_to(first.url, server=server))

    listen_on(staying, going)
    with Gateway("serve", [*COMMAND, "-c", "gateway.toml"], tmp_path) as gateway:
        wait_for(lambda: accepts(staying) and accepts(going), "the sockets", BOUND)
        wait_for(lambda: len(workers_of(gateway)) == 1, "the worker", BOUND)
        with Requests(staying) as requests:
            listen_on(staying, coming)
            hang_up(gateway)
            wait_for(lambda: accepts(coming), "the new socket", BOUND)
            wait_ended(workers_of(gateway)[0])
            assert get(coming).body == b"first"
            assert not os.path.exists(going)
        assert requests.failures == []
        assert requests.bodies
        assert gateway.stop() == 0
    assert not os.path.exists(staying)
    assert not os.path.exists(coming)


def test_what_fails_only_while_reloading_is_taken_back(
    start: Start, tmp_path: Path, first: Served, second: Served
) -> None:
    (tmp_path / "failing.py").write_text("def on_reload(server):\n    raise OSError('no luck')\n")
    path = tmp_path / "gateway.toml"
    path.write_text(routes_to(first.url))
    gateway = start("-c", "gateway.toml")
    server = 'bind = "127.0.0.1:0"\non_reload = "failing.on_reload"'
    path.write_text(routes_to(second.url, server=server))
    hang_up(gateway)
    wait_logged(gateway, "The new configuration failed; the one before is used again.")
    assert get(gateway.address).body == b"first"
    # The worker that takes the place of one that died has the old configuration as well.
    (old,) = workers_of(gateway)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: len(workers_of(gateway)) == 2, "a new worker", BOUND)
    wait_for(lambda: get(gateway.address).body == b"first", "the old backend", BOUND)


def test_usr2_starts_the_gateway_anew_on_the_same_socket(
    start: Start, tmp_path: Path, first: Served
) -> None:
    (tmp_path / "gateway.toml").write_text(routes_to(first.url))
    gateway = start("-c", "gateway.toml", "--", "--pid", "pid")
    os.kill(gateway.pid, signal.SIGUSR2)
    anew = tmp_path / "pid.2"
    wait_for(anew.exists, "the pidfile of the new master", BOUND)
    pid = int(anew.read_text())
    try:
        wait_for(lambda: len(workers_of(gateway)) == 2, "its worker", BOUND)
        assert gateway.stop() == 0
        wait_logged(gateway, "Master has been promoted.")
        assert get(gateway.address).body == b"first"
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_ended(pid)


# Files and local redirects.


GENERATION_SIZE = 1 << 20
LARGE = 64 << 20


@pytest.fixture
def naming(tmp_path: Path) -> Iterator[str]:
    """The text of a file whose backend names files and other paths, by generation."""
    files = tmp_path / "files"
    files.mkdir()
    for generation in ("1", "2"):
        (files / generation).write_bytes(generation.encode() * GENERATION_SIZE)
    with (files / "large").open("wb") as large:
        large.truncate(LARGE)

    def named(seen: SCGIRequest) -> bytes:
        generation = seen.get("GENERATION") or b""
        match seen.get("PATH_INFO"):
            case b"/file":
                return b"X-Sendfile: %s/%s\r\n\r\n" % (bytes(files), generation)
            case b"/large":
                return b"X-Sendfile: %s/large\r\n\r\n" % bytes(files)
            case b"/redirect":
                return b"Location: /target\r\n\r\n"
        return b"Content-Type: text/plain\r\n\r\n" + generation

    with Backend() as backend:
        backend.begin(ReplyFrom(named), bound=BOUND)
        yield (
            # A download that is under way is given all the time that it takes.
            '[server]\nbind = "127.0.0.1:0"\nworkers = 2\ngraceful_timeout = 600\n'
            f'[[route]]\npath = "/"\nbackend = "scgi://127.0.0.1:{backend.listen_tcp()}/"\n'
            f'path_info = true\nsendfile = true\nsendfile_roots = ["{files}"]\n'
        )


def test_no_file_and_no_redirect_is_lost(start: Start, tmp_path: Path, naming: str) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(f'{naming}variables = {{ GENERATION = "1" }}\n')
    gateway = start("-c", "gateway.toml")
    with (
        Requests(gateway.address, "/file") as files,
        Requests(gateway.address, "/redirect") as redirects,
    ):
        wait_more(files, redirects)
        wait_for(lambda: len(workers_of(gateway)) == 2, "both workers", BOUND)
        old = workers_of(gateway)
        path.write_text(f'{naming}variables = {{ GENERATION = "2" }}\n')
        hang_up(gateway)
        for pid in old:
            wait_ended(pid)
        wait_more(files, redirects)
    assert files.failures + redirects.failures == []
    assert set(files.bodies) == {b"1" * GENERATION_SIZE, b"2" * GENERATION_SIZE}
    assert set(redirects.bodies) == {b"1", b"2"}
    assert (redirects.bodies[0], redirects.bodies[-1]) == (b"1", b"2")


def test_a_download_outlasts_the_reload(start: Start, tmp_path: Path, naming: str) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(f'{naming}variables = {{ GENERATION = "1" }}\n')
    gateway = start("-c", "gateway.toml")
    with Client(gateway.address, bound=BOUND) as client:
        client.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert client.await_bytes(b"\r\n\r\n")
        path.write_text(f'{naming}variables = {{ GENERATION = "2" }}\n')
        hang_up(gateway)
        # As long as the old workers are there they may take new connections.
        wait_for(lambda: len(workers_of(gateway)) == 4, "new workers", BOUND)
        wait_for(lambda: get(gateway.address, "/redirect").body == b"2", "the new file", BOUND)
        response = client.read_response("GET")
    assert response is not None
    assert (response.status, len(response.body), response.complete) == (200, LARGE, True)
