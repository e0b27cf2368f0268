"""Error texts that a page can only quote, since its commands run as root, are what is said."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import Kind, blocks_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "how-to" / name for name in ("troubleshooting.md", "deploy-systemd.md")]
BOUND = 60.0

# As somebody whom permissions bind: root is let in everywhere.
_CONNECT = """
import contextlib, os, sys
import wsgi_scgi
with contextlib.suppress(wsgi_scgi.ConnectError):  # loads all modules while they may be read
    wsgi_scgi.request("scgi+unix://" + sys.argv[1] + ".none", timeout=5.0)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    wsgi_scgi.request("scgi+unix://" + sys.argv[1], timeout=5.0)
except wsgi_scgi.ConnectError as error:
    print(error)
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that anybody can enter, with a name that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="quoted-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


def refusal(directory: Path, *, socket_mode: int, directory_mode: int) -> str:
    """Return what the client says of a socket that it may not connect to, as the pages write it."""
    inner = directory / "app"
    inner.mkdir()
    path = str(inner / "app.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        os.chmod(path, socket_mode)
        inner.chmod(directory_mode)
        done = subprocess.run(
            [sys.executable, "-c", _CONNECT, path],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=BOUND,
        )
        inner.chmod(0o755)
    said = done.stdout.strip().replace(path, "/run/app/app.sock")
    # Who owns the socket and who asks differs between machines.
    return re.sub(r"(srw\S+) \S+:[^\s,]+|(runs as) \S+", r"\1\2", said)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_refused_socket_is_described_as_the_page_says(page: Path, directory: Path) -> None:
    quoted = {
        re.sub(r"(srw\S+) \S+:[^\s,]+|(runs as) \S+", r"\1\2", line)
        for block in blocks_of(page)
        if block.kind is Kind.SHOWN
        for line in block.text.splitlines()
    }
    (directory / "socket").mkdir()
    (directory / "directory").mkdir()
    said = [
        refusal(directory / "socket", socket_mode=0o750, directory_mode=0o755),
        refusal(directory / "directory", socket_mode=0o666, directory_mode=0o600),
    ]
    assert len(quoted) == 2
    for line in quoted:
        assert any(text.endswith(line) for text in said), (line, said)
