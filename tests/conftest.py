"""What all tests share: how hypothesis searches, and the two transports."""

import os
import signal
import time
from collections.abc import Iterator

import gevent
import pytest
from hypothesis import HealthCheck, settings

from tests.gateway.gunicorn_server import ServedConnection, served_connection
from tests.transports import BOUND, Transport
from wsgi_scgi.transport.pipe import forget_spare

# Machines are noisy, so no example is too slow.  CI looks longer than a developer waits, and at
# the same examples each time: what fails there fails again.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("developer", _PATIENT)
settings.register_profile(
    "ci", _PATIENT, max_examples=500, derandomize=True, database=None, print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")


# A shell that starts the tests in the background lets them ignore SIGINT, and with them all that
# they start; but some tests are about Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=list(Transport), ids=lambda transport: transport.value)
def transport(request: pytest.FixtureRequest) -> Transport:
    """One of the two ways to wait; a test that asks for it runs on both."""
    chosen: Transport = request.param
    return chosen


@pytest.fixture
def served(transport: Transport) -> Iterator[ServedConnection]:
    """A connection on which gunicorn reads requests, of the transport's kind."""
    with served_connection(transport) as connection:
        yield connection


@pytest.fixture
def nothing_left_open() -> Iterator[None]:
    """Check that the test leaves no descriptor and no running watcher behind."""
    hub = gevent.get_hub()
    # What gevent opens once and keeps is not the test's.
    hub.threadpool.spawn(int).get()
    gevent.sleep(0)
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("descriptors can only be counted where /proc is mounted")
    forget_spare()
    before = _descriptors()
    watchers = hub.loop.activecnt
    yield
    forget_spare()
    # What other threads are just closing, and what the hub has yet to hear of them, may take
    # a moment.
    end = time.monotonic() + BOUND
    while (_descriptors(), hub.loop.activecnt) != (before, watchers) and time.monotonic() < end:
        gevent.sleep(0.002)
    assert _descriptors() == before
    assert hub.loop.activecnt == watchers


def _descriptors() -> dict[str, str]:
    """Return what each open descriptor of this process stands for."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue  # the one that listed the directory
    return found
