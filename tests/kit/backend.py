"""A scripted SCGI backend on real sockets: records what a gateway does, answers as it is told.

It runs on ordinary threads and blocking sockets, so that it neither needs nor disturbs gevent.
A script is a callable that gets the connection (``tests.kit.script`` has the usual steps).
"""

from __future__ import annotations

import contextlib
import enum
import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import Callable

from tests.kit import netstring
from tests.kit.gates import Gates

# Small, so that a gateway that does not wait for its backend is found out with a few megabytes.
_RECEIVE_BUFFER = 128 * 1024
_READ_SIZE = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
# Seconds for what takes no time at all where the machine has some to spare.
_FENCE_BOUND = 60.0
_fence_numbers = itertools.count()


class PeerEnd(enum.Enum):
    """How the gateway left a connection."""

    OPEN = "still open"
    EOF = "eof"
    RESET = "reset"


class ScriptEnded(Exception):
    """The script cannot go on: the gateway left, or sent what is no SCGI request."""


class BackendConnection:
    """One connection of a gateway: what a script does with it and what it brought."""

    def __init__(self, sock: socket.socket, gates: Gates, bound: float) -> None:
        self.gates = gates
        self.bound = bound
        self.opened_at = time.monotonic()
        self.ended_at: float | None = None
        self.received = bytearray()
        self.pieces: list[tuple[float, int]] = []
        self.sent = 0
        self.end = PeerEnd.OPEN
        self.notes: list[str] = []
        self._socket = sock
        self._closed = False
        self._done = threading.Event()
        sock.settimeout(bound)

    @property
    def request(self) -> netstring.SCGIRequest:
        """Return the strict reading of all bytes that came so far."""
        return netstring.parse(bytes(self.received))

    def note(self, problem: str) -> None:
        """Remember that the script could not do what it was told."""
        self.notes.append(problem)

    def wait_done(self, bound: float) -> bool:
        """Wait at most ``bound`` seconds for the script's end; tell whether it came."""
        return self._done.wait(bound)

    # What a script does.

    def read_head(self) -> netstring.SCGIRequest:
        """Read until the netstring is complete and return it; ScriptEnded if it never is."""
        try:
            while netstring.head_end(self.received) is None:
                self._receive()
        except ValueError as error:
            raise ScriptEnded(str(error)) from error
        return self.request

    def read_body(self, size: int | None = None) -> None:
        """Read until ``size`` body bytes came, by default as many as the head announces."""
        end = netstring.head_end(self.received)
        if end is None:
            raise ScriptEnded("the body was awaited before the head")
        wanted = (self.request.content_length or 0) if size is None else size
        while len(self.received) - end < wanted:
            self._receive()

    def read_to_end(self) -> None:
        """Read until the gateway leaves; the end tells how."""
        while self.end is PeerEnd.OPEN:
            self._receive(end_is_expected=True)

    def ends_within(self, seconds: float) -> bool:
        """Tell whether the gateway ends its side within ``seconds``; bytes are recorded."""
        self._socket.settimeout(seconds)
        try:
            self._receive(end_is_expected=True)
        except ScriptEnded:
            return False
        finally:
            self._socket.settimeout(self.bound)
        return self.end is not PeerEnd.OPEN

    def write(self, data: bytes) -> None:
        """Send ``data``; ScriptEnded if the gateway is gone or does not read in time."""
        view = memoryview(data)
        try:
            while view:
                sent = self._socket.send(view)
                self.sent += sent
                view = view[sent:]
        except TimeoutError as error:
            raise ScriptEnded(f"the gateway read nothing for {self.bound:g} s") from error
        except (BrokenPipeError, ConnectionResetError) as error:
            self._ended(PeerEnd.RESET)
            raise ScriptEnded("the gateway left while the backend wrote") from error

    def write_within(self, data: bytes, seconds: float) -> bool:
        """Send ``data``; tell whether the gateway took all of it without such a pause."""
        self._socket.settimeout(seconds)
        try:
            self.write(data)
        except ScriptEnded:
            if self.end is not PeerEnd.OPEN:
                raise
            return False
        finally:
            self._socket.settimeout(self.bound)
        return True

    def half_close(self) -> None:
        """Say that nothing more comes, and keep reading."""
        # An error means that the gateway is gone already; whoever reads next learns how.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket; the kernel resets the connection if received bytes were not read."""
        self._closed = True
        self._socket.close()

    def reset(self) -> None:
        """Reset the connection (RST) at once."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close()

    def run(self, script: Callable[[BackendConnection], None]) -> None:
        """Play ``script``; then end the answer and read until the gateway leaves."""
        try:
            try:
                script(self)
            except ScriptEnded as ended:
                self.note(str(ended))
            if not self._closed:
                self.half_close()
                self.read_to_end()
        except ScriptEnded as ended:
            self.note(str(ended))
        finally:
            self.close()
            self._done.set()

    def _receive(self, *, end_is_expected: bool = False) -> None:
        try:
            data = self._socket.recv(_READ_SIZE)
        except TimeoutError as error:
            raise ScriptEnded(f"nothing came for {self.bound:g} s") from error
        except ConnectionResetError:
            self._ended(PeerEnd.RESET)
        else:
            if data:
                self.received += data
                self.pieces.append((time.monotonic(), len(data)))
                return
            self._ended(PeerEnd.EOF)
        if not end_is_expected:
            raise ScriptEnded("the gateway left before the backend had what it waited for")

    def _ended(self, end: PeerEnd) -> None:
        self.end = end
        self.ended_at = time.monotonic()


Script = Callable[[BackendConnection], None]


class Backend:
    """Listeners of one backend, and the connections of the present round."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._fences: dict[object, threading.Event] = {}
        self._connections: list[BackendConnection] = []
        self._scripts: tuple[Script, ...] = ()
        self._gates = Gates()
        self._bound = 10.0

    def __enter__(self) -> Backend:
        """Return the backend itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all listeners."""
        self.close()

    def listen_tcp(self, host: str = "127.0.0.1") -> int:
        """Listen on a port of the system's choice and return it."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return int(self._listen(socket.socket(family), (host, 0))[1])

    def listen_unix(self, path: str) -> str:
        """Listen on a Unix socket that every user may open, and return its path."""
        self._listen(socket.socket(socket.AF_UNIX), path)
        os.chmod(path, 0o777)
        return path

    def begin(self, *scripts: Script, gates: Gates | None = None, bound: float = 10.0) -> None:
        """Forget earlier connections; the n-th new one plays the n-th script, the rest the last.

        ``bound`` (seconds) limits each read, write and wait of a script.
        """
        with self._lock:
            self._connections = []
            self._scripts = scripts
            self._gates = gates or Gates()
            self._bound = bound

    @property
    def connections(self) -> list[BackendConnection]:
        """Return the connections of this round in the order accepted."""
        with self._lock:
            return list(self._connections)

    def settle(self) -> None:
        """Return when every connection made before this call is among ``connections``.

        The kernel's queue is first in, first out, so a connection of our own marks the place.
        """
        for listener in self._listeners:
            self._fence(listener)

    def wait_done(self, bound: float) -> bool:
        """Wait until all scripts ended, at most ``bound`` seconds each; tell whether they did."""
        ended = [connection.wait_done(bound) for connection in self.connections]
        return all(ended)

    def close(self) -> None:
        """Stop listening and let waiting scripts go."""
        self._gates.open_all()
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join(10)

    def _listen(self, listener: socket.socket, address: tuple[str, int] | str) -> tuple[str, int]:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        listener.bind(address)
        listener.listen(64)
        thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        with self._lock:
            self._listeners.append(listener)
            self._threads.append(thread)
        thread.start()
        name = listener.getsockname()
        return (name, 0) if isinstance(name, str) else (name[0], name[1])

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, peer = listener.accept()
            except OSError:
                return
            with self._lock:
                fence = self._fences.pop(_key(peer), None)
                if fence is not None:
                    sock.close()
                    fence.set()
                    continue
                if sock.family != socket.AF_UNIX:
                    # A piece that a script writes leaves at once, whatever is on its way.
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection = BackendConnection(sock, self._gates, self._bound)
                self._connections.append(connection)
                number = min(len(self._connections), len(self._scripts)) - 1
                script = self._scripts[number] if self._scripts else BackendConnection.read_to_end
            threading.Thread(target=connection.run, args=(script,), daemon=True).start()

    def _fence(self, listener: socket.socket) -> None:
        passed = threading.Event()
        with socket.socket(listener.family) as sock:
            if listener.family == socket.AF_UNIX:
                sock.bind(b"\0test-kit-%d-%d" % (os.getpid(), next(_fence_numbers)))
            else:
                sock.bind((listener.getsockname()[0], 0))
            with self._lock:
                self._fences[_key(sock.getsockname())] = passed
            sock.settimeout(_FENCE_BOUND)
            sock.connect(listener.getsockname())
            if not passed.wait(_FENCE_BOUND):
                raise RuntimeError("the backend stopped accepting connections")


def _key(address: object) -> object:
    """Return what identifies a socket address; IPv6 ones carry a scope that may differ."""
    return address[:2] if isinstance(address, tuple) else address
