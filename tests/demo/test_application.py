"""The demo as a WSGI application, without a socket; WebTest checks PEP 3333 along the way."""

from __future__ import annotations

import hashlib
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.integration.backends.browser import browser
from wsgi_scgi.server.demo.application import DemoApplication
from wsgi_scgi.server.demo.pages import SENT_DIRECTORY
from wsgi_scgi.server.demo.stream import INTERVAL, PIECES
from wsgi_scgi.server.demo.upload import measure
from wsgi_scgi.server.environ import VARIABLES_KEY

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Client: TypeAlias = Any  # webtest.TestApp

NASTY = "<script>alert('&\"')</script>"


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that the application made, in seconds; they take no time here."""
    return []


@pytest.fixture
def demo(pauses: list[float]) -> Client:
    """The demo at the root of a site."""
    return browser(DemoApplication(pause=pauses.append))


def cells(page: str) -> dict[str, str]:
    """Return the table of a page: name to value, as text."""
    rows = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    found = {}
    for row in rows:
        name, value = [*re.findall(r"<code>(.*?)</code>", row), ""][:2]
        found[html.unescape(name)] = html.unescape(value)
    return found


def test_the_page_shows_the_variables_that_were_received(demo: Client) -> None:
    variables = {"CONTENT_LENGTH": "0", "SCGI": "1", "REQUEST_METHOD": "GET", "APP_ENV": "x y"}
    page = demo.get("/", extra_environ={VARIABLES_KEY: variables})
    assert cells(page.text) == variables
    assert "These 4 variables" in page.text


def test_under_another_server_only_what_cgi_knows_is_shown(demo: Client) -> None:
    page = demo.get("/?a=%3Cb%3E", extra_environ={"HTTP_X_A": "1", "SECRET_OF_PROCESS": "key"})
    shown = cells(page.text)
    assert shown["QUERY_STRING"] == "a=%3Cb%3E"
    assert shown["HTTP_X_A"] == "1"
    assert "SECRET_OF_PROCESS" not in page.text and "wsgi." not in page.text


def test_nothing_that_is_shown_can_become_markup(demo: Client) -> None:
    variables = dict.fromkeys(
        (f"HTTP_{NASTY}", NASTY, "REMOTE_ADDR", "SERVER_SOFTWARE", "QUERY_STRING"), NASTY
    )
    page = demo.get("/", extra_environ={VARIABLES_KEY: variables})
    assert "<script>alert" not in page.text
    assert cells(page.text) == variables


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("caf\xc3\xa9", "café"),
        ("caf\xe9", "caf\\xe9"),
        ("a\x1b[31m\r\nb", "a\\x1b[31m\\r\\nb"),
        ("\xe2\x80\xae", "\\u202e"),  # would turn the text around
        ("", ""),
        ("$title $$", "$title $$"),
    ],
)
def test_values_are_shown_as_text_and_the_rest_escaped(
    value: str, shown: str, demo: Client
) -> None:
    page = demo.get("/", extra_environ={VARIABLES_KEY: {"HTTP_X": value}})
    assert cells(page.text)["HTTP_X"] == shown


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "5000"}, "192.0.2.1:5000"),
        ({"REMOTE_ADDR": "2001:db8::1", "REMOTE_PORT": "5000"}, "[2001:db8::1]:5000"),
        ({"REMOTE_ADDR": "192.0.2.1"}, "192.0.2.1"),
        ({"REMOTE_PORT": "5000"}, "address unknown"),
        ({"SERVER_SOFTWARE": "gunicorn/1"}, "gunicorn/1"),
        ({}, "name unknown"),
    ],
)
def test_the_way_of_the_request_is_named_as_far_as_it_is_known(
    variables: dict[str, str], shown: str, demo: Client
) -> None:
    page = demo.get("/", extra_environ={VARIABLES_KEY: variables})
    assert f"<span>{shown}</span>" in page.text


@pytest.mark.parametrize("path", ["/", "/demo.css", "/demo.js", "/favicon.ico", "/none", "/stream"])
def test_every_answer_may_load_nothing_but_the_demo_itself(path: str, demo: Client) -> None:
    policy = demo.get(path, expect_errors=True).headers["Content-Security-Policy"]
    directives = dict(part.split(maxsplit=1) for part in policy.split(";"))
    assert directives.pop("default-src") == "'none'"
    assert set(directives.values()) <= {"'self'", "'none'"}


class _References(HTMLParser):
    """Everything that a page refers to, and everything inline that the policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "action"):
                self.references.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
        if tag == "style" or (tag == "script" and "src" not in dict(attrs)):
            self.inline.append(tag)


@pytest.mark.parametrize("mount", ["", "/app", "/deep/er", "/caf\xc3\xa9 %"])
def test_the_page_works_under_any_mount(mount: str, demo: Client) -> None:
    parser = _References()
    parser.feed(demo.get("/", extra_environ={"SCRIPT_NAME": mount}).text)
    assert not parser.inline
    assert {"demo.css", "demo.js", "icon.svg", "upload"} <= set(parser.references)
    for reference in parser.references:
        # Relative, so the mount is in front of it whatever that is.
        assert not re.match(r"/|[a-z]+:", reference)


@pytest.mark.parametrize(
    ("mount", "location"),
    [
        ("/caf\xc3\xa9", "/caf%C3%A9/"),
        ("/a/b", "/a/b/"),
        ("", "/"),
        ("//example.org", "/example.org/"),
    ],
)
def test_a_mount_without_its_slash_is_redirected_there(
    mount: str, location: str, demo: Client
) -> None:
    answer = demo.get("", extra_environ={"SCRIPT_NAME": mount}, status=307)
    assert answer.headers["Location"] == location


@pytest.mark.parametrize(
    ("path", "root"), [("/none", "./"), ("/none/", "../"), ("/a/b/c", "../../")]
)
def test_what_is_not_there_is_a_page_that_leads_back(path: str, root: str, demo: Client) -> None:
    parser = _References()
    parser.feed(demo.get(path, status=404).text)
    assert parser.references == [f"{root}icon.svg", f"{root}demo.css", f"{root}icon.svg", root]


@pytest.mark.parametrize("path", ["/pages/index.html", "/index.html", "/../pages.py", "/%00"])
def test_only_what_belongs_to_the_page_is_served(path: str, demo: Client) -> None:
    demo.get(path, status=404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/stream", "GET, HEAD"),
        ("GET", "/upload", "POST, PUT"),
        ("PUT", "/demo.css", "GET, HEAD"),
    ],
)
def test_other_methods_are_refused(method: str, path: str, allowed: str, demo: Client) -> None:
    answer = demo.request(path, method=method, status=405)
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("size", [0, 1, 65536, 1_000_001])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_upload_is_measured(size: int, method: str, demo: Client) -> None:
    body = bytes(index % 251 for index in range(size))
    answer = demo.request(
        "/upload", method=method, body=body, headers={"Accept": "application/json"}
    )
    assert answer.json["size"] == size
    assert answer.json["sha256"] == hashlib.sha256(body).hexdigest()
    assert answer.json["seconds"] >= 0 and answer.json["peak_memory"] > 1_000_000


def test_without_json_the_result_of_an_upload_is_a_page(demo: Client) -> None:
    page = demo.post("/upload", b"hello", content_type="text/plain")
    assert "5 bytes" in page.text and hashlib.sha256(b"hello").hexdigest() in page.text
    assert "multipart" not in page.text


def test_a_form_says_that_the_hash_is_that_of_the_form(demo: Client) -> None:
    page = demo.post("/upload", upload_files=[("file", "name.txt", b"hello")])
    assert "multipart form" in page.text


class Reader:
    """A body that counts the largest piece ever asked for."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.largest = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0
        self.largest = max(self.largest, size)
        piece = bytes(min(size, self.left))
        self.left -= len(piece)
        return piece


def test_the_body_is_never_held() -> None:
    reader = Reader(10_000_000)
    found = measure(reader, 10_000_000)  # type: ignore[arg-type]  # all that is used of a file
    assert (
        found.size == 10_000_000 and found.sha256 == hashlib.sha256(bytes(10_000_000)).hexdigest()
    )
    assert reader.largest <= 65536


def test_nothing_is_read_beyond_the_length() -> None:
    reader = Reader(100)
    assert measure(reader, 40).size == 40  # type: ignore[arg-type]  # all that is used of a file
    assert reader.left == 60


def test_an_upload_that_broke_off_is_refused() -> None:
    # Some servers end wsgi.input early instead of raising.
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/upload",
        "CONTENT_LENGTH": "10",
        "wsgi.input": io.BytesIO(b"short"),
    }
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda _: None

    body = DemoApplication()(environ, start_response)
    assert statuses == ["400 Bad Request"]
    assert b"broke off" in b"".join(body)


def test_the_stream_is_made_of_server_sent_events(demo: Client, pauses: list[float]) -> None:
    answer = demo.get("/stream")
    assert answer.content_type == "text/event-stream"
    *events, end, rest = answer.text.split("\n\n")
    pieces = [json.loads(event.removeprefix("event: piece\ndata: ")) for event in events]
    assert [piece["number"] for piece in pieces] == list(range(1, PIECES + 1))
    assert (end, rest) == ("event: end\ndata: {}", "")
    assert pauses == [INTERVAL] * (PIECES - 1)


def test_the_stream_is_text_for_those_who_ask(demo: Client) -> None:
    answer = demo.get("/stream?as=text")
    lines = answer.text.splitlines()
    assert answer.content_type == "text/plain"
    assert len(lines) == PIECES
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  piece 1 of 16", lines[0])


@pytest.mark.parametrize("query", ["", "as=text"])
def test_a_piece_is_yielded_before_the_next_is_waited_for(query: str) -> None:
    paused: list[float] = []
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/stream",
        "QUERY_STRING": query,
    }
    application = DemoApplication(pause=paused.append)
    pieces = iter(application(environ, lambda *_: lambda _: None))
    assert isinstance(pieces, Iterator)
    for number in range(PIECES):
        assert next(pieces)
        assert len(paused) == number


def test_the_download_names_a_file_that_the_gateway_may_send(demo: Client) -> None:
    response = demo.get("/download")
    assert response.body == b""
    sent = Path(response.headers["X-Sendfile"])
    assert sent.parent == Path(SENT_DIRECTORY)
    assert sent.read_text().startswith("This file was sent by the gateway.")


def test_the_redirect_names_another_path_below_the_mount(demo: Client) -> None:
    response = demo.get("/redirect", extra_environ={"SCRIPT_NAME": "/a b"})
    assert (response.status_int, response.headers["Location"]) == (200, "/a%20b/redirected")


def test_the_page_in_the_redirect_s_place_shows_what_it_was_told(demo: Client) -> None:
    told = {"REDIRECT_URL": "/<redirect>", "REDIRECT_STATUS": "200"}
    page = demo.get("/redirected", extra_environ={VARIABLES_KEY: told}).text
    assert "&lt;redirect&gt;" in page
    assert "REDIRECT_STATUS" in page
