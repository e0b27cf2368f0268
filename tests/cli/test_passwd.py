"""``wsgi-scgi passwd``: entries made and changed, the file replaced at once."""

import getpass
import io
import os
import sys
from pathlib import Path

import pytest

from wsgi_scgi.cli import main
from wsgi_scgi.proxy.password_file import PasswordFile
from wsgi_scgi.semantics.basic_credentials import BasicCredentials


def passwd(monkeypatch: pytest.MonkeyPatch, path: Path, user: str, password: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
    return main(["passwd", str(path), user])


def test_an_entry_is_made_changed_and_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users"
    assert passwd(monkeypatch, path, "me", "first") == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("me:$2y$12$")
    with path.open("a") as file:
        file.write("# others\nyou:{SHA}x")
    assert passwd(monkeypatch, path, "me", "second") == 0
    assert passwd(monkeypatch, path, "Jürgen", "third") == 0
    names = [line.partition(":")[0] for line in path.read_text().splitlines()]
    assert names == ["me", "# others", "you", "Jürgen"]
    users = PasswordFile(str(path))
    assert users.verify(BasicCredentials("me", "second"))
    assert not users.verify(BasicCredentials("me", "first"))
    assert os.listdir(tmp_path) == ["users"]


@pytest.mark.parametrize(
    ("user", "password", "text"),
    [
        ("a:b", "x", "wsgi-scgi passwd: a user's name"),
        ("a", "", "the password is empty"),
        ("a", "x" * 73, "72 bytes"),
    ],
)
def test_what_cannot_be_an_entry_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    user: str,
    password: str,
    text: str,
) -> None:
    assert passwd(monkeypatch, tmp_path / "users", user, password) == 1
    assert text in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none" / "users"
    assert passwd(monkeypatch, path, "me", "x") == 1
    assert capsys.readouterr().err == f"cannot write {path}: No such file or directory\n"


def test_a_failure_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users"
    path.write_text("you:x\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    assert passwd(monkeypatch, path, "me", "x") == 1
    assert path.read_text() == "you:x\n"
    assert os.listdir(tmp_path) == ["users"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_the_password_is_asked_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["one", "two", "same", "same"])
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda _: next(answers))
    path = tmp_path / "users"
    assert main(["passwd", str(path), "me"]) == 1
    assert "the two passwords differ" in capsys.readouterr().err
    assert main(["passwd", str(path), "me"]) == 0
