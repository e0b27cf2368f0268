"""A response that arrives piece by piece, as server-sent events or as plain text."""

import json
import time
from collections.abc import Callable, Iterator

PIECES = 16
INTERVAL = 0.3
"""Seconds between two pieces."""


def events(pause: Callable[[float], object]) -> Iterator[bytes]:
    """Yield server-sent events ``piece``, then one ``end`` (WHATWG HTML 9.2)."""
    for number in _numbers(pause):
        data = json.dumps({"number": number, "of": PIECES, "sent": time.time()})
        yield f"event: piece\ndata: {data}\n\n".encode()
    yield b"event: end\ndata: {}\n\n"


def lines(pause: Callable[[float], object]) -> Iterator[bytes]:
    """Yield the same as lines of text."""
    for number in _numbers(pause):
        now = time.time()
        clock = time.strftime("%H:%M:%S", time.localtime(now))
        yield f"{clock}.{int(now * 1000) % 1000:03d}  piece {number} of {PIECES}\n".encode()


def _numbers(pause: Callable[[float], object]) -> Iterator[int]:
    for number in range(1, PIECES + 1):
        if number > 1:
            pause(INTERVAL)
        yield number
