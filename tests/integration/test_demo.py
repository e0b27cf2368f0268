"""``wsgi-scgi demo`` as a process: one command, a page, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.backends.process import listening, wait_for
from tests.kit.http import Client

BOUND = 30.0
COMMAND = [sys.executable, "-m", "wsgi_scgi", "demo", "--bind"]
CHECKOUT = Path(__file__).parents[2]


class Demo:
    """A running demo, its temporary files in a directory of the test's."""

    def __init__(self, directory: Path) -> None:
        self._output = directory / "output"
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "127.0.0.1:0"],
                cwd=CHECKOUT,
                # What is set for other gunicorns is not for the demo.
                env=os.environ | {"TMPDIR": str(self.temporary), "GUNICORN_CMD_ARGS": "--bad"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(lambda: "open http" in self.output, "the address", BOUND)
        match = re.search(r"open http://127\.0\.0\.1:(\d+)/ in a browser", self.output)
        assert match is not None
        self.address = ("127.0.0.1", int(match[1]))
        self._sockets = listening(self.address)
        assert self._sockets

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def listens(self) -> bool:
        """Whether any of its processes still listens."""
        return bool(listening(self.address) & self._sockets)

    def servers(self) -> list[str]:
        """Return the processes whose command line names the directory: the SCGI server."""
        listed = subprocess.run(
            ["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True
        )
        return [line for line in listed.stdout.splitlines() if str(self.temporary) in line]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(BOUND)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory for the demo's socket, whose path has a hundred bytes at most."""
    with tempfile.TemporaryDirectory(prefix="demo-") as directory:
        yield Path(directory)


@pytest.fixture
def demo(short_path: Path) -> Iterator[Demo]:
    """A running demo."""
    running = Demo(short_path)
    yield running
    running.end()


def test_the_page_is_served_through_the_gateway(demo: Demo) -> None:
    with Client(demo.address, bound=BOUND) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        response = client.read_response("GET")
    assert response is not None
    assert (response.status, response.complete, response.violations) == (200, True, ())
    assert b"<!doctype html>" in response.body
    assert demo.output.count("\n") == 1


def test_the_gateway_sends_the_file_that_the_program_names(demo: Demo) -> None:
    with Client(demo.address, bound=BOUND) as client:
        client.send(b"GET /download HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-8\r\n\r\n")
        response = client.read_response("GET")
    assert response is not None
    assert (response.status, response.body) == (206, b"This file")
    assert not any("sendfile" in name.lower() for name, _ in response.headers)


def test_the_gateway_follows_the_redirect_of_the_program(demo: Demo) -> None:
    with Client(demo.address, bound=BOUND) as client:
        client.send(b"GET /redirect HTTP/1.1\r\nHost: localhost\r\n\r\n")
        response = client.read_response("GET")
    assert response is not None
    assert response.status == 200
    assert b"<dd>/redirected</dd>" in response.body
    assert b"<dt>REQUEST_URI</dt><dd>/redirect</dd>" in response.body


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_leaves_nothing_behind(demo: Demo, number: signal.Signals) -> None:
    assert demo.servers()
    if number is signal.SIGINT:
        os.killpg(demo.process.pid, number)  # as a terminal does
    else:
        demo.process.send_signal(number)
    assert demo.process.wait(BOUND) == 0
    assert demo.output.count("\n") == 1
    assert list(demo.temporary.iterdir()) == []
    assert not demo.listens
    assert demo.servers() == []


def test_an_open_stream_does_not_keep_it_from_ending(demo: Demo) -> None:
    with Client(demo.address, bound=BOUND) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(BOUND) == 0
    assert list(demo.temporary.iterdir()) == []


def test_nothing_is_left_where_it_is_killed(demo: Demo) -> None:
    demo.process.kill()
    demo.process.wait(BOUND)
    wait_for(lambda: not demo.servers(), "the end of the processes", BOUND)
    wait_for(lambda: not list(demo.temporary.glob("wsgi-scgi-*")), "an empty directory", BOUND)
    wait_for(lambda: not demo.listens, "the end of listening", BOUND)


def test_a_worker_that_dies_does_not_end_the_demo(demo: Demo) -> None:
    children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children")

    def workers() -> list[int]:
        pids = children.read_text().split()
        return [int(pid) for pid in pids if str(demo.temporary) not in _args(pid)]

    # The address is told as soon as the master listens.
    wait_for(lambda: bool(workers()), "a worker", BOUND)
    (worker,) = workers()
    os.kill(worker, signal.SIGTERM)
    wait_for(lambda: str(worker) not in children.read_text().split(), "its end", BOUND)
    with Client(demo.address, bound=BOUND) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        response = client.read_response("GET")
    assert response is not None
    assert response.status == 200


def _args(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def test_a_port_in_use_is_one_line_and_status_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = subprocess.run(
            [*COMMAND, address],
            cwd=CHECKOUT,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=BOUND,
        )
    told = f"cannot listen on http://{address}: Address already in use\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", told)
    assert list(tmp_path.iterdir()) == []
