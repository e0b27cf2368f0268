"""Workers that choose as one; run as a program: ``python -m tests.balancer.workers SCENE``.

Each scene forks workers that hold elections as fast as they can, checks with assertions what
must hold, and prints ``fine``.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.balancer.lease import Lease
from wsgi_scgi.balancer.methods import METHODS
from wsgi_scgi.balancer.rests import Rests
from wsgi_scgi.balancer.rules import BalancerRules, RestRules
from wsgi_scgi.balancer.steering import Change, change_member
from wsgi_scgi.balancer.sticky import Session
from wsgi_scgi.errors import ConnectError, NoMember, ResponseError
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText, Pool
from wsgi_scgi.scoreboard.status import Status

WORKERS = 3
BOUND = 90
WEIGHTS = (1, 2, 4)


def shared(method: str = "byrequests") -> tuple[Board, Pool]:
    board = Board([("pool", len(WEIGHTS))])
    pool = board.pool("pool")
    with pool.lock:
        pool.bump()
        pool.method = [each.name for each in METHODS].index(method)
        for number, weight in enumerate(WEIGHTS):
            pool.enrol(MemberText(f"scgi://m{number}", f"r{number}"), weight=100 * weight)
    return board, pool


def fork(work: Callable[[], None]) -> int:
    """Let a child work, and return its number."""
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def wait_for(pids: list[int]) -> None:
    for pid in pids:
        os.waitpid(pid, 0)


def serve(balancer: Balancer, lot: random.Random) -> None:
    """Serve one request that ends as requests do."""
    session = Session("sid", f"r{lot.randrange(4)}") if lot.random() < 0.2 else None
    try:
        lease = balancer.elect(session)
    except NoMember:
        return
    fate = lot.random()
    if fate < 0.1:
        lease.failed(ConnectError("refused"))
    elif fate < 0.2:
        lease.connected()
        lease.failed(ResponseError("garbage"))
    else:
        lease.connected()
        lease.answered(200)
    lease.release(100, 1000)


def shares_of(method: str) -> list[float]:
    """Return the shares of the members where three workers choose at once."""
    _, pool = shared(method)

    def work() -> None:
        balancer = Balancer("pool", pool)
        for _ in range(14_000 // WORKERS):
            lease = balancer.elect()
            lease.answered(200)
            lease.release(10, 10)

    wait_for([fork(work) for _ in range(WORKERS)])
    elected = pool.totals("elected")
    assert pool.totals("busy") == [0, 0, 0]
    assert sum(elected) == 14_000 // WORKERS * WORKERS
    assert pool.totals("status_2xx") == elected
    return [number / sum(elected) for number in elected]


def turns_are_exact() -> None:
    """Three workers choose as one: each member gets its share to the request."""
    wanted = [weight / sum(WEIGHTS) for weight in WEIGHTS]
    for share, ought in zip(shares_of("byrequests"), wanted, strict=True):
        assert abs(share - ought) < 0.0005, (share, ought)


def bytes_are_shared_by_weight() -> None:
    """Where all answers are alike so are the shares of the requests."""
    wanted = [weight / sum(WEIGHTS) for weight in WEIGHTS]
    for share, ought in zip(shares_of("bytraffic"), wanted, strict=True):
        assert abs(share - ought) < 0.02, (share, ought)


def killed_at_any_moment() -> None:
    """No worker that is killed leaves a member busy, at rest for ever or tried by nobody."""
    board, pool = shared()
    rules = BalancerRules(rest=RestRules(retry=0.001, retry_max=0.002))
    for slot in range(len(WEIGHTS)):
        pool.max_connections[slot] = 5

    def work() -> None:
        balancer, lot = Balancer("pool", pool, rules), random.Random()
        while True:
            serve(balancer, lot)

    def steer() -> None:
        balancer, lot = Balancer("pool", pool, rules), random.Random()
        while True:
            slot = lot.randrange(len(WEIGHTS))
            change_member(balancer, slot, Change(on=Status.DISABLED, weight=WEIGHTS[slot]))
            balancer.health_result(slot, lot.random() < 0.5, 0.0, passes=1, fails=1)
            change_member(balancer, slot, Change(off=Status.DISABLED | Status.HEALTH_FAILED))

    lot = random.Random(7)
    kinds = [work, work, steer]
    pids = [fork(kind) for kind in kinds]
    before = 0
    for _ in range(150):
        time.sleep(lot.random() * 0.02)
        victim = lot.randrange(len(pids))
        os.kill(pids[victim], signal.SIGKILL)
        os.waitpid(pids[victim], 0)
        pids[victim] = fork(kinds[victim])
        board.free_dead_rows()
    deadline = time.monotonic() + BOUND / 3
    elected = sum(pool.totals("elected"))
    while sum(pool.totals("elected")) < elected + 1000:
        assert time.monotonic() < deadline, "the workers that live do not serve"
        time.sleep(0.01)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(pids)
    board.free_dead_rows()
    assert pool.totals("busy") == [0, 0, 0]
    assert min(pool.totals("elected")) > before
    assert pool.rows_used <= len(pids) + 1
    with pool.lock:
        assert not any(row >= 0 for row in pool.probe_row)
    balancer = Balancer("pool", pool, rules)
    time.sleep(0.01)  # longer than any rest
    for slot in range(len(WEIGHTS)):
        change_member(balancer, slot, Change(off=Status.DISABLED | Status.HEALTH_FAILED))
    served = set()
    for _ in range(1000):  # a member that has served many sessions has to wait for its turn
        lease = balancer.elect()
        lease.answered(200)
        lease.release()
        served.add(lease.member.slot)
    assert served == {0, 1, 2}
    assert all(pool.status[slot] == Status.IN_USE for slot in range(3))


def killed_before_it_could_tell() -> None:
    """What a worker changed before it was killed is seen by the others, however far it came."""
    rules = BalancerRules(rest=RestRules(retry=3600, retry_max=3600))
    for steps in range(1, 12):
        _, pool = shared()
        balancer = Balancer("pool", pool, rules)
        for _ in range(3):
            balancer.elect().release()

        def work(pool: Pool = pool, steps: int = steps) -> None:
            mine = Balancer("pool", pool, rules)
            lease = mine.elect(without=(1, 2))
            left = steps

            def trace(frame: FrameType, event: str, _arg: object) -> Any:
                nonlocal left
                if event == "line" and frame.f_code is Rests.begin.__code__:
                    left -= 1
                    if not left:
                        os.kill(os.getpid(), signal.SIGKILL)
                return trace

            sys.settrace(trace)
            lease.failed(ConnectError("refused"))

        wait_for([fork(work)])
        rests = bool(pool.status[0] & Status.ERROR)
        winners = {balancer.elect().member.slot for _ in range(14)}
        assert (0 in winners) is not rests, (steps, rests, winners)
    assert rests  # so the last of them came to the end


def limits_hold_among_workers() -> None:
    """No member ever has more requests than it may, from all workers together."""
    _, pool = shared()
    for slot in range(len(WEIGHTS)):
        pool.max_connections[slot] = 2
    seen_in, seen_out = os.pipe()

    def work() -> None:
        balancer = Balancer("pool", pool)
        most, refused = 0, 0
        held: list[Lease] = []
        lot = random.Random()
        for _ in range(4000):
            if held and lot.random() < 0.5:
                held.pop().release()
                continue
            try:
                held.append(balancer.elect())
            except NoMember:
                refused += 1
            with pool.lock:  # or one row is read before what another has done, and one behind it
                most = max(most, *pool.totals("busy"))
        os.write(seen_out, f"{most} {refused > 0}\n".encode())

    pids = [fork(work) for _ in range(WORKERS)]
    wait_for(pids)
    os.close(seen_out)
    assert os.read(seen_in, 1000).decode().split("\n")[:3] == ["2 True"] * 3


def one_probe_among_workers() -> None:
    """After a rest one request of all workers goes there, until it has ended."""
    board, pool = shared()
    rules = BalancerRules(rest=RestRules(retry=0.01, retry_max=0.01))
    balancer = Balancer("pool", pool, rules)
    lease = balancer.elect(without=(1, 2))
    lease.failed(ConnectError("refused"))
    lease.release()
    before = pool.totals("elected")[0]
    time.sleep(0.02)

    def work() -> None:
        mine = Balancer("pool", pool, rules)
        held = [mine.elect() for _ in range(100)]
        os.write(out, b".")
        os.read(go, 1)
        held.clear()

    there, out = os.pipe()
    go, stay = os.pipe()
    pids = [fork(work) for _ in range(WORKERS)]
    for _ in pids:
        assert os.read(there, 1)
    assert pool.totals("elected")[0] == before + 1
    for pid in pids:  # the one that has the probe among them
        os.kill(pid, signal.SIGKILL)
    wait_for(pids)
    os.close(stay)
    assert board.free_dead_rows() == WORKERS
    probe = balancer.elect(without=(1, 2))
    assert probe.is_probe
    probe.answered(200)
    probe.release()
    assert pool.status[0] == Status.IN_USE


def a_child_of_a_worker_has_no_leases() -> None:
    """What an application forks has copies of the leases, and dropping them frees nobody."""
    _, pool = shared()
    balancer = Balancer("pool", pool)

    def work() -> None:
        held = [balancer.elect() for _ in range(4)]

        def child() -> None:
            held.clear()
            mine = balancer.elect()
            assert sum(pool.totals("busy")) == 5
            mine.release()
            os.write(out, b"child ")

        wait_for([fork(child)])
        assert sum(pool.totals("busy")) == 4
        held.clear()
        assert sum(pool.totals("busy")) == 0
        os.write(out, b"and worker")

    there, out = os.pipe()
    wait_for([fork(work)])
    os.close(out)
    assert os.read(there, 100) == b"child and worker"
    assert pool.totals("busy") == [0] * pool.capacity


if __name__ == "__main__":
    signal.alarm(BOUND)
    globals()[sys.argv[1]]()
    os.write(1, b"fine\n")
    os._exit(0)
