"""The command as a whole: help, version, and mistakes in one line."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

import wsgi_scgi
from wsgi_scgi.cli import main


def ends_with(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run the command; return its exit status and what it printed."""
    try:
        status: object = main(arguments)
    except SystemExit as end:
        status = end.code
    printed = capsys.readouterr()
    assert isinstance(status, int)
    return status, printed.out, printed.err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(["--version"], capsys) == (0, f"wsgi-scgi {wsgi_scgi.__version__}\n", "")


@pytest.mark.parametrize("command", ["demo", "serve", "check", "request"])
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = ends_with([command, "--help"], capsys)
    assert (status, err) == (0, "")
    assert f"usage: wsgi-scgi {command}" in out
    assert f"\n    {command} " in ends_with(["--help"], capsys)[1]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "wsgi-scgi: the following arguments are required: COMMAND; see wsgi-scgi --help"),
        (["serv"], "invalid choice: 'serv'"),
        (["check"], "wsgi-scgi check: the following arguments are required: -c/--config; see"),
        (["serve", "--pathinfo", "scgi://h"], "unrecognized arguments: --pathinfo"),
        (["serve"], "wsgi-scgi serve: give either a URL or -c FILE"),
        (["serve", "scgi://h", "-c", "x.toml"], "wsgi-scgi serve: give either a URL or -c FILE"),
        (
            ["serve", "-c", "/no/where.toml"],
            "cannot read /no/where.toml: No such file or directory",
        ),
        (["serve", "http://h"], "'http://h' is not a backend URL"),
        (["serve", "scgi://h", "--max-body", "2X"], '--max-body: "2X" is not a size; allowed: '),
        (["serve", "scgi://h", "--backend-timeout", "0"], "--backend-timeout: 0 seconds is too"),
        (["serve", "scgi://h", "--workers", "two"], "--workers: invalid literal for int()"),
        (["serve", "scgi://h", "--worker-class", "x"], "--worker-class: "),
        (["serve", "scgi://h", "--bind", "h:http"], "--bind: 'http' is not a valid port number."),
        (["serve", "scgi://h", "--", "--x"], "after --: unrecognized arguments: --x"),
        (
            ["serve", "-c", "x.toml", "--path-info"],
            "--path-info: belongs into x.toml, as path_info",
        ),
        (["demo", "--bind", "h:http"], "--bind: 'http' is not a valid port number."),
        (["request", "scgi://h", "--timeout", "soon"], "--timeout: "),
        (["request", "scgi://h", "-H", "name"], "'name' is not of the form -H NAME: VALUE"),
        (["request", "scgi://h", "--var", "=x"], "'=x' is not of the form --var NAME=VALUE"),
        (["request", "scgi://h", "-d", "@/no/where"], "cannot read /no/where: No such file"),
        (["request", "http://h"], "'http://h' is not a backend URL"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = ends_with(arguments, capsys)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert line in err


def test_the_module_is_the_command() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "wsgi_scgi", "--version"], capture_output=True, check=True, text=True
    )
    assert ended.stdout == f"wsgi-scgi {wsgi_scgi.__version__}\n"


def test_commands_that_need_no_gunicorn_do_not_load_it() -> None:
    program = (
        "import sys; from wsgi_scgi.cli import main; main(['request', 'scgi://127.0.0.1:1']);"
        "print([name for name in ('gunicorn', 'flask') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert ended.stdout == "[]\n"
