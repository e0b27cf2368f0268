"""Ports that no other program is given, for as long as a test needs them."""

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def held_port(host: str = "127.0.0.1") -> Iterator[int]:
    """Bind a port without listening: whoever connects is refused, and nobody else can get it.

    A server that sets SO_REUSEADDR, as servers do, can listen there all the same.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, 0))
        yield int(holder.getsockname()[1])
