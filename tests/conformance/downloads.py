"""Downloads that are looked at while they last, and what a gateway holds open meanwhile."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.requests import get
from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.response import End, Response

BOUND = 60.0


class Download:
    """A response whose body is read in pieces and never held."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, BOUND)
        self._rest = b""
        self.length = 0
        self.left = 0
        self.digest = hashlib.sha256()

    def __enter__(self) -> Download:
        """Return the download itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._socket.close()

    def ask(self, request: bytes) -> str:
        """Send a request, read the head and return it."""
        self._socket.sendall(request)
        while b"\r\n\r\n" not in self._rest:
            piece = self._socket.recv(65536)
            assert piece, "the gateway closed inside the head"
            self._rest += piece
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        match = re.search(rb"(?i)\r\nContent-Length: ([0-9]+)", head)
        assert match is not None, head
        self.length = self.left = int(match[1])
        self.digest = hashlib.sha256()
        return head.decode("latin-1")

    def read(self, size: int = 1 << 62) -> int:
        """Read up to ``size`` bytes of the body; return how many came."""
        wanted = min(size, self.left)
        before = self.left
        while before - self.left < wanted:
            piece = self._rest or self._socket.recv(65536)
            self._rest = b""
            if not piece:
                break
            taken = piece[: wanted - (before - self.left)]
            self._rest = piece[len(taken) :]
            self.left -= len(taken)
            self.digest.update(taken)
        return before - self.left


def ask(address: tuple[str, int], target: str = "/two/x", *fields: str) -> Response:
    """Return the response to one small request on a connection of its own."""
    with Client(address, bound=BOUND) as client:
        client.send(get(target, *fields))
        response = client.read_response("GET")
        assert response is not None, client.notes
        assert client.read_to_end() is End.EOF
    return response


def kept_alive(target: str, *fields: str) -> bytes:
    """Return a request that leaves the connection open."""
    return get(target, *fields).replace(b"Connection: close\r\n", b"")


def workers_of(gateway: Gateway) -> list[int]:
    """Return the process ids of the workers."""
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def descriptors(gateway: Gateway) -> list[str]:
    """Return what the open descriptors of all workers stand for, sockets by kind only."""
    found = []
    for pid in workers_of(gateway):
        for number in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.append(re.sub(r":\[\d+\]", "", os.readlink(f"/proc/{pid}/fd/{number}")))
            except FileNotFoundError:
                continue  # closed meanwhile
    return sorted(found)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Return once ``condition`` holds."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


@contextmanager
def nothing_left_open(gateway: Gateway) -> Iterator[None]:
    """Check that all that the workers open meanwhile is closed again."""
    before = Counter(_settled(gateway))
    yield
    deadline = time.monotonic() + BOUND
    while left := Counter(descriptors(gateway)) - before:
        assert time.monotonic() < deadline, f"left open: {dict(left)}"
        time.sleep(0.02)


def _settled(gateway: Gateway) -> list[str]:
    """Return the descriptors once what other clients left behind is closed."""
    found = descriptors(gateway)
    same = 0
    while same < 5:
        time.sleep(0.02)
        again = descriptors(gateway)
        same = same + 1 if again == found else 0
        found = again
    return found


# With MSG_TRUNC the kernel throws away what came instead of copying it, so that this client takes
# bytes faster than any gateway makes them; nothing else would keep a gateway from pausing.
_GREEDY = """
import socket, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(sys.argv[2].encode())
waste = bytearray(1 << 20)
sock.recv_into(waste, flags=socket.MSG_TRUNC)
print("started", flush=True)
while sock.recv_into(waste, flags=socket.MSG_TRUNC):
    pass
"""


@contextmanager
def greedy_client(gateway: Gateway, request: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """Run a client that reads the response to ``request`` as fast as it can."""
    command = (sys.executable, "-c", _GREEDY, str(gateway.address[1]), request.decode())
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            yield process
        finally:
            process.kill()
