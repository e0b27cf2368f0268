"""``wsgi-scgi app``: what it is told, and what it says where it cannot start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wsgi_scgi.address import TCPAddress, UnixAddress
from wsgi_scgi.cli import main
from wsgi_scgi.cli.app import import_application, parse_bind
from wsgi_scgi.errors import ConfigurationError

MODULES = {
    "hello.py": """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]

def create():
    return application

def fails():
    raise KeyError("no such setting")

number = 3
""",
    "needs.py": "import a_module_that_is_not_installed\n",
    "wrong.py": "x = (\n",
}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with modules whose names no other test uses."""
    for name, text in MODULES.items():
        (tmp_path / f"app_test_{name}").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    for name in MODULES:
        monkeypatch.delitem(sys.modules, f"app_test_{name.removesuffix('.py')}", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:4000", TCPAddress("127.0.0.1", 4000)),
        ("localhost:0", TCPAddress("localhost", 0)),
        ("[::1]:4001", TCPAddress("::1", 4001)),
        ("[::1]:0", TCPAddress("::1", 0)),
        ("localhost", TCPAddress("localhost", 4000)),
        ("scgi://localhost:4002", TCPAddress("localhost", 4002)),
        ("scgi://localhost:4002/", TCPAddress("localhost", 4002)),
        ("SCGI://127.0.0.1:0", TCPAddress("127.0.0.1", 0)),
        ("scgi+unix:///run/a.sock", UnixAddress("/run/a.sock")),
        ("scgi+unix:///run/a:0", UnixAddress("/run/a:0")),
        ("unix:/run/a.sock", UnixAddress("/run/a.sock")),
        ("unix:///run/a.sock", UnixAddress("/run/a.sock")),
        ("unix:/run/a.sock|scgi://name/", UnixAddress("/run/a.sock")),
    ],
)
def test_an_address_is_written_as_for_serve_or_as_a_backend_url(
    text: str, address: TCPAddress | UnixAddress
) -> None:
    assert parse_bind(text) == address


def test_the_path_of_a_unix_socket_may_be_relative(directory: Path) -> None:
    assert parse_bind("unix:a.sock") == UnixAddress(str(directory / "a.sock"))


@pytest.mark.parametrize("reference", ["app_test_hello", "app_test_hello:application"])
def test_the_application_is_found_in_the_working_directory(directory: Path, reference: str) -> None:
    application = import_application(reference)
    assert application.__module__ == "app_test_hello"
    assert application is import_application("app_test_hello:create()")
    assert sys.path[0] == str(directory)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("app_test_none", "there is no module 'app_test_none' in .* or installed"),
        ("app_test_none.sub:app", "there is no module 'app_test_none' in"),
        ("app_test_hello.sub:app", r"there is no module 'app_test_hello\.sub' in"),
        ("app_test_hello:app", "app_test_hello has no app; write MODULE:NAME"),
        ("app_test_needs", "importing app_test_needs failed:"),
        ("app_test_hello:number", "app_test_hello:number is int, not a WSGI application"),
        ("app_test_hello:number()", r"app_test_hello:number\(\): int cannot be called"),
        ("app_test_hello:create(1)", "is not of the form MODULE:NAME or MODULE:NAME"),
        ("app_test_hello:os.path", "is not of the form"),
        ("", "is not of the form"),
    ],
)
@pytest.mark.usefixtures("directory")
def test_what_cannot_be_served_is_said(reference: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        import_application(reference)


@pytest.mark.parametrize(
    ("reference", "first", "file", "last"),
    [
        (
            "app_test_needs",
            "importing app_test_needs failed:",
            'app_test_needs.py", line 1',
            "ModuleNotFoundError: No module named 'a_module_that_is_not_installed'",
        ),
        (
            "app_test_hello:fails()",
            "calling app_test_hello:fails() failed:",
            'app_test_hello.py", line 10',
            "KeyError: 'no such setting'",
        ),
        (
            "app_test_wrong",
            "importing app_test_wrong failed:",
            'app_test_wrong.py", line 1',
            "SyntaxError: '(' was never closed",
        ),
    ],
)
@pytest.mark.usefixtures("directory")
def test_a_failure_of_the_application_is_shown_without_our_own_code(
    reference: str, first: str, file: str, last: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        import_application(reference)
    lines = str(caught.value).splitlines()
    assert (lines[0], lines[-1]) == (first, last)
    assert [line for line in lines if 'File "' in line] == [
        line for line in lines if f"/{file}" in line
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bind", "h:http"], "the port 'http' is not a number"),
        (["--bind", "h:99999"], "the port '99999' is not a number"),
        (["--bind", "scgi://h/x"], "has a path; it belongs to --script-name"),
        (["--bind", "scgi+unix://run/x"], "needs three slashes"),
        (["--bind", "unix:s", "--socket-mode", "9"], "--socket-mode: '9' is not of the form 660"),
        (["--bind", "unix:s", "--socket-mode", "rw-"], "--socket-mode: 'rw-' is not of the form"),
        (["--socket-mode", "660"], "--socket-mode: there is no Unix socket to make"),
        (["--timeout", "0"], "--timeout: 0 seconds is too short; allowed: "),
        (["--graceful-timeout", "-1"], "--graceful-timeout: -1.0 is not a number of seconds"),
        (["--max-connections", "0"], "--max-connections: '0' is not a whole number"),
        (["--max-connections", "many"], "--max-connections: 'many' is not a whole number"),
        (["--script-name", "app"], "--script-name: 'app' does not start with /"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", "app_test_hello", *arguments]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert message in printed.err


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["app", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    flags = "bind socket-mode script-name access-log timeout graceful-timeout max-connections"
    for flag in flags.split():
        assert f"\n  --{flag}" in shown


def test_the_standard_library_is_patched_before_the_application_is_imported(
    directory: Path,
) -> None:
    (directory / "app_test_patched.py").write_text(
        "import socket, ssl, threading, gevent.monkey\n"
        "assert gevent.monkey.is_object_patched('threading', 'local')\n"
        "assert socket.socket.__module__.startswith('gevent')\n"
        "raise SystemExit(7)\n"
    )
    checkout = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", "wsgi_scgi", "app", "app_test_patched"],
        env={"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (7, "")
