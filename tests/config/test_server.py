"""gunicorn's settings: checked, put together in order, checked as a whole."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.kit.peers import require
from wsgi_scgi.address import parse_backend_url
from wsgi_scgi.config import server
from wsgi_scgi.config.configuration import Configuration, Route, Source, single_backend
from wsgi_scgi.config.lines import KeyPath
from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.config.options import RouteOptions
from wsgi_scgi.config.server import CommandLine, server_config, setting_mistakes
from wsgi_scgi.errors import ConfigurationError

NO_ROUTES: tuple[()] = ()


def configuration(**settings: object) -> Configuration:
    lines: dict[KeyPath, int] = {
        ("server", name): number for number, name in enumerate(settings, 2)
    }
    return Configuration(routes=NO_ROUTES, server=settings, source=Source("gateway.toml", lines))


def mistakes_of(configured: Configuration, command_line: CommandLine | None = None) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        server_config(configured, command_line or CommandLine())
    return str(caught.value).splitlines()


def failure_of(command_line: CommandLine) -> str:
    with pytest.raises(ConfigurationError) as caught:
        server_config(configuration(), command_line)
    return str(caught.value)


def test_the_defaults_are_ours_where_they_differ_from_gunicorns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "80")
    config = server_config(configuration(), CommandLine())
    assert config.address == [("127.0.0.1", 8000)]
    assert config.worker_class_str == "wsgi_scgi.worker.GatewayWorker"
    assert config.forwarder_headers == []
    assert config.http_parser == "python"
    assert config.limit_request_line == 8190
    assert config.control_socket_disable is True
    assert config.keepalive == 2


def test_the_gateway_stays_in_the_directory_where_it_was_started(tmp_path: Path) -> None:
    config = server_config(configuration(), CommandLine(directory=str(tmp_path)))
    assert config.chdir == str(tmp_path)


def test_settings_are_checked_by_gunicorn_one_by_one() -> None:
    found = dict(setting_mistakes({"bind": ":80", "wrokers": 2, "workers": "two", "timeout": True}))
    assert found.keys() == {"wrokers", "workers", "timeout"}
    assert found["wrokers"] == "unknown key; did you mean workers?"
    assert found["workers"].startswith("invalid literal for int()")
    assert found["workers"].endswith(
        "; gunicorn: The number of worker processes for handling requests."
    )
    assert found["timeout"].startswith("a boolean is no number; gunicorn: ")
    assert dict(setting_mistakes({})) == {}


@pytest.mark.parametrize("name", ["wsgi_app", "paste"])
def test_another_application_is_refused(name: str) -> None:
    ((_, text),) = setting_mistakes({name: "module:app"})
    assert text.startswith("serve runs the gateway itself")


def test_each_layer_is_stronger_than_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text(
        "import os\nwith_no_meaning = 1\n"
        "workers = backlog = keepalive = max_requests = graceful_timeout = 11\n"
    )
    config = server_config(
        configuration(
            config="gunicorn.conf.py",
            backlog=12,
            keepalive=12,
            max_requests=12,
            graceful_timeout=12,
        ),
        CommandLine(
            flags={"max_requests": "14", "graceful_timeout": 14},
            arguments=["--graceful-timeout", "15"],
            environment="--keep-alive 13 --max-requests 13 --graceful-timeout 13",
            directory=str(tmp_path),
        ),
    )
    assert config.limit_request_line == 8190
    assert (
        config.workers,
        config.backlog,
        config.keepalive,
        config.max_requests,
        config.graceful_timeout,
    ) == (11, 12, 13, 14, 15)


def test_a_file_of_gunicorns_is_read_only_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = 11\n")
    monkeypatch.chdir(tmp_path)
    assert server_config(configuration(), CommandLine()).workers != 11
    for named in (
        CommandLine(arguments=["-c", "gunicorn.conf.py"]),
        CommandLine(environment="--config file:gunicorn.conf.py"),
    ):
        assert server_config(configuration(), named).workers == 11


def test_the_strongest_layer_names_the_file(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"{number}.py").write_text(f"workers = {number}\n")
    directory = str(tmp_path)
    configured = configuration(config="1.py")
    environment = CommandLine(environment="-c 2.py", directory=directory)
    arguments = CommandLine(environment="-c 2.py", arguments=["-c", "3.py"], directory=directory)
    assert server_config(configured, CommandLine(directory=directory)).workers == 1
    assert server_config(configured, environment).workers == 2
    assert server_config(configured, arguments).workers == 3


def test_a_module_may_hold_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings_of_this_test.py").write_text("workers = 11\n")
    monkeypatch.syspath_prepend(tmp_path)
    named = CommandLine(arguments=["-c", "python:settings_of_this_test"])
    assert server_config(configuration(), named).workers == 11


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("workers = 1\nworkers = 1 / 0\n", "line 2, ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(7)\n", "line 2, SystemExit: 7"),
        ("def f():\n    raise ValueError\n\nf()\n", "line 2, ValueError: ValueError"),
    ],
)
def test_a_file_of_gunicorns_that_fails_is_told_in_a_line(
    tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "c.py").write_text(text)
    named = CommandLine(arguments=["-c", "c.py"], directory=str(tmp_path))
    assert failure_of(named) == f"cannot read c.py: {why}"


def test_a_file_of_gunicorns_that_is_missing_is_told_in_a_line(tmp_path: Path) -> None:
    named = CommandLine(arguments=["-c", "c.py"], directory=str(tmp_path))
    assert failure_of(named) == "cannot read c.py: No such file or directory"


def test_a_wrong_setting_in_a_file_of_gunicorns_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text("workers = 'two'\n")
    named = CommandLine(arguments=["-c", "c.py"], directory=str(tmp_path))
    (mistake,) = mistakes_of(configuration(), named)
    assert mistake.startswith("c.py: workers: invalid literal")


@pytest.mark.parametrize(
    ("command_line", "start"),
    [
        (CommandLine(arguments=["--wrokers", "2"]), "after --: unrecognized arguments: --wrokers"),
        (CommandLine(arguments=["--workers", "x"]), "after --: argument -w/--workers: invalid"),
        (CommandLine(environment="--wrokers 2"), "GUNICORN_CMD_ARGS: unrecognized arguments"),
        (CommandLine(arguments=["module:app"]), "after --: unrecognized arguments: module:app"),
    ],
)
def test_arguments_that_gunicorn_does_not_know_are_told_in_a_line(
    command_line: CommandLine, start: str
) -> None:
    assert failure_of(command_line).startswith(start)


def test_a_mistake_names_the_layer_that_set_it() -> None:
    found = mistakes_of(
        configuration(workers="x"),
        CommandLine(
            flags={"worker_class": 5},
            environment="--certfile=/nowhere --user nobody-at-all",
            arguments=["--forwarded-allow-ips", "somewhere"],
        ),
    )
    starts = [mistake.partition(": ")[0] for mistake in found]
    assert starts == [
        "gateway.toml:2",
        "GUNICORN_CMD_ARGS",
        "--worker-class",
        "--forwarded-allow-ips",
    ]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("worker_class", "gevnt", "gevnt"),
        ("logger_class", "no.such.Logger", "ModuleNotFoundError: No module named 'no'"),
        ("bind", "localhost:http", "'http' is not a valid port number."),
        ("bind", ["127.0.0.1:1", "127.0.0.1:65536"], "65536 is not a port; allowed: 0 to 65535"),
        ("raw_env", ["A"], "environment setting 'A' invalid"),
        ("errorlog", "/no/where/error.log", "the directory of /no/where/error.log"),
        ("accesslog", "/no/where/access.log", "the directory of /no/where/access.log"),
        ("pidfile", "/no/where/pid", "the directory of /no/where/pid does not exist"),
        ("worker_tmp_dir", "/no/where", "/no/where is not a directory"),
        ("tmp_upload_dir", "/no/where", "/no/where is not a directory"),
        ("keyfile", "/no/where.key", ""),
    ],
)
def test_what_gunicorn_would_die_of_is_found_before(name: str, value: object, text: str) -> None:
    (mistake,) = mistakes_of(configuration(**{name: value}))
    assert text in mistake
    assert mistake.startswith("gateway.toml:2: " if name != "keyfile" else "certfile: ")


def test_names_of_files_without_a_directory_are_fine() -> None:
    config = server_config(configuration(pidfile="pid", accesslog="-"), CommandLine())
    assert config.pidfile == "pid"


def test_http_2_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gunicorn.http2.is_http2_available", lambda: False)
    (mistake,) = mistakes_of(configuration(http_protocols="h2,h1"))
    assert mistake.startswith("gateway.toml:2: http_protocols: ")


@pytest.mark.parametrize("installed", [True, False])
def test_the_fast_parser_needs_its_package(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr(server, "_installed", lambda module: installed and module == "gunicorn_h1c")
    if installed:
        assert server_config(configuration(http_parser="fast"), CommandLine())
    else:
        (mistake,) = mistakes_of(configuration(http_parser="fast"))
        assert mistake == 'gateway.toml:2: http_parser: "fast" needs the package gunicorn_h1c'


def test_what_is_installed_is_found() -> None:
    assert server._installed("gunicorn")
    assert not server._installed("no_such_module")


def test_only_root_changes_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (mistake,) = mistakes_of(configuration(user=1001))
    assert mistake == "gateway.toml:2: user: only root can change the user"
    assert server_config(configuration(user=1000), CommandLine())


def test_a_certificate_is_loaded_before_anything_listens(tmp_path: Path) -> None:
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    subprocess.run(
        [
            *(
                require("openssl", "apt-get install openssl"),
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=localhost",
            ),
            *("-keyout", key, "-out", certificate, "-days", "1"),
        ],
        check=True,
        capture_output=True,
    )
    config = server_config(configuration(certfile=certificate, keyfile=key), CommandLine())
    assert config.is_ssl
    Path(certificate).write_text("no certificate\n")
    (mistake,) = mistakes_of(configuration(certfile=certificate, keyfile=key))
    assert mistake.startswith("gateway.toml:2: certfile: ")


def test_whoever_names_the_control_socket_gets_one() -> None:
    named = server_config(configuration(control_socket="/run/gateway.ctl"), CommandLine())
    assert named.control_socket_disable is False
    refused = server_config(
        configuration(control_socket="/run/gateway.ctl", control_socket_disable=True),
        CommandLine(),
    )
    assert refused.control_socket_disable is True


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(), "ValueError"),
        (ValueError("one"), "one"),
        (RuntimeError("class uri 'x' invalid: \n\n[Traceback\n  E: why]\n"), "E: why"),
    ],
)
def test_only_the_end_of_what_gunicorn_says_is_told(error: Exception, text: str) -> None:
    assert server._one_line(error) == text


@pytest.mark.parametrize(
    ("bind", "is_exposed"),
    [
        ("127.0.0.1:0", False),
        ("127.9.9.9:0", False),
        ("[::1]:0", False),
        ("localhost:0", False),
        ("unix:/run/gateway.sock", False),
        ("0.0.0.0:0", True),
        ("[::]:0", True),
        ("gateway.example:0", True),
        ("fd://7", True),  # nobody knows where it listens
    ],
)
def test_rtorrent_without_a_password_is_served_to_this_machine_alone(
    bind: str, is_exposed: bool
) -> None:
    lines: dict[KeyPath, int] = {("route", 0, "preset"): 7}
    backend = parse_backend_url("scgi://h:1/")
    route = Route(
        path="/", backend=backend, options=RouteOptions.from_values({"preset": "rtorrent"})
    )
    configured = Configuration(
        routes=(route,), server={"bind": bind}, source=Source("gateway.toml", lines)
    )
    insecure = CommandLine(insecure=True)
    assert server_config(configured, insecure)
    if is_exposed:
        (mistake,) = mistakes_of(configured)
        assert mistake.startswith("gateway.toml:7: preset: /: rTorrent runs commands")
    else:
        assert server_config(configured, CommandLine())


def test_rtorrent_with_a_password_may_be_served_anywhere() -> None:
    anywhere = CommandLine(flags={"bind": ["0.0.0.0:0"]})
    protected = single_backend("scgi://h:1/", {"preset": "rtorrent", "auth_file": "/f"})
    assert server_config(protected, anywhere)
    assert server_config(single_backend("scgi://h:1/", {}), anywhere)
    (mistake,) = mistakes_of(single_backend("scgi://h:1/", {"preset": "rtorrent"}), anywhere)
    assert mistake.startswith("--preset: ")
