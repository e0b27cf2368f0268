"""The steps of which backend scripts are made; each is a callable that gets the connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.backend import BackendConnection, PeerEnd, Script, ScriptEnded
from tests.kit.netstring import SCGIRequest


def play(*steps: Script) -> Script:
    """Make one script of several steps."""

    def script(connection: BackendConnection) -> None:
        for step in steps:
            step(connection)

    return script


@dataclass(frozen=True, slots=True)
class ReadHead:
    """Read until the netstring is complete."""

    def __call__(self, connection: BackendConnection) -> None:
        """Read the head."""
        connection.read_head()


@dataclass(frozen=True, slots=True)
class ReadBody:
    """Read until so many body bytes came; by default as many as announced."""

    size: int | None = None

    def __call__(self, connection: BackendConnection) -> None:
        """Read the body."""
        connection.read_body(self.size)


@dataclass(frozen=True, slots=True)
class ReadToEnd:
    """Read until the gateway leaves: a backend that never answers, or never closes."""

    def __call__(self, connection: BackendConnection) -> None:
        """Read until the end."""
        connection.read_to_end()


@dataclass(frozen=True, slots=True)
class Write:
    """Send these bytes."""

    data: bytes

    def __call__(self, connection: BackendConnection) -> None:
        """Send the bytes."""
        connection.write(self.data)


@dataclass(frozen=True, slots=True)
class Drip:
    """Send one byte after the other, ``pause`` seconds apart.

    With ``may_be_cut`` a gateway may leave before the last byte, having seen enough.
    """

    data: bytes
    pause: float = 0.0005
    may_be_cut: bool = False

    def __call__(self, connection: BackendConnection) -> None:
        """Send byte by byte."""
        try:
            for offset in range(len(self.data)):
                connection.write(self.data[offset : offset + 1])
                time.sleep(self.pause)
        except ScriptEnded:
            if not self.may_be_cut or connection.end is PeerEnd.OPEN:
                raise


@dataclass(frozen=True, slots=True)
class WriteUntilCut:
    """Send the piece again and again until the gateway is gone, at most ``most`` bytes."""

    piece: bytes
    most: int = 256 * 1024 * 1024

    def __call__(self, connection: BackendConnection) -> None:
        """Send until it fails; the gateway's leaving is what this step waits for."""
        try:
            for _ in range(self.most // len(self.piece)):
                connection.write(self.piece)
        except ScriptEnded:
            if connection.end is PeerEnd.OPEN:
                raise


@dataclass(frozen=True, slots=True)
class DripUntilCut:
    """Send the piece every ``pause`` seconds until the gateway is gone, or the bound is over."""

    piece: bytes
    pause: float

    def __call__(self, connection: BackendConnection) -> None:
        """Send slowly; the gateway's leaving is what this step waits for."""
        deadline = time.monotonic() + connection.bound
        while connection.end is PeerEnd.OPEN and time.monotonic() < deadline:
            try:
                connection.write(self.piece)
            except ScriptEnded:
                return
            connection.ends_within(self.pause)


@dataclass(frozen=True, slots=True)
class WriteUntilHeld:
    """Send until the gateway takes nothing for a while; note it if it takes ``most`` bytes.

    A machine that is slow can only make this step end too early, never complain wrongly.
    """

    most: int
    seconds: float = 0.5

    def __call__(self, connection: BackendConnection) -> None:
        """Send as much as the gateway takes."""
        piece = b"0123456789abcdef" * 4096
        for _ in range(self.most // len(piece)):
            if not connection.write_within(piece, self.seconds):
                return
        connection.note(f"the gateway took {self.most} bytes that nobody reads")


@dataclass(frozen=True, slots=True)
class ExpectOpen:
    """Note it if the gateway closes its sending side within so many seconds."""

    seconds: float

    def __call__(self, connection: BackendConnection) -> None:
        """Watch for an end of the request that no SCGI gateway should send."""
        if connection.ends_within(self.seconds):
            connection.note("the gateway closed its side before the answer")


@dataclass(frozen=True, slots=True)
class HalfClose:
    """Say that nothing more comes, and keep reading."""

    def __call__(self, connection: BackendConnection) -> None:
        """Send FIN."""
        connection.half_close()


@dataclass(frozen=True, slots=True)
class Close:
    """Close at once, whatever was not read."""

    def __call__(self, connection: BackendConnection) -> None:
        """Close the socket."""
        connection.close()


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection (RST)."""

    def __call__(self, connection: BackendConnection) -> None:
        """Send RST."""
        connection.reset()


@dataclass(frozen=True, slots=True)
class Reply:
    """Read the whole request, then send these bytes."""

    data: bytes

    def __call__(self, connection: BackendConnection) -> None:
        """Read, then answer."""
        connection.read_head()
        connection.read_body()
        connection.write(self.data)


@dataclass(frozen=True, slots=True)
class ReplyFrom:
    """Read the whole request, then send what ``make`` makes of it."""

    make: Callable[[SCGIRequest], bytes]

    def __call__(self, connection: BackendConnection) -> None:
        """Read, then answer."""
        connection.read_head()
        connection.read_body()
        connection.write(self.make(connection.request))
