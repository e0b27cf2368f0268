"""Start the backend: the C program, or the one in Python where there is no compiler."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .processes import pinned
from .site import BackendAddress

_SOURCE = Path(__file__).with_name("backend.c")
_BOUND = 60.0


@dataclass(frozen=True, slots=True)
class Backend:
    """The one backend of all gateways.  ``kind`` says which of the two it is."""

    address: BackendAddress
    kind: str
    stop: Callable[[], None]


def find_compiler() -> str | None:
    """Return the C compiler: ``$CC``, or the first of the usual names."""
    names = (os.environ.get("CC", ""), "cc", "gcc", "clang")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def start_backend(directory: Path, *, core: int | None, compiler: str | None) -> Backend:
    """Start the backend in ``directory``, which every gateway's user must be able to enter."""
    if compiler is None:
        command = [sys.executable, "-m", "benchmarks.gevent_backend"]
        kind = "gevent (no C compiler: its own time limits the fastest gateways)"
    else:
        program = directory / "backend"
        subprocess.run([compiler, "-O2", "-o", program, _SOURCE], check=True, timeout=_BOUND)
        command = [str(program)]
        kind = f"C, {compiler}"
    path = directory / "backend.socket"
    files = directory / "files"
    files.mkdir()
    with pinned(core):
        process = subprocess.Popen(
            [*command, str(path), str(files)],
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
    assert process.stdout is not None

    def stop() -> None:
        process.terminate()
        process.wait(_BOUND)
        process.stdout.close()  # type: ignore[union-attr]  # asserted above

    try:
        ports = tuple(map(int, process.stdout.readline().split()))
    except BaseException:
        stop()
        raise
    # Gateways may run as another user.
    path.chmod(0o777)
    return Backend(BackendAddress(ports, path, files), kind, stop)


def end_streams(address: BackendAddress) -> None:
    """Let the backend close all responses that it keeps open."""
    block = b"CONTENT_LENGTH\x000\x00SCGI\x001\x00REQUEST_URI\x00/release\x00"
    with socket.create_connection(("127.0.0.1", address.port), timeout=_BOUND) as connection:
        connection.sendall(b"%d:%b," % (len(block), block))
        while connection.recv(1024):
            pass
