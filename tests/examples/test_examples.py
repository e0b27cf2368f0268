"""Each example as a browser meets it: stopped at the login, then forwarded with the user's name."""

from __future__ import annotations

import http.cookiejar
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.gateways import Gateway, on_free_port, start_gunicorn
from tests.kit.peers import require

EXAMPLES = Path(__file__).parents[2] / "examples"
BACKEND = "scgi://127.0.0.1:4000"  # what the examples say
BOUND = 30.0

pytestmark = pytest.mark.timeout(300)


class Browser:
    """Keeps cookies, follows redirects, and is bounded; ``fields`` come with every request."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._site = f"http://127.0.0.1:{address[1]}"
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._jar)
        )
        self.fields: dict[str, str] = {}

    def cookie(self, name: str) -> str | None:
        """Return the value of a cookie."""
        return next((cookie.value for cookie in self._jar if cookie.name == name), "")

    def ask(self, path: str, body: bytes | dict[str, str] | None = None) -> tuple[int, str]:
        """Return status and text; a ``dict`` is posted as a form."""
        fields = {"Remote-User": "forged", **self.fields}
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body).encode()
        elif body is not None:
            fields["Content-Type"] = "application/octet-stream"
        request = urllib.request.Request(self._site + path, body, fields)
        try:
            with self._opener.open(request, timeout=BOUND) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The application behind all examples; its port."""
    directory = tmp_path_factory.mktemp("legacy")
    shutil.copy(EXAMPLES / "legacy.py", directory)
    command = [sys.executable, "-m", "wsgi_scgi", "app", "legacy:application", "--bind"]

    def start(port: int) -> Gateway:
        return Gateway("legacy", [*command, f"127.0.0.1:{port}"], directory)

    with on_free_port(start) as gateway:
        yield gateway.address[1]


@pytest.fixture
def copied(tmp_path: Path, backend: int) -> Callable[[str], Path]:
    """Copy an example, with the port of this run's backend, and return the directory."""

    def copy(name: str) -> Path:
        directory = tmp_path / name
        shutil.copytree(
            EXAMPLES / name, directory, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3")
        )
        changed = 0
        for source in directory.rglob("*.py"):
            text = source.read_text("utf-8")
            changed += text.count(BACKEND)
            source.write_text(text.replace(BACKEND, f"scgi://127.0.0.1:{backend}"), "utf-8")
        assert changed == 1, "an example names its backend once"
        return directory

    return copy


def forwarded(method: str, path_info: str, length: int) -> tuple[int, str]:
    """Return what comes of a request of the user "ann"."""
    lines = (
        f"REQUEST_METHOD={method}",
        "SCRIPT_NAME=/legacy",
        f"PATH_INFO={path_info}",
        "REMOTE_USER=ann",
        f"body={length} bytes",
    )
    return 200, "".join(f"{line}\n" for line in lines)


def check_the_old_application(browser: Browser) -> None:
    """Ask the application behind the site for what every example must get right."""
    assert browser.ask("/legacy/") == forwarded("GET", "/", 0)
    assert browser.ask("/legacy/a/b%20c?x=1") == forwarded("GET", "/a/b c", 0)
    assert browser.ask("/legacy/form", {"x": "1"}) == forwarded("POST", "/form", 3)
    large = bytes(1 << 20)
    assert browser.ask("/legacy/upload", large) == forwarded("POST", "/upload", len(large))


def test_bare_wsgi(copied: Callable[[str], Path]) -> None:
    application = "site_with_legacy:application"
    with start_gunicorn(copied("bare_wsgi"), application, "gevent") as site:
        browser = Browser(site.address)
        assert browser.ask("/legacy/")[0] == 401
        browser.fields["Authorization"] = "Basic YW5uOnNlY3JldA=="
        assert browser.ask("/anything") == (200, "the site\n")
        check_the_old_application(browser)


@pytest.mark.parametrize(
    ("framework", "directory", "callable_name", "refusal"),
    [("flask", "flask_site", "site", 401), ("pyramid", "pyramid_site", "application", 403)],
)
def test_a_framework_whose_login_is_a_form(
    copied: Callable[[str], Path], framework: str, directory: str, callable_name: str, refusal: int
) -> None:
    require(framework, f"pip install {framework}")
    application = f"site_with_legacy:{callable_name}"
    with start_gunicorn(copied(directory), application, "gevent") as site:
        browser = Browser(site.address)
        assert browser.ask("/") == (200, "Hello stranger\n")
        assert browser.ask("/legacy/a")[0] == refusal
        assert browser.ask("/login", {"user": "ann", "password": "wrong"})[0] == 403
        assert browser.ask("/login", {"user": "eve", "password": ""})[0] == 403
        assert browser.ask("/legacy/a")[0] == refusal
        assert browser.ask("/login", {"user": "ann", "password": "secret"})[1] == "Hello ann\n"
        check_the_old_application(browser)


def test_django(copied: Callable[[str], Path]) -> None:
    require("django", "pip install django")
    directory = copied("django_site")
    environment = os.environ | {
        "DJANGO_SUPERUSER_PASSWORD": "secret",
        "PYTHONPATH": str(EXAMPLES.parent),
    }
    user = ["--noinput", "--username", "ann", "--email", "ann@example.org"]
    for command in (["check"], ["migrate", "--verbosity", "0"], ["createsuperuser", *user]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=directory,
            env=environment,
            check=True,
            timeout=2 * BOUND,
        )
    with start_gunicorn(directory, "portal.wsgi", "gevent") as site:
        browser = Browser(site.address)
        assert browser.ask("/") == (200, "Hello stranger\n")
        status, page = browser.ask("/legacy/a")
        assert status == 200 and "Django administration" in page and "REMOTE_USER" not in page
        browser.ask(
            "/admin/login/",
            {
                "username": "ann",
                "password": "secret",
                "csrfmiddlewaretoken": browser.cookie("csrftoken") or "",
            },
        )
        assert browser.ask("/") == (200, "Hello ann\n")
        check_the_old_application(browser)


def test_the_readme_names_every_example() -> None:
    directories = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    table = (EXAMPLES / "README.md").read_text("utf-8")
    assert directories - {"__pycache__"} == {
        line.split("`")[1] for line in table.splitlines() if line.startswith("| `")
    }
