"""The workers of a gateway, one by one: who runs, who is stopped, whose a connection is."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.integration.backends.process import wait_for
from tests.integration.serving import BOUND, workers_of
from tests.kit.gateways import Gateway

# epoll_wait, epoll_pwait, epoll_pwait2, poll, ppoll, select and pselect6 have these numbers.
_WAITS = {
    "x86_64": ("232", "281", "441", "7", "271", "23", "270"),
    "aarch64": ("22", "441", "73", "72"),
}.get(os.uname().machine)


class Workers:
    """The workers that a gateway has now.

    One that is stopped takes no connection, so that a test can say who serves.
    """

    def __init__(self, gateway: Gateway, number: int) -> None:
        """Wait until there are so many."""
        self._gateway = gateway
        self._turn = 0
        wait_for(lambda: len(self.pids) >= number, f"{number} workers", BOUND)

    @property
    def pids(self) -> list[int]:
        """The process ids of those that live, in the order in which they came."""
        return [pid for pid in workers_of(self._gateway) if _state(pid) not in ("", "Z")]

    def next_alone(self) -> None:
        """Stop all but one, each time another one."""
        self.alone(self._turn)
        self._turn += 1

    def alone(self, number: int) -> None:
        """Stop all but the worker ``number``, counted round."""
        pids = self.pids
        chosen = pids[number % len(pids)]
        for pid in pids:
            if pid != chosen:
                stop(pid)
        os.kill(chosen, signal.SIGCONT)

    def run_all(self) -> None:
        """Let all run."""
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def only(self, number: int) -> Iterator[None]:
        """Let only one worker serve."""
        self.alone(number)
        try:
            yield
        finally:
            self.run_all()

    def told(self) -> str:
        """Return what each of them is doing, for whoever wonders why nothing happens."""
        lines = []
        for pid in self.pids:
            for task in Path(f"/proc/{pid}/task").iterdir():
                now = [(task / name).read_text().strip() for name in ("wchan", "syscall")]
                lines.append(f"{pid} {_state(pid)} {task.name} {' '.join(now)}")
        return "\n".join(lines)


def stop(pid: int) -> None:
    """Stop a process where it waits for events; it takes nothing any more when this returns.

    Elsewhere it might hold a lock, for which the others would wait as long as it stands still.
    """

    def stands_still() -> bool:
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: _state(pid) in ("T", "", "Z"), f"the stop of {pid}", BOUND)
        if _state(pid) != "T" or _waits_for_events(pid):
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    wait_for(stands_still, f"a stop of {pid} where it waits", BOUND)


def kill_worker(pid: int) -> set[int]:
    """Kill a worker by SIGKILL; return the ports of the clients whose connections it held."""
    stop(pid)
    held = peer_ports(pid)
    os.kill(pid, signal.SIGKILL)
    return held


def peer_ports(pid: int) -> set[int]:
    """Return the remote ports of the TCP connections of a process."""
    return _ports(pid, 2)


def own_ports(pid: int) -> set[int]:
    """Return the local ports of the TCP connections of a process."""
    return _ports(pid, 1)


def _ports(pid: int, column: int) -> set[int]:
    links = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {
        int(row[column].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in links
    }


def _waits_for_events(pid: int) -> bool:
    """Tell whether a process was stopped in a system call that waits, as far as that is known."""
    try:
        call = Path(f"/proc/{pid}/syscall").read_text().split()[0]
    except OSError:
        return True
    return _WAITS is None or call in _WAITS


def _state(pid: int) -> str:
    """Return the letter of a process's state, nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the latter where it goes while it is read
        return ""
