"""Ways in which the bytes of a message can arrive, for every test of a parser."""

from collections.abc import Callable, Sequence

import pytest

Splitting = Callable[[bytes], Sequence[bytes]]


def at_once(data: bytes) -> Sequence[bytes]:
    """Return everything in one piece."""
    return [data]


def byte_by_byte(data: bytes) -> Sequence[bytes]:
    """Return a piece for each byte."""
    return pieces_of(data, 1)


def in_threes(data: bytes) -> Sequence[bytes]:
    """Return pieces of three bytes, which lie across line ends."""
    return pieces_of(data, 3)


def pieces_of(data: bytes, size: int) -> Sequence[bytes]:
    """Return pieces of ``size`` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]


every_splitting = pytest.mark.parametrize("split", [at_once, byte_by_byte, in_threes])
