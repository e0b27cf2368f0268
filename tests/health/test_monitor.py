"""The task that checks the members, in one process."""

import _thread
import logging
import socket
from collections.abc import Iterator, Sequence

import pytest

from tests.kit.backend import Backend, Script
from tests.kit.gates import Gates, Wait
from tests.kit.script import Reply, play
from tests.ports import held_port
from tests.transports import BOUND, until
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.balancer.member import Member
from wsgi_scgi.health.check import CheckMethod, HealthRules
from wsgi_scgi.health.monitor import CONCURRENT, Checked, Monitor
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText, Pool
from wsgi_scgi.scoreboard.status import Status
from wsgi_scgi.transport.names import Resolver, SocketAddress

OFTEN = 0.05
SELDOM = 3600.0
GOOD = Reply(b"Status: 204 No Content\r\n\r\n")
BAD = Reply(b"Status: 500 Oh\r\n\r\n")
CAPACITY = 40


class Recorded(Balancer):
    """A balancer that remembers what it was told and how often it was asked for its members."""

    def __init__(self, name: str, pool: Pool) -> None:
        super().__init__(name, pool)
        self.results: list[tuple[int, bool]] = []
        self.asked = 0

    def members(self) -> list[Member]:
        """Count."""
        self.asked += 1
        return super().members()

    def health_result(
        self, slot: int, passed: bool, seconds: float, *, passes: int, fails: int
    ) -> bool:
        """Remember the result once it has been counted."""
        changed = super().health_result(slot, passed, seconds, passes=passes, fails=fails)
        self.results.append((slot, passed))
        return changed


class Site:
    """A balancer with backends as its members, and the task that checks them."""

    def __init__(self) -> None:
        self.gates = Gates()
        self.backends: list[Backend] = []
        self.board = Board([("pool", CAPACITY)], shared=False)
        self.pool = self.board.pool("pool")
        self.balancer = Recorded("app", self.pool)
        self.monitor: Monitor | None = None

    def backend(self, *scripts: Script) -> str:
        """Start a backend, whose n-th connection plays the n-th script, and return its URL."""
        backend = Backend()
        self.backends.append(backend)
        port = backend.listen_tcp()
        backend.begin(*scripts, gates=self.gates, bound=BOUND)
        return f"scgi://127.0.0.1:{port}/"

    def member(self, url: str, *, status: Status = Status.IN_USE) -> int:
        """Add a member and return its slot."""
        with self.pool.lock:
            slot = self.pool.enrol(MemberText(url), status=status)
            self.pool.bump()
            return slot

    def remove(self, slot: int) -> None:
        """Remove a member."""
        with self.pool.lock:
            self.pool.remove(slot)
            self.pool.bump()

    def plays(self, *scripts: Script) -> int:
        """Add a member that is such a backend and return its slot."""
        return self.member(self.backend(*scripts))

    def check(self, rules: HealthRules, *, resolver: Resolver | None = None) -> Monitor:
        """Start the task."""
        self.monitor = Monitor(self.board, [Checked(self.balancer, rules)], resolver)
        self.monitor.start()
        return self.monitor

    def results(self, slot: int) -> list[bool]:
        """Return what the checks of a member came to, in order."""
        return [passed for checked, passed in self.balancer.results if checked == slot]

    def wait_for_results(self, slot: int, number: int = 1) -> None:
        """Return when so many checks of a member have ended."""
        until(lambda: len(self.results(slot)) >= number)

    def wait_for_a_turn(self) -> None:
        """Return when the task has looked at the members once more."""
        asked = self.balancer.asked
        with self.pool.lock:
            self.pool.bump()
        until(lambda: self.balancer.asked > asked)

    def is_out(self, slot: int) -> bool:
        """Tell whether health checks have taken a member out."""
        return bool(self.pool.status[slot] & Status.HEALTH_FAILED)

    def connections(self, slot: int) -> int:
        """Return how often a member was connected to."""
        self.backends[slot].settle()
        return len(self.backends[slot].connections)

    def close(self) -> None:
        """Stop everything."""
        self.gates.open_all()
        for backend in self.backends:
            backend.close()
        if self.monitor is not None:
            assert self.monitor.stop(BOUND)


@pytest.fixture
def site(nothing_left_open: None) -> Iterator[Site]:
    """A balancer without members yet; nothing may be left open in the end."""
    del nothing_left_open
    site = Site()
    yield site
    site.close()


def often(*, passes: int = 1, fails: int = 1) -> HealthRules:
    """Return rules for a check every moment."""
    return HealthRules(interval=OFTEN, timeout=BOUND, passes=passes, fails=fails)


# Passes and fails.


def test_a_member_that_goes_down_is_out_and_comes_back(site: Site) -> None:
    with held_port() as port:
        address = ("127.0.0.1", port)
        with socket.create_server(address):
            slot = site.member(f"scgi://127.0.0.1:{port}/")
            site.check(HealthRules(method=CheckMethod.TCP, interval=OFTEN, passes=2, fails=2))
            until(lambda: site.pool.passes[slot] > 0)
        until(lambda: site.is_out(slot))
        assert site.pool.fails[slot] >= 2
        with socket.create_server(address):
            until(lambda: not site.is_out(slot))
            assert site.pool.passes[slot] >= 2


def test_a_member_is_out_only_after_so_many_failures_in_a_row(site: Site) -> None:
    slot = site.plays(GOOD, BAD, play(Wait("second"), BAD), play(Wait("third"), GOOD))
    site.check(often(fails=2))
    until(lambda: site.pool.fails[slot] == 1)
    assert not site.is_out(slot)
    site.gates.open("second")
    until(lambda: site.pool.fails[slot] == 2)
    assert site.is_out(slot)


def test_a_member_is_back_only_after_so_many_passes_in_a_row(site: Site) -> None:
    slot = site.plays(BAD, GOOD, BAD, GOOD, play(Wait("second"), GOOD), play(Wait("third"), GOOD))
    site.check(often(passes=2))
    until(lambda: site.is_out(slot))
    until(lambda: site.connections(slot) == 5)
    assert site.pool.passes[slot] == 1
    assert site.is_out(slot)
    site.gates.open("second")
    until(lambda: not site.is_out(slot))


def test_good_results_between_two_bad_ones_end_the_row(site: Site) -> None:
    slot = site.plays(GOOD, BAD, GOOD, GOOD, GOOD, GOOD, BAD, play(Wait("end"), GOOD))
    site.check(often(fails=2))
    until(lambda: site.connections(slot) == 8)
    assert site.results(slot) == [True, False, True, True, True, True, False]
    assert site.pool.fails[slot] == 1
    assert not site.is_out(slot)


def test_a_good_check_ends_a_rest(site: Site) -> None:
    slot = site.plays(GOOD)
    with site.pool.lock:
        site.pool.status[slot] |= Status.ERROR
        site.pool.rest_until[slot] = float("inf")
        site.pool.bump()
    site.check(often())
    until(lambda: not site.pool.status[slot] & Status.ERROR)


def test_what_a_check_took_is_on_the_board(site: Site) -> None:
    slot = site.plays(GOOD)
    site.check(often())
    until(lambda: site.pool.checked_at[slot] > 0)
    assert 0 < site.pool.check_seconds[slot] < BOUND


# Whom, and when.


def test_a_silent_member_keeps_no_other_from_being_checked(site: Site) -> None:
    silent = site.plays(play(Wait("end"), GOOD))
    others = [site.plays(GOOD) for _ in range(3)]
    site.check(HealthRules(interval=OFTEN, timeout=2 * BOUND))
    for slot in others:
        site.wait_for_results(slot, 5)
    assert not site.results(silent)
    assert site.connections(silent) == 1, "checked again while a check was under way"


def test_no_more_checks_run_than_there_are_places(site: Site) -> None:
    for _ in range(CONCURRENT + 3):
        site.plays(play(Wait("all"), GOOD))
    slots = range(CONCURRENT + 3)
    site.check(HealthRules(interval=OFTEN, timeout=BOUND))

    def connected() -> list[int]:
        return [slot for slot in slots if site.connections(slot)]

    until(lambda: len(connected()) >= CONCURRENT)
    for _ in range(2):  # the task has had its turn once more, and all members are due
        site.wait_for_a_turn()
    assert len(connected()) == CONCURRENT
    site.gates.open("all")
    until(lambda: all(site.results(slot) for slot in slots))


def test_a_stopped_member_is_not_checked_until_it_is_started(site: Site) -> None:
    stopped = site.member(site.backend(GOOD), status=Status.STOPPED)
    other = site.plays(GOOD)
    site.check(often())
    site.wait_for_results(other, 4)
    assert site.connections(stopped) == 0
    with site.pool.lock:
        site.pool.status[stopped] &= ~Status.STOPPED
        site.pool.bump()
    site.wait_for_results(stopped)


def test_a_disabled_member_is_checked(site: Site) -> None:
    disabled = site.member(site.backend(GOOD), status=Status.DISABLED)
    site.check(often())
    site.wait_for_results(disabled)


def test_the_first_of_the_members_is_checked_at_once_and_the_others_spread(site: Site) -> None:
    first, second = site.plays(GOOD), site.plays(GOOD)
    site.check(HealthRules(interval=SELDOM, timeout=BOUND))
    site.wait_for_results(first)
    assert site.connections(second) == 0


def test_a_member_that_is_added_is_checked_at_once(site: Site) -> None:
    first = site.plays(GOOD)
    site.check(HealthRules(interval=SELDOM, timeout=BOUND))
    site.wait_for_results(first)
    added = site.plays(GOOD)
    site.wait_for_results(added)
    assert len(site.results(first)) == 1


def test_what_another_process_has_checked_is_due_an_interval_later(site: Site) -> None:
    slot = site.plays(GOOD)
    site.pool.checked_at[slot] = site.balancer.clock()
    site.check(HealthRules(interval=SELDOM, timeout=BOUND))
    until(lambda: site.balancer.asked >= 1)
    site.wait_for_results(site.plays(GOOD))
    assert site.connections(slot) == 0


def test_a_removed_member_is_checked_no_more_and_its_last_result_is_nobodys(site: Site) -> None:
    removed = site.plays(play(Wait("removed"), BAD))
    other = site.plays(GOOD)
    site.check(often())
    until(lambda: site.connections(removed) == 1)
    site.remove(removed)
    another = site.member(site.backend(play(Wait("another"), GOOD)))
    assert another == removed
    site.gates.open("removed")
    site.backends[0].wait_done(BOUND)
    before = len(site.results(other))
    site.wait_for_results(other, before + 4)
    assert site.connections(removed) == 1
    assert not site.results(another) and site.pool.fails[another] == 0
    assert not site.is_out(another)


def test_a_task_that_could_not_be_started_can_be_started_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monitor = Monitor(site.board, ())
    with monkeypatch.context() as patch:
        patch.setattr(_thread, "start_new_thread", refuse)
        with pytest.raises(RuntimeError):
            monitor.start()
    assert monitor.stop(0.0)
    monitor.start()
    assert monitor.stop(BOUND)


def test_a_removed_member_leaves_the_others_alone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    removed, other = site.plays(GOOD), site.plays(GOOD)
    site.check(often())
    site.wait_for_results(removed)
    site.remove(removed)
    site.wait_for_a_turn()
    before = len(site.results(other))
    site.wait_for_results(other, before + 4)
    assert not caplog.records


def test_a_member_that_leaves_and_returns_during_a_check_is_not_checked_twice_at_once(
    site: Site,
) -> None:
    url = site.backend(play(Wait("back"), GOOD))
    slot = site.member(url)
    other = site.plays(GOOD)
    site.check(often())
    until(lambda: site.connections(slot) == 1)
    site.remove(slot)
    site.wait_for_a_turn()
    assert site.member(url) == slot
    site.wait_for_a_turn()
    before = len(site.results(other))
    site.wait_for_results(other, before + 4)
    assert site.connections(slot) == 1
    site.gates.open("back")
    site.wait_for_results(slot, 3)


def test_each_balancer_is_checked_by_its_own_rules(site: Site) -> None:
    board = Board([("one", 1), ("two", 1)], shared=False)
    one, two = Balancer("one", board.pool("one")), Balancer("two", board.pool("two"))
    for balancer in (one, two):
        with balancer.pool.lock:
            balancer.pool.enrol(MemberText(site.backend(BAD)))
            balancer.pool.bump()
    lenient = HealthRules(interval=OFTEN, timeout=BOUND, expect=frozenset({500}))
    site.monitor = Monitor(board, [Checked(one, often()), Checked(two, lenient)])
    site.monitor.start()
    until(lambda: one.pool.checked_at[0] > 0 and two.pool.checked_at[0] > 0)
    assert one.pool.status[0] & Status.HEALTH_FAILED
    assert not two.pool.status[0] & Status.HEALTH_FAILED


# The task.


def test_the_task_may_be_started_twice_and_runs_once(site: Site) -> None:
    silent, other = site.plays(play(Wait("end"), GOOD)), site.plays(GOOD)
    monitor = site.check(often())
    monitor.start()
    site.wait_for_results(other, 10)
    assert site.connections(silent) == 1


def test_a_task_that_was_stopped_checks_no_more_until_it_is_started_again(site: Site) -> None:
    slot = site.plays(GOOD)
    monitor = site.check(often())
    site.wait_for_results(slot)
    assert monitor.stop(BOUND)
    assert monitor.stop(BOUND), "stopping twice does no harm"
    before = site.connections(slot)
    site.balancer.results.clear()
    monitor.start()
    site.wait_for_results(slot)
    assert site.connections(slot) > before


def test_a_task_that_ends_waits_for_its_checks_but_not_for_ever(site: Site) -> None:
    slot = site.plays(play(Wait("end"), GOOD))
    monitor = site.check(often())
    until(lambda: site.connections(slot) == 1)
    assert not monitor.stop(0.05)
    site.gates.open("end")
    until(lambda: site.backends[slot].wait_done(BOUND))
    assert not site.results(slot)


def test_without_anything_to_check_the_task_runs_all_the_same() -> None:
    monitor = Monitor(Board([], shared=False), [])
    monitor.start()
    assert monitor.stop(BOUND)


class Broken(Recorded):
    """A balancer that fails when it is asked for its members for the first time."""

    is_asked = False

    def members(self) -> list[Member]:
        """Fail once."""
        if not self.is_asked:
            self.is_asked = True
            raise RuntimeError("asked too early")
        return super().members()


def test_an_error_of_the_task_itself_is_logged_and_does_not_end_it(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.balancer = Broken("app", site.pool)
    slot = site.plays(GOOD)
    site.check(often())
    site.wait_for_results(slot)
    assert "the health checks met an error and go on" in caplog.text
    assert "asked too early" in caplog.text


def test_an_error_of_a_check_itself_is_logged_and_counts_for_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(host: str, port: int) -> list[SocketAddress]:
        return [(socket.AF_INET, (host, str(port)))]  # no number, as the kernel wants one

    slot = site.member("scgi://member.example/")
    site.check(often(), resolver=Resolver(broken))
    until(lambda: caplog.text.count("could not be checked") >= 2)
    assert "balancer app: scgi://member.example/ could not be checked" in caplog.text
    assert not site.results(slot) and site.pool.fails[slot] == 0
    assert not site.is_out(slot)


# The log.


def messages(caplog: pytest.LogCaptureFixture) -> Sequence[tuple[int, str]]:
    """Return what was logged, with the levels."""
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_only_changes_are_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wsgi_scgi")
    url = site.backend(GOOD, GOOD, BAD, BAD, BAD, GOOD, GOOD, play(Wait("end"), GOOD))
    slot = site.member(url)
    site.check(often(fails=2, passes=2))
    until(lambda: site.connections(slot) == 8)
    assert messages(caplog) == [
        (
            logging.WARNING,
            f"balancer app: {url} is out, its health check failed: it answered 500 Oh",
        ),
        (logging.INFO, f"balancer app: {url} passes its health checks again"),
    ]
