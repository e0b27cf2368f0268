"""Start a server program, wait until it serves, and stop it by its process id."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.kit.gateways import Gateway
from tests.kit.peers import require

BOUND = 30.0
"""Seconds that a program may take to start or to stop; machines are slow and shared."""

Address = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""


def wait_for(condition: Callable[[], bool], what: str, bound: float = BOUND) -> None:
    """Return once `condition` holds; raise TimeoutError after `bound` seconds."""
    end = time.monotonic() + bound
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {bound:g} s")
        time.sleep(0.02)


def connect(address: Address) -> socket.socket:
    """Return a connection to `address` on which everything is bounded; raise OSError."""
    if isinstance(address, tuple):
        return socket.create_connection(address, BOUND)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(BOUND)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def accepts(address: Address) -> bool:
    """Tell whether somebody listens on `address`."""
    try:
        connect(address).close()
    except OSError:
        return False
    return True


def listening(address: tuple[str, int]) -> set[str]:
    """Return what the kernel calls the sockets that listen on a port.

    Once they are closed somebody else may get the port; another socket has another name.
    """
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    port = f":{address[1]:04X}"
    return {row[9] for row in rows if row[1].endswith(port) and row[3] == "0A"}


def environment(directory: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a small environment: nothing of the machine's proxies, home or locale gets in."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    own = {"PATH": path, "HOME": str(directory), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    return {**own, **(extra or {})}


def log_of(directory: Path) -> str:
    """Return what the program that runs in `directory` has printed so far."""
    return Path(directory, "log").read_text("utf-8", "replace")


@contextlib.contextmanager
def running(
    command: Sequence[str],
    directory: Path,
    *,
    ready: Callable[[], bool],
    extra: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` in `directory` until the block ends, its output in the file ``log`` there.

    The block starts once `ready` holds. Raises RuntimeError, with the output, if the program ends
    before, and TimeoutError if it is not ready within BOUND seconds.
    """
    with Path(directory, "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment(directory, extra),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def is_ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended: {log_of(directory)}")
        return ready()

    try:
        wait_for(is_ready, f"{command[0]} serves")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(BOUND)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(BOUND)


def python_script(name: str, install_hint: str) -> str:
    """Return the path of a program that a Python package brought, beside the interpreter or not."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else require(name, install_hint)


def end_together(gateways: Iterable[Gateway]) -> None:
    """Ask all of `gateways` to end, so that whoever then stops each waits for the slowest alone."""
    for gateway in gateways:
        if gateway.running:
            os.kill(gateway.pid, signal.SIGTERM)


def end_of(gateway: Gateway) -> int:
    """Return the exit status of a gateway that was told to end.

    A second SIGTERM would kill it at the very end, when Python has no handlers any more.
    """
    with contextlib.suppress(TimeoutError):
        wait_for(lambda: not gateway.running, "the end", BOUND)
    return gateway.stop()
