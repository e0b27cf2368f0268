"""The demo as a process: it says nothing, serves, and leaves nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wsgi_scgi.address import UnixAddress
from wsgi_scgi.scgi.request_head import encode_request_head
from wsgi_scgi.server.demo.launch import running_demo

BOUND = 20.0
CHECKOUT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "wsgi_scgi.server.demo"]

# Starts the demo, says where it is, and waits to be killed.
LAUNCHER = """
import time
from wsgi_scgi.server.demo.launch import running_demo
with running_demo() as address:
    print(address.path, flush=True)
    time.sleep(600)
"""


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what happens in other processes."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def ask(path: str) -> bytes:
    """Return the demo's answer to a plain GET."""
    variables = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": ""}
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(BOUND)
        client.connect(path)
        client.sendall(encode_request_head(0, variables))
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture
def path() -> Iterator[Path]:
    """A path that fits into a socket address, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="demo-") as directory:
        yield Path(directory) / "private" / "s"


@pytest.fixture
def start(path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the command with further arguments; kill it after the test."""
    processes = []
    path.parent.mkdir()

    def launch(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*COMMAND, "--socket", str(path), *arguments],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        processes.append(process)
        wait_until(lambda: path.exists() or process.poll() is not None)
        return process

    yield launch
    for process in processes:
        process.kill()
        process.communicate()


def test_the_command_serves_and_says_nothing(
    path: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = start()
    wait_until(lambda: _accepts(path))
    assert ask(str(path)).startswith(b"Status: 200 OK")
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=BOUND)[0] == b""
    assert process.returncode == 0
    assert path.parent.exists() and not path.exists()


def test_the_directory_goes_too_if_that_is_wanted(
    path: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = start("--remove-directory")
    wait_until(lambda: _accepts(path))
    process.send_signal(signal.SIGINT)
    assert process.wait(BOUND) == 0
    assert not path.parent.exists()


def test_a_path_that_cannot_be_had_is_told_in_one_line() -> None:
    result = subprocess.run(
        [*COMMAND, "--socket", "/dev/null/s"],
        cwd=CHECKOUT,
        capture_output=True,
        timeout=BOUND,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == b"cannot listen on scgi+unix:///dev/null/s: Not a directory\n"


def test_running_demo_serves_privately_and_cleans_up() -> None:
    with running_demo() as address:
        assert isinstance(address, UnixAddress)
        directory = Path(address.path).parent
        assert directory.stat().st_mode & 0o777 == 0o700
        assert ask(address.path).startswith(b"Status: 200 OK")
    assert not directory.exists()


# A worker is forked within the block and leaves it like every other block that it is in.
FORKING = """
import os
from wsgi_scgi.server.demo.launch import running_demo
with running_demo() as address:
    forked = os.fork()
    if forked:
        os.waitpid(forked, 0)
        print(os.path.exists(address.path))
"""


def test_a_fork_that_leaves_the_block_ends_nothing() -> None:
    result = subprocess.run(
        [sys.executable, "-c", FORKING], cwd=CHECKOUT, capture_output=True, timeout=BOUND
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"True\n", b"")


def test_a_killed_caller_takes_the_demo_and_its_files_along() -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER], cwd=CHECKOUT, stdout=subprocess.PIPE
    )
    try:
        assert launcher.stdout is not None
        path = Path(launcher.stdout.readline().decode().strip())
        assert ask(str(path)).startswith(b"Status: 200 OK")
    finally:
        launcher.kill()
        launcher.communicate()
    wait_until(lambda: not path.parent.exists())


def test_modules_in_the_callers_directory_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / "hashlib.py").write_text("raise SystemExit('not that one')")
    code = (
        "import sys; sys.path[0] = sys.argv.pop()\n"
        "from wsgi_scgi.server.demo.launch import running_demo\n"
        "with running_demo(): print('served')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(CHECKOUT)],
        cwd=tmp_path,
        capture_output=True,
        timeout=BOUND,
        check=False,
    )
    assert (result.stdout, result.stderr) == (b"served\n", b"")


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
