"""What ``wsgi-scgi check`` prints."""

from pathlib import Path
from textwrap import dedent

import pytest

from wsgi_scgi import compiled
from wsgi_scgi.cli import main
from wsgi_scgi.compiled import Twins


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "Check":
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    # What is told does not depend on what this machine has compiled.
    for name in list(compiled.TWINS):
        monkeypatch.setitem(compiled.TWINS, name, Twins(name, len, len, ""))
    return Check(tmp_path / "gateway.toml", capsys)


class Check:
    """The command on a file of the test's."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._path = path
        self._capsys = capsys

    def __call__(self, text: str) -> tuple[int, list[str]]:
        """Return the exit status and the lines printed."""
        self._path.write_text(dedent(text).removeprefix("\n"))
        status = main(["check", "-c", "gateway.toml"])
        printed = self._capsys.readouterr()
        assert printed.err == ""
        return status, printed.out.splitlines()


def test_a_right_file_is_told_as_what_would_run_where(check: Check) -> None:
    assert check("""
        [server]
        bind = ["127.0.0.1:8080", "[::1]:8080", "unix:/run/gateway.sock"]
        workers = 2
        keepalive = 5
        [[route]]
        path = "/private/"
        exclude = true
        [[route]]
        path = "/"
        backend = "scgi://localhost"
        preset = "fossil"
        max_body = "10M"
        """) == (
        0,
        [
            "listen  http://127.0.0.1:8080",
            "listen  http://[::1]:8080",
            "listen  unix:/run/gateway.sock",
            "workers 2 of class wsgi_scgi.worker.GatewayWorker",
            "setting keepalive = 5",
            "route   /private/ -> excluded",
            "route   / -> scgi://localhost:4000"
            ' (path_info = true, preset = "fossil", max_body = "10MiB")',
        ],
    )


def test_without_settings_the_defaults_are_told(check: Check) -> None:
    assert check("[[route]]\npath = '/'\nbackend = 'scgi+unix:///run/app.sock'\n") == (
        0,
        [
            "listen  http://127.0.0.1:8000",
            "workers 1 of class wsgi_scgi.worker.GatewayWorker",
            "route   / -> scgi+unix:///run/app.sock",
        ],
    )


def test_the_environment_counts_as_it_does_for_serve(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers 3")
    _, lines = check("[[route]]\npath = '/'\nbackend = 'scgi://h'\n")
    assert "workers 3 of class wsgi_scgi.worker.GatewayWorker" in lines


def test_functions_that_are_not_compiled_are_told_with_the_reason(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "MODULES", ())
    for name in list(compiled.TWINS):
        monkeypatch.delitem(compiled.TWINS, name)
    monkeypatch.setitem(compiled.TWINS, "quick", Twins("quick", len, len, ""))
    monkeypatch.setitem(compiled.TWINS, "slow", Twins("slow", len, None, "not built"))

    _, lines = check("[[route]]\npath = '/'\nbackend = 'scgi://h'\n")

    assert "compiled quick; not slow (not built)" in lines


def test_balancers_are_told_with_their_members(check: Check) -> None:
    status, lines = check("""
        [[route]]
        path = "/"
        backend = "balancer://pool/"
        [balancer.pool]
        method = "leastconn"
        [[balancer.pool.member]]
        url = "scgi://127.0.0.1:4001/"
        weight = 2
        [[balancer.pool.member]]
        url = "scgi+unix:///run/b.sock"
        [balancer.pool.health]
        interval = 5
        """)
    assert (status, lines[2:]) == (
        0,
        [
            "route   / -> balancer://pool",
            'balancer pool (method = "leastconn")',
            "member  scgi://127.0.0.1:4001/ (weight = 2)",
            "member  scgi+unix:///run/b.sock",
            "health  of pool (interval = 5)",
            "state   share = workers",
        ],
    )


def test_the_pages_of_the_administrator_are_told_without_their_token(check: Check) -> None:
    status, lines = check("""
        [[route]]
        path = "/"
        backend = "scgi://h"
        [admin]
        path = "/gateway/"
        token = "0123456789abcdef"
        """)
    assert (status, lines[3:]) == (0, ["state   share = workers", "admin   /gateway/"])


def test_who_shares_the_state_is_one_of_the_words(check: Check) -> None:
    assert check("""
        [[route]]
        path = "/"
        backend = "scgi://h"
        [state]
        share = "redis://h/0"
        """) == (
        1,
        [
            'gateway.toml:5: share: "redis://h/0" is not one of the choices; allowed: "workers" or'
            ' "none"'
        ],
    )


def test_what_the_settings_of_the_server_make_of_a_table_is_told_in_order(check: Check) -> None:
    status, lines = check("""
        [server]
        bind = "0.0.0.0:8000"
        workers = 65
        [[route]]
        path = "/"
        backend = "balancer://pool/"
        [admin]
        path = "/gateway/"
        token = "0123456789abcdef"
        [[balancer.pool.member]]
        url = "scgi://h"
        status = "D"
        """)
    assert (status, [line.split(": warning: ")[0] for line in lines[-3:]]) == (
        0,
        ["gateway.toml:1: share", "gateway.toml:8: path", "gateway.toml:10: member"],
    )


def test_warnings_follow_and_the_status_is_0(check: Check) -> None:
    status, lines = check("""
        [[route]]
        path = "/"
        backend = "scgi://localhost/base/"
        path_info = true
        [[route]]
        path = "/private/"
        exclude = true
        """)
    assert status == 0
    first, second = lines[-2:]
    assert first.startswith("gateway.toml:3: backend: warning: the base path /base/ goes into")
    assert second == (
        "gateway.toml:6: path: warning: never matches: / stands above and takes all of it"
    )


def test_mistakes_are_told_with_their_lines_and_nothing_else(check: Check) -> None:
    assert check("""
        [server]
        worker_class = "gevent"
        bin = "127.0.0.1:8000"
        [[route]]
        path = "/"
        backend = "scgi://localhost"
        path_inf = true
        """) == (
        1,
        [
            "gateway.toml:3: bin: unknown key; did you mean bind?",
            "gateway.toml:7: path_inf: unknown key; did you mean path_info?",
        ],
    )


def test_settings_that_contradict_each_other_have_lines_too(check: Check) -> None:
    status, lines = check("""
        [server]
        bind = "127.0.0.1:99999"
        pidfile = "/no/where/pid"
        [[route]]
        path = "/"
        backend = "scgi://localhost"
        """)
    assert (status, lines) == (
        1,
        [
            "gateway.toml:2: bind: 99999 is not a port; allowed: 0 to 65535",
            "gateway.toml:3: pidfile: the directory of /no/where/pid does not exist",
        ],
    )


def test_a_syntax_error_has_its_line(check: Check) -> None:
    assert check("[server]\nbind 1\n") == (
        1,
        ["gateway.toml:2: syntax: expected '=' after a key in a key/value pair"],
    )
