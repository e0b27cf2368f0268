"""Names of backends: resolved off the hot path, kept, refreshed behind the requests' back.

The first request for a name waits for the resolver.  Later ones use what is known, and the first
after the time to live starts a refresh without waiting for it.  A name that no longer resolves
keeps its last addresses: an outage of the name server is not one of the backend.
"""

import _socket
import contextlib
import ipaddress
import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..address import TCPAddress, UnixAddress
from ..errors import ConnectTimeout, OutOfResources, ResolveError
from .waiting import READ, Waiter, original

logger = logging.getLogger("wsgi_scgi")

TIME_TO_LIVE = 30.0
"""Seconds between refreshes; getaddrinfo does not tell the record's own."""

SocketAddress = tuple[int, Any]
"""An address family and an address for connect(2)."""

Lookup = Callable[[str, int], list[SocketAddress]]


@dataclass(slots=True)
class _Entry:
    addresses: list[SocketAddress]
    refresh_at: float


class Resolver:
    """A cache of names.  Threads share it without locks: entries are replaced as a whole."""

    def __init__(
        self,
        lookup: Lookup | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        time_to_live: float = TIME_TO_LIVE,
    ) -> None:
        self._lookup = lookup or look_up
        self._clock = clock
        self._time_to_live = time_to_live
        self._entries: dict[TCPAddress | UnixAddress, _Entry] = {}
        self._under_way: dict[tuple[int, TCPAddress], _LookUp] = {}
        """By process too: the thread of one that was forked is not in the child."""

    def resolve(
        self, address: TCPAddress | UnixAddress, waiter: Waiter, timeout: float
    ) -> list[SocketAddress]:
        """Return the socket addresses to try, in order.

        Raises ResolveError, ConnectTimeout if the first look-up takes over ``timeout`` seconds, or
        OutOfResources.
        """
        entry = self._entries.get(address)
        if entry is None:
            if isinstance(address, UnixAddress):
                return self._store(address, [(socket.AF_UNIX, address.path)])
            return self._first_look_up(address, waiter, timeout)
        if self._clock() >= entry.refresh_at and isinstance(address, TCPAddress):
            # Moved before the look-up ends, so that one request refreshes, not all; and a
            # refresh that is lost (a fork, a killed thread) is made up for by the next one.
            entry.refresh_at = self._clock() + self._time_to_live
            self._begin_refresh(address)
        return entry.addresses

    def expire(self, address: TCPAddress | UnixAddress) -> None:
        """Refresh at the next request: no address of this name could be reached."""
        if isinstance(address, TCPAddress) and (entry := self._entries.get(address)):
            entry.refresh_at = min(entry.refresh_at, self._clock() + 1.0)

    def _store(
        self, address: TCPAddress | UnixAddress, addresses: list[SocketAddress]
    ) -> list[SocketAddress]:
        refresh_at = self._clock() + self._time_to_live
        if isinstance(address, UnixAddress) or _is_literal(address.host):
            refresh_at = float("inf")
        self._entries[address] = _Entry(addresses, refresh_at)
        return addresses

    def _first_look_up(
        self, address: TCPAddress, waiter: Waiter, timeout: float
    ) -> list[SocketAddress]:
        # What comes too late for this request serves the next.
        if _is_literal(address.host):
            look_up = _LookUp(lambda: self._find(address))
            look_up.run()  # asks nobody, so it need not run aside
        else:
            look_up = self._look_up_aside(address)
            try:
                is_over = look_up.wait(waiter, timeout)
            except OSError as error:
                raise OutOfResources(f"{address}: no look-up: {error.strerror}") from error
            if not is_over:
                cause = f"the name did not resolve in {timeout:g} seconds"
                raise ConnectTimeout(f"{address}: {cause}")
        if look_up.error is not None:
            raise ResolveError(
                f"{address}: the name does not resolve: {look_up.error}"
            ) from look_up.error
        return look_up.result

    def _look_up_aside(self, address: TCPAddress) -> "_LookUp":
        """Return the one look-up that is under way for this name; begin it if there is none."""
        key = os.getpid(), address
        look_up = self._under_way.get(key)
        if look_up is not None:
            return look_up

        def find() -> list[SocketAddress]:
            try:
                return self._find(address)
            finally:
                self._under_way.pop(key, None)

        look_up = self._under_way[key] = _LookUp(find)
        try:
            _start_thread(look_up.run)
        except RuntimeError as error:
            self._under_way.pop(key, None)
            raise OutOfResources(f"{address}: no look-up: {error}") from error
        return look_up

    def _find(self, address: TCPAddress) -> list[SocketAddress]:
        return self._store(address, self._lookup(address.host, address.port))

    def _begin_refresh(self, address: TCPAddress) -> None:
        def run() -> None:
            try:
                self._find(address)
            except OSError as error:
                _warn(address, error)

        try:
            _start_thread(run)
        except RuntimeError as error:
            _warn(address, error)


def _warn(address: TCPAddress, error: Exception) -> None:
    logger.warning("%s: refreshing the name failed, keeping its addresses: %s", address, error)


def _start_thread(run: Callable[[], None]) -> None:
    """Start a real thread.  gevent's pool has ten, and names that hang would hold them all."""
    original("_thread", "start_new_thread")(run, ())


class _LookUp:
    """One look-up, in another thread, and all who wait for it."""

    def __init__(self, find: Callable[[], list[SocketAddress]]) -> None:
        self._find = find
        self._waiting: list[_socket.socket] = []
        self._is_over = False
        self.result: list[SocketAddress] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.result = self._find()
        except (OSError, UnicodeError) as error:
            self.error = error
        finally:
            self._is_over = True
            with contextlib.suppress(IndexError):
                while True:
                    self._waiting.pop().close()  # wakes its reader

    def wait(self, waiter: Waiter, timeout: float) -> bool:
        """Tell whether it is over within ``timeout`` seconds."""
        reader, writer = _socket.socketpair()
        self._waiting.append(writer)
        try:
            # Whoever came too late to be woken sees that here.
            return self._is_over or waiter.wait([(reader.fileno(), READ)], timeout) >= 0
        finally:
            waiter.close()
            reader.close()
            with contextlib.suppress(ValueError):  # the thread has it
                self._waiting.remove(writer)
                writer.close()


def look_up(host: str, port: int) -> list[SocketAddress]:
    """Ask the system's resolver (nsswitch) for IPv4 and IPv6 addresses.  Blocks."""
    found = original("socket", "getaddrinfo")(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((int(family), sockaddr) for family, _, _, _, sockaddr in found))


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
