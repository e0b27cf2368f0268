"""Socket activation: a listening socket that the service manager has opened (sd_listen_fds(3)).

It survives this process: what connects while one server stops and the next starts waits there.
"""

import os
import socket
from collections.abc import MutableMapping

from ..errors import ConfigurationError

_FIRST = 3
"""The descriptor at which the passed ones start (SD_LISTEN_FDS_START)."""

_NAMES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def passed_socket(environment: MutableMapping[str, str]) -> socket.socket | None:
    """Return the socket that was passed to this process, or None.

    The variables that tell of it are removed, so that no child takes them for its own.  Raises
    ConfigurationError where it is not exactly one socket.
    """
    told = {name: environment.pop(name, "") for name in _NAMES}
    if told["LISTEN_PID"] != str(os.getpid()):
        return None
    if told["LISTEN_FDS"] != "1":
        raise ConfigurationError(f"{told['LISTEN_FDS']} sockets were passed; allowed: one")
    os.set_inheritable(_FIRST, False)
    try:
        return socket.socket(fileno=_FIRST)
    except OSError as error:
        raise ConfigurationError("the descriptor that was passed is not a socket") from error
