"""The page in a real browser, with the gateway between it and the program."""

from __future__ import annotations

import hashlib
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.webdriver import Browser
from tests.kit import gateways, peers
from wsgi_scgi.server.demo.launch import running_demo
from wsgi_scgi.server.demo.stream import INTERVAL, PIECES

UPLOAD_SIZE = 100_000_000

# Reading the page from outside now and then would miss what happens in between.
RECORD_PROGRESS = """
const bar = document.getElementById("upload-bar");
window.progress = [];
new MutationObserver(() => window.progress.push(bar.value)).observe(bar, {attributes: true});
"""
RECORD_PIECES = """
const list = document.getElementById("pieces");
window.pieces = [];
new MutationObserver(() => {
  window.pieces.push([list.childElementCount, performance.now()]);
}).observe(list, {childList: true});
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


@pytest.fixture(scope="module")
def mounted_demo() -> Iterator[str]:
    """The URL of the demo as a part of a larger site."""
    directory = gateways.new_directory()
    with running_demo() as address:
        configuration = directory / "gateway.toml"
        configuration.write_text(
            '[server]\nbind = "127.0.0.1:0"\n\n'
            f'[[route]]\npath = "/a b/demo/"\nbackend = "{address}"\npath_info = true\n'
        )
        with gateways.start_serve(directory, ("-c", str(configuration))) as gateway:
            yield "http://{}:{}/a%20b/demo/".format(*gateway.address)
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


def test_a_large_file_is_sent_with_its_progress_in_sight(
    browser: Browser, demo: str, tmp_path: Path
) -> None:
    content = random.Random(1).randbytes(1_000_000) * (UPLOAD_SIZE // 1_000_000)
    path = tmp_path / "large file"
    path.write_bytes(content)
    browser.open(demo)
    browser.run(RECORD_PROGRESS)
    browser.choose_file("#file", path)
    browser.throttle_upload(UPLOAD_SIZE // 3)  # three seconds: a fast machine shows no progress
    browser.click("#upload [type=submit]")
    browser.wait_for(lambda: browser.text("#upload-status").startswith("Arrived whole"))
    result = browser.text("#upload-result")
    assert "100,000,000 bytes" in result
    assert hashlib.sha256(content).hexdigest() in result
    progress = browser.run("return window.progress")
    assert progress == sorted(progress) and progress[-1] == 1
    assert len({value for value in progress if 0 < value < 1}) >= 3
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


def test_the_stream_arrives_piece_by_piece(browser: Browser, demo: str) -> None:
    browser.open(demo)
    browser.run(RECORD_PIECES)
    browser.click("#stream")
    browser.wait_for(lambda: "arrived" in browser.text("#stream-status"))
    records = browser.run("return window.pieces")
    counts = [count for count, _ in records]
    assert counts[-1] == PIECES and counts == sorted(counts)
    # Pieces that came together are one record; a busy machine may join some, never most.
    assert len(counts) > PIECES / 2
    assert records[-1][1] - records[0][1] > 1000 * INTERVAL * PIECES / 2
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
