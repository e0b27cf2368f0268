"""No pacing on connections that never leave this host.

BBR, the default of many systems, finds out the rate of a path and sends at that rate, woken by a
timer for every few segments.  Between two programs on one host there is no path to find out
about, and the timers are what remains: most of the CPU time of a large body.
"""

import _socket  # the C socket: the same below gevent's monkey patches and without them
import contextlib
import ipaddress
import socket

PACING = b"bbr"
WITHOUT_PACING = b"reno"
"""Every Linux has it, and every user may choose it."""

_CONGESTION: int | None = getattr(socket, "TCP_CONGESTION", None)
_LONGEST_NAME = 16


def accept_without_pacing(listener: socket.socket) -> None:
    """Let ``listener`` choose another congestion control than BBR if only this host reaches it.

    A connection that it accepts takes its choice.  One that began with BBR keeps the timers.
    """
    with contextlib.suppress(OSError):
        if _is_tcp(listener) and ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
            _choose(listener)


def connect_without_pacing(sock: _socket.socket, host: str) -> None:
    """Let ``sock``, which is to connect to ``host``, do the same if that is this host."""
    with contextlib.suppress(OSError):
        if _is_tcp(sock) and ipaddress.ip_address(host).is_loopback:
            _choose(sock)


def stop_pacing_on_this_host(sock: _socket.socket) -> None:
    """Choose another congestion control instead of BBR where both ends have one address.

    It sends faster then, though the timers stay.  What an administrator chose for connections to
    elsewhere stays, too.
    """
    with contextlib.suppress(OSError):  # reset meanwhile: sending will tell
        if _is_tcp(sock) and sock.getpeername()[0] == sock.getsockname()[0]:
            _choose(sock)


def _is_tcp(sock: _socket.socket) -> bool:
    return sock.family in (socket.AF_INET, socket.AF_INET6)


def _choose(sock: _socket.socket) -> None:
    if _CONGESTION is not None:
        option = (socket.IPPROTO_TCP, _CONGESTION)
        if sock.getsockopt(*option, _LONGEST_NAME).startswith(PACING):
            sock.setsockopt(*option, WITHOUT_PACING)
