"""htpasswd files: every kind of hash, changes, failures, and what is remembered."""

import _thread
import logging
import os
import sys
import threading
import time
from pathlib import Path

import gevent
import pytest

from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.proxy import password_file
from wsgi_scgi.proxy.password_file import PasswordFile, new_context, read_entries
from wsgi_scgi.semantics.basic_credentials import BasicCredentials
from wsgi_scgi.transport.waiting import BlockingWaiter

# As Apache's htpasswd wrote them for "pässword": -B, -s, -m, -2, -5.
HASHES = {
    "bcrypt": "$2y$05$2MaCuiQqF9eb6xMDyEvZJ.7eg9tZ5dXzJgg8SHlNAqXXiduU1i6/S",
    "sha": "{SHA}I7dElEdfX4dJgLdnbVEeI9iG2mQ=",
    "apr1": "$apr1$snChm2Zf$BY/FdhRrGvy0e4/JjjrPV1",
    "sha256": "$5$JdAYV4Q7SB2c.upk$vhjcRk4C.LKrUISgAobkIyQDvCtTZf5SkKz8Oa5fg13",
    "sha512": "$6$ccOfs6YqveaXEeY3$kVY4.ZDp.KDZtIEgedRW7KrwkRMaPIn75JRoa12."
    "6J7vpX/fX2Us/l3n03AKqZgJ5Ci6.cwIAKKnR6b3Yb44W/",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text("".join(f"{user}:{hashed}\n" for user, hashed in HASHES.items()))
    return path


def knows(users: PasswordFile, user: str, password: str = "pässword") -> bool:
    return users.verify(BasicCredentials(user, password))


def test_entries_are_names_and_hashes() -> None:
    text = "# a:b\n\na:1\nb:2:more\n a:3\nnothing\n:4\nc:\n"
    assert read_entries(text) == {"a": "1", "b": "2", "c": ""}


@pytest.mark.parametrize("user", HASHES)
def test_each_kind_of_hash_is_verified(path: Path, user: str) -> None:
    users = PasswordFile(str(path))
    assert knows(users, user)
    assert knows(users, user)
    assert not knows(users, user, "password")


def test_a_refusal_takes_its_time_whether_the_user_exists_or_not(path: Path) -> None:
    users = PasswordFile(str(path))
    for user in ("sha", "nobody"):
        start = time.monotonic()
        assert not knows(users, user, "wrong")
        assert time.monotonic() - start >= password_file.FAILURE_SECONDS


def test_an_unknown_user_with_the_password_of_the_first_is_unknown(path: Path) -> None:
    users = PasswordFile(str(path))
    for _ in range(2):
        assert not knows(users, "nobody")


def test_a_change_counts_at_once(path: Path) -> None:
    users = PasswordFile(str(path))
    assert knows(users, "sha")
    new = path.with_name("new")
    new.write_text(f"other:{HASHES['sha']}\n")
    os.replace(new, path)
    assert not knows(users, "sha")
    assert knows(users, "other")


@pytest.mark.parametrize("content", [None, b"\xff:\xff\n", b""])
def test_a_file_that_vanishes_or_breaks_lets_nobody_in(
    path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    users = PasswordFile(str(path))
    assert knows(users, "sha")
    kept = path.read_text()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert not knows(users, "sha")
    assert not knows(users, "sha")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    path.write_text(kept)
    assert knows(users, "sha")


def test_a_broken_hash_lets_nobody_in_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "users"
    path.write_text("a:$2y$05$short\nb:plain\nc:\n")
    users = PasswordFile(str(path))
    for user in "abc":
        assert not knows(users, user, "plain")
    assert "cannot be verified" in caplog.text
    assert "plain" not in caplog.text


def test_bcrypt_looks_at_72_bytes_as_in_apache(tmp_path: Path) -> None:
    path = tmp_path / "users"
    hashed = new_context().handler("bcrypt").using(rounds=4).hash("x" * 72)
    path.write_text(f"a:{hashed}\n")
    assert knows(PasswordFile(str(path)), "a", "x" * 100)


def test_who_asks_the_same_at_once_shares_one_verification(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = PasswordFile(str(path))
    go, runs, results = threading.Event(), [], []
    verify = users._context.verify

    def slow(secret: bytes, hashed: str) -> bool:
        runs.append(hashed)
        go.wait(20)
        return bool(verify(secret, hashed))

    monkeypatch.setattr(users._context, "verify", slow)
    threads = [
        threading.Thread(target=lambda: results.append(knows(users, "bcrypt"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(20)
    assert results == [True] * 4
    # Who comes late finds the verdict.
    assert len(runs) == 1


def test_what_is_remembered_is_bounded_and_holds_no_password(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_file, "_REMEMBERED", 2)
    users = PasswordFile(str(path))
    for user in ("sha", "apr1", "sha256", "sha512"):
        assert knows(users, user)
    assert len(users._verified) == 2
    assert all("pässword".encode() not in digest for digest in users._verified)


def test_where_no_thread_can_be_started_nobody_waits_for_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    users = PasswordFile(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(_thread, "start_new_thread", refuse)
        assert not knows(users, "sha")
    assert "can't start new thread" in caplog.text
    assert knows(users, "sha")


def test_who_is_killed_before_a_thread_was_free_leaves_the_others_a_verification(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_for_ever(*_: object) -> None:
        raise gevent.GreenletExit

    users = PasswordFile(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(BlockingWaiter, "run_aside", wait_for_ever)
        with pytest.raises(gevent.GreenletExit):
            knows(users, "sha")
    assert knows(users, "sha")


def test_a_greenlet_waits_while_others_run(path: Path) -> None:
    import gevent

    users = PasswordFile(str(path))
    turns: list[int] = []

    def other() -> None:
        for _ in range(3):
            turns.append(len(turns))
            gevent.sleep(0)

    asking = gevent.spawn(knows, users, "bcrypt")
    others = gevent.spawn(other)
    assert asking.get(timeout=30) is True
    others.join(timeout=30)
    assert turns == [0, 1, 2]


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "passlib.context", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'wsgi-scgi\[auth\]'"):
        PasswordFile("/none")
