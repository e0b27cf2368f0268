"""Run the demo as a child process, on a Unix socket that only this user can reach."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ...address import UnixAddress
from ...errors import ConfigurationError

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 10.0
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[3])


@contextlib.contextmanager
def running_demo() -> Iterator[UnixAddress]:
    """Start the demo and yield its address; end it and leave nothing behind afterwards.

    The child has a session of its own, so Ctrl-C reaches only the caller, who decides when it
    ends.  If the caller is killed the child notices within a second.  A fork of the caller that
    leaves the block ends nothing.  Raises ConfigurationError if the child does not start.
    """
    owner = os.getpid()
    directory = tempfile.mkdtemp(prefix="wsgi-scgi-demo-")  # mode 0700
    address = UnixAddress(os.path.join(directory, "demo.sock"))
    try:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "wsgi_scgi.server.demo", "--remove-directory"),
                *("--socket", address.path, "--parent", str(owner)),
            ],
            # What lies in the caller's directory must not be imported in place of a module.
            cwd=directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_listening(process, address)
            yield address
        finally:
            if os.getpid() == owner:
                _end(process)
    finally:
        if os.getpid() == owner:
            shutil.rmtree(directory, ignore_errors=True)


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if _PACKAGE_ROOT not in installed:
        paths = (_PACKAGE_ROOT, environment.get("PYTHONPATH", ""))
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


def _wait_listening(process: subprocess.Popen[bytes], address: UnixAddress) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(address.path) == 0:
                return
        time.sleep(0.01)
    raise ConfigurationError("the demo did not start")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
