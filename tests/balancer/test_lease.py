"""A lease: what it counts, whom it blames, and that it always ends."""

import gc
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.balancer.pools import Clock, Site
from tests.transports import BOUND
from wsgi_scgi.balancer.lease import Lease
from wsgi_scgi.compiled import TWINS
from wsgi_scgi.errors import (
    BackendError,
    BackendTimeout,
    ClientDisconnected,
    ConnectError,
    ConnectTimeout,
    DeadlineExceeded,
    OutOfResources,
    RequestTimeout,
    ResolveError,
    ResponseError,
    TruncatedResponse,
)
from wsgi_scgi.scoreboard.layout import BUCKETS
from wsgi_scgi.scoreboard.memory import Lock
from wsgi_scgi.scoreboard.pool import NO_PROBE


def counts(site: Site, slot: int = 0) -> dict[str, Any]:
    """Return what has been counted for a member, as far as it is more than nothing."""
    sums = {name: site.pool.totals(name)[slot] for name in site.pool.row.columns}
    return {name: number for name, number in sums.items() if number}


def test_a_member_is_busy_from_the_election_to_the_release() -> None:
    site = Site("", "")
    one, two = site.lease_of("a"), site.lease_of("a")
    assert site.busy() == [2, 0]
    one.release()
    one.release()
    assert site.busy() == [1, 0]
    two.release()
    assert site.busy() == [0, 0]


def test_an_exchange_is_counted_with_its_bytes_its_status_and_its_times() -> None:
    site = Site("", "")
    lease = site.lease_of("a")
    site.clock.now += 0.25
    lease.connected()
    site.clock.now += 0.5
    lease.answered(404)
    site.clock.now += 1
    lease.release(100, 2000)
    assert counts(site) == {
        "elected": 1,
        "sent": 100,
        "received": 2000,
        "seconds": 1.75,
        "connect_seconds": 0.25,
        "first_byte_seconds": 0.75,
        "status_4xx": 1,
        f"bucket_{BUCKETS.index(2.5)}": 1,
    }
    assert (lease.status, lease.ended_at) == (404, site.clock.now)


def test_an_attempt_without_an_answer_has_no_status_and_no_place_in_the_histogram() -> None:
    site = Site("", "")
    lease = site.lease_of("a")
    lease.failed(ConnectError("refused"))
    site.clock.now += 2
    lease.release()
    assert counts(site) == {"elected": 1, "failed": 1, "seconds": 2.0}


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0005, 0), (0.001, 0), (0.0011, 1), (10.0, 12), (11.0, 13)]
)
def test_the_bounds_of_the_histogram_belong_to_their_buckets(seconds: float, bucket: int) -> None:
    site = Site("", "")
    site.clock.now = 0.0
    lease = site.lease_of("a")
    site.clock.now = seconds
    lease.answered(200)
    lease.release()
    assert counts(site)[f"bucket_{bucket}"] == 1


@pytest.mark.parametrize(
    ("error", "failed", "rests"),
    [
        (ConnectError("refused"), 1, True),
        (ConnectTimeout("silent"), 1, True),
        (ResolveError("no such name"), 1, True),
        # One of these may happen to anybody.
        (ResponseError("garbage"), 1, False),
        (TruncatedResponse("cut"), 1, False),
        (BackendTimeout("silent"), 1, False),
        (BackendError("any other"), 1, False),
        # The fault of the gateway, of the client, or of nobody.
        (OutOfResources("no descriptors"), 0, False),
        (DeadlineExceeded("a slow client"), 0, False),
        (ClientDisconnected("left"), 0, False),
        (RequestTimeout("silent"), 0, False),
        (KeyboardInterrupt(), 0, False),
        (OSError(), 0, False),
    ],
)
def test_a_member_is_blamed_for_its_own_faults(
    error: BaseException, failed: int, rests: bool
) -> None:
    site = Site("", "")
    lease = site.lease_of("a")
    lease.failed(error)
    lease.failed(ConnectError("of the same attempt"))
    lease.release()
    assert counts(site).get("failed", 0) == failed
    assert site.letters("a") == ("E" if rests else "")


@pytest.mark.parametrize(
    ("error", "counts_as_fault"),
    [
        (ResponseError("garbage"), True),
        (TruncatedResponse("cut"), True),
        (BackendTimeout("silent"), True),
        (BackendError("any other"), False),
        (DeadlineExceeded("a slow client"), False),
        (ClientDisconnected("left"), False),
    ],
)
def test_faults_that_are_repeated_are_a_rest(error: BaseException, counts_as_fault: bool) -> None:
    site = Site("", "")
    for _ in range(3):
        site.fail("a", error)
    assert site.letters("a") == ("E" if counts_as_fault else "")


def test_a_lease_that_is_dropped_releases_its_member() -> None:
    site = Site("", "")
    site.lease_of("a")
    assert site.busy() == [0, 0]


def test_a_lease_in_a_circle_of_objects_releases_its_member_when_that_is_collected() -> None:
    site = Site("", "")
    circle: list[object] = [site.lease_of("a")]
    circle.append(circle)
    assert site.busy() == [1, 0]
    del circle
    gc.collect()
    assert site.busy() == [0, 0]


def test_the_end_of_a_probe_is_told() -> None:
    site = Site("", "")
    site.fail("a")
    site.clock.now += 5
    probe = site.lease_of("a")
    assert probe.is_probe
    assert site.pool.probe_row[0] == site.pool.row.number
    probe.release()
    assert site.pool.probe_row[0] == NO_PROBE


class _Broken(Clock):
    """A clock that is interrupted when it is read."""

    breaks = False

    def __call__(self) -> float:
        if self.breaks:
            raise KeyboardInterrupt
        return super().__call__()


def test_an_interrupted_release_has_not_happened() -> None:
    site = Site("", "")
    clock = _Broken()
    lease = Lease(site.balancer, site.balancer.members()[0], site.pool.row, clock)
    clock.breaks = True
    with pytest.raises(KeyboardInterrupt):
        lease.release()
    assert site.busy() == [1, 0]
    clock.breaks = False
    lease.release()
    assert site.busy() == [0, 0]
    clock.breaks = True
    with pytest.raises(KeyboardInterrupt):
        Lease(site.balancer, site.balancer.members()[0], site.pool.row, clock)
    assert site.busy() == [0, 0]


class _Interrupted(BaseException):
    """What the signal handler raises."""


STRIKER = """
import os, random, signal, time
while True:
    os.kill(os.getppid(), signal.SIGUSR1)
    time.sleep(random.random() / 5000)
"""


# A strike at a lease that has been released, while that goes, is told and has no effect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("members", [1, 3])
def test_signals_at_any_moment_leave_nobody_busy(members: int) -> None:
    site = Site(*[""] * members)
    may_strike = False
    strikes = 0

    def strike(_number: int, _frame: object) -> None:
        nonlocal may_strike, strikes
        if may_strike:
            may_strike = False
            strikes += 1
            raise _Interrupted

    before = signal.signal(signal.SIGUSR1, strike)
    with subprocess.Popen([sys.executable, "-c", STRIKER]) as striker:
        try:
            while strikes < 1000:
                try:
                    may_strike = True
                    for _ in range(100):
                        lease = site.elect()
                        lease.answered(200)
                        lease.release()
                    may_strike = False
                except _Interrupted:
                    lease = site.elect()  # lets go of the one that was interrupted
                    lease.release()
        finally:
            striker.kill()
            striker.wait()
            signal.signal(signal.SIGUSR1, before)
    assert site.busy() == [0] * members
    if TWINS["Lock"].compiled is not None:
        assert is_free(site.pool.lock)


def is_free(lock: Lock) -> bool:
    """Tell whether another thread can take a lock."""
    taken = threading.Event()

    def take() -> None:
        with lock:
            taken.set()

    threading.Thread(target=take, daemon=True).start()
    return taken.wait(BOUND)
