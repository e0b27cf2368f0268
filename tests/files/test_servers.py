"""Files sent by real servers: the right bytes, none after them, a cut where some are missing."""

from __future__ import annotations

import contextlib
import functools
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.integration.backends.process import wait_for
from tests.integration.servers.fronts import SERVERS
from tests.kit.gateways import Gateway, new_directory, remove_directory
from tests.kit.http import Client
from tests.kit.response import End, Response

_SOURCE = """
from tests.files.serving import FileApplication

application = FileApplication({directory!r})
"""
BOUND = 30.0
LARGE = 48 << 20
"""Bytes: far more than the buffers between two sockets take."""

# What each server does with a whole file and with a range.
DELIVERIES = {
    "gunicorn-sync": ("DESCRIPTOR", "DESCRIPTOR"),
    "gunicorn-gthread": ("DESCRIPTOR", "DESCRIPTOR"),
    "gunicorn-gevent": ("READS", "READS"),
    "gunicorn-gevent_pywsgi": ("READS", "READS"),
    "waitress": ("READS", "READS"),
    "wsgiref": ("DESCRIPTOR", "ITERATED"),
    "uwsgi": ("DESCRIPTOR", "ITERATED"),
    "werkzeug": ("ITERATED", "ITERATED"),
    "cheroot": ("ITERATED", "ITERATED"),
}
# These call os.sendfile, which the application counts; uWSGI does it in C.
USING_SENDFILE = ("gunicorn-sync", "gunicorn-gthread")
# The others close the connection after each response.
KEEPING_CONNECTIONS = (
    "gunicorn-gthread",
    "gunicorn-gevent",
    "gunicorn-gevent_pywsgi",
    "waitress",
    "cheroot",
)


@dataclass(frozen=True, slots=True)
class Site:
    """A server and the directory that it serves."""

    name: str
    gateway: Gateway
    files: Path

    def write(self, name: str, content: bytes) -> str:
        """Write a file as old as a strong validator has to be; return its path."""
        path = self.files / name
        path.write_bytes(content)
        os.utime(path, (1e9, 1e9))
        return f"/{name}"

    def client(self) -> Client:
        """Connect."""
        return Client(self.gateway.address, bound=BOUND)

    def get(self, path: str, *fields: str, method: str = "GET") -> Response:
        """Make one request on a connection of its own."""
        with self.client() as client:
            client.send(request(path, *fields, method=method))
            response = client.read_response(method)
        assert response is not None
        assert not response.violations
        return response

    def calls(self) -> list[str]:
        """Return what the application has noted since it was asked last."""
        return self.get("/_calls").body.decode().split()


def request(path: str, *fields: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[str], Site]]:
    """Start each server when it is first asked for."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def started(name: str) -> Site:
            directory = new_directory()
            stack.callback(remove_directory, directory)
            files = directory / "files"
            files.mkdir()
            source = _SOURCE.format(directory=str(files))
            (directory / "embedded_gateway.py").write_text(source)
            # A pause of the client, however long, shall not be what ends a connection.
            (directory / "gunicorn.conf.py").write_text(f"keepalive = {BOUND:.0f}\n")
            return Site(name, stack.enter_context(SERVERS[name](directory)), files)

        yield started


@pytest.fixture(params=sorted(DELIVERIES))
def site(request: pytest.FixtureRequest, start: Callable[[str], Site]) -> Site:
    """One server; a test that asks for it runs in all."""
    found = start(request.param)
    found.calls()
    return found


CONTENT = random.Random(1).randbytes(300_001)


def test_a_whole_file_arrives_in_the_way_that_suits_the_server(site: Site) -> None:
    path = site.write("whole.bin", CONTENT)
    response = site.get(path)
    assert (response.status, response.complete) == (200, True)
    assert response.body == CONTENT
    assert response.get("Content-Length") == str(len(CONTENT))
    assert response.get("X-Delivery") == DELIVERIES[site.name][0]
    assert ("os.sendfile" in site.calls()) is (site.name in USING_SENDFILE)


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 0), (0, 99_999), (65_536, 65_537), (100_000, 299_999), (300_000, 300_000)],
)
def test_a_range_arrives_and_not_one_byte_more(site: Site, first: int, last: int) -> None:
    path = site.write("range.bin", CONTENT)
    response = site.get(path, f"Range: bytes={first}-{last}", "Connection: close")
    assert (response.status, response.complete) == (206, True)
    assert response.body == CONTENT[first : last + 1]
    assert response.get("Content-Range") == f"bytes {first}-{last}/{len(CONTENT)}"
    assert response.get("X-Delivery") == DELIVERIES[site.name][1]
    assert ("os.sendfile" in site.calls()) is (site.name in USING_SENDFILE)


def test_a_range_that_is_the_whole_file_arrives(site: Site) -> None:
    path = site.write("range.bin", CONTENT)
    response = site.get(path, "Range: bytes=0-")
    assert (response.status, response.body) == (206, CONTENT)


def test_several_ranges_arrive_as_parts(site: Site) -> None:
    path = site.write("parts.bin", CONTENT)
    response = site.get(path, "Range: bytes=200000-299999,0-9")
    assert (response.status, response.complete) == (206, True)
    head = f"Content-Type: {response.get('Content-Type')}\r\n\r\n".encode()
    message = message_from_bytes(head + response.body, policy=policy.HTTP)
    parts = [bytes(part.get_payload(decode=True)) for part in message.iter_parts()]
    assert parts == [CONTENT[200_000:300_000], CONTENT[:10]]


def test_answers_without_a_body_have_none(site: Site) -> None:
    path = site.write("small.txt", b"0123456789")
    etag = site.get(path).get("ETag")
    head = site.get(path, method="HEAD")
    assert (head.status, head.get("Content-Length"), head.body) == (200, "10", b"")
    unmodified = site.get(path, f"If-None-Match: {etag}")
    assert (unmodified.status, unmodified.get("ETag"), unmodified.body) == (304, etag, b"")
    assert site.get(path, 'If-Match: "x"').status == 412
    unsatisfied = site.get(path, "Range: bytes=10-")
    assert (unsatisfied.status, unsatisfied.get("Content-Range")) == (416, "bytes */10")
    empty = site.get(site.write("empty.txt", b""))
    assert (empty.status, empty.get("Content-Length"), empty.body) == (200, "0", b"")
    assert site.get("/missing").status == 404


@pytest.mark.parametrize("fields", [(), ("Range: bytes=1000-9999",), ("Range: bytes=0-0,9-9",)])
@pytest.mark.parametrize("name", KEEPING_CONNECTIONS)
def test_the_connection_serves_the_next_request(
    start: Callable[[str], Site], name: str, fields: tuple[str, ...]
) -> None:
    site = start(name)
    path = site.write("next.bin", CONTENT)
    with site.client() as client:
        for _ in range(3):
            client.send(request(path, *fields))
            response = client.read_response("GET")
            assert response is not None and response.complete and not response.violations
        assert client.unread == b""
        assert client.end is End.OPEN


@pytest.mark.parametrize("size", [0, 1, 70_000])
@pytest.mark.parametrize("fields", [(), ("Range: bytes=5-300000",), ("Range: bytes=0-0,9-300000",)])
def test_a_file_that_is_too_short_cuts_the_connection(
    site: Site, size: int, fields: tuple[str, ...]
) -> None:
    path = site.write("short.bin", CONTENT)
    with site.client() as client:
        # On a connection that stays open the next answer would be taken for what is missing.
        client.send(request(path, f"X-Truncate: {size}", *fields) + request("/_calls"))
        response = client.read_response("GET")
        end = client.read_to_end()
    assert end in (End.EOF, End.RESET)
    assert b"fds=" not in client.received
    if response is not None:  # an answer that was buffered may have been dropped
        assert response.status in (200, 206, 500)
        assert not response.complete or response.status == 500
    again = site.get(site.write("short.bin", CONTENT))
    assert again.body == CONTENT


def test_a_file_that_shrinks_on_its_way_cuts_the_connection(site: Site) -> None:
    path = site.write("shrinking.bin", b"")
    os.truncate(site.files / "shrinking.bin", LARGE)
    with site.client() as client:
        client.send(request(path) + request("/_calls"))
        assert client.await_bytes(b"\r\n\r\n")
        os.truncate(site.files / "shrinking.bin", LARGE // 2)
        response = client.read_response("GET")
        end = client.read_to_end()
    assert response is not None
    assert not response.complete
    assert end in (End.EOF, End.RESET)
    assert b"fds=" not in client.received
    if DELIVERIES[site.name][0] != "ITERATED" and site.name != "uwsgi":
        assert "cut" in site.calls()


def test_a_file_that_grows_on_its_way_sends_what_was_announced(site: Site) -> None:
    path = site.write("growing.bin", b"")
    os.truncate(site.files / "growing.bin", LARGE)
    with site.client() as client:
        client.send(request(path))
        assert client.await_bytes(b"\r\n\r\n")
        with (site.files / "growing.bin").open("ab") as file:
            file.write(b"x" * 1_000_000)
        response = client.read_response("GET")
    assert response is not None
    assert response.complete and len(response.body) == LARGE
    assert not response.body.strip(b"\0")


@pytest.mark.parametrize("fields", [(), ("Range: bytes=5-",), ("Range: bytes=0-0,9-",)])
def test_a_client_that_leaves_leaves_nothing_open_and_is_not_taken_for_a_short_file(
    site: Site, fields: tuple[str, ...]
) -> None:
    path = site.write("left.bin", b"")
    os.truncate(site.files / "left.bin", LARGE)
    before = descriptors(site)
    for _ in range(5):
        with site.client() as client:
            client.send(request(path, *fields))
            assert client.await_bytes(b"\r\n\r\n")
            client.reset()
    seen: list[str] = []

    def released() -> bool:
        calls = site.calls()
        seen.extend(calls)
        return int(calls[-1].removeprefix("fds=")) <= before

    wait_for(released, "the descriptors of clients that left", BOUND)
    assert "cut" not in seen


def descriptors(site: Site) -> int:
    """Return how many descriptors the server has open, once that has settled."""
    counts = [-1, int(site.calls()[-1].removeprefix("fds="))]

    def settled() -> bool:
        counts.append(int(site.calls()[-1].removeprefix("fds=")))
        return counts[-1] == counts[-2] == counts[-3]

    wait_for(settled, "an even number of descriptors", BOUND)
    return counts[-1]


def test_every_file_is_closed_once(site: Site) -> None:
    path = site.write("closed.bin", CONTENT)
    wraps = DELIVERIES[site.name][0] != "ITERATED"
    before = descriptors(site)
    for _ in range(10):
        assert site.get(path).body == CONTENT
    calls: list[str] = []

    def all_closed() -> bool:
        calls.extend(site.calls())
        return calls.count("close") >= (10 if wraps else 0)

    wait_for(all_closed, "ten files closed", BOUND)
    assert calls.count("close") == (10 if wraps else 0)
    assert "cut" not in calls
    wait_for(lambda: descriptors(site) <= before, "the descriptors of ten files", BOUND)
