"""gunicorn's own corpus of requests, taken from the source distribution of the installed version.

`tests/requests/valid` and `tests/requests/invalid` there hold a request or several in each
`.http` file, and beside it in a `.py` file what a parser has to make of it under which settings.
"""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gunicorn.config import Config

from tests.kit import peers

_DOWNLOAD_BOUND = 100.0  # seconds
_FOLDER = re.compile(r"[^/]+/tests/requests/((?:in)?valid)/([\w.-]+\.(?:http|py))")
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([rnt0]))")
_ESCAPED = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0"}

Settings = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One file of the corpus."""

    name: str
    data: bytes
    # What the file changes of gunicorn's settings, as pairs of name and value.
    settings: Settings
    # Method, target and body of each request; empty if the parser has to refuse one.
    requests: tuple[tuple[str, str, bytes], ...]
    # The exception that the parser has to raise, if the requests are invalid.
    error: type[Exception] | None


def require(cache: Path) -> list[Case]:
    """Return the corpus, kept in the directory `cache`; skip (fail with CI=true) without it."""
    folder = cache / f"gunicorn-{version('gunicorn')}"
    if not folder.exists():
        _download(folder)
    return [_read(path) for path in sorted(folder.glob("*/*.http"))]


def _download(folder: Path) -> None:
    """Put the files of the corpus into `folder`, all or none."""
    peers.require("pip", "it downloads gunicorn's own tests")
    wanted = f"gunicorn=={version('gunicorn')}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "gunicorn"]
    with tempfile.TemporaryDirectory(dir=folder.parent) as directory:
        try:
            subprocess.run(
                [*command, "--quiet", "--dest", directory, wanted],
                check=True,
                capture_output=True,
                text=True,
                timeout=_DOWNLOAD_BOUND,
            )
        except subprocess.TimeoutExpired:
            peers.give_up(f"the source distribution of {wanted} did not come in time")
        except subprocess.CalledProcessError as error:
            peers.give_up(f"pip did not get the source distribution of {wanted}: {error.stderr}")
        unpacked = Path(directory, "corpus")
        _unpack(next(Path(directory).glob("*.tar.gz")), unpacked)
        try:
            unpacked.rename(folder)
        except OSError:
            if not folder.exists():  # another run of the tests may have been faster
                raise


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as files:
        for member in files:
            match = _FOLDER.fullmatch(member.name)
            content = files.extractfile(member) if match else None
            if match and content:
                (folder / match[1]).mkdir(parents=True, exist_ok=True)
                (folder / match[1] / match[2]).write_bytes(content.read())


def _read(path: Path) -> Case:
    said: dict[str, Any] = runpy.run_path(
        str(path.with_suffix(".py")), {"uri": str, "cfg": Config()}
    )
    expected = said["request"]
    error: type[Exception] | None = None
    requests: tuple[tuple[str, str, bytes], ...] = ()
    if path.parent.name == "invalid":
        error = expected
    else:
        several = expected if isinstance(expected, list) else [expected]
        requests = tuple((one["method"], one["uri"], bytes(one["body"] or b"")) for one in several)
    name = f"{path.parent.name}/{path.stem}"
    return Case(name, unescaped(path.read_bytes()), _changed(said["cfg"]), requests, error)


def _changed(config: Any) -> Settings:
    """Return the settings that are not gunicorn's own, as a configuration file has them."""
    usual: Any = Config()
    changed = []
    for name, setting in config.settings.items():
        value = setting.get()
        if value != usual.settings[name].get():
            changed.append((name, ",".join(value) if isinstance(value, list) else value))
    return tuple(changed)


def unescaped(text: bytes) -> bytes:
    """Return the bytes that a `.http` file stands for: ends of its own lines count for nothing."""

    def byte(match: re.Match[bytes]) -> bytes:
        return bytes.fromhex(match[1].decode()) if match[1] else _ESCAPED[match[2]]

    return _ESCAPE.sub(byte, text.replace(b"\n", b""))
