"""One request on a connection of its own, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.integration.balancer.members import BOUND
from tests.kit.http import Client
from tests.kit.response import Response


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got; ``response`` is None if it got nothing."""

    response: Response | None

    @property
    def status(self) -> int:
        """The status, 0 if no response came or it was cut."""
        return self.response.status if self.response and self.response.complete else 0

    @property
    def word(self) -> str:
        """The outcome as the cases write it."""
        if self.response is None:
            return "nothing"
        member = self.response.get("X-Member")
        if not self.response.complete:
            return f"{member or ''}:cut"
        if member is None:
            return str(self.status)
        return member if self.status == 200 else f"{member}:{self.status}"


def ask(
    address: tuple[str, int],
    method: str = "GET",
    target: str = "/",
    *,
    fields: Sequence[str] = (),
    body: bytes = b"",
    chunked: bool = False,
) -> Answer:
    """Send a request and read to the end of the connection.

    The end comes after the front has counted the request as done.
    """
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *fields]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    with Client(address, bound=BOUND) as client:
        client.send_reading(head + body)
        response = client.read_response(method)
        client.read_to_end()
    return Answer(response)
