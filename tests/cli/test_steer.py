"""``wsgi-scgi status``, ``drain``, ``enable`` and ``weigh``: what is asked, printed and refused."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from tests.admin.balancers import make_application, make_balancer
from tests.ports import held_port
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.cli import main
from wsgi_scgi.cli.steer import read_token
from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.scoreboard.status import Status

TOKEN = "Schlüssel-0123456789"
PATH = "/_gateway/"


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Running:
    """A gateway in a thread of its own, the pages of which show ``balancer``."""

    def __init__(self, balancer: Balancer) -> None:
        self.balancer = balancer
        application = make_application(
            balancer, make_balancer("scgi://x", ["scgi://x"], is_named=False), token=TOKEN
        )
        self._server = make_server("127.0.0.1", 0, application, handler_class=_Silent)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}{PATH}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def letters(self) -> list[str]:
        status = self.balancer.pool.status
        return [Status(status[member.slot]).letters() for member in self.balancer.members()]


@pytest.fixture
def gateway() -> Iterator[Running]:
    running = Running(make_balancer())
    yield running
    running.close()


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run a command with the token in the environment; return the status and what it printed."""
    monkeypatch.setenv("WSGI_SCGI_TOKEN", TOKEN)
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)

    def run(*arguments: str) -> tuple[int, str]:
        status = main(arguments)
        printed = capsys.readouterr()
        assert printed.err == "" if status == 0 else printed.out == ""
        return status, printed.out + printed.err

    return run


Told = Callable[..., tuple[int, str]]


def configuration(path: Path, bind: str, admin: str = f'path = "{PATH}"\ntoken = "{TOKEN}"') -> str:
    path.write_text(
        f"[server]\nbind = {bind}\n[admin]\n{admin}\n"
        '[[route]]\npath = "/"\nbackend = "scgi://localhost"\n'
    )
    return str(path)


# What they do.


def test_the_members_are_a_table(gateway: Running, told: Told) -> None:
    gateway.balancer.pool.status[1] |= Status.DRAIN
    gateway.balancer.pool.row.elected[0] = 12
    assert told("status", "--url", gateway.url) == (
        0,
        "MEMBER            STATE     WEIGHT  BUSY  REQUESTS  FAILED\n"
        "app (byrequests)\n"
        "  scgi://a        ok        1       0     12        0\n"
        "  scgi://b        draining  1       0     0         0\n"
        "scgi://x (alone)\n"
        "  scgi://x        ok        1       0     0         0\n",
    )


def test_the_members_are_json(gateway: Running, told: Told) -> None:
    status, text = told("status", "--json", "--url", gateway.url)
    assert status == 0
    assert [balancer["name"] for balancer in json.loads(text)["balancers"]] == ["app", "scgi://x"]


def test_members_are_drained_weighed_and_enabled(gateway: Running, told: Told) -> None:
    at = ("--url", gateway.url)
    assert told("drain", "app", "scgi://a", *at) == (0, "app: drain scgi://a (status - -> N)\n")
    assert gateway.letters == ["N", ""]
    assert told("enable", "app", "scgi://a", *at) == (0, "app: enable scgi://a (status N -> -)\n")
    assert gateway.letters == ["", ""]
    assert told("weigh", "app", "scgi://b", "2.5", *at) == (
        0,
        "app: weigh scgi://b (weight 1 -> 2.5)\n",
    )
    assert gateway.balancer.pool.weight[1] == 250


# Where the gateway is.


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_url_may_end_with_a_slash(gateway: Running, told: Told, slash: str) -> None:
    assert told("status", "--url", gateway.url.rstrip("/") + slash)[0] == 0


@pytest.mark.parametrize("bind", ["127.0.0.1:{}", "0.0.0.0:{}", ":{}", "localhost:{}"])
def test_the_configuration_tells_place_and_token(
    gateway: Running, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bind: str
) -> None:
    monkeypatch.delenv("WSGI_SCGI_TOKEN")
    path = configuration(tmp_path / "gateway.toml", f'"{bind.format(gateway.port)}"')
    assert told("drain", "app", "scgi://b", "-c", path)[0] == 0
    assert gateway.letters == ["", "N"]


def test_a_unix_socket_beside_a_port_is_not_needed(
    gateway: Running, told: Told, tmp_path: Path
) -> None:
    bind = f'["unix:{tmp_path}/none", "127.0.0.1:{gateway.port}"]'
    assert told("status", "-c", configuration(tmp_path / "gateway.toml", bind))[0] == 0


def test_the_flag_is_stronger_than_the_environment_than_the_file(
    gateway: Running, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = f'path = "{PATH}"\ntoken_file = "{tmp_path}/nowhere"'
    path = configuration(tmp_path / "gateway.toml", f'"127.0.0.1:{gateway.port}"', admin)
    assert told("status", "-c", path)[0] == 0
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n", encoding="utf-8")
    monkeypatch.setenv("WSGI_SCGI_TOKEN", "wrong")
    assert told("status", "-c", path)[0] == 1
    assert told("status", "-c", path, "--token-file", str(token))[0] == 0


def test_ipv6_addresses_have_brackets(told: Told) -> None:
    with held_port("::1") as port:
        status, text = told("status", "--url", f"http://[::1]:{port}/g/")
    assert status == 1 and text.startswith(f"cannot reach the gateway at http://[::1]:{port}/g/: ")


# What they refuse: one line, and the exit status 1.


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("drain", "app", "scgi://c"), "'scgi://c' is no member of app; there are: scgi://a, scgi"),
        (("drain", "ap", "scgi://a"), "there is no balancer 'ap'; there are: app"),
        (("enable", "scgi://x", "scgi://x"), "there is no balancer 'scgi://x'; there are: app"),
        (("weigh", "app", "scgi://a", "abc"), "weight: 'abc' is not a number from 1 to 100"),
        (("weigh", "app", "scgi://a", "0.5"), "a weight is a number from 1 to 100"),
        (("weigh", "app", "scgi://a", ""), "weight: '' is not a number"),
        (("drain", "\udcff", "scgi://a"), "'balancer': a control character, or half"),
    ],
)
def test_what_cannot_be_is_one_line(
    gateway: Running, told: Told, arguments: tuple[str, ...], line: str
) -> None:
    status, text = told(*arguments, "--url", gateway.url)
    assert status == 1 and text.startswith(line) and text.count("\n") == 1
    assert gateway.letters == ["", ""]


@pytest.mark.parametrize("token", ["wrong", "x" * 10_000, "Schlüssel", "\udcff"])
def test_a_wrong_token_is_one_line(
    gateway: Running, told: Told, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("WSGI_SCGI_TOKEN", token)
    assert told("status", "--url", gateway.url) == (
        1,
        f"{gateway.url}: it does not know the token\n",
    )


def test_a_token_with_a_line_break_is_not_shown(
    gateway: Running, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSGI_SCGI_TOKEN", "secret\nsecret")
    assert told("status", "--url", gateway.url) == (
        1,
        "the token has a character that no field can have\n",
    )


def test_no_token_is_one_line(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WSGI_SCGI_TOKEN")
    assert told("status", "--url", "http://127.0.0.1:1/") == (
        1,
        "no token: give --token-file or set WSGI_SCGI_TOKEN\n",
    )


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://127.0.0.1/",
        "http:///_gateway/",
        "http://[::1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://127.0.0.1/a b\r\nx/",
        "http://127.0.0.1/ä/",
        "",
    ],
)
def test_a_url_that_is_none_is_one_line(told: Told, url: str) -> None:
    status, text = told("status", "--url", url)
    assert status == 1 and text.count("\n") == 1 and text.startswith(repr(url)[:4])


@pytest.mark.parametrize("path", ["", "/other/", "/_gatewa/"])
def test_an_address_without_admin_is_one_line(gateway: Running, told: Told, path: str) -> None:
    url = f"http://127.0.0.1:{gateway.port}{path or '/'}"
    status, text = told("status", "--url", url)
    assert (status, text) == (1, f"{url}: what answers there is no [admin]\n")
    url = f"{gateway.url}nothing/"
    assert told("status", "--url", url) == (1, f"{url}: there is no [admin] at this address\n")


def test_nobody_there_is_one_line(told: Told, tmp_path: Path) -> None:
    with held_port() as port:
        assert told("status", "--url", f"http://127.0.0.1:{port}/") == (
            1,
            f"cannot reach the gateway at http://127.0.0.1:{port}/: Connection refused\n",
        )
    path = configuration(tmp_path / "gateway.toml", f'"unix:{tmp_path}/s"')
    assert told("status", "-c", path) == (
        1,
        f"cannot reach the gateway at unix:{tmp_path}/s: No such file or directory\n",
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_somebody_who_hangs_up_is_one_line(told: Told, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"
        status, text = told("status", "--url", url)
        thread.join()
    assert status == 1 and text.startswith(f"cannot reach the gateway at {url}: ")
    assert text.count("\n") == 1


def test_a_configuration_without_admin_is_one_line(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('[[route]]\npath = "/"\nbackend = "scgi://localhost"\n')
    assert told("status", "-c", str(path)) == (1, f"{path} has no [admin]\n")


@pytest.mark.parametrize("bind", ['"127.0.0.1:0"', '"fd://7"'])
def test_a_configuration_that_tells_no_place_is_one_line(
    told: Told, tmp_path: Path, bind: str
) -> None:
    path = configuration(tmp_path / "gateway.toml", bind)
    assert told("status", "-c", path) == (
        1,
        f"{path} does not tell where the gateway listens; give --url\n",
    )


def test_a_configuration_that_is_none_is_told(told: Told, tmp_path: Path) -> None:
    assert told("status", "-c", str(tmp_path / "none"))[0] == 1
    path = configuration(tmp_path / "gateway.toml", '"127.0.0.1:1"', 'path = "/x"')
    status, text = told("status", "-c", path)
    assert status == 1 and "gateway.toml:4: path: " in text


def test_a_token_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with pytest.raises(ConfigurationError, match=f"{path}: {os.strerror(2)}"):
        read_token(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="it is not UTF-8"):
        read_token(str(path))


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("status", "-c", "x", "--url", "y"),
        ("drain", "app", "--url", "x"),
        ("weigh", "app", "m", "--url", "x"),
    ],
)
def test_what_is_missing_or_too_much_is_one_line(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
