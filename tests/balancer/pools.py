"""Pools to choose from, and the schedules that the methods' docstrings promise."""

import re
from collections.abc import Sequence
from types import ModuleType

from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import Method
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText, Pool
from wsgi_scgi.scoreboard.status import Status

NAMES = "abcdefghijklmnopqrstuvwxyz"


def make_pool(weights: Sequence[float], *, spare: int = 0) -> Pool:
    """Return a pool of members a, b, c... at scgi://a, scgi://b..., with ``spare`` free places."""
    pool = Board([("pool", len(weights) + spare)], shared=False).pool("pool")
    for number, weight in enumerate(weights):
        name = NAMES[number] if len(weights) <= len(NAMES) else f"m{number}"
        pool.enrol(MemberText(f"scgi://{name}"), weight=round(weight * 100))
    return pool


def put_out(pool: Pool, *slots: int) -> None:
    """Disable members."""
    for slot in slots:
        pool.status[slot] |= Status.DISABLED


def elect(method: Method, pool: Pool, key: bytes = b"") -> int:
    """Hold one election among the candidates of this moment."""
    return method.choose(candidates(pool, 0.0), pool, key)


def run(method: Method, pool: Pool, number: int) -> str:
    """Hold elections and return the names of those who win."""
    return " ".join(NAMES[elect(method, pool)] for _ in range(number))


def schedules(module: ModuleType) -> list[str]:
    """Return the lines of a module's docstring that are schedules, in order."""
    return re.findall(r"^ {4}((?:[a-z] )*[a-z])$", module.__doc__ or "", re.MULTILINE)
