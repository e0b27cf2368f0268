"""The files of the tables: what may be sent, and what lies around it as a trap."""

from __future__ import annotations

import os
import socket
from pathlib import Path

CONTENT = b"0123456789abcdefghijklmnopqrstuvwxyz"
BIG = b"".join(b"%07d\n" % number for number in range(131072))
# In seconds since 1970; RFC 9110 5.6.7 has this date as its example.
MODIFIED = 784111777
LAST_MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"
A_SECOND_BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT"
SECRET = b"the content of a file that nobody may get"


def make_files(directory: Path) -> None:
    """Make ``files``, the root for X-Sendfile, in ``directory``; its neighbours; ``www``."""
    files = directory / "files"
    (files / "sub").mkdir(parents=True)
    for name in ("p.txt", "page.html", "no-extension", "what.xyz", "%70.txt", "a b.txt"):
        (files / name).write_bytes(CONTENT)
    (Path(os.fsdecode(os.fsencode(files) + b"/caf\xc3\xa9.txt"))).write_bytes(CONTENT)
    (Path(os.fsdecode(os.fsencode(files) + b"/\xff.txt"))).write_bytes(CONTENT)
    (files / "empty.txt").touch()
    (files / "big.bin").write_bytes(BIG)
    (files / "sub" / "deep.txt").write_bytes(CONTENT[::-1])
    for name in ("static/hello.html", "static/hello.xyz", "static/missing.html", "static/big.xyz"):
        path = directory / "www" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BIG if "big" in name else name.encode())
    (directory / "www" / "static" / "denied").mkdir()
    (directory / "www" / "static" / "denied" / "x.html").write_bytes(SECRET)
    for outside in ("secret", "files-private"):
        (directory / outside).mkdir()
        (directory / outside / "secret.txt").write_bytes(SECRET)
    _make_traps(directory, files)
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (MODIFIED, MODIFIED))
    (directory / "empty").mkdir()


def _make_traps(directory: Path, files: Path) -> None:
    links = {
        "link-in.txt": "sub/deep.txt",
        "link-absolute.txt": str(files / "p.txt"),
        "link-out.txt": "../secret/secret.txt",
        "link-out-and-in.txt": "../files/p.txt",
        "link-nowhere.txt": "missing.txt",
        "link-loop.txt": "link-loop.txt",
        "directory-in": "sub",
        "directory-out": "../secret",
        "link-device": "/dev/zero",
        "link-root": "/",
    }
    for name, target in links.items():
        (files / name).symlink_to(target)
    (directory / "linked").symlink_to("files")
    os.mkfifo(files / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(files / "socket"))
