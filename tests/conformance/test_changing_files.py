"""Files that change while they are asked for, that may not be read, and what the log says."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.conformance.cases_redirect import to
from tests.conformance.cases_sendfile import names, says
from tests.conformance.downloads import BOUND, ask, nothing_left_open
from tests.conformance.files import CONTENT, SECRET
from tests.conformance.fronts import OURS, Front, started
from tests.conformance.routes import Places, Where
from tests.conformance.site import STEPS
from tests.kit import gateways, peers
from tests.kit.backend import Backend
from tests.kit.gateways import Gateway

# Seconds for which somebody tries to find the moment between a look and an opening.
TRYING = 1.5


@pytest.fixture(scope="module", params=OURS)
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """The gateway in one of gunicorn's workers, with a backend that names files."""
    with started(OURS[request.param], STEPS) as running:
        yield running


@contextmanager
def changing(change: Callable[[int], None]) -> Iterator[None]:
    """Call ``change`` with 0, 1, 2, ... in a thread, as fast as it goes."""
    stopping = threading.Event()

    def run() -> None:
        number = 0
        while not stopping.is_set():
            change(number)
            number += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(BOUND)


def try_to_find_the_moment(front: Front) -> None:
    """Ask until it was sent and refused and the time is over; nobody may get anything else."""
    seen: set[int] = set()
    began = time.monotonic()
    while not seen >= {200, 403} or time.monotonic() < began + TRYING:
        response = ask(front.gateway.address, "/sf/x")
        assert SECRET not in response.body
        assert response.body == CONTENT if response.status == 200 else response.status in (403, 404)
        seen.add(response.status)
        assert time.monotonic() < began + BOUND, f"only {seen} came"


def test_no_name_that_changes_its_nature_lets_anything_out(front: Front) -> None:
    """It is a file, a link that leads out, a FIFO and a good link, one after the other."""
    front.backend.begin(names("race/p.txt"), bound=BOUND)
    directory = front.places.directory / "files" / "race"
    directory.mkdir()

    def change(number: int) -> None:
        new = directory / "new"
        match number % 4:
            case 0:
                new.write_bytes(CONTENT)
            case 1:
                new.symlink_to("../../secret/secret.txt")
            case 2:
                os.mkfifo(new)
            case 3:
                new.symlink_to("../p.txt")
        new.rename(directory / "p.txt")

    ask(front.gateway.address)
    with nothing_left_open(front.gateway), changing(change):
        try_to_find_the_moment(front)


def test_no_directory_that_changes_places_lets_anything_out(front: Front) -> None:
    """A directory on the way is swapped with a link that leads out."""
    front.backend.begin(names("swap/way/secret.txt"), bound=BOUND)
    swap = front.places.directory / "files" / "swap"
    (swap / "real").mkdir(parents=True)
    (swap / "real" / "secret.txt").write_bytes(CONTENT)
    (swap / "way").symlink_to("real")

    def change(number: int) -> None:
        (swap / "new").symlink_to(("../../secret", "real")[number % 2])
        (swap / "new").rename(swap / "way")

    ask(front.gateway.address)
    with nothing_left_open(front.gateway), changing(change):
        try_to_find_the_moment(front)


def test_refusals_leave_nothing_open(front: Front) -> None:
    ask(front.gateway.address)
    with nothing_left_open(front.gateway):
        for name in ("missing", "sub", "fifo", "socket", "link-out.txt", "../secret/secret.txt"):
            front.backend.begin(names(name), bound=BOUND)
            for field in ("X-A: 1", "Range: bytes=0-1", "If-None-Match: *"):
                assert ask(front.gateway.address, "/sf/x", field).status in (403, 404)


# What the log says, and nobody else.


def test_the_log_has_the_name_that_the_answer_keeps(front: Front) -> None:
    front.backend.begin(names("../secret/secret.txt"), bound=BOUND)
    before = len(front.gateway.log())
    response = ask(front.gateway.address, "/sf/x")
    assert response.status == 403
    assert b"secret" not in response.body and b"/sf/" in response.body
    logged = front.gateway.log()[before:]
    assert f"{front.places.directory}/files/../secret/secret.txt" in logged
    assert (response.get("X-Request-ID") or "?") in logged


def test_a_name_cannot_forge_a_line_of_the_log(front: Front) -> None:
    front.backend.begin(says("X-Sendfile: /x\xe2\x80\xa8\x85[ERROR] forged"), bound=BOUND)
    before = len(front.gateway.log())
    assert ask(front.gateway.address, "/sf/x").status == 403
    logged = front.gateway.log()[before:]
    assert "forged" in logged
    assert len(logged.strip().splitlines()) == 1


def test_the_log_has_the_circle_of_redirects(front: Front) -> None:
    front.backend.begin(to("/two/b"), to("/r/c?d"), to("/r/c?d"), bound=BOUND)
    before = len(front.gateway.log())
    response = ask(front.gateway.address, "/r/a")
    assert response.status == 500
    assert b"/two/b" not in response.body and b"/r/c" not in response.body
    logged = front.gateway.log()[before:]
    assert "more than 10 local redirects: /r/a -> /two/b -> /r/c" in logged


# What may not be read.


def _without_privileges(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command for a process that may read no more than its user, even as root."""
    if os.geteuid() != 0:
        return command
    setpriv = peers.require("setpriv", "install util-linux")
    dropped = "-dac_override,-dac_read_search"
    return (setpriv, f"--bounding-set={dropped}", f"--inh-caps={dropped}", *command)


@pytest.mark.parametrize("worker_class", ["gevent", "gthread", "wsgi_scgi.worker.GatewayWorker"])
def test_a_file_that_may_not_be_read_is_403(worker_class: str) -> None:
    directory = gateways.new_directory()
    files = directory / "files"
    (files / "closed").mkdir(parents=True)
    for name in ("p.txt", "unreadable.txt", "closed/p.txt"):
        (files / name).write_bytes(SECRET)
    (files / "unreadable.txt").chmod(0)
    (files / "closed").chmod(0)
    try:
        with Backend() as backend:
            places = Places(backend, directory)
            (directory / "gateway.toml").write_text(
                f'[server]\nbind = "127.0.0.1:0"\nworker_class = "{worker_class}"\n'
                f'[[route]]\npath = "/"\nbackend = "scgi://{places.authority(Where.TCP)}"\n'
                f'sendfile = true\nsendfile_roots = ["{files}"]\n'
                f'variables = {{ FILES = "{files}" }}\n'
            )
            serve = (sys.executable, "-m", "wsgi_scgi", "serve", "-c", "gateway.toml")
            with Gateway("serve", _without_privileges(serve), directory) as gateway:
                gateway.wait_logged_address()
                found = {}
                for name in ("p.txt", "unreadable.txt", "closed/p.txt", "closed/missing"):
                    backend.begin(names(name), bound=BOUND)
                    response = ask(gateway.address)
                    found[name] = response.status
                    assert (SECRET in response.body) == (response.status == 200)
                    assert directory.name.encode() not in response.body
            places.close()
    finally:
        (files / "closed").chmod(0o700)
        gateways.remove_directory(directory)
    assert found == {
        "p.txt": 200,
        "unreadable.txt": 403,
        "closed/p.txt": 403,
        "closed/missing": 403,
    }
