"""Names of backends: resolved off the hot path, kept, refreshed behind the requests' back.

The first request for a name waits for the resolver.  Later ones use what is known, and the first
after the time to live starts a refresh without waiting for it.  A name that no longer resolves
keeps its last addresses: an outage of the name server is not one of the backend.
"""

import _socket
import ipaddress
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..address import TCPAddress, UnixAddress
from ..errors import ConnectTimeout, ResolveError
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

    def resolve(
        self, address: TCPAddress | UnixAddress, waiter: Waiter, timeout: float
    ) -> list[SocketAddress]:
        """Return the socket addresses to try, in order.

        Raises ResolveError, or ConnectTimeout if the first look-up takes over ``timeout``
        seconds.
        """
        entry = self._entries.get(address)
        if entry is None:
            if isinstance(address, UnixAddress):
                return self._store(address, [(socket.AF_UNIX, address.path)])
            return self._first_lookup(address, waiter, timeout)
        if self._clock() >= entry.refresh_at and isinstance(address, TCPAddress):
            # Moved before the look-up ends, so that one request refreshes, not all; and a
            # refresh that is lost (a fork, a killed thread) is made up for by the next one.
            entry.refresh_at = self._clock() + self._time_to_live
            waiter.run_aside(partial(self._refresh, address))
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

    def _first_lookup(
        self, address: TCPAddress, waiter: Waiter, timeout: float
    ) -> list[SocketAddress]:
        # Stored where it is found: what comes too late for this request serves the next.
        outcome = _Outcome(lambda: self._find(address))
        if _is_literal(address.host):
            outcome.run()  # asks nobody, so it need not run aside
        else:
            waiter.run_aside(outcome.run)
        if not outcome.wait(waiter, timeout):
            raise ConnectTimeout(f"{address}: the name did not resolve in {timeout:g} seconds")
        if outcome.error is not None:
            raise ResolveError(
                f"{address}: the name does not resolve: {outcome.error}"
            ) from outcome.error
        return outcome.result

    def _find(self, address: TCPAddress) -> list[SocketAddress]:
        return self._store(address, self._lookup(address.host, address.port))

    def _refresh(self, address: TCPAddress) -> None:
        try:
            self._find(address)
        except OSError as error:
            logger.warning(
                "%s: refreshing the name failed, keeping its addresses: %s", address, error
            )


class _Outcome:
    """What a look-up in another thread came to."""

    def __init__(self, call: Callable[[], list[SocketAddress]]) -> None:
        self._call = call
        self._reader, self._writer = _socket.socketpair()
        self.result: list[SocketAddress] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.result = self._call()
        except (OSError, UnicodeError) as error:
            self.error = error
        finally:
            self._writer.close()  # wakes the reader

    def wait(self, waiter: Waiter, timeout: float) -> bool:
        try:
            return waiter.wait([(self._reader.fileno(), READ)], timeout) >= 0
        finally:
            waiter.close()
            self._reader.close()


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
