"""Memory and locks of one process; see ``test_workers`` for several."""

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.transports import BOUND
from wsgi_scgi.compiled import TWINS
from wsgi_scgi.scoreboard.memory import Lock, SharedMemory


@pytest.fixture(params=["reference", "compiled"])
def lock_class(request: pytest.FixtureRequest) -> Any:
    """Return both forms of the lock."""
    form = getattr(TWINS["Lock"], request.param)
    if form is None:
        pytest.skip(TWINS["Lock"].missing)
    return form


@pytest.fixture(params=["process", "host"])
def lock(request: pytest.FixtureRequest, lock_class: Any) -> Iterator[Any]:
    """Return a lock for one process, or for those of a host."""
    if request.param == "process":
        yield lock_class(-1, 0)
    else:
        memory = SharedMemory(8)
        yield lock_class(memory.descriptor, 3)
        del memory


def test_memory_is_empty_at_first_and_of_any_size() -> None:
    assert bytes(SharedMemory(16).buffer) == b"\0" * 16
    assert len(SharedMemory(0).buffer) == 1
    assert SharedMemory(8).creator == os.getpid()


def test_the_file_of_the_locks_is_closed_with_the_memory() -> None:
    memory = SharedMemory(8)
    descriptor = memory.descriptor
    os.fstat(descriptor)
    del memory
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_where_no_file_in_memory_can_be_made_one_on_disk_will_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    memory = SharedMemory(8)
    with Lock(memory.descriptor, 0):
        assert memory.try_lock(7)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_keeps_other_threads_out(lock: Any) -> None:
    number = 0

    def add() -> None:
        nonlocal number
        for _ in range(500):
            with lock:
                seen = number
                if seen % 50 == 0:
                    os.sched_yield()
                number = seen + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    assert number == 2000


def test_the_thread_that_has_it_gets_it_again_and_lets_it_go_in_the_end(lock: Any) -> None:
    taken = threading.Event()

    def take() -> None:
        with lock:
            taken.set()

    with lock:
        with lock:
            pass
        thread = threading.Thread(target=take)
        thread.start()
        assert not taken.wait(0.05)
    assert taken.wait(BOUND)
    thread.join(BOUND)


def test_an_exception_lets_it_go_and_passes(lock: Any) -> None:
    with pytest.raises(KeyError), lock:
        raise KeyError
    thread = threading.Thread(target=lock.__enter__)
    thread.start()
    thread.join(BOUND)
    assert not thread.is_alive()


def test_a_lock_that_is_renewed_is_free(lock: Any) -> None:
    thread = threading.Thread(target=lock.__enter__)
    thread.start()
    thread.join(BOUND)
    lock.renew()
    with lock:
        pass


def test_a_lock_that_cannot_be_had_is_not_half_had(lock_class: Any) -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    lock = lock_class(descriptor, 0)
    os.close(descriptor)
    for _ in range(2):
        with pytest.raises(OSError, match="Bad file descriptor"):
            lock.__enter__()
    problems: list[OSError] = []

    def take() -> None:
        try:
            lock.__enter__()
        except OSError as error:
            problems.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(BOUND)
    assert len(problems) == 1
