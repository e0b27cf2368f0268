"""While a file is read again there are workers of before and after: they count as one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.backends.process import wait_for
from tests.integration.balancer.conftest import NewMember, Start
from tests.integration.balancer.members import BOUND, Member
from tests.integration.balancer.sites import ADMIN, Lines, Site, write_file
from tests.integration.balancer.workers import stop
from tests.integration.serving import hang_up, wait_ended


@contextmanager
def held_by_the_old_worker(site: Site, member: Member) -> Iterator[int]:
    """Reload while the only worker has a request at a member; yield its id, stopped.

    So the new worker takes all connections.  At the end the request is answered.
    """
    (old,) = site.workers.pids
    client = threading.Thread(target=site.get, args=("a=hold",))
    client.start()
    wait_for(lambda: bool(member.requests), "the request", BOUND)
    hang_up(site.gateway)
    wait_for(lambda: len(site.workers.pids) == 2, "the new worker", BOUND)
    stop(old)
    try:
        yield old
    finally:
        os.kill(old, signal.SIGCONT)
        member.release()
        client.join(BOUND)


def test_a_limit_holds_across_a_reload(start: Start, new_member: NewMember) -> None:
    member = new_member("a")
    lines = Lines(member="max_connections = 1", workers=1)
    site = start([member, new_member("x", up=False)], lines)
    with held_by_the_old_worker(site, member) as old:
        assert site.get() == "503"
    wait_ended(old)
    assert site.get() == "a"


def test_a_limit_that_the_file_gets_counts_requests_of_before(
    start: Start, new_member: NewMember
) -> None:
    members = [new_member("a"), new_member("x", up=False)]
    site = start(members, Lines(workers=1))
    write_file(site.path.parent, members, Lines(member="max_connections = 1", workers=1))
    with held_by_the_old_worker(site, members[0]):
        assert site.get() == "503"


def test_a_change_through_a_worker_that_is_leaving_holds(start: Start, abc: list[Member]) -> None:
    site = start(abc, Lines(rest=ADMIN, workers=1))
    assert site.get() == "a"  # it has booted
    (old,) = site.workers.pids
    stop(old)  # so that it does not leave before the change
    hang_up(site.gateway)
    wait_for(lambda: len(site.workers.pids) == 2, "the new worker", BOUND)
    new = site.workers.pids[1]
    stop(new)
    os.kill(old, signal.SIGCONT)
    order = {"action": "drain", "balancer": "pool", "member": abc[0].url}
    assert site.manage("POST", "change", order).status == 200
    os.kill(new, signal.SIGCONT)
    wait_ended(old)
    assert site.states()["a"] == "N"


def test_members_that_come_and_go_with_the_file_leave_counts_and_turns_to_the_others(
    start: Start, abc: list[Member], new_member: NewMember
) -> None:
    site = start(abc, Lines(rest=ADMIN))
    assert [site.get() for _ in range(4)] == ["a", "b", "c", "a"]
    _, b, c = abc
    write_file(site.path.parent, [new_member("d"), c, b], Lines(rest=ADMIN))
    site.reload()
    assert sorted(site.get() for _ in range(3)) == ["b", "c", "d"]
    assert {route: one["elected"] for route, one in site.members().items()} == {
        "b": 2,
        "c": 2,
        "d": 1,
    }
