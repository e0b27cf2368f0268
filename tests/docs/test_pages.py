"""Every page of the documentation is run from its first block to its last."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import Kind, blocks_of
from tests.docs.stage import Stage
from tests.kit import peers

ROOT = Path(__file__).parents[2]
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts] + [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]

# What a page needs besides the gateway, found on PATH by its program.
PROGRAMS = {
    "fossil": "apt-get install fossil",
    "uwsgi": "pip install pyuwsgi",
    "curl": "apt-get install curl",
    "nginx": "apt-get install nginx",
    "apache2": "apt-get install apache2",
    "lighttpd": "apt-get install lighttpd",
    "rtorrent": "apt-get install rtorrent",
    "openssl": "apt-get install openssl",
    "systemd-analyze": "apt-get install systemd",
    "systemd-socket-activate": "apt-get install systemd",
}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A directory whose name is short enough for the sockets in it."""
    # The pages do without the path of the environment that runs the tests.
    programs = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", programs, prepend=os.pathsep)
    with tempfile.TemporaryDirectory(prefix="docs-") as directory, Stage(Path(directory)) as stage:
        yield stage


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_is_what_happens(page: Path, stage: Stage) -> None:
    blocks = blocks_of(page)
    text = "".join(block.text for block in blocks)
    for program, hint in PROGRAMS.items():
        if re.search(rf"^\$ (?:.*\s)?{program} ", text, re.MULTILINE):
            peers.require(program, hint)
    for block in blocks:
        match block.kind:
            case Kind.FILE:
                stage.write(block)
            case Kind.SERVER:
                stage.serve(block)
            case Kind.CONSOLE:
                stage.run(block)
            case Kind.PYTHON:
                stage.run_python(block)
            case Kind.INSTALL:
                check_install_commands(block.text)
            case Kind.CLONE | Kind.SHOWN:
                pass
    stage.stop_servers()


def check_install_commands(text: str) -> None:
    """Check that the tests run with what the page tells to install."""
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for line in text.splitlines():
        installer, _, names = line.removeprefix("$ ").partition(" install ")
        assert names, f"{line!r} installs nothing"
        for name in names.split():
            if installer.endswith("pip"):
                if name not in (".", "-e"):
                    importlib.metadata.version(name)
            else:
                assert installer in ("apt-get", "sudo apt-get")
                assert name in ci.split("packages=(")[1].split(")")[0].split()


def test_a_block_that_nothing_explains_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\n1 / 0\n```\n")
    with pytest.raises(ValueError, match=r"page\.md:3: nothing says how"):
        blocks_of(page)


def test_output_that_differs_from_the_page_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one; echo two\none\n...\nthree\n```\n")
    (tmp_path / "stage").mkdir()
    with Stage(tmp_path / "stage") as stage, pytest.raises(AssertionError, match="The page shows"):
        stage.run(blocks_of(page)[0])
