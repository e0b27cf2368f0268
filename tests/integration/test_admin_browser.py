"""The administrator's pages in a real Chromium."""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.demo.test_page import FAINT_TEXTS
from tests.demo.webdriver import Browser
from tests.integration.serving import Served, Start, get
from tests.kit import peers
from tests.kit.gateways import Gateway, start_gunicorn

TOKEN = "0123456789abcdef"
BEARER = f"Authorization: Bearer {TOKEN}"
HEALTH = '[balancer.app.health]\nmethod = "tcp"\ninterval = 0.2\n'

NARROW, WIDE = 390, 1280

# Nothing reaches beyond the window, but within a box that scrolls by itself.
TOO_WIDE = """
const page = document.documentElement;
return page.scrollWidth - page.clientWidth;
"""


@contextlib.contextmanager
def new_browser() -> Iterator[Browser]:
    """Start a Chromium with a profile of its own."""
    driver = peers.require("chromedriver", "install chromium-driver")
    chromium = peers.require("chromium", "install chromium")
    # The last of Chromium's processes may still write while the profile is removed.
    temporary = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
    with temporary as profile, Browser(driver, chromium, Path(profile)) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each test has its own gateway, which is another site."""
    with new_browser() as started:
        yield started


@pytest.fixture(autouse=True)
def quiet_console(browser: Browser) -> Iterator[None]:
    """Whatever the policy of the pages refuses is told on the console."""
    browser.resize(WIDE, 900)
    browser.console()
    yield
    assert browser.console() == []


class Site:
    """A gateway with two members, one of which nobody listens for."""

    def __init__(self, gateway: Gateway, first: str, absent: str) -> None:
        self.gateway = gateway
        self.first = first
        self.absent = absent

    def url(self, page: str = "", *, user: str = f"admin:{TOKEN}@") -> str:
        host, port = self.gateway.address
        return f"http://{user}{host}:{port}/_gateway/{page}"

    def state(self, url: str) -> str:
        """Return the state of a member as a program sees it."""
        response = get(self.gateway.address, "/_gateway/status.json", fields=[BEARER])
        members = json.loads(response.body)["balancers"][0]["members"]
        (state,) = (member["state"] for member in members if member["url"] == url)
        return str(state)


def write_configuration(directory: Path, first: str, *, health: str = HEALTH, more: str) -> None:
    (directory / "gateway.toml").write_text(
        f'{more}\n[[route]]\npath = "/lone/"\nbackend = "{first}"\n'
        '[[route]]\npath = "/"\nbackend = "balancer://app"\n'
        "[balancer.app]\n[[balancer.app.member]]\n"
        f'url = "{first}"\nroute = "a"\n[[balancer.app.member]]\n'
        f'url = "scgi+unix://{directory}/nobody/<b>listens</b>.sock"\nroute = "b"\n{health}'
    )


@pytest.fixture
def site(browser: Browser, start: Start, tmp_path: Path, first: Served) -> Iterator[Site]:
    more = f'[server]\nbind = "127.0.0.1:0"\n[admin]\npath = "/_gateway/"\ntoken = "{TOKEN}"'
    write_configuration(tmp_path, first.url, more=more)
    absent = f"scgi+unix://{tmp_path}/nobody/<b>listens</b>.sock"
    yield Site(start("-c", "gateway.toml"), first.url, absent)
    browser.open("about:blank")  # a page that goes on asking would miss its gateway


def row(url: str, rest: str = "") -> str:
    """Return the selector of a member's row, or of something in it."""
    return f"tr:has([name=member][value={json.dumps(url)}]) {rest}".strip()


def state_of(browser: Browser, url: str) -> str:
    script = "return document.querySelector(arguments[0])?.innerText ?? ''"
    return str(browser.run(script, row(url, ".mark")))


def test_a_member_is_drained_by_a_click_and_enabled_again(browser: Browser, site: Site) -> None:
    browser.open(site.url())
    assert state_of(browser, site.first) == "ok"
    browser.click(row(site.first, "[value=drain]"))
    browser.wait_for(lambda: state_of(browser, site.first) == "draining")
    assert site.state(site.first) == "draining"
    assert browser.run("return location.hash") == "#balancer-app"
    browser.click(row(site.first, "[value=enable]"))
    browser.wait_for(lambda: state_of(browser, site.first) == "ok")
    assert site.state(site.first) == "ok"


def test_the_page_brings_itself_up_to_date(browser: Browser, site: Site) -> None:
    browser.open(site.url())
    before = browser.text("#requests")
    browser.run("window.unharmed = true")
    for _ in range(5):
        get(site.gateway.address)
    browser.wait_for(functools.partial(shows_other_requests, browser, before))
    # It may rest besides: a request may have met it before the first check.
    browser.wait_for(lambda: "failed its health check" in state_of(browser, site.absent))
    browser.wait_for(lambda: browser.is_visible(".figures polyline"))
    assert browser.text("#freshness").startswith("as of ")
    assert browser.run("return window.unharmed"), "it was loaded anew"


def shows_other_requests(browser: Browser, before: str) -> bool:
    return browser.text("#requests") != before


def test_what_somebody_is_doing_is_left_alone(browser: Browser, site: Site) -> None:
    browser.open(site.url())
    browser.click("summary")
    browser.run("document.querySelector('[name=weight]').value = '7'")
    browser.run("document.querySelector(arguments[0]).focus()", row(site.first, "[value=drain]"))
    for _ in range(2):
        before = browser.text("#requests")
        get(site.gateway.address)
        browser.wait_for(functools.partial(shows_other_requests, browser, before))
    assert browser.run("return document.activeElement.value") == "drain"
    assert browser.run("return document.querySelector('[name=weight]').value") == "7"
    assert browser.is_visible("details [name=method]")


def test_a_gateway_that_has_gone_is_told(browser: Browser, site: Site) -> None:
    browser.open(site.url())
    browser.wait_for(lambda: browser.text("#freshness").startswith("as of "))
    site.gateway.stop()
    browser.wait_for(lambda: browser.text("#freshness").startswith("cannot be brought up to date"))
    browser.open("about:blank")
    assert all("ERR_" in line for line in browser.console())


def test_a_mistake_is_told_and_the_page_goes_on(browser: Browser, site: Site) -> None:
    browser.open(site.url())
    browser.click("summary")
    browser.run("document.querySelector('[name=member]:not([type=hidden])').value = '<i>x'")
    browser.click("[value=add]")
    told = browser.wait_for(lambda: browser.is_visible(".error") and browser.text(".error"))
    assert str(told).startswith("Nothing was changed: '<i>x' is not a backend URL")
    browser.wait_for(lambda: browser.text("#freshness").startswith("as of "))
    browser.click(row(site.first, "[value=drain]"))
    browser.wait_for(lambda: state_of(browser, site.first) == "draining")
    # The answer to the mistake had the status 400, which Chromium notes.
    assert all("400" in line for line in browser.console())


def test_a_member_is_changed_on_its_page(browser: Browser, site: Site) -> None:
    browser.open(site.url())
    browser.click(row(site.absent, "th a"))
    browser.wait_for(lambda: browser.is_visible("[value=set]"))
    assert "<b>listens</b>" in browser.text("h2")
    browser.run("document.querySelector('[name=weight]').value = '2.5'")
    browser.run("document.querySelector('[name=standby]').value = 'yes'")
    browser.click("[value=set]")
    browser.wait_for(lambda: browser.is_visible(row(site.absent)))
    assert browser.text(row(site.absent, "[data-name=Weight]")) == "2.5"
    assert "H" in browser.text(row(site.absent, "[data-name=State] code"))
    browser.click(row(site.absent, "th a"))
    browser.wait_for(lambda: browser.is_visible("[value=remove]"))
    browser.click("[value=remove]")
    browser.wait_for(lambda: browser.is_visible("#balancer-app"))
    assert not browser.is_visible(row(site.absent))


def test_a_page_of_another_site_changes_nothing(browser: Browser, site: Site) -> None:
    browser.open(site.url())  # the password is known to the browser from now on
    host, port = site.gateway.address
    form = (
        f'<form method="post" action="http://{host}:{port}/_gateway/change">'
        '<input name="action" value="drain"><input name="balancer" value="app">'
        f'<input name="member" value="{site.first}"><button>win a prize</button></form>'
    )
    browser.open(f"data:text/html,{quote(form)}")
    browser.click("button")
    browser.wait_for(lambda: "403" in browser.text("body"))
    assert site.state(site.first) == "ok"
    assert all("403" in line for line in browser.console())


def test_without_javascript_the_forms_work(site: Site) -> None:
    with new_browser() as browser:
        browser.disable_scripts()
        browser.open(site.url())
        browser.click(row(site.first, "[value=drain]"))
        browser.wait_for(lambda: state_of(browser, site.first) == "draining")
        assert site.state(site.first) == "draining"
        assert browser.text("#freshness") == ""
        browser.click(row(site.first, "th a"))
        browser.wait_for(lambda: browser.is_visible("[value=stop]"))
        browser.click("[value=stop]")
        browser.wait_for(lambda: state_of(browser, site.first) == "stopped, draining")
        assert browser.console() == []


AROUND = """
from wsgi_scgi import Gateway
gateway = Gateway.from_toml("gateway.toml")

def application(environ, start_response):
    return gateway({**environ, "REMOTE_USER": "Jürgen"}, start_response)
"""


def test_a_user_of_the_application_around_needs_no_password(
    browser: Browser, tmp_path: Path, first: Served
) -> None:
    more = '[admin]\npath = "/_gateway/"\nusers = ["Jürgen"]'
    write_configuration(tmp_path, first.url, health="", more=more)
    (tmp_path / "around.py").write_text(AROUND)
    worker = "wsgi_scgi.worker.GatewayWorker"
    with start_gunicorn(tmp_path, "around:application", worker) as gateway:
        browser.open(Site(gateway, first.url, "").url(user=""))
        browser.click(row(first.url, "[value=drain]"))
        browser.wait_for(lambda: state_of(browser, first.url) == "draining")
        browser.open("about:blank")
        assert "by J\\xfcrgen from 127.0.0.1" in gateway.log()


@pytest.mark.parametrize("page", ["status", "member"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_pages_fit_and_can_be_read(
    browser: Browser, site: Site, page: str, width: int, dark: bool
) -> None:
    browser.resize(width, 900, dark=dark)
    browser.open(site.url())
    # It may rest besides: a request may have met it before the first check.
    browser.wait_for(lambda: "failed its health check" in state_of(browser, site.absent))
    browser.click(row(site.first, "[value=drain]"))
    browser.wait_for(lambda: state_of(browser, site.first) == "draining")
    if page == "member":
        browser.click(row(site.absent, "th a"))
        browser.wait_for(lambda: browser.is_visible("[value=set]"))
    assert browser.run(TOO_WIDE) <= 0
    assert browser.run(FAINT_TEXTS) == []
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == (
        "rgb(16, 22, 21)" if dark else "rgb(246, 247, 246)"
    )
    # States have a sign as well as a colour.
    signs = browser.run(
        "return Array.from(document.querySelectorAll('.mark'))"
        ".map((mark) => getComputedStyle(mark, '::before').content)"
    )
    assert signs and all(sign not in ("none", "") for sign in signs)
