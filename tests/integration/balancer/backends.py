"""Backends in processes of their own, which tests restart and kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.integration.balancer import program

BOUND = 30.0


class Process:
    """``program`` on a port that stays its own."""

    def __init__(self, name: str, executed: Path) -> None:
        self.name = name
        self._executed = executed
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port = int(self._reserved.getsockname()[1])
        self.url = f"scgi://127.0.0.1:{self.port}"
        self._process = self._start()

    def restart(self) -> None:
        """Let it finish what it does and end, then start it anew."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(BOUND) == 0
        self._process = self._start()

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(BOUND)

    def start(self) -> None:
        """Start it anew after it was killed."""
        self._process = self._start()

    def close(self) -> None:
        """End it for good."""
        if self._process.poll() is None:
            self.kill()
        self._reserved.close()

    def _start(self) -> subprocess.Popen[bytes]:
        arguments = [str(self.port), self.name, str(self._executed)]
        process = subprocess.Popen(
            [sys.executable, "-S", program.__file__, *arguments], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline() == b"listening\n"
        return process


class Backends:
    """Some of them, with the record of what they have executed."""

    def __init__(self, names: Sequence[str], directory: Path) -> None:
        self._executed = directory / "executed"
        os.close(os.open(self._executed, os.O_CREAT | os.O_WRONLY))
        self.processes = [Process(name, self._executed) for name in names]

    def executed(self) -> Counter[str]:
        """Return how often each request was executed that is not idempotent, by its id."""
        lines = self._executed.read_text().splitlines()
        return Counter(line.partition(" ")[0] for line in lines)

    def close(self) -> None:
        """End all."""
        for process in self.processes:
            process.close()
