"""gunicorn with the worker under test and with its own, and what a test sends to either."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.kit import gateways
from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.response import End, Response

OURS = "wsgi_scgi.worker.GatewayWorker"
STOCK = "gevent"
APPLICATION = "tests.worker.site:application"
BOUND = 20.0

_Found = TypeVar("_Found")

# gunicorn tells the first fault that it finds, and which it is may depend on where a read ends.
_REFUSAL = re.compile(rb"(?s)(HTTP/1\.1 [45]\d\d [^\r\n]*\r\nConnection: close\r\n)Content-Type:.*")

# Seconds in which a server that is not busy reads a piece.  No verdict depends on it: a piece that
# is read together with the next one is only a test of less.
_BETWEEN_PIECES = 0.0002

# Unless it is what a test is about, no server closes a connection because a test takes its time.
_PATIENCE = ("--keep-alive", "60")

# What tells on the wire which path served a request: see tests/worker/telling.py.
LEAN = b"X-Path: lean\r\n"
_NOT_COMPARED = re.compile(rb"(?m)^(?:Date: [^\r\n]*|X-Path: lean)\r\n")


@contextlib.contextmanager
def serving(
    *settings: str, worker: str = OURS, files: str = "", application: str = APPLICATION
) -> Iterator[Gateway]:
    """Run gunicorn with one worker; `files` is a configuration file of gunicorn's."""
    settings = (*_PATIENCE, *settings)
    directory = gateways.new_directory()
    if files:
        (directory / "settings.py").write_text(files)
        settings = ("--config", "settings.py", *settings)
    with gateways.start_gunicorn(directory, application, worker, settings=settings) as gateway:
        yield gateway
        end_soon(gateway)
    gateways.remove_directory(directory)


def end_soon(gateway: Gateway) -> None:
    """Ask gunicorn to end at once; otherwise it waits for its connections."""
    if gateway.running:
        os.kill(gateway.pid, signal.SIGQUIT)


def request(path: str, *fields: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Return a plain request, and the body behind it."""
    lines = [f"{method} {path} HTTP/1.1", "Host: site.test", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def connected(gateway: Gateway) -> Client:
    return Client(gateway.address, bound=BOUND)


def ask(gateway: Gateway, data: bytes, method: str = "GET") -> Response:
    """Return the one answer on a connection of its own."""
    with connected(gateway) as client:
        client.send(data)
        response = client.read_response(method)
        assert response is not None
        return response


def ends(client: Client) -> End:
    """Return how the server ends the connection."""
    return client.read_to_end()


def answers(gateway: Gateway, *pieces: bytes) -> bytes:
    """Return all that the server says to these bytes and the end behind them.

    Each piece is a segment of its own.  The client sends FIN, so the server closes in any case.
    """
    with connected(gateway) as client:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(_BETWEEN_PIECES)
            client.send(piece)
        client.half_close()
        assert client.read_to_end() is not End.OPEN, (client.notes, bytes(client.received))
    return bytes(client.received)


def exchange(gateway: Gateway, *pieces: bytes) -> bytes:
    """Return `answers` without what differs from one second, worker or read to another."""
    said = _NOT_COMPARED.sub(b"", answers(gateway, *pieces))
    return _REFUSAL.sub(rb"\1", said) if len(pieces) > 1 else said


@dataclass(frozen=True, slots=True)
class Pair:
    """The worker under test and gunicorn's own, with the same settings."""

    ours: Gateway
    stock: Gateway

    def exchange(self, *pieces: bytes) -> bytes:
        """Return what both say to the same bytes; fail if they differ."""
        theirs = exchange(self.stock, *pieces)
        ours = exchange(self.ours, *pieces)
        assert ours == theirs, f"{ours!r}, but gunicorn: {theirs!r}"
        return theirs

    def lean(self, *pieces: bytes) -> bytes:
        """Return what both say; fail if the lean path did not serve it, too."""
        assert LEAN in answers(self.ours, *pieces)
        return self.exchange(*pieces)

    def logged(self, find: Callable[[Gateway], list[str]]) -> list[str]:
        """Return the lines that `find` finds for both, once it does; fail if they differ."""
        theirs = wait_until(lambda: find(self.stock), self.stock)
        ours = wait_until(lambda: find(self.ours), self.ours)
        assert ours == theirs, "\n".join(difflib.unified_diff(theirs, ours, "gunicorn", "ours"))
        return theirs


@contextlib.contextmanager
def pair(*settings: str, files: str = "", application: str = APPLICATION) -> Iterator[Pair]:
    """Run both workers, each with gunicorn's parser in Python."""
    settings = ("--http-parser", "python", *settings)
    with (
        serving(*settings, worker=STOCK, files=files, application=application) as stock,
        serving(*settings, worker=OURS, files=files, application=application) as ours,
    ):
        yield Pair(ours, stock)


def as_file(settings: Mapping[str, object]) -> str:
    """Return a configuration file of gunicorn's."""
    return "".join(f"{name} = {value!r}\n" for name, value in settings.items())


def wait_until(condition: Callable[[], _Found], gateway: Gateway) -> _Found:
    """Return what `condition` gives as soon as it is true; fail with the log after a while."""
    deadline = time.monotonic() + BOUND
    while not (found := condition()):
        assert time.monotonic() < deadline, gateway.log()
        time.sleep(0.02)
    return found


def wait_logged(gateway: Gateway, text: str) -> None:
    """Return once the log has `text`."""
    wait_until(lambda: text in gateway.log(), gateway)


def workers(gateway: Gateway) -> list[int]:
    """Return the process ids of all workers that ever started, in order."""
    return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", gateway.log())]


def connections(gateway: Gateway) -> int:
    """Return how many sockets the last worker has open, the listening one among them."""
    folder = f"/proc/{workers(gateway)[-1]}/fd"
    if not os.path.isdir(folder):
        pytest.skip("sockets can only be counted where /proc is mounted")
    found = 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found += os.readlink(f"{folder}/{name}").startswith("socket:")
    return found
