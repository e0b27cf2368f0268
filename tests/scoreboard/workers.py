"""Processes that share a board; run as a program: ``python -m tests.scoreboard.workers SCENE``.

Each scene forks, checks with assertions what must hold, and prints ``fine``.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.memory import Lock, SharedMemory
from wsgi_scgi.scoreboard.pool import ALONE, MemberText, Pool

BOUND = 60.0


class Child:
    """A forked process that does one thing after another."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        """Each step begins when it is asked for, and what it returns is sent back as text."""
        self._ask, self._asked = os.pipe()
        self._answered, self._answer = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._asked)
            for step in steps:
                if not os.read(self._ask, 1):
                    break
                os.write(self._answer, f"{step()}\n".encode())
            os.read(self._ask, 1)
            os._exit(0)
        os.close(self._ask)
        os.close(self._answer)

    def begin(self) -> None:
        """Let the next step begin."""
        os.write(self._asked, b".")

    def result(self) -> str:
        """Return what the step came to."""
        return os.read(self._answered, 100).decode().strip()

    def step(self) -> str:
        """Let the child do its next step, and return what it came to."""
        self.begin()
        return self.result()

    def kill(self) -> None:
        """End it at whatever instruction."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def shared(*pools: tuple[str, int], rows: int = 8) -> Board:
    board = Board(pools, rows=rows)
    for pool in board.pools:
        with pool.lock:
            pool.bump()
            for number in range(pool.capacity):
                pool.enrol(MemberText(f"scgi://m{number}"))
    return board


def lock_dies_with_its_process() -> None:
    """A process that is killed with the lock leaves it to the others."""
    pool = shared(("pool", 1)).pool("pool")
    child = Child(lambda: pool.lock.__enter__())
    assert child.step() == "None"
    got = []

    def take() -> None:
        with pool.lock:
            got.append(1)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(0.2)
    assert not got
    child.kill()
    thread.join(BOUND)
    assert got


def lock_excludes_threads_and_processes() -> None:
    """Nothing is lost of what three processes with three threads each count."""
    memory = SharedMemory(8)
    number = memory.buffer.cast("q")
    lock = Lock(memory.descriptor, 5)

    def add() -> None:
        for _ in range(2000):
            with lock:
                number[0] = number[0] + 1

    def work() -> None:
        threads = [threading.Thread(target=add) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    children = [Child(work) for _ in range(3)]
    for child in children:
        child.begin()
    for child in children:
        assert child.result() == "None"
    assert number[0] == 18000


def threads_are_no_circle() -> None:
    """Two threads of each of two processes hold one lock and wait for the other's."""
    board = shared(("one", 1), ("two", 1))
    one, two = board.pool("one").lock, board.pool("two").lock
    child = Child(lambda: two.__enter__(), lambda: one.__enter__())
    child.step()
    with one:
        child.begin()  # waits for one
        time.sleep(0.2)
        problems: list[BaseException] = []

        def take() -> None:
            try:
                with two:
                    pass
            except BaseException as error:
                problems.append(error)

        thread = threading.Thread(target=take)
        thread.start()
        thread.join(0.2)
        assert not problems, problems
        assert thread.is_alive()
    assert child.result() == "None"
    child.kill()
    thread.join(BOUND)
    assert not thread.is_alive()
    assert not problems, problems


def rows_of_the_dead_are_freed() -> None:
    """Also where pools do not have equally many rows."""
    board = shared(("one", 2), ("two", 2))

    def hold(name: str) -> Callable[[], object]:
        def act() -> int:
            row = board.pool(name).row
            row.busy[1] += 1
            return row.number

        return act

    def probe() -> None:
        board.pool("two").probe_row[0] = board.pool("two").row.number

    first, second = Child(hold("one")), Child(hold("two"), probe)
    assert (first.step(), second.step()) == ("0", "1")
    second.step()
    assert board.free_dead_rows() == 0
    second.kill()
    assert board.pool("two").totals("busy") == [0, 1]
    assert board.free_dead_rows() == 1
    assert board.pool("two").totals("busy") == [0, 0]
    assert board.pool("two").probe_row[0] == -1
    assert board.pool("one").totals("busy") == [0, 1]
    assert board.free_dead_rows() == 0
    third = Child(hold("two"))
    assert third.step() == "1"
    first.kill()
    assert board.free_dead_rows() == 1
    assert board.pool("one").totals("busy") == [0, 0]


def a_row_that_is_claimed_again_is_free() -> None:
    """A new worker does not wait for anybody to notice that the old one is gone."""
    pool = (board := shared(("pool", 1))).pool("pool")

    def hold() -> int:
        pool.row.busy[0] += 1
        pool.probe_row[0] = pool.row.number
        return pool.row.number

    child = Child(hold)
    child.step()
    child.kill()
    assert pool.totals("busy") == [1]
    assert Child(lambda: pool.row.number).step() == "0"
    assert (pool.totals("busy"), pool.probe_row[0]) == ([0], -1)
    assert board.free_dead_rows() == 0


def every_row_is_seen_by_all() -> None:
    """Workers that claim their rows at the same moment are all counted."""
    for _ in range(30):
        pool = shared(("pool", 1), rows=16).pool("pool")

        def hold(pool: Pool = pool) -> None:
            pool.row.busy[0] += 1

        children = [Child(hold) for _ in range(6)]
        for child in children:
            child.begin()
        for child in children:
            child.result()
        assert pool.rows_used == 6
        assert pool.totals("busy") == [6]
        for child in children:
            child.kill()


def more_processes_than_rows() -> None:
    """One that finds no row counts for itself, and its probes are nobody else's."""
    pool = shared(("pool", 1), rows=1).pool("pool")

    def hold() -> int:
        pool.row.busy[0] += 1
        return int(pool.totals("busy")[0]) * 1000 + (pool.row.number == ALONE)

    children = [Child(hold, hold), Child(hold, hold)]
    assert [child.step() for child in children] == ["1000", "2001"]
    assert [child.step() for child in children] == ["2000", "4001"]
    assert pool.totals("busy") == [2]


def claims_and_searches_at_once() -> None:
    """What frees dead rows in one thread lets no row go that another thread has claimed."""
    for _ in range(40):
        board = shared(("pool", 1), rows=4)
        pool = board.pool("pool")

        def hold(pool: Pool = pool) -> int:
            pool.row.busy[0] = 1
            return pool.row.number

        dead = Child(hold)
        dead.step()
        dead.kill()

        def claim(board: Board = board, hold: Callable[[], int] = hold) -> int:
            threads = [threading.Thread(target=board.free_dead_rows) for _ in range(3)]
            for thread in threads:
                thread.start()
            number = hold()
            for thread in threads:
                thread.join()
            return number

        one = Child(claim)
        assert one.step() == "0"
        two = Child(hold)
        assert two.step() == "1"
        assert pool.totals("busy") == [2]
        for child in (one, two):
            child.kill()


def duty() -> None:
    """One process at a time has a duty, until it dies."""
    board = shared(("pool", 1))
    one, two = (Child(*[board.try_duty] * 3) for _ in range(2))
    assert [one.step(), two.step(), one.step()] == ["True", "False", "True"]
    one.kill()
    assert two.step() == "True"
    assert not board.is_shared
    assert Child(lambda: board.is_shared).step() == "True"


def a_newer_board() -> None:
    """Whoever still has the older one counts with the others, and hands its duties over."""
    old = shared(("pool", 1))

    def count(board: Board) -> Callable[[], object]:
        def act() -> list[int]:
            board.pool("pool").row.busy[0] += 1
            return board.pool("pool").totals("busy")

        return act

    before = Child(old.try_duty, count(old), old.try_duty, count(old))
    assert [before.step(), before.step()] == ["True", "[1]"]
    new = Board([("more", 2), ("pool", 1)], older=old)
    after = Child(count(new), new.try_duty, new.try_duty)
    assert [after.step(), after.step()] == ["[2]", "False"]
    assert [before.step(), after.step()] == ["False", "True"]
    assert before.step() == "[3]"
    before.kill()
    assert new.free_dead_rows() == 1
    assert new.pool("pool").totals("busy") == [1]


def a_copy_is_nobody_else_s() -> None:
    """A board that is not shared is copied by a fork, without what the parent is doing."""
    board = Board([("pool", 1)], shared=False)
    pool = board.pool("pool")
    pool.enrol(MemberText("scgi://a"))
    row = pool.row
    row.busy[0], row.sent[0] = 3, 9
    assert Child(lambda: (pool.totals("busy"), pool.totals("sent"))).step() == "([0], [9])"
    assert pool.totals("busy") == [3]


def fork_while_a_thread_has_the_lock() -> None:
    """The thread is not in the child, and its lock neither."""
    board = Board([("pool", 1)], shared=False)
    lock = board.pool("pool").lock
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(BOUND)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(BOUND)

    def take() -> str:
        with lock:
            return "taken"

    assert Child(take).step() == "taken"
    done.set()
    thread.join()


if __name__ == "__main__":
    signal.alarm(int(BOUND) + 20)
    globals()[sys.argv[1]]()
    os.write(1, b"fine\n")
    os._exit(0)
