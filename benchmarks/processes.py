"""The servers that are measured: started on one core, watched through /proc, stopped.

CPU time is that of the server's whole process tree, user and system together.
"""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Starting takes a second; the bound is for a machine that does much else.
_START_BOUND = 60.0
_STOP_PATIENCE = 0.3
_PORTS_TRIED = 5
_given_ports: set[int] = set()
"""Never given again: of two servers that start at once one would be taken for the other."""
_ADDRESS_LOGGED = re.compile(r"Listening at: http://127\.0\.0\.1:([1-9][0-9]*)")
_CHECKOUT = Path(__file__).resolve().parents[1]


class StartError(Exception):
    """The server ended, or did not listen in time; the text has its log."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the gateways run on, and which the load and the backend; None: not pinned."""

    gateway: int | None
    load: int | None

    def __str__(self) -> str:
        """Say it in words."""
        if self.gateway is None:
            return "no: the system does not let us choose, or has one core"
        return f"gateways to core {self.gateway}, load and backend to core {self.load}"

    @classmethod
    def available(cls) -> "Cores":
        """Return the first two cores that this process may use, or none where it cannot choose."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(None, None)
        cores = sorted(os.sched_getaffinity(0))
        return cls(cores[0], cores[1]) if len(cores) > 1 else cls(None, None)


@contextlib.contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Bind this thread, and what it starts, to ``core``."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """One running server and its log.  ``port`` is 0 where the server itself chooses one."""

    def __init__(self, command: Sequence[str], directory: Path, *, port: int) -> None:
        self.port = port
        self._log_path = directory / "output.log"
        self._directory = directory
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env=_environment(directory),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_listening(self) -> None:
        """Return once it accepts connections.  Raises StartError if it never does."""
        end = time.monotonic() + _START_BOUND
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise StartError(self.log())
            time.sleep(0.02)

    def _listens(self) -> bool:
        if not self.port:
            match = _ADDRESS_LOGGED.search(self.log())
            if match is None:
                return False
            self.port = int(match[1])
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return self._process.poll() is None

    def log(self) -> str:
        """Return all that the server wrote, error log included."""
        paths = sorted(self._directory.glob("*.log"))
        return "\n".join(filter(None, (path.read_text(errors="replace") for path in paths)))

    def pin(self, core: int | None) -> None:
        """Bind all of its threads to ``core``; what they start from now on inherits that."""
        if core is None:
            return
        # A parent comes before its children, so that a new child is either found or pinned.
        for process in self._walk():
            for task in Path(f"/proc/{process}/task").iterdir():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(task.name), {core})

    def stop(self) -> None:
        """End it by SIGTERM, by SIGKILL if that takes too long: it has nothing to save."""
        # Its children would outlive it.
        processes = self.processes()
        self._process.terminate()
        try:
            self._process.wait(_STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._process.wait()

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far by all of its processes."""
        return sum(_cpu_seconds(process) for process in self.processes())

    def memory_bytes(self) -> int:
        """Return the memory that is its own: PSS, where the kernel tells, else RSS."""
        return sum(_memory_bytes(process) for process in self.processes())

    def processes(self) -> list[int]:
        """Return the ids of all processes of the gateway."""
        return list(self._walk())

    def _walk(self) -> Iterator[int]:
        """Yield each process, and look for its children only afterwards."""
        waiting = [self._process.pid]
        while waiting:
            process = waiting.pop()
            yield process
            for children in Path(f"/proc/{process}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    waiting += map(int, children.read_text().split())


def _environment(directory: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin",
        "PYTHONPATH": str(_CHECKOUT),
        "PYTHONUNBUFFERED": "1",
        "HOME": str(directory),
    }


def _cpu_seconds(process: int) -> float:
    """Return user and system time: in nanoseconds from schedstat, else in ticks from stat."""
    try:
        tasks = [path.read_text() for path in Path(f"/proc/{process}/task").glob("*/schedstat")]
        if tasks:
            return sum(int(task.split()[0]) for task in tasks) / 1e9
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    # proc(5): fields 14 and 15 are utime and stime; the text before the ")" holds the first two.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_bytes(process: int) -> int:
    for name, label in (("smaps_rollup", "Pss"), ("status", "VmRSS")):
        try:
            text = Path(f"/proc/{process}/{name}").read_text()
        except OSError:
            continue
        match = re.search(rf"^{label}:\s*([0-9]+) kB", text, re.MULTILINE)
        if match is not None:
            return int(match[1]) * 1024
    return 0


def on_free_port(start: Callable[[int], Server]) -> Server:
    """Start a server that must be told its port, on another one if somebody was faster.

    The ports are below the range that Linux takes for outgoing connections.  Returns once the
    server listens; raises StartError.
    """
    for attempt in range(_PORTS_TRIED):
        server = start(_free_port())
        try:
            server.wait_listening()
        except StartError as error:
            if "in use" not in str(error) or attempt == _PORTS_TRIED - 1:
                raise
        else:
            return server
    raise AssertionError("unreachable: the last attempt returned or raised")


def _free_port() -> int:
    while True:
        port = random.randrange(20000, 32000)
        if port in _given_ports:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given_ports.add(port)
            return port
