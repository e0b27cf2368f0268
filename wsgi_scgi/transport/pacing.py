"""No pacing on connections that never leave this host.

BBR, the default of many systems, finds out the rate of a path and sends at that rate, woken by a
timer for every few segments.  Between two programs on one host there is no path to find out
about, and the timers are what remains: a fifth of the CPU time of a large body.
"""

import _socket  # the C socket: the same below gevent's monkey patches and without them
import contextlib
import socket

PACING = b"bbr"
WITHOUT_PACING = b"reno"
"""Every Linux has it, and every user may choose it."""

_CONGESTION: int | None = getattr(socket, "TCP_CONGESTION", None)
_LONGEST_NAME = 16


def stop_pacing_on_this_host(sock: _socket.socket) -> None:
    """Choose another congestion control instead of BBR where both ends have one address.

    What an administrator chose for connections to elsewhere stays.
    """
    if _CONGESTION is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError):  # reset meanwhile: sending will tell
        if sock.getpeername()[0] != sock.getsockname()[0]:
            return
        option = (socket.IPPROTO_TCP, _CONGESTION)
        if sock.getsockopt(*option, _LONGEST_NAME).startswith(PACING):
            sock.setsockopt(*option, WITHOUT_PACING)
