"""``wsgi-scgi serve`` as the tests of this directory start it, ask it and look at it."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from tests.integration.backends.process import wait_for
from tests.kit.backend import Backend, Script
from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.netstring import SCGIRequest
from tests.kit.response import Response
from tests.kit.script import ReadBody, ReadHead, Write, play

COMMAND = (sys.executable, "-m", "wsgi_scgi", "serve")
BOUND = 30.0

Address = tuple[str, int] | str


def answering(body: bytes) -> Script:
    """Return a script that answers with ``body``."""
    head = b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
    return play(ReadHead(), ReadBody(), Write(head + body))


class Served:
    """A backend that answers with its name, and where it listens."""

    def __init__(self, backend: Backend, name: str) -> None:
        self.backend = backend
        self.url = f"scgi://127.0.0.1:{backend.listen_tcp()}/"
        backend.begin(answering(name.encode()), bound=BOUND)

    @property
    def last(self) -> SCGIRequest:
        """Return the last request that came."""
        self.backend.settle()
        return self.backend.connections[-1].request

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables of the last request."""
        return {name.decode(): value.decode() for name, value in self.last.variables}


Start = Callable[..., Gateway]

ANY_PORT = ("--bind", "127.0.0.1:0")


def get(
    address: Address, target: str = "/", *, fields: Sequence[str] = (), bound: float = BOUND
) -> Response:
    """Return the response to one request on a connection of its own."""
    lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", ""]
    with Client(address, bound=bound) as client:
        client.send("\r\n".join(lines).encode("latin-1"))
        response = client.read_response("GET")
    assert response is not None, client.notes
    return response


def workers_of(gateway: Gateway) -> list[int]:
    """Return the process ids of all workers that ever started, in order."""
    return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)\n", gateway.log())]


def wait_logged(gateway: Gateway, text: str, times: int = 1) -> None:
    wait_for(lambda: gateway.log().count(text) >= times, f"{text!r} in the log", BOUND)


def wait_ended(pid: int) -> None:
    def ended() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    wait_for(ended, f"the end of process {pid}", BOUND)


def routes_to(url: str, *, server: str = 'bind = "127.0.0.1:0"') -> str:
    return f'[server]\n{server}\n[[route]]\npath = "/"\nbackend = "{url}"\n'


class Requests:
    """Requests one after the other in a thread, until it is told to stop."""

    def __init__(self, address: Address, target: str = "/") -> None:
        self.bodies: list[bytes] = []
        self.failures: list[str] = []
        self._address = address
        self._target = target
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Requests:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(BOUND)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                response = get(self._address, self._target)
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))
                return
            if response.status != 200 or not response.complete:
                self.failures.append(repr(response))
            self.bodies.append(response.body)


def hang_up(gateway: Gateway) -> None:
    os.kill(gateway.pid, signal.SIGHUP)
