"""While a file is read again there are workers of before and after: they count as one."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.backends.process import wait_for
from tests.integration.balancer.conftest import NewMember, Start
from tests.integration.balancer.members import BOUND, Member
from tests.integration.balancer.sites import ADMIN, TOKEN, Lines, Site, write_file
from tests.integration.balancer.workers import stop
from tests.integration.serving import hang_up, wait_ended
from tests.kit.http import Client

PATIENT = "graceful_timeout = 600\nkeepalive = 600"
"""A worker that leaves waits for its requests, and for those of clients that it knows."""


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
        assert not client.is_alive()


def test_a_limit_holds_across_a_reload(start: Start, new_member: NewMember) -> None:
    member = new_member("a")
    lines = Lines(server=PATIENT, member="max_connections = 1", workers=1)
    site = start([member, new_member("x", up=False)], lines)
    with held_by_the_old_worker(site, member) as old:
        assert site.get() == "503"
    wait_ended(old)
    assert site.get() == "a"


def test_a_limit_that_the_file_gets_counts_requests_of_before(
    start: Start, new_member: NewMember
) -> None:
    members = [new_member("a"), new_member("x", up=False)]
    site = start(members, Lines(server=PATIENT, workers=1))
    limited = Lines(server=PATIENT, member="max_connections = 1", workers=1)
    write_file(site.path.parent, members, limited)
    with held_by_the_old_worker(site, members[0]):
        assert site.get() == "503"


def test_a_change_through_a_worker_that_is_leaving_holds(start: Start, abc: list[Member]) -> None:
    site = start(abc, Lines(server=PATIENT, rest=ADMIN, workers=1))
    (old,) = site.workers.pids
    with Client(site.gateway.address, bound=BOUND) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        known = client.read_response("GET")
        assert known is not None
        assert known.get("X-Member") == "a"
        # The old worker has the connection, and finds the change there when it is told to leave.
        stop(old)
        client.send(draining(abc[0]))
        hang_up(site.gateway)
        wait_for(lambda: len(site.workers.pids) == 2, "the new worker", BOUND)
        wait_for(lambda: is_told_to_end(old), "the signal", BOUND)
        os.kill(old, signal.SIGCONT)
        changed = client.read_response("POST")
    assert changed is not None
    assert changed.status == 200
    assert changed.get("Connection") == "close"
    wait_ended(old)
    assert site.states()["a"] == "N"


def draining(member: Member) -> bytes:
    """Return the request that drains a member."""
    order = json.dumps({"action": "drain", "balancer": "pool", "member": member.url})
    lines = ["POST /_gateway/change HTTP/1.1", "Host: localhost", f"Authorization: Bearer {TOKEN}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(order)}", "", order]
    return "\r\n".join(lines).encode()


def is_told_to_end(pid: int) -> bool:
    """Tell whether a process that is stopped will find SIGTERM when it goes on."""
    status = Path(f"/proc/{pid}/status").read_text()
    (pending,) = re.findall(r"^ShdPnd:\s+(\w+)$", status, re.MULTILINE)
    return bool(int(pending, 16) >> (signal.SIGTERM - 1) & 1)


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
