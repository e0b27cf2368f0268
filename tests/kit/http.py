"""A raw HTTP/1.x client: sends exactly the bytes it is given, in the pieces it is given."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.gates import Gates
from tests.kit.response import End, Response, ResponseReader

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_READ_SIZE = 64 * 1024
# Seconds for a connection to stand, however short a client's patience with the gateway is.
_CONNECT_BOUND = 60.0


class Client:
    """One connection to a gateway.

    ``address`` is a host and port, or the path of a Unix socket. ``bound`` (seconds) limits each
    operation as a whole, but for the connecting; whatever goes beyond it is noted and the client
    goes on, since the verdict of a gateway that hangs is wanted too.
    """

    def __init__(
        self, address: tuple[str, int] | str, *, gates: Gates | None = None, bound: float = 10.0
    ) -> None:
        self.gates = gates or Gates()
        self.bound = bound
        self.received = bytearray()
        self.end = End.OPEN
        self.sent = 0
        self.notes: list[str] = []
        self.send_error = ""
        self._taken = 0
        self._left = False
        if isinstance(address, str):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(_CONNECT_BOUND)
            self._socket.connect(address)
        else:
            self._socket = socket.create_connection(address, timeout=_CONNECT_BOUND)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(bound)

    def __enter__(self) -> Client:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the socket."""
        self._socket.close()

    @property
    def unread(self) -> bytes:
        """Return the bytes received that belong to no response read so far."""
        return bytes(self.received[self._taken :])

    def note(self, problem: str) -> None:
        """Remember that the client could not do what it was told."""
        self.notes.append(problem)

    def send(self, data: bytes) -> None:
        """Send all of ``data`` without looking at what comes back, as simple clients do."""
        try:
            self._socket.sendall(data)
            self.sent += len(data)
        except TimeoutError:
            self.note(f"the gateway took no more for {self.bound:g} s")
        except OSError as error:
            self.send_error = type(error).__name__

    def send_reading(self, data: bytes) -> None:
        """Send ``data`` and read at the same time; stop when the gateway takes no more."""
        view = memoryview(data)
        deadline = time.monotonic() + self.bound
        while view and self.end is End.OPEN:
            left = deadline - time.monotonic()
            readable, writable, _ = select.select([self._socket], [self._socket], [], max(left, 0))
            if readable:
                self._receive(deadline)
            if writable:
                try:
                    sent = self._socket.send(view[:_READ_SIZE])
                except OSError as error:
                    self.send_error = type(error).__name__
                    return
                self.sent += sent
                view = view[sent:]
            if not readable and not writable:
                self.note(f"the gateway took no more for {self.bound:g} s")
                return
            deadline = time.monotonic() + self.bound

    def send_until_held(self, data: bytes, seconds: float) -> int:
        """Send ``data`` until the gateway takes none for ``seconds``; return the bytes taken."""
        taken = 0
        self._socket.settimeout(seconds)
        try:
            while taken < len(data):
                taken += self._socket.send(memoryview(data)[taken : taken + _READ_SIZE])
        except TimeoutError:
            pass
        except OSError as error:
            self.send_error = type(error).__name__
        finally:
            self._socket.settimeout(self.bound)
        self.sent += taken
        return taken

    def half_close(self) -> None:
        """Send FIN and keep reading."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.send_error = type(error).__name__

    def reset(self) -> None:
        """Reset the connection (RST)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.leave()

    def leave(self) -> None:
        """Close the socket."""
        self._left = True
        self._socket.close()

    def await_bytes(self, wanted: bytes) -> bool:
        """Read until ``wanted`` is among all that was received; tell whether it came."""
        deadline = time.monotonic() + self.bound
        while wanted not in self.received:
            if not self._receive(deadline):
                self.note(f"{wanted!r} did not come")
                return False
        return True

    def read_response(self, method: str) -> Response | None:
        """Read the next response; None if not one byte of it came."""
        reader = ResponseReader(method, self.unread)
        deadline = time.monotonic() + self.bound
        while not reader.finished:
            before = len(self.received)
            if not self._receive(deadline):
                break
            reader.feed(bytes(self.received[before:]))
        if self.end is not End.OPEN:
            reader.ended(self.end)
        self._taken = len(self.received) - len(reader.unread)
        return reader.response()

    def read_to_end(self) -> End:
        """Read until the gateway closes or the bound is over; tell how it ended."""
        deadline = time.monotonic() + self.bound
        while self._receive(deadline):
            pass
        return self.end

    def _receive(self, deadline: float) -> bool:
        """Read once, at most until ``deadline``; tell whether more may come."""
        left = deadline - time.monotonic()
        if self.end is not End.OPEN or self._left or left <= 0:
            return False
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(_READ_SIZE)
        except TimeoutError:
            return False
        except ConnectionResetError:
            self.end = End.RESET
            return False
        finally:
            self._socket.settimeout(self.bound)
        self.received += data
        if not data:
            self.end = End.EOF
        return bool(data)


Step = Callable[[Client], None]


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes at once."""

    data: bytes

    def __call__(self, client: Client) -> None:
        """Send without reading."""
        client.send(self.data)


@dataclass(frozen=True, slots=True)
class SendPieces:
    """Send these bytes in pieces of ``size`` bytes."""

    data: bytes
    size: int = 1

    def __call__(self, client: Client) -> None:
        """Send piece by piece; TCP_NODELAY keeps them apart as far as that is possible."""
        for offset in range(0, len(self.data), self.size):
            client.send(self.data[offset : offset + self.size])


@dataclass(frozen=True, slots=True)
class SendReading:
    """Send these bytes while reading what comes back, as browsers do."""

    data: bytes

    def __call__(self, client: Client) -> None:
        """Send and read."""
        client.send_reading(self.data)


@dataclass(frozen=True, slots=True)
class SendUntilHeld:
    """Send until the gateway takes nothing for a while; open the gate; send the rest.

    It is noted if the gateway takes all, whatever the backend does. A machine that is slow can
    only make this step go on too early, never complain wrongly.
    """

    data: bytes
    gate: str
    seconds: float = 0.5

    def __call__(self, client: Client) -> None:
        """Send as much as the gateway takes, then the rest."""
        taken = client.send_until_held(self.data, self.seconds)
        if taken == len(self.data):
            client.note(f"the gateway took {taken} bytes that nobody reads")
        client.gates.open(self.gate)
        client.send_reading(self.data[taken:])


@dataclass(frozen=True, slots=True)
class Await:
    """Read until these bytes came."""

    data: bytes

    def __call__(self, client: Client) -> None:
        """Read."""
        client.await_bytes(self.data)


@dataclass(frozen=True, slots=True)
class HalfClose:
    """Send FIN and keep reading."""

    def __call__(self, client: Client) -> None:
        """Send FIN."""
        client.half_close()


@dataclass(frozen=True, slots=True)
class Break:
    """Reset the connection (RST)."""

    def __call__(self, client: Client) -> None:
        """Send RST."""
        client.reset()
