"""Fossil behind the gateway: its own client clones, commits and pushes, and pages are browsed.

``fossil server --scgi`` forks for each connection and routes by PATH_INFO, so it needs the
preset; with Apache's default (no PATH_INFO) every page is a redirect to a page below itself.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.integration.backends import raw_scgi
from tests.integration.backends.process import BOUND, environment
from tests.integration.backends.requests_to_gateway import Front, ask
from tests.integration.backends.scgi_server import SCGIServer
from tests.kit.gateways import Gateway, StartError, on_free_port
from tests.kit.peers import require

USER, PASSWORD = "ada", "engine"
PRESET = 'preset="fossil"'
PORTS_TRIED = 5


def fossil(home: Path, *arguments: str, directory: Path | None = None) -> str:
    """Run the fossil program as USER with its settings in `home`; return what it prints."""
    program = require("fossil", "apt-get install fossil")
    done = subprocess.run(
        [program, *arguments],
        cwd=directory or home,
        env=environment(home, {"FOSSIL_HOME": str(home), "USER": USER}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOUND,
    )
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


def start_fossil(command: list[str], directory: Path) -> Gateway:
    """Start the server on a port that nobody else has; it has its own words for a port in use."""
    for _ in range(PORTS_TRIED):
        try:
            return on_free_port(lambda port: Gateway("fossil", [*command, str(port)], directory))
        except StartError as error:
            if "unable to open listening socket on port" not in str(error):
                raise
            (directory / "output.log").unlink()
    raise AssertionError("all ports were taken")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SCGIServer]:
    """Serve a new repository over SCGI on a TCP port; only USER may push."""
    directory = tmp_path_factory.mktemp("fossil")
    fossil(directory, "init", "project.fossil", "--admin-user", USER)
    fossil(directory, "user", "password", USER, PASSWORD, "-R", "project.fossil")
    command = [require("fossil", "apt-get install fossil"), "server", "project.fossil"]
    command += ["--scgi", "--localhost", "--port"]
    with start_fossil(command, directory) as server:
        host, port = server.address
        yield SCGIServer("fossil", f"scgi://{host}:{port}", server.address, directory)


@pytest.fixture(scope="module")
def gateway(repository: SCGIServer, front: Front) -> Gateway:
    """Start the gateway that every test here talks to."""
    return front(repository.url, PRESET)


def url_of(gateway: Gateway, path: str = "/", *, password: str = "") -> str:
    """Return the URL of a gateway as fossil's client takes it; anonymous without a password."""
    host, port = gateway.address
    user = f"{USER}:{password}@" if password else ""
    return f"http://{user}{host}:{port}{path}"


def check_out(gateway: Gateway, home: Path) -> Path:
    """Clone through the gateway and return a new check-out."""
    fossil(home, "clone", url_of(gateway), "clone.fossil")
    work = home / "work"
    work.mkdir()
    fossil(home, "open", "../clone.fossil", "--nosync", directory=work)
    return work


def commit(home: Path, work: Path, files: dict[str, bytes], message: str) -> None:
    """Commit `files` locally."""
    for name, content in files.items():
        (work / name).write_bytes(content)
    fossil(home, "add", *files, directory=work)
    fossil(home, "settings", "autosync", "off", directory=work)
    fossil(home, "commit", "-m", message, "--no-warnings", directory=work)


@pytest.fixture(scope="module")
def pushed(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Clone, commit two files and push them, all through the gateway; return the files."""
    home = tmp_path_factory.mktemp("author")
    files = {"notes.txt": b"the first words\n", "a b.bin": random.Random(3).randbytes(1 << 20)}
    work = check_out(gateway, home)
    commit(home, work, files, "Write the first words")
    # Without a terminal fossil does not keep a password, so a push is told it.
    fossil(home, "push", url_of(gateway, password=PASSWORD), "--once", directory=work)
    return files


def test_fossil_answers_a_client_that_is_no_gateway(repository: SCGIServer) -> None:
    assert b"200 OK" in raw_scgi.exchange(repository.address, "GET", "/timeline").split(b"\n")[0]


def test_what_was_pushed_comes_out_of_a_new_clone(
    gateway: Gateway, pushed: dict[str, bytes], tmp_path: Path
) -> None:
    work = check_out(gateway, tmp_path)
    assert {name: (work / name).read_bytes() for name in pushed} == pushed
    assert "Write the first words" in fossil(tmp_path, "timeline", directory=work)


@pytest.mark.usefixtures("pushed")
def test_a_push_with_a_wrong_password_is_refused_by_fossil(
    gateway: Gateway, tmp_path: Path
) -> None:
    work = check_out(gateway, tmp_path)
    commit(tmp_path, work, {"forged.txt": b"forged"}, "Forge something")
    told = fossil(tmp_path, "push", url_of(gateway, password="wrong"), "--once", directory=work)
    assert "login failed" in told
    assert b"Forge something" not in ask(gateway, "GET", "/timeline").body


def test_the_front_page_redirects_to_the_address_that_the_client_asked(gateway: Gateway) -> None:
    response = ask(gateway, "GET", "/")
    assert response.status == 302
    assert response.get("Location") == "http://gateway.test/index"


@pytest.mark.usefixtures("pushed")
@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("/timeline", b"Write the first words"),
        ("/dir?ci=tip", b"notes.txt"),
        ("/login", b"<form"),
        ("/doc/tip/notes.txt", b"the first words"),
        ("/finfo?name=a%20b.bin", b"a b.bin"),
        ("/json/stat", b'"projectCode"'),
    ],
)
def test_a_page_is_browsed(gateway: Gateway, page: str, expected: bytes) -> None:
    response = ask(gateway, "GET", page)
    assert (response.status, response.complete) == (200, True)
    assert expected in response.body
    # Fossil writes the address of the page into it, made of HTTP_HOST, SCRIPT_NAME and PATH_INFO.
    if response.get("Content-Type") == "text/html; charset=utf-8":
        path = page.partition("?")[0].encode()
        assert b'<base href="http://gateway.test' + path + b'"' in response.body


def test_raw_files_are_the_bytes_that_were_committed(
    gateway: Gateway, pushed: dict[str, bytes]
) -> None:
    for name, content in pushed.items():
        response = ask(gateway, "GET", f"/raw/{quote(name)}?ci=tip")
        assert (response.status, response.get("Content-Length")) == (200, str(len(content)))
        assert response.body == content


def test_an_unknown_page_is_fossils_own_404(gateway: Gateway) -> None:
    response = ask(gateway, "GET", "/nothing-here")
    assert (response.status, b"nothing-here" in response.body) == (404, True)


@pytest.mark.usefixtures("pushed")
def test_an_entity_tag_of_fossil_is_answered_by_fossil(gateway: Gateway) -> None:
    etag = ask(gateway, "GET", "/timeline").get("ETag")
    response = ask(gateway, "GET", "/timeline", f"If-None-Match: {etag}")
    assert (response.status, response.body) == (304, b"")


def test_a_login_sets_the_cookie_that_opens_the_administration(gateway: Gateway) -> None:
    form = urlencode({"u": USER, "p": PASSWORD, "in": "Login"}).encode()
    content_type = "Content-Type: application/x-www-form-urlencoded"
    answer = ask(gateway, "POST", "/login", content_type, body=form)
    (cookie,) = answer.all("Set-Cookie")
    assert answer.status == 302
    assert ask(gateway, "GET", "/setup").status == 302
    admin = ask(gateway, "GET", "/setup", f"Cookie: {cookie.partition(';')[0]}")
    assert (admin.status, USER.encode() in admin.body) == (200, True)


def test_head_of_a_page_has_its_length_and_no_body(gateway: Gateway) -> None:
    response = ask(gateway, "HEAD", "/login")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.usefixtures("pushed")
def test_below_a_mount_fossil_makes_its_links_below_the_mount(
    repository: SCGIServer, front: Front, tmp_path: Path
) -> None:
    mounted = front(repository.url, PRESET, mount="/code")
    assert ask(mounted, "GET", "/code/").get("Location") == "http://gateway.test/code/index"
    page = ask(mounted, "GET", "/code/timeline")
    assert set(re.findall(rb"href='(/[a-z]*)", page.body)) == {b"/code"}
    fossil(tmp_path, "clone", url_of(mounted, "/code"), "copy.fossil")
    copy = fossil(tmp_path, "timeline", "-R", "copy.fossil")
    assert "Write the first words" in copy


@pytest.mark.usefixtures("pushed")
def test_without_the_preset_fossil_redirects_for_ever(repository: SCGIServer, front: Front) -> None:
    # Apache's default sends the whole path as SCRIPT_NAME, below which fossil sees no page.
    response = ask(front(repository.url, ""), "GET", "/timeline")
    assert response.status == 302
    assert response.get("Location") == "http://gateway.test/timeline/index"
