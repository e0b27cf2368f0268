"""Which files an Include means."""

from pathlib import Path

import pytest

from wsgi_scgi.convert.includes import included_files


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name in ("b.conf", "a.conf", ".hidden.conf", "a-b/x.conf", "a/y.conf", "a/x.conf"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    return tmp_path


def found(here: Path, pattern: str) -> list[str]:
    return [str(Path(name).relative_to(here)) for name in included_files(pattern, [str(here)])]


def test_a_name_is_the_file_of_that_name(here: Path) -> None:
    assert found(here, "b.conf") == ["b.conf"]
    assert found(here, f"{here}/b.conf") == ["b.conf"]
    assert found(here, "./a/../b.conf") == ["b.conf"]


def test_a_pattern_is_sorted_and_leaves_hidden_files_out(here: Path) -> None:
    assert found(here, "*.conf") == ["a.conf", "b.conf"]
    assert found(here, "[b].con?") == ["b.conf"]


def test_each_directory_is_sorted_by_itself(here: Path) -> None:
    assert found(here, "*/*.conf") == ["a/x.conf", "a/y.conf", "a-b/x.conf"]


def test_a_directory_is_all_files_in_it_hidden_ones_too(here: Path) -> None:
    assert found(here, "a") == ["a/x.conf", "a/y.conf"]
    assert found(here, ".")[:2] == [".hidden.conf", "a/x.conf"]


def test_what_is_not_there_is_nothing(here: Path) -> None:
    assert found(here, "none.conf") == []
    assert found(here, "none/*.conf") == []
    assert found(here, "b.conf/*.conf") == []


def test_the_first_directory_with_a_file_is_the_one(here: Path) -> None:
    assert included_files("x.conf", [f"{here}/a-b", f"{here}/a"]) == [f"{here}/a-b/x.conf"]
    assert included_files("y.conf", [f"{here}/a-b", f"{here}/a"]) == [f"{here}/a/y.conf"]


def test_relative_directories_stay_relative(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)

    assert included_files("a/*.conf", ["."]) == ["a/x.conf", "a/y.conf"]


def test_directories_without_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)

    with pytest.raises(RecursionError, match="directories deep"):
        included_files("loop", [str(tmp_path)])
