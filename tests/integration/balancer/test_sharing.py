"""What the workers of a host know together, and what each knows alone."""

from __future__ import annotations

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.backends.process import wait_for
from tests.integration.balancer.asking import ask
from tests.integration.balancer.conftest import NewMember, Start
from tests.integration.balancer.members import BOUND, Member
from tests.integration.balancer.sites import Lines, write_file
from tests.integration.balancer.workers import Workers, kill_worker, own_ports
from tests.kit.gateways import start_gunicorn

ALONE = "this process alone knows the state of its balancers"
FREE_AGAIN = 20.0
"""Seconds until a dead worker is noticed: 1.5, and more for a machine that does much else."""

WORKER = "wsgi_scgi.worker.GatewayWorker"
APPLICATION = 'wsgi_scgi:from_toml("gateway.toml")'


def winners(address: tuple[str, int], workers: Workers) -> list[str]:
    """Return who serves one request of each worker in turn."""
    served = []
    for number in range(3):
        with workers.only(number):
            served.append(ask(address).word)
    return served


def test_workers_count_as_one(start: Start, abc: list[Member]) -> None:
    site = start(abc, Lines(rest='[state]\nshare = "workers"'))
    assert winners(site.gateway.address, site.workers) == ["a", "b", "c"]
    assert ALONE not in site.gateway.log()


def test_each_worker_counts_alone_where_nothing_is_shared(start: Start, abc: list[Member]) -> None:
    site = start(abc, Lines(rest='[state]\nshare = "none"'))
    assert winners(site.gateway.address, site.workers) == ["a", "a", "a"]
    assert ALONE not in site.gateway.log()


@pytest.mark.parametrize("worker_class", [WORKER, "sync"])
def test_workers_count_as_one_under_gunicorn_with_preload(
    directory: Path, abc: list[Member], worker_class: str
) -> None:
    write_file(directory, abc, Lines())
    settings = ("--preload", "--workers", "3")
    with start_gunicorn(directory, APPLICATION, worker_class, settings=settings) as gateway:
        assert winners(gateway.address, Workers(gateway, 3)) == ["a", "b", "c"]
        assert ALONE not in gateway.log()


def test_plain_gunicorn_says_that_each_worker_counts_alone(
    directory: Path, abc: list[Member]
) -> None:
    write_file(directory, abc, Lines())
    settings = ("--workers", "3")
    with start_gunicorn(directory, APPLICATION, WORKER, settings=settings) as gateway:
        assert winners(gateway.address, Workers(gateway, 3)) == ["a", "a", "a"]
        assert gateway.log().count(ALONE) == 3


def test_shares_are_those_of_the_weights(start: Start, abc: list[Member]) -> None:
    weights = {"a": 5, "b": 3, "c": 2}
    site = start(abc, Lines(member=[f"weight = {weight}" for weight in weights.values()]))
    one_by_one: Counter[str] = Counter()
    for number in range(3):
        with site.workers.only(number):
            one_by_one.update(site.get() for _ in range(70))
    with ThreadPoolExecutor(12) as clients:
        at_once = Counter(clients.map(lambda _: site.get(), range(300)))
    for served in (one_by_one, at_once):
        requests = served.total()
        for name, weight in weights.items():
            assert abs(served[name] - requests * weight / 10) <= requests / 100, served


def test_the_cookie_of_one_worker_leads_to_the_member_at_all(
    start: Start, abc: list[Member]
) -> None:
    cookie = '[balancer.pool.sticky_cookie]\nsecret = "0123456789abcdef"'
    site = start(abc, Lines(balancer='sticky_session = "ROUTE"', rest=cookie))
    assert site.get() == "a"
    response = site.ask("GET").response
    assert response is not None
    assert response.get("X-Member") == "b"
    value = (response.get("Set-Cookie") or "").partition(";")[0]
    for number in range(3):
        with site.workers.only(number):
            again = ask(site.gateway.address, fields=[f"Cookie: {value}"])
            assert again.word == "b"
            assert again.response is not None
            assert again.response.get("Set-Cookie") is None
    assert ask(site.gateway.address, fields=["Cookie: ROUTE=forged.b"]).word == "c"


def test_a_killed_worker_leaves_no_member_busy(start: Start, new_member: NewMember) -> None:
    member = new_member("a")
    site = start([member, new_member("x", up=False)], Lines(member="max_connections = 1"))
    with site.workers.only(0):
        victim = site.workers.pids[0]
        client = threading.Thread(target=site.get, args=("a=hold",))
        client.start()
        wait_for(lambda: bool(member.requests), "the request", BOUND)
    assert site.get() == "503"
    kill_worker(victim)
    wait_for(lambda: site.get() == "a", "the member is free", FREE_AGAIN)
    client.join(BOUND)


def test_health_checks_go_on_when_the_worker_that_runs_them_is_killed(
    start: Start, new_member: NewMember
) -> None:
    member = new_member("a")
    health = (
        '[balancer.pool.health]\ninterval = 0.1\ntimeout = 20\nvariables = {HTTP_X_DO = "a=hold"}'
    )
    site = start([member], Lines(rest=health))

    def checker() -> int:
        """Return the worker that waits for the answer of a check."""
        found: list[int] = []

        def look() -> bool:
            port = member.peers[-1] if member.peers else 0
            found[:] = [pid for pid in site.workers.pids if port in own_ports(pid)]
            return bool(found)

        wait_for(look, "a health check", BOUND)
        return found[0]

    first = checker()
    os.kill(first, 9)
    wait_for(lambda: first not in site.workers.pids, "its end", BOUND)
    second = checker()
    assert second != first
    before = len(member.requests)
    member.release()
    wait_for(lambda: len(member.requests) > before, "another check", BOUND)
    assert checker() == second
    assert Counter(site.get() for _ in range(3)) == {"a": 3}
