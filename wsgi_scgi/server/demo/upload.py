"""Measure a request body as it arrives: size, SHA-256 and time.  It is never held."""

import hashlib
import resource
import sys
import time
from dataclasses import dataclass
from typing import BinaryIO

_PIECE_SIZE = 65536


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was found out about a body."""

    size: int
    sha256: str
    seconds: float


def measure(body: BinaryIO, length: int) -> Measurement:
    """Read up to ``length`` bytes of ``body``; fewer if it ends before.

    ``length`` is obeyed here as well, since not every server ends ``wsgi.input`` there.
    """
    started = time.perf_counter()
    digest = hashlib.sha256()
    left = length
    while left and (piece := body.read(min(_PIECE_SIZE, left))):
        digest.update(piece)
        left -= len(piece)
    return Measurement(length - left, digest.hexdigest(), time.perf_counter() - started)


def peak_memory() -> int:
    """Return the bytes of memory that this process had at its largest."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
