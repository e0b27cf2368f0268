"""Where the blocks of a page are run: a directory, ports and processes of their own."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.docs.blocks import Block
from tests.ports import held_port

# Seconds that a command or a server may take; never what a test asserts.
BOUND = 60.0

_PORT = re.compile(r"((?:127\.0\.0\.1|localhost|\[::1\]):|--port |server\.port = )(\d{4,5})\b")
# A server may write to its log when the client has its answer already.
_READS_A_LOG = re.compile(r"(?:cat|grep)\b[^|>]* \S+\.log$")


class Stage:
    """Runs blocks one after the other.

    Three things differ from what the page says, so that pages can be run side by side and as any
    user: each port number has become a free one, ``/run/`` and ``/srv/`` lie in the directory of
    the stage, and HOME is that directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports: dict[str, str] = {}
        self._held_ports = contextlib.ExitStack()
        self._servers: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._environment = os.environ | {
            "HOME": str(directory),
            "USER": "me",
            "PYTHONUNBUFFERED": "1",
        }
        for name in ("run", "srv"):
            (directory / name).mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._held_ports:
            self.stop_servers()

    def localized(self, text: str) -> str:
        """Return ``text`` with the ports and paths of this stage."""
        text = _PORT.sub(lambda match: match[1] + self._port(match[2]), text)
        return re.sub(r"(?<![\w.])/(run|srv)(?=/)", rf"{self._directory}/\1", text)

    def _port(self, written: str) -> str:
        if written not in self._ports:
            self._ports[written] = str(self._held_ports.enter_context(held_port()))
        return self._ports[written]

    def write(self, block: Block) -> None:
        """Write the file that the block shows."""
        path = self._directory / self.localized(block.argument)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.localized(block.text), encoding="utf-8")

    def run(self, block: Block) -> None:
        """Run the commands of a console; each must succeed and print what the page shows."""
        for command, expected in block.commands():
            self._run(command, expected)

    def _run(self, command: str, expected: str) -> None:
        if re.match(r"cd \S+$", command):
            self._directory /= shlex.split(command)[1]
            return
        fails = expected.rstrip().endswith("(exit status 1)")
        expected = self.localized(expected.rstrip().removesuffix("(exit status 1)"))
        give_up_at = time.monotonic() + BOUND
        while True:
            status, output = self._outcome(command)
            is_shown = not expected or _matches(expected, output, whole=True)
            if (status == int(fails) and is_shown) or not _READS_A_LOG.match(command):
                break
            if time.monotonic() > give_up_at:
                break
            time.sleep(0.05)
        assert status == int(fails), f"$ {command}\n{output}{self.server_output()}"
        assert is_shown, f"$ {command}\nThe page shows:\n{expected}\nbut it printed:\n{output}"

    def _outcome(self, command: str) -> tuple[int, str]:
        """Return the exit status of a command, and what it printed."""
        done = subprocess.run(
            ("bash", "-c", self.localized(command)),
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BOUND,
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8", "backslashreplace")

    def serve(self, block: Block) -> None:
        """Run the commands of a console and leave the last one running, ready for requests."""
        *before, (command, expected) = block.commands()
        for earlier, output in before:
            self._run(earlier, output)
        address = self.localized(block.argument)
        give_up_at = time.monotonic() + BOUND
        # Whoever had the address before may be a moment in leaving it.
        while _accepts(self._directory, address):
            assert time.monotonic() < give_up_at, f"$ {command}\n{address} is in use"
            time.sleep(0.05)
        log = self._log(len(self._servers))
        with log.open("wb") as file:
            server = subprocess.Popen(
                ("bash", "-c", f"exec {self.localized(command)}"),
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._servers.append((command, server))
        while not (_accepts(self._directory, address) and self._has_printed(log, expected)):
            assert server.poll() is None, f"$ {command}\n{log.read_text()}"
            assert time.monotonic() < give_up_at, (
                f"$ {command}\n{expected}\nbut:\n{log.read_text()}"
            )
            time.sleep(0.05)

    def _has_printed(self, log: Path, expected: str) -> bool:
        return _matches(self.localized(expected), log.read_text(errors="replace"), whole=False)

    def _log(self, number: int) -> Path:
        return Path(self._environment["HOME"]) / f"server-{number}.log"

    def run_python(self, block: Block) -> None:
        """Run a session of the interpreter in a process of its own."""
        session = Path(self._environment["HOME"]) / "session.txt"
        session.write_text(self.localized(block.text), encoding="utf-8")
        done = subprocess.run(
            (sys.executable, "-m", "doctest", "-o", "ELLIPSIS", str(session)),
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=BOUND,
            check=False,
        )
        assert doctest.DocTestParser().get_examples(block.text), "no example in the session"
        assert done.returncode == 0, done.stdout + done.stderr

    def server_output(self) -> str:
        """Return what the servers of the page have printed, for the message of a failure."""
        return "".join(
            f"\n$ {command}\n{self._log(number).read_text(errors='replace')}"
            for number, (command, _) in enumerate(self._servers)
        )

    def stop_servers(self) -> None:
        """Press Ctrl-C, so to speak; ours must then end by themselves and with status 0."""
        servers, self._servers = self._servers, []
        for number, (command, server) in reversed(list(enumerate(servers))):
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGINT)
            try:
                status = server.wait(BOUND)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
                raise
            if command.startswith("wsgi-scgi "):
                assert status == 0, f"$ {command}: {status}\n{self._log(number).read_text()}"


def _accepts(directory: Path, address: str) -> bool:
    host, _, port = address.rpartition(":")
    is_unix = not host
    with socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(directory / address) if is_unix else (host, int(port)))
        except OSError:
            return False
    return True


def _matches(expected: str, output: str, *, whole: bool) -> bool:
    """Tell whether the lines of ``expected`` are those of ``output``.

    ``...`` stands for anything within a line, and alone on a line for any lines.
    """
    pattern = ""
    for line in expected.strip().splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*?".join(map(re.escape, line.rstrip().split("..."))) + r"[ \t]*\n"
    if whole:
        return re.fullmatch(pattern, output.replace("\r\n", "\n").strip() + "\n") is not None
    return re.search(f"^{pattern}", output.replace("\r\n", "\n"), re.MULTILINE) is not None
