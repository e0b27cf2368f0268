"""The task that checks the members of all balancers, and notices when workers have died.

Every worker process runs it, in a real thread of its own, so that it works under any server and
is never held up by requests.  Only one of the processes that share a board does the work; when it
dies, another takes over within a tick.  Each check runs in a thread of its own: a member that is
silent keeps no other from being checked.
"""

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace

from ..address import BackendURL
from ..balancer.balancer import Balancer
from ..balancer.member import Member
from ..errors import OutOfResources
from ..scoreboard.board import Board
from ..scoreboard.status import Status
from ..transport.names import Resolver
from ..transport.waiting import original
from .check import HealthRules, Verdict, check

logger = logging.getLogger("wsgi_scgi")

TICK = 0.5
"""Seconds, at most, until the task looks again whether it is its turn, and what has changed."""

SHORTEST_TICK = 0.02
"""Seconds, at least: with many members several checks begin together."""

FREE_ROWS_EVERY = 1.0
"""Seconds between looks for workers that have died."""

CONCURRENT = 16
"""Checks at the same time, as ``ProxyHCTPsize``."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A balancer whose members are checked, and how."""

    balancer: Balancer
    rules: HealthRules


class Monitor:
    """The task in whichever process starts it."""

    def __init__(
        self, board: Board, checked: Sequence[Checked], resolver: Resolver | None = None
    ) -> None:
        """Without anything to check, workers that die are noticed all the same."""
        self._board = board
        self._checked = tuple(checked)
        self._resolver = resolver or Resolver()
        self._task: _Task | None = None
        self._pid = 0

    def start(self) -> None:
        """Start the task in this process, unless it runs here already.

        Call it after the last fork: a forked child has none until it starts its own.  Raises
        RuntimeError where no thread can be started.
        """
        if self._task is None or self._pid != os.getpid():
            task = _Task(self._board, self._checked, self._resolver)
            original("_thread", "start_new_thread")(task.run, ())
            self._task, self._pid = task, os.getpid()

    def stop(self, timeout: float = 10.0) -> bool:
        """End the task and tell whether it did within ``timeout`` seconds.

        Checks under way are waited for; their results do not count.  The duty stays with this
        process until it dies, so a worker that goes on to serve has no reason to stop.
        """
        task, self._task = self._task, None
        return task is None or self._pid != os.getpid() or task.stop(timeout)


class _Event:
    """Wakes one real thread; gevent would replace that of ``threading``."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = original("_thread", "allocate_lock")()
        self._lock.acquire()

    def set(self) -> None:
        """Let the present or the next ``wait`` return."""
        with contextlib.suppress(RuntimeError):  # it is set already
            self._lock.release()

    def wait(self, timeout: float) -> bool:
        """Tell whether it was set within ``timeout`` seconds, and clear it."""
        return bool(self._lock.acquire(timeout=timeout))


_Place = tuple[int, int, str]
"""A member: the number of its balancer, its slot and its URL."""


class _Task:
    """One run of the task.  All its state belongs to its thread, but for what wakes it.

    A member that is not being checked is in the queue, a heap, with the time when it is due.
    """

    def __init__(self, board: Board, checked: Sequence[Checked], resolver: Resolver) -> None:
        self._board = board
        self._checked = checked
        self._resolver = resolver
        self._epochs: list[int] = []
        self._members: dict[_Place, Member] = {}
        self._queue: list[tuple[float, _Place]] = []
        self._running: dict[_Place, float] = {}
        self._results: deque[tuple[_Place, Verdict | BaseException]] = deque()
        self._free_rows_at = 0.0
        self._stopping = False
        self._wake = _Event()
        self._ended = _Event()

    def run(self) -> None:
        """Work until told to stop, whatever goes wrong."""
        while not self._stopping:
            pause = TICK
            try:
                pause = self._tick()
            except Exception:
                logger.exception("the health checks met an error and go on")
            self._wake.wait(pause)
        while self._running:
            self._wake.wait(TICK)
            while self._results:
                del self._running[self._results.popleft()[0]]
        self._ended.set()

    def stop(self, timeout: float) -> bool:
        """Tell whether the task has ended within ``timeout`` seconds."""
        self._stopping = True
        self._wake.set()
        return self._ended.wait(timeout)

    def _tick(self) -> float:
        """Do what there is to do now; return in how many seconds there may be more."""
        if not self._board.try_duty():
            return TICK
        now = time.monotonic()
        if now >= self._free_rows_at:
            self._free_rows_at = now + FREE_ROWS_EVERY
            self._board.free_dead_rows()
        self._find_members(now)
        self._take_results(now)
        return self._begin_checks(now)

    def _find_members(self, now: float) -> None:
        """Notice which members there are, if that may have changed."""
        epochs = [one.balancer.pool.epoch for one in self._checked]
        if epochs == self._epochs:
            return
        found, added = {}, []
        for number, one in enumerate(self._checked):
            members = one.balancer.members()
            for index, member in enumerate(members):
                place = (number, member.slot, member.name)
                found[place] = member
                if place not in self._members and place not in self._running:
                    share = 0.0 if self._epochs else index / len(members)
                    added.append((self._first_due(one, member, now, share), place))
        self._queue = [entry for entry in self._queue if entry[1] in found] + added
        heapify(self._queue)
        self._members, self._epochs = found, epochs

    def _first_due(self, one: Checked, member: Member, now: float, share: float) -> float:
        """Return when a member is due that this process has not checked yet.

        What another process has checked is due an interval later.  Else the first checks are
        spread over an interval by ``share``, and so stay spread.
        """
        interval = one.rules.interval
        last = one.balancer.pool.checked_at[member.slot]
        return min(last, now) + interval if last else now + interval * share

    def _take_results(self, now: float) -> None:
        """Report the checks that have ended, and let their members wait for the next."""
        while self._results:
            place, result = self._results.popleft()
            began = self._running.pop(place)
            if place not in self._members:
                continue  # removed meanwhile; another may be in its place
            one = self._checked[place[0]]
            heappush(self._queue, (max(now, began + one.rules.interval), place))
            if isinstance(result, Verdict):
                self._report(place, result)
            else:
                logger.error(
                    "balancer %s: %s could not be checked: %s",
                    one.balancer.name,
                    place[2],
                    result,
                    exc_info=None if isinstance(result, OutOfResources) else result,
                )

    def _begin_checks(self, now: float) -> float:
        """Begin the checks that are due; return in how many seconds the next is."""
        while self._queue and len(self._running) < CONCURRENT:
            due, place = self._queue[0]
            if due > now:
                return max(SHORTEST_TICK, min(due - now, TICK))
            if self._checked[place[0]].balancer.pool.status[place[1]] & Status.STOPPED:
                heapreplace(self._queue, (now + TICK, place))
            else:
                self._begin(place, now)
        return TICK  # where all places are taken, the first check that ends wakes the task

    def _begin(self, place: _Place, now: float) -> None:
        one, member = self._checked[place[0]], self._members[place]
        original("_thread", "start_new_thread")(self._check, (place, member.url, one.rules))
        heappop(self._queue)
        self._running[place] = now

    def _check(self, place: _Place, url: BackendURL, rules: HealthRules) -> None:
        """Check a member, in a thread of the check's own."""
        result: Verdict | BaseException
        try:
            result = check(url, rules, self._resolver)
        except BaseException as error:
            result = error
        self._results.append((place, result))
        self._wake.set()

    def _report(self, place: _Place, verdict: Verdict) -> None:
        """Count a result, and log it if it takes the member out or brings it back."""
        number, slot, url = place
        balancer, rules = self._checked[number].balancer, self._checked[number].rules
        has_changed = balancer.health_result(
            slot, verdict.passed, verdict.seconds, passes=rules.passes, fails=rules.fails
        )
        if has_changed and verdict.passed:
            logger.info("balancer %s: %s passes its health checks again", balancer.name, url)
        elif has_changed:
            logger.warning(
                "balancer %s: %s is out, its health check failed: %s",
                balancer.name,
                url,
                verdict.cause,
            )
