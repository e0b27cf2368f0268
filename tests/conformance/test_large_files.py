"""Large files through the running gateway: whole, in parts, in haste, with patience, cut short."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.case import OK, reply
from tests.conformance.cases_sendfile import names
from tests.conformance.downloads import (
    BOUND,
    Download,
    ask,
    descriptors,
    greedy_client,
    kept_alive,
    nothing_left_open,
    wait_for,
)
from tests.conformance.fronts import PATIENT, Front, started
from tests.conformance.requests import get
from tests.conformance.site import STEPS
from tests.kit.backend import BackendConnection
from tests.kit.http import Client

MIB = 1 << 20
LARGE = 64 * MIB


@pytest.fixture(scope="module", params=PATIENT)
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """The gateway in one of gunicorn's workers, with a backend that names files."""
    with started(PATIENT[request.param], STEPS) as running:
        yield running


@pytest.fixture
def files(front: Front) -> Path:
    """The directory of the files that may be sent."""
    return front.places.directory / "files"


@pytest.fixture
def large(front: Front, files: Path) -> Iterator[str]:
    """The SHA-256 of ``large.bin``, 64 MiB, which is what the backend names."""
    block = random.Random(2).randbytes(MIB)
    content = b"".join(b"%08d" % number + block[8:] for number in range(LARGE // MIB))
    path = files / "large.bin"
    path.write_bytes(content)
    front.backend.begin(names("large.bin"), bound=BOUND)
    yield hashlib.sha256(content).hexdigest()
    path.unlink(missing_ok=True)


def test_a_large_file_arrives_whole_and_the_connection_goes_on(front: Front, large: str) -> None:
    ask(front.gateway.address)
    with nothing_left_open(front.gateway), Download(front.gateway.address) as download:
        for _ in range(2):
            head = download.ask(kept_alive("/sf/x"))
            assert head.startswith("HTTP/1.1 200 OK\r\n")
            assert (download.length, download.read()) == (LARGE, LARGE)
            assert download.digest.hexdigest() == large
            assert front.places.directory.name not in head and "sendfile" not in head.lower()


@pytest.mark.parametrize(
    ("first", "last"), [(0, LARGE - 1), (1, LARGE // 2), (40 * MIB - 3, 40 * MIB + 7 * MIB + 5)]
)
def test_a_large_part_is_the_part_of_the_file(
    front: Front, files: Path, large: str, first: int, last: int
) -> None:
    assert large
    with (files / "large.bin").open("rb") as file:
        file.seek(first)
        expected = hashlib.sha256(file.read(last - first + 1)).hexdigest()
    with Download(front.gateway.address) as download:
        head = download.ask(kept_alive("/sf/x", f"Range: bytes={first}-{last}"))
        assert f"bytes {first}-{last}/{LARGE}" in head
        download.read()
        assert (download.left, download.digest.hexdigest()) == (0, expected)
        # What follows is read from where the part ends, not from where the file does.
        download.ask(kept_alive("/sf/x", "Range: bytes=0-7"))
        assert download.read() == 8
        assert download.digest.hexdigest() == hashlib.sha256(b"00000000").hexdigest()


def test_several_large_parts_are_those_of_the_file(front: Front, files: Path, large: str) -> None:
    assert large
    response = ask(
        front.gateway.address, "/sf/x", f"Range: bytes=0-{5 * MIB},{50 * MIB}-{55 * MIB}"
    )
    assert (response.status, response.complete) == (206, True)
    content = (files / "large.bin").read_bytes()
    assert response.body.count(b"\r\nContent-Range: ") == 2
    assert content[: 5 * MIB + 1] in response.body
    assert content[50 * MIB : 55 * MIB + 1] in response.body


def test_a_large_file_for_http_1_0_ends_the_connection(front: Front, large: str) -> None:
    with Download(front.gateway.address) as download:
        download.ask(b"GET /sf/x HTTP/1.0\r\n\r\n")
        assert download.read() == LARGE
        assert download.digest.hexdigest() == large


def test_a_file_that_is_replaced_meanwhile_arrives_as_it_was(
    front: Front, files: Path, large: str
) -> None:
    with Download(front.gateway.address) as download:
        download.ask(kept_alive("/sf/x"))
        download.read(MIB)
        (files / "new.bin").write_bytes(b"new")
        (files / "new.bin").rename(files / "large.bin")
        download.read()
        assert download.digest.hexdigest() == large


def test_a_file_that_shrinks_meanwhile_is_visibly_cut(
    front: Front, files: Path, large: str
) -> None:
    assert large
    ask(front.gateway.address)
    with nothing_left_open(front.gateway), Download(front.gateway.address) as download:
        download.ask(kept_alive("/sf/x"))
        download.read(MIB)
        os.truncate(files / "large.bin", 2 * MIB)
        # All that is missing is missing: nothing else comes in its place.
        with contextlib.suppress(ConnectionResetError):
            download.read()
        assert download.left > 0
    wait_for(lambda: "become shorter" in front.gateway.log(), "the line in the log")


def test_a_client_that_leaves_in_the_middle_releases_the_file(
    front: Front, files: Path, large: str
) -> None:
    assert large
    ask(front.gateway.address)
    path = str(files / "large.bin")
    with nothing_left_open(front.gateway):
        for how in ("close", "reset"):
            with Client(front.gateway.address, bound=BOUND) as client:
                client.send(get("/sf/x"))
                assert client.await_bytes(b"00000000")
                wait_for(lambda: path in descriptors(front.gateway), "the file to be open")
                if how == "reset":
                    client.reset()
        wait_for(lambda: path not in descriptors(front.gateway), "the file to be closed")
    assert ask(front.gateway.address, "/sf/x", "Range: bytes=0-7").body == b"00000000"


def _names_by_path(connection: BackendConnection) -> None:
    """Name the file that is the last part of the path on the route for files; else say ok."""
    path = (connection.read_head().get("PATH_INFO") or b"").removeprefix(b"/")
    name = b"X-Sendfile: @FILES@/%s\r\n\r\n" % path
    reply(OK if path == b"x" else name)(connection)


def test_others_are_served_while_a_fast_and_a_slow_client_download(
    front: Front, files: Path, large: str
) -> None:
    # Sparse, and so long that nobody gets to its end: whoever had to wait for that waits in vain.
    (files / "endless.bin").touch()
    os.truncate(files / "endless.bin", 1 << 40)
    address = front.gateway.address
    front.backend.begin(_names_by_path, bound=BOUND)
    with (
        Download(address) as slow,
        greedy_client(front.gateway, kept_alive("/sf/endless.bin")) as fast,
    ):
        slow.ask(kept_alive("/sf/large.bin"))
        for _ in range(40):
            slow.read(16 * 1024)
            assert ask(address).body == b"ok"
        assert fast.poll() is None
        assert slow.left > 0
        slow.read()
        assert slow.digest.hexdigest() == large
