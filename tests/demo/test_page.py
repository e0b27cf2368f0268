"""The page in a real browser, with the gateway between it and the program."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.webdriver import Browser
from tests.integration.backends.process import accepts, running
from tests.kit import gateways, peers
from wsgi_scgi.server.demo.launch import running_demo
from wsgi_scgi.server.demo.stream import PIECES

CHECKOUT = Path(__file__).parents[2]
UPLOAD_SIZE = 100_000_000
UPLOAD_RATE = 1_000_000  # bytes a second: the upload cannot end before its progress was looked at

# Reading the page from outside now and then would miss what happens in between.
RECORD_PROGRESS = """
const bar = document.getElementById("upload-bar");
window.progress = [];
new MutationObserver(() => window.progress.push(bar.value)).observe(bar, {attributes: true});
"""
GATED = 3
STREAM_BEHIND_GATES = """
import itertools
import os
import sys
import gevent
from wsgi_scgi.address import UnixAddress
from wsgi_scgi.server.demo.application import DemoApplication
from wsgi_scgi.server.process import run
from wsgi_scgi.server.scgi_server import SCGIServer

socket, gated = sys.argv[1:]
numbers = itertools.count(1)

def pause(_seconds):
    number = next(numbers)
    while number <= int(gated) and not os.path.exists(f"released-{number}"):
        gevent.sleep(0.01)
    # Together they take as long as the page expects of pieces that nobody collected.
    gevent.sleep(0.1)

run(SCGIServer(DemoApplication(pause=pause), UnixAddress(socket)))
"""

# WCAG 2.2, 1.4.3: the contrast of each text with what is behind it.
FAINT_TEXTS = """
const channels = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = (color) => channels(color).slice(0, 3)
  .map((value) => value / 255)
  .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor;
    if (channels(color)[3] !== 0) return color;
  }
};
const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
return Array.from(document.body.querySelectorAll("*"))
  .filter((e) => Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim()))
  .filter((e) => e.checkVisibility())
  .map((e) => [contrast(luminance(getComputedStyle(e).color), luminance(behind(e))), e.outerHTML])
  .filter(([ratio]) => ratio < 4.5);
"""


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The URL of ``wsgi-scgi demo``."""
    directory = gateways.new_directory()
    command = (sys.executable, "-m", "wsgi_scgi", "demo", "--bind", "127.0.0.1:0")
    with gateways.Gateway("wsgi-scgi demo", command, directory) as gateway:
        gateway.wait_logged_address()
        yield "http://{}:{}/".format(*gateway.address)
    gateways.remove_directory(directory)


@contextlib.contextmanager
def served_at(path: str, backend: str) -> Iterator[str]:
    """Serve the SCGI address ``backend`` below ``path``; yield the URL of the site."""
    directory = gateways.new_directory()
    configuration = directory / "gateway.toml"
    configuration.write_text(
        '[server]\nbind = "127.0.0.1:0"\n\n'
        f'[[route]]\npath = "{path}"\nbackend = "{backend}"\npath_info = true\n'
    )
    with gateways.start_serve(directory, ("-c", str(configuration))) as gateway:
        yield "http://{}:{}".format(*gateway.address)
    gateways.remove_directory(directory)


@pytest.fixture(scope="module")
def mounted_demo() -> Iterator[str]:
    """The URL of the demo as a part of a larger site."""
    with running_demo() as address, served_at("/a b/demo/", str(address)) as site:
        yield f"{site}/a%20b/demo/"


class GatedDemo:
    """A demo whose stream goes on when the test says so."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self._directory = directory

    def release(self, number: int) -> None:
        """Let the piece go that follows piece ``number``."""
        (self._directory / f"released-{number}").touch()


@pytest.fixture
def gated_demo() -> Iterator[GatedDemo]:
    """A demo whose first pieces wait to be released."""
    directory = gateways.new_directory()
    socket = directory / "s"
    command = [sys.executable, "-c", STREAM_BEHIND_GATES, str(socket), str(GATED)]
    ready = functools.partial(accepts, str(socket))
    environment = {"PYTHONPATH": str(CHECKOUT)}
    with (
        running(command, directory, ready=ready, extra=environment),
        served_at("/", f"scgi+unix://{socket}") as site,
    ):
        yield GatedDemo(f"{site}/", directory)
    gateways.remove_directory(directory)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A Chromium with a profile of its own; the console must be empty in the end."""
    driver = peers.require("chromedriver", "install chromium-driver")
    chromium = peers.require("chromium", "install chromium")
    # The last of Chromium's processes may still write while the profile is removed.
    temporary = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
    with temporary as profile, Browser(driver, chromium, Path(profile)) as started:
        started.resize(1280, 900)
        yield started
        assert started.console() == []


def test_the_variables_are_visible(browser: Browser, demo: str) -> None:
    browser.open(f"{demo}?name=J%C3%BCrgen&mark=%3Cb%3E")
    text = browser.text("main")
    assert "name=J%C3%BCrgen&mark=%3Cb%3E" in text
    for expected in ("REQUEST_METHOD", "PATH_INFO", "HTTP_USER_AGENT", "HeadlessChrome"):
        assert expected in text
    assert browser.run("return getComputedStyle(document.querySelector('.card')).borderRadius")


def progress_beyond(browser: Browser, seen: float) -> float:
    """Return what the bar shows if that is more than ``seen``, else 0."""
    shown = float(browser.run("return document.getElementById('upload-bar').value"))
    return shown if shown > seen else 0.0


def test_a_large_file_is_sent_with_its_progress_in_sight(
    browser: Browser, demo: str, tmp_path: Path
) -> None:
    content = random.Random(1).randbytes(1_000_000) * (UPLOAD_SIZE // 1_000_000)
    path = tmp_path / "large file"
    path.write_bytes(content)
    browser.open(demo)
    browser.run(RECORD_PROGRESS)
    browser.limit_uploads(UPLOAD_RATE)
    browser.choose_file("#file", path)
    browser.click("#upload [type=submit]")
    seen = 0.0
    for _ in range(3):
        seen = browser.wait_for(functools.partial(progress_beyond, browser, seen))
        assert seen < 1
        assert browser.is_visible("#upload-progress") and browser.is_visible("#cancel")
    browser.limit_uploads(None)
    browser.wait_for(lambda: browser.text("#upload-status").startswith("Arrived whole"))
    result = browser.text("#upload-result")
    assert "100,000,000 bytes" in result
    assert hashlib.sha256(content).hexdigest() in result
    progress = browser.run("return window.progress")
    assert progress == sorted(progress) and progress[-1] == 1
    assert not browser.is_visible("#upload-progress") and not browser.is_visible("#cancel")


def test_the_browser_can_make_the_bytes_itself(browser: Browser, demo: str) -> None:
    browser.open(demo)
    browser.click("#generate")
    browser.wait_for(lambda: browser.text("#upload-status").startswith("Arrived whole"))
    assert "100,000,000 bytes" in browser.text("#upload-result")


def test_an_upload_can_be_cancelled_and_begun_again(
    browser: Browser, demo: str, tmp_path: Path
) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"hello")
    browser.open(demo)
    # A request that nobody lets go on: the click comes before the browser has opened it.
    browser.run(
        "document.getElementById('generate').click();document.getElementById('cancel').click()"
    )
    browser.wait_for(lambda: browser.text("#upload-status") == "Cancelled.")
    browser.choose_file("#file", path)
    browser.click("#upload [type=submit]")
    browser.wait_for(lambda: browser.text("#upload-status").startswith("Arrived whole"))
    assert hashlib.sha256(b"hello").hexdigest() in browser.text("#upload-result")


def pieces_beyond(browser: Browser, number: int) -> int:
    """Return how many pieces the page shows if they are more than ``number``, else 0."""
    shown = int(browser.run("return document.getElementById('pieces').childElementCount"))
    return shown if shown > number else 0


def test_the_stream_arrives_piece_by_piece(browser: Browser, gated_demo: GatedDemo) -> None:
    browser.open(gated_demo.url)
    browser.click("#stream")
    for number in range(1, GATED + 1):
        # The next piece does not exist yet, so nobody can have collected the two.
        assert browser.wait_for(functools.partial(pieces_beyond, browser, number - 1)) == number
        gated_demo.release(number)
    browser.wait_for(lambda: "arrived" in browser.text("#stream-status"))
    assert pieces_beyond(browser, GATED) == PIECES
    assert "one by one" in browser.text("#stream-status")
    assert browser.run("return document.querySelectorAll('.beats .arrived').length") == PIECES


def test_everything_works_below_a_mount(
    browser: Browser, mounted_demo: str, tmp_path: Path
) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"hello")
    browser.open(mounted_demo)
    assert "/a b/demo" in browser.text("main")
    browser.choose_file("#file", path)
    browser.click("#upload [type=submit]")
    browser.wait_for(lambda: browser.text("#upload-status").startswith("Arrived whole"))
    browser.click("#stream")
    browser.wait_for(lambda: "Piece 2" in browser.text("#pieces"))


def test_the_page_works_without_javascript(browser: Browser, demo: str, tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"hello")
    browser.disable_scripts()
    browser.open(demo)
    for scripted in ("#generate", "#stream", "#cancel", "#upload-progress"):
        assert not browser.is_visible(scripted)
    browser.choose_file("#file", path)
    browser.click("#upload [type=submit]")
    browser.wait_for(lambda: "The upload has arrived" in browser.text("h1"))
    assert "multipart form" in browser.text("main")
    browser.click("main a")
    browser.wait_for(lambda: "came over SCGI" in browser.text("h1"))
    browser.click("a.button")
    browser.wait_for(lambda: f"piece {PIECES} of" in browser.text("body"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_fits_and_can_be_read(width: int, dark: bool, browser: Browser, demo: str) -> None:
    browser.resize(width, 900, dark=dark)
    browser.open(f"{demo}?{'long' * 100}")
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == (
        "rgb(16, 22, 21)" if dark else "rgb(246, 247, 246)"
    )
    assert browser.run(FAINT_TEXTS) == []
