"""Members of a balancer: SCGI servers that go up and down on one port and do as a request says.

The field ``X-Do: a=404, b=drop`` of a request says what the members are to do with it; who is not
named answers 200 with its name.  So a table of requests is all that a case needs.  The words:

- ``404``: this status;
- ``drop``, ``reset``: no answer, after the whole request or after a byte of its body;
- ``garbage``: something that is no response head; ``silent``: nothing until the front leaves;
- ``large:N``: a body of N bytes;
- ``slow:S`` and ``slow:S:404``: the answer comes after S seconds;
- ``hold``: the answer comes when the test says ``release``.

``next_words`` of a member come before what the requests say.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque

from tests.integration.backends.process import wait_for
from tests.kit.backend import BackendConnection
from tests.kit.gates import Gates
from tests.kit.netstring import SCGIRequest

BOUND = 30.0
RELEASE = "release"


class Member:
    """One server, named ``name``; its port is its own while it is down, too."""

    def __init__(self, name: str, *, up: bool = True) -> None:
        self.name = name
        # Bound and never listening: nobody else gets the port, and connections are refused.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port = int(self._reserved.getsockname()[1])
        self.url = f"scgi://127.0.0.1:{self.port}"
        self.next_words: deque[str] = deque()
        self.peers: list[int] = []
        """The ports from which connections came."""
        self._listener: socket.socket | None = None
        self._thread = threading.Thread()
        self._gates = Gates()
        self._connections: list[BackendConnection] = []
        if up:
            self.rise()

    @property
    def connections(self) -> list[BackendConnection]:
        """All connections that came, checks by connection alone included."""
        return list(self._connections)

    @property
    def requests(self) -> list[SCGIRequest]:
        """All requests whose head came, in order."""
        seen = [connection.request for connection in self.connections]
        return [request for request in seen if request.head_complete]

    def variables(self) -> dict[str, str]:
        """Return the variables of the last request."""
        return {name.decode(): value.decode() for name, value in self.requests[-1].variables}

    def rise(self) -> None:
        """Listen."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener = listener
        self._thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._thread.start()

    def fall(self) -> None:
        """Refuse connections from now on; those that there are go on."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            self._thread.join(BOUND)
            listener.close()

    def settle(self) -> None:
        """Return when every connection made before this call is among ``connections``.

        The kernel's queue is first in, first out, so a connection of our own marks the place; it is
        among them, too.
        """
        before = len(self.peers)
        with socket.create_connection(("127.0.0.1", self.port), BOUND) as mark:
            port = mark.getsockname()[1]
            wait_for(lambda: port in self.peers[before:], "the mark", BOUND)

    def release(self) -> None:
        """Let all requests go on that are being held, and hold others from now on."""
        gates, self._gates = self._gates, Gates()
        gates.open_all()

    def close(self) -> None:
        """End all."""
        self.fall()
        self.release()
        self._reserved.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, peer = listener.accept()
            except OSError:
                if self._listener is not listener:
                    return
                time.sleep(0.02)  # who listens and takes nothing would keep the gateway waiting
                continue
            connection = BackendConnection(sock, self._gates, BOUND)
            self._connections.append(connection)
            self.peers.append(int(peer[1]))
            threading.Thread(target=connection.run, args=(self._serve,), daemon=True).start()

    def _serve(self, connection: BackendConnection) -> None:
        request = connection.read_head()
        word = told(request).get(self.name, "200")
        with contextlib.suppress(IndexError):
            word = self.next_words.popleft()
        if word == "reset":
            connection.read_body(1 if request.content_length else 0)
            connection.reset()
            return
        connection.read_body()
        name, *arguments = word.split(":")
        match name:
            case "drop":
                connection.close()
                return
            case "garbage":
                connection.write(b"this is no field\n\n")
                return
            case "silent":
                connection.read_to_end()
                return
            case "large":
                connection.write(self._answer("200", b"x" * int(arguments[0])))
                return
            case "hold":
                connection.gates.wait(RELEASE, BOUND)
            case "slow":
                time.sleep(float(arguments[0]))
        connection.write(self._answer(word.rpartition(":")[2]))

    def _answer(self, status: str, body: bytes = b"ok") -> bytes:
        status = status if len(status) == 3 and status.isdecimal() else "200"
        head = f"Status: {status}\r\nContent-Type: text/plain\r\nX-Member: {self.name}\r\n"
        return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def told(request: SCGIRequest) -> dict[str, str]:
    """Return what a request tells the members to do, by their names."""
    text = (request.get("HTTP_X_DO") or b"").decode()
    return dict(pair.strip().split("=") for pair in text.split(",") if pair)
