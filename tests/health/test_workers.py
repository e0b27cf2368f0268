"""Health checks by several processes of a host: one at a time does them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.backend import Backend
from tests.kit.script import Reply
from tests.transports import BOUND, until

GOOD = Reply(b"Status: 204 No Content\r\n\r\n")
BAD = Reply(b"Status: 500 Oh\r\n\r\n")
ROOT = Path(__file__).parents[2]


class Workers:
    """The program ``workers.py``, and the member that it checks."""

    def __init__(self, kind: str, log: Path) -> None:
        self.backend = Backend()
        self.url = f"scgi://127.0.0.1:{self.backend.listen_tcp()}/"
        self.plays(GOOD)
        self._log = log
        with log.open("wb") as errors:
            self.program = subprocess.Popen(
                [sys.executable, "-m", "tests.health.workers", self.url, kind],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.pids: list[int] = []

    def wait_for_start(self) -> None:
        """Return when both workers run."""
        self.pids = [int(self._read("worker")) for _ in range(2)]

    def plays(self, script: Reply) -> None:
        """Say what the member answers from now on, and forget who has asked."""
        self.backend.begin(script, bound=BOUND)

    def checks(self) -> list[int]:
        """Return the process behind each check of the member that has begun."""
        names = [connection.request.get("HTTP_X_WORKER") for connection in self.backend.connections]
        return [int(name) for name in names if name is not None]

    def wait_for_checks(self, number: int) -> None:
        """Return when the member was checked so often."""
        until(lambda: len(self.checks()) >= number)

    def busy(self) -> int:
        """Return how many requests are in flight, as the parent sees it."""
        assert self.program.stdin is not None
        self.program.stdin.write("busy\n")
        self.program.stdin.flush()
        return int(self._read("busy"))

    def log(self) -> str:
        """Return what all processes have logged."""
        return self._log.read_text()

    def close(self) -> None:
        """End all processes."""
        self.program.communicate(timeout=BOUND)
        self.backend.close()

    def _read(self, word: str) -> str:
        assert self.program.stdout is not None
        line = self.program.stdout.readline().split()
        assert line[:1] == [word], self.log()
        return line[1]


@pytest.fixture
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workers]:
    """Two workers of the kind that the test asks for."""
    workers = Workers(request.param, tmp_path / "log")
    try:
        workers.wait_for_start()
        yield workers
    finally:
        workers.close()


@pytest.mark.parametrize("workers", ["threads", "gevent"], indirect=True)
def test_one_worker_checks_and_another_takes_over_when_it_dies(workers: Workers) -> None:
    workers.wait_for_checks(5)
    (checker,) = {*workers.checks()}
    (other,) = {*workers.pids} - {checker}
    assert workers.busy() == 2
    os.kill(checker, signal.SIGKILL)
    until(lambda: other in workers.checks())
    until(lambda: workers.busy() == 1)


@pytest.mark.parametrize("workers", ["threads", "gevent"], indirect=True)
def test_a_change_is_logged_by_the_worker_that_checks(workers: Workers) -> None:
    workers.wait_for_checks(1)
    (checker,) = {*workers.checks()}
    workers.plays(BAD)
    until(lambda: "it answered 500 Oh" in workers.log())
    workers.plays(GOOD)
    until(lambda: "passes its health checks again" in workers.log())
    assert [line.split()[0] for line in workers.log().splitlines()] == [str(checker)] * 2


@pytest.mark.parametrize("workers", ["parent"], indirect=True)
def test_a_forked_child_starts_a_task_of_its_own(workers: Workers) -> None:
    everybody = {*workers.pids, workers.program.pid}
    until(lambda: {*workers.checks()} == everybody)
