"""A load of so many requests a second, each on a connection of its own, and what became of them."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tests.integration.backends.process import wait_for
from tests.kit.response import End, ResponseReader

CLIENTS = 12
BOUND = 30.0

BODY = b"0123456789abcdef" * 64
"""What POST and PUT bring: it comes back."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A method, and the path below which it is asked."""

    method: str
    path: str = "/"

    @property
    def is_idempotent(self) -> bool:
        """Tell whether it may be executed twice."""
        return self.method != "POST"


MIX = (
    *(Kind("GET"), Kind("GET"), Kind("POST"), Kind("GET"), Kind("PUT", "/buffered/")),
    *(Kind("GET"), Kind("DELETE"), Kind("POST"), Kind("GET"), Kind("HEAD")),
)
"""Idempotent bodies can be sent again only where they are buffered."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request: its id, the client's port, and what came back."""

    id: str
    kind: Kind
    port: int
    status: int
    error: str
    member: str
    began: float
    ended: float

    @property
    def is_good(self) -> bool:
        """Tell whether a member has answered it, completely and rightly."""
        return self.status == 200 and not self.error


class Load:
    """Requests, ``rate`` a second, from the start of the block to its end."""

    def __init__(self, address: tuple[str, int], rate: float, mix: Sequence[Kind] = MIX) -> None:
        self.outcomes: list[Outcome] = []
        self._address = address
        self._interval = 1 / rate
        self._mix = mix
        self._numbers = itertools.count()
        self._began = 0.0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * BOUND)

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._began

    def go_on(self, requests: int) -> None:
        """Return when so many more requests have been answered, or have failed."""
        enough = len(self.outcomes) + requests
        wait_for(lambda: len(self.outcomes) >= enough, "further requests", BOUND)

    def failed(self, *, held: Collection[int] = ()) -> list[Outcome]:
        """Return the idempotent requests that failed, but for those from the ports ``held``."""
        return [
            one
            for one in self.outcomes
            if one.kind.is_idempotent and not one.is_good and one.port not in held
        ]

    def _run(self) -> None:
        while not self._stopping.is_set():
            number = next(self._numbers)
            due = self._began + number * self._interval
            if self._stopping.wait(max(due - time.monotonic(), 0)):
                return
            self.outcomes.append(self._ask(number))

    def _ask(self, number: int) -> Outcome:
        kind = self._mix[number % len(self._mix)]
        began = time.monotonic()
        body = BODY if kind.method in ("POST", "PUT") else b""
        head = f"{kind.method} {kind.path} HTTP/1.1\r\nHost: localhost\r\nX-Id: {number}\r\n"
        if body:
            head += f"Content-Length: {len(body)}\r\n"
        head += "Connection: close\r\n\r\n"
        reader = ResponseReader(kind.method)
        error = ""
        port = 0
        try:
            with socket.create_connection(self._address, BOUND) as connection:
                connection.settimeout(BOUND)
                port = connection.getsockname()[1]
                connection.sendall(head.encode() + body)
                while not reader.finished:
                    data = connection.recv(65536)
                    if not data:
                        reader.ended(End.EOF)
                        break
                    reader.feed(data)
        except OSError as problem:
            error = repr(problem)
        response = reader.response()
        status = response.status if response is not None and response.complete else 0
        if status == 200 and response is not None and response.body != body:
            error = "another body came back"
        member = (response.get("X-Member") or "") if response is not None else ""
        ended = time.monotonic()
        return Outcome(str(number), kind, port, status, error, member, began, ended)
