"""Backends and workers restarted, killed and replaced under load: what must not be seen of it.

Not one idempotent request fails, and not one of the others is executed twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.integration.backends.process import wait_for
from tests.integration.balancer.asking import ask
from tests.integration.balancer.backends import Backends, Process
from tests.integration.balancer.load import Load, Outcome
from tests.integration.balancer.sites import ADMIN, TOKEN
from tests.integration.balancer.workers import Workers, kill_worker
from tests.integration.serving import BOUND, hang_up, wait_ended, workers_of
from tests.kit.gateways import new_directory, remove_directory, start_serve

SECONDS = float(os.environ.get("BALANCER_LOAD_SECONDS", "3"))
"""How long each load lasts; a minute for a day on which much has changed."""

RATE = 200.0
WORKERS = 3
BETWEEN = 60
"""Requests between two faults."""

LONGEST = 60.0
"""Seconds more after which a load ends that has not met what it is for."""

ANOTHER = "; trying scgi://"


class Site:
    """A gateway in front of four backends, of which its file names some."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.backends = Backends(["a", "b", "c", "d"], directory)
        self.configure(*self.backends.processes[:3])
        self.gateway = start_serve(directory, ("-c", str(self.path)))
        self.workers = Workers(self.gateway, WORKERS)

    @property
    def path(self) -> Path:
        """The file of the gateway."""
        return self.directory / "gateway.toml"

    def configure(self, *members: Process) -> None:
        """Write the file with these members."""
        lines = ["[server]", 'bind = "127.0.0.1:0"', f"workers = {WORKERS}"]
        lines += ['[[route]]\npath = "/buffered/"\nbackend = "balancer://pool/"']
        lines += ["buffer_request = true"]
        lines += ['[[route]]\npath = "/"\nbackend = "balancer://pool/"\n[balancer.pool]']
        lines += [f'[[balancer.pool.member]]\nurl = "{member.url}"' for member in members]
        self.path.write_text("\n".join([*lines, ADMIN]))

    def busy(self) -> list[int]:
        """Return how many requests each member has, as the manager shows it."""
        fields = [f"Authorization: Bearer {TOKEN}"]
        answer = ask(self.gateway.address, "GET", "/_gateway/status.json", fields=fields)
        assert answer.response is not None
        (pool,) = json.loads(answer.response.body)["balancers"]
        return [member["busy"] for member in pool["members"]]

    def load(self) -> Load:
        """Return the load of this test."""
        return Load(self.gateway.address, RATE)

    def reload(self) -> None:
        """Let the gateway read its file, and wait for the end of the workers that it had."""
        before = self.workers.pids
        hang_up(self.gateway)
        for pid in before:
            wait_ended(pid)

    def wait_for_workers(self, number: int) -> None:
        """Wait until so many have started since the beginning."""
        wait_for(lambda: len(workers_of(self.gateway)) >= number, "a new worker", BOUND)

    def close(self) -> None:
        """End all."""
        self.gateway.stop()
        self.backends.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A gateway with three workers and backends of its own."""
    directory = new_directory()
    site = Site(directory)
    yield site
    site.close()
    remove_directory(directory)


def judge(site: Site, load: Load, held: Collection[int] = ()) -> None:
    """Assert what must hold after every load; ``held`` are the ports of a killed worker."""
    log = site.gateway.log()
    failed = load.failed(held=held)
    assert failed == [], f"{len(failed)} of {len(load.outcomes)}: {failed[:5]}\n{log[-4000:]}"
    executed = site.backends.executed()
    assert [one for one, times in executed.items() if times > 1] == []
    done = [one for one in load.outcomes if not one.kind.is_idempotent and one.is_good]
    assert [one for one in done if executed[one.id] != 1] == []
    assert "Traceback" not in log
    wait_for(lambda: not any(site.busy()), "nobody is busy", BOUND)


def lost(load: Load) -> list[Outcome]:
    """Return the requests that are not idempotent and failed."""
    return [one for one in load.outcomes if not one.kind.is_idempotent and not one.is_good]


def members_of(outcomes: list[Outcome]) -> set[str]:
    return {one.member for one in outcomes if one.is_good}


def test_backends_are_restarted_one_by_one(site: Site) -> None:
    with site.load() as load:
        # Each is away for so short a time that no request may meet it then.
        while load.seconds < SECONDS or ANOTHER not in site.gateway.log():
            assert load.seconds < SECONDS + LONGEST, "no request has met a backend that was away"
            for process in site.backends.processes[:3]:
                load.go_on(BETWEEN)
                process.restart()
    judge(site, load)
    assert members_of(load.outcomes) == {"a", "b", "c"}


def test_a_backend_is_killed(site: Site) -> None:
    with site.load() as load:
        while load.seconds < SECONDS:
            for process in site.backends.processes[:3]:
                load.go_on(BETWEEN)
                process.kill()
                load.go_on(BETWEEN)
                process.start()
    judge(site, load)
    assert ANOTHER in site.gateway.log()
    # Nobody knows how far the backend was.
    assert {one.status for one in lost(load)} <= {502}


def test_a_worker_is_killed(site: Site) -> None:
    held: set[int] = set()
    with site.load() as load:
        while load.seconds < SECONDS:
            load.go_on(2 * BETWEEN)
            started = len(workers_of(site.gateway))
            held |= kill_worker(site.workers.pids[0])
            site.wait_for_workers(started + 1)
    judge(site, load, held)
    assert {one.port for one in lost(load)} <= held


def test_the_gateway_is_reloaded_with_the_same_and_with_other_members(site: Site) -> None:
    a, b, c, d = site.backends.processes
    with site.load() as load:
        while load.seconds < SECONDS:
            for members in ((a, b, c), (a, d), (d,), (b, c, d)):
                site.configure(*members)
                site.reload()
                load.go_on(BETWEEN)
    judge(site, load)
    assert lost(load) == []
    assert members_of(load.outcomes) == {"a", "b", "c", "d"}
