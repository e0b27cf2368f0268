"""Pools to choose from, and the schedules that the methods' docstrings promise."""

import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.lease import Lease
from wsgi_scgi.balancer.methods import Method
from wsgi_scgi.balancer.rules import AttemptRules, BalancerRules, RestRules
from wsgi_scgi.balancer.steering import Change, change_member
from wsgi_scgi.balancer.sticky import Session, StickySession
from wsgi_scgi.errors import ConnectError, NoMember
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


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Site:
    """A balancer of members a, b, c... with a clock, and requests that are elections alone.

    A member is written as its letters, before a colon its set: ``"1:H"``.
    """

    def __init__(
        self,
        *states: str,
        rest: RestRules | None = None,
        attempts: AttemptRules | None = None,
        sticky: str = "",
        spare: int = 0,
        **rules: Any,
    ) -> None:
        self.clock = Clock()
        self.pool = make_pool([1] * len(states), spare=spare)
        for slot, state in enumerate(states):
            lbset, _, letters = state.rpartition(":")
            self.pool.lbset[slot] = int(lbset or 0)
            self.pool.status[slot] |= Status.parse(letters)
            self.pool.set_text(slot, MemberText(f"scgi://{NAMES[slot]}", f"r{NAMES[slot]}"))
        self.balancer = Balancer(
            "pool",
            self.pool,
            BalancerRules(rest=rest or RestRules(), attempts=attempts or AttemptRules(), **rules),
            sticky=StickySession.parse(sticky) if sticky else None,
            is_named=True,
            clock=self.clock,
        )

    def slot(self, name: str) -> int:
        """Return the place of a member."""
        return NAMES.index(name)

    def elect(self, route: str = "", without: str = "") -> Lease:
        """Hold an election; ``without`` names those that were tried."""
        session = Session("sid", route) if route else None
        return self.balancer.elect(session, without=[self.slot(name) for name in without])

    def name(self, route: str = "", without: str = "") -> str:
        """Return who wins an election; the request ends at once, without an answer."""
        lease = self.elect(route, without)
        lease.release()
        return NAMES[lease.member.slot]

    def names(self, number: int) -> str:
        """Return who wins a number of elections, one after the other."""
        return "".join(self.name() for _ in range(number))

    def lease_of(self, name: str) -> Lease:
        """Return a lease of a member, whoever's turn it is and even if it is at rest."""
        others = [slot for slot in range(self.pool.capacity) if slot != self.slot(name)]
        try:
            return self.balancer.elect(without=others)
        except NoMember:
            (member,) = (one for one in self.balancer.members() if one.slot == self.slot(name))
            return Lease(self.balancer, member, self.pool.row, self.clock)

    def fail(self, name: str, error: BaseException | None = None) -> None:
        """Let an attempt at a member fail; without ``error`` no connection is made."""
        lease = self.lease_of(name)
        lease.failed(error or ConnectError("refused"))
        lease.release()

    def answer(self, name: str, status: int = 200) -> None:
        """Let a member answer."""
        lease = self.lease_of(name)
        lease.connected()
        lease.answered(status)
        lease.release()

    def letters(self, name: str) -> str:
        """Return the states of a member."""
        return Status(self.pool.status[self.slot(name)]).letters()

    def busy(self) -> list[int]:
        """Return the requests in flight, of each member."""
        return self.pool.totals("busy")

    def steer(self, name: str, on: str = "", off: str = "") -> None:
        """Change the state of a member as a manager does."""
        change = Change(on=Status.parse(on), off=Status.parse(off))
        change_member(self.balancer, self.slot(name), change)
