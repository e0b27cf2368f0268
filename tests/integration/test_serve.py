"""``wsgi-scgi serve`` as a process: start, requests, settings, end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.backends.process import accepts, end_of, listening, wait_for
from tests.integration.serving import (
    ANY_PORT,
    BOUND,
    COMMAND,
    Served,
    Start,
    get,
    routes_to,
    workers_of,
)
from tests.kit.gates import Gates, Open, Wait
from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.response import Response
from tests.kit.script import ReadHead, ReadToEnd, Write, play

# Start and requests.


def test_everything_goes_to_the_backend_of_the_command_line(start: Start, first: Served) -> None:
    gateway = start(first.url, *ANY_PORT)
    response = get(gateway.address, "/a%20b?c=d")
    assert (response.status, response.body) == (200, b"first")
    assert first.variables["REQUEST_URI"] == "/a%20b?c=d"
    assert first.variables["SCRIPT_NAME"] == "/a b"
    assert "PATH_INFO" not in first.variables
    assert f"Route / -> {first.url.rstrip('/')}\n" in gateway.log()
    assert "Using worker: wsgi_scgi.worker.GatewayWorker" in gateway.log()


def test_flags_set_the_options_of_the_route(start: Start, first: Served) -> None:
    gateway = start("--path-info", first.url, *ANY_PORT, "--max-body", "3")
    assert get(gateway.address, "/a/b").status == 200
    assert (first.variables["SCRIPT_NAME"], first.variables["PATH_INFO"]) == ("", "/a/b")
    assert get(gateway.address, "/", fields=["Content-Length: 4"]).status == 413


def test_a_preset_sets_path_info(start: Start, first: Served) -> None:
    gateway = start(first.url, *ANY_PORT, "--preset", "wsgi")
    get(gateway.address, "/a/b")
    assert (first.variables["SCRIPT_NAME"], first.variables["PATH_INFO"]) == ("", "/a/b")


def test_a_file_has_routes_in_order(
    start: Start, tmp_path: Path, first: Served, second: Served
) -> None:
    (tmp_path / "gateway.toml").write_text(f"""
        [server]
        bind = "127.0.0.1:0"
        [[route]]
        path = "/private/"
        exclude = true
        [[route]]
        path = "/first/"
        backend = "{first.url}"
        [[route]]
        path = "/"
        backend = "{second.url}"
        """)
    gateway = start("-c", "gateway.toml")
    assert get(gateway.address, "/first/x").body == b"first"
    assert get(gateway.address, "/other").body == b"second"
    assert get(gateway.address, "/private/x").status == 404


def test_warnings_are_logged_at_the_start(start: Start, tmp_path: Path, first: Served) -> None:
    text = f'{routes_to(first.url)}[[route]]\npath = "/x/"\nexclude = true\n'
    (tmp_path / "gateway.toml").write_text(text)
    gateway = start("-c", "gateway.toml")
    assert "[WARNING] gateway.toml:7: path: warning: never matches" in gateway.log()


def test_repeated_fields_are_joined_on_the_wire(start: Start, first: Served) -> None:
    gateway = start(first.url, *ANY_PORT)
    fields = ["Cookie: a=1", "X-A: 1", "Cookie: b=2", "X-A: 2"]
    assert get(gateway.address, fields=fields).status == 200
    assert first.variables["HTTP_COOKIE"] == "a=1; b=2"
    assert first.variables["HTTP_X_A"] == "1, 2"


@pytest.mark.parametrize("field", ["SCRIPT_NAME: /a", "PATH_INFO: /x", "Script-Name: /a"])
def test_a_field_from_loopback_does_not_move_the_mount(
    start: Start, first: Served, field: str
) -> None:
    gateway = start(first.url, *ANY_PORT, "--path-info")
    assert get(gateway.address, "/a/b", fields=[field]).status == 200
    assert (first.variables["SCRIPT_NAME"], first.variables["PATH_INFO"]) == ("", "/a/b")
    assert not {"HTTP_SCRIPT_NAME", "HTTP_PATH_INFO"} & first.variables.keys()


def test_the_log_of_the_package_goes_where_gunicorns_goes(start: Start) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"scgi://127.0.0.1:{closed.getsockname()[1]}"
        gateway = start(url, *ANY_PORT)
        assert get(gateway.address).status == 503
        assert re.search(r"\[ERROR\] .*503.*Connection refused", gateway.log())


def test_the_log_of_the_package_has_gunicorns_level(tmp_path: Path, first: Served) -> None:
    path = tmp_path / "gateway.sock"
    command = [*COMMAND, first.url, "--bind", f"unix:{path}", "--", "--log-level", "critical"]
    with Gateway("serve", command, tmp_path) as gateway:
        wait_for(lambda: accepts(str(path)), "the socket", BOUND)
        assert get(str(path), "/%zz").status == 400
        first.backend.close()
        assert get(str(path)).status == 503
        assert gateway.log() == ""


# Where it listens, and gunicorn's settings.


def test_it_listens_on_a_unix_socket_and_removes_it(tmp_path: Path, first: Served) -> None:
    path = tmp_path / "gateway.sock"
    with Gateway("serve", [*COMMAND, first.url, "--bind", f"unix:{path}"], tmp_path) as gateway:
        wait_for(lambda: accepts(str(path)), "the socket", BOUND)
        assert get(str(path)).body == b"first"
        assert first.variables["HTTP_HOST"] == "localhost"
        assert gateway.stop() == 0
    assert not path.exists()


@contextlib.contextmanager
def inheriting(command: Sequence[str], listener: socket.socket, directory: Path) -> Iterator[int]:
    """Run a command that is given ``listener`` under the same number; yield its process id."""
    with (directory / "output.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | {"PYTHONPATH": os.getcwd()},
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(BOUND)
    assert process.returncode == 0


def test_it_serves_on_a_descriptor_that_it_is_given(tmp_path: Path, first: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [*COMMAND, first.url, "--bind", f"fd://{listener.fileno()}"]
        with inheriting(command, listener, tmp_path):
            assert get(listener.getsockname()).body == b"first"


def test_it_serves_on_the_sockets_of_systemd_whatever_bind_says(
    tmp_path: Path, first: Served, second: Served
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(routes_to(first.url, server='bind = "unix:/no/where/1"'))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        inherited = f"exec 3<&{listener.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec"
        command = ["bash", "-c", f'{inherited} "$@"', "bash", *COMMAND, "-c", "gateway.toml"]
        with inheriting(command, listener, tmp_path) as pid:
            address = listener.getsockname()
            assert get(address).body == b"first"
            path.write_text(routes_to(second.url, server='bind = "unix:/no/where/2"'))
            os.kill(pid, signal.SIGHUP)
            wait_for(lambda: get(address).body == b"second", "the new backend", BOUND)


def test_settings_after_the_dashes_are_gunicorns(start: Start, first: Served) -> None:
    gateway = start(first.url, *ANY_PORT, "--", "--limit-request-line", "50", "--workers", "2")
    assert get(gateway.address, "/" + "a" * 60).status == 414
    wait_for(lambda: len(workers_of(gateway)) == 2, "two workers", BOUND)


def test_a_request_line_may_have_8190_bytes(start: Start, first: Served) -> None:
    gateway = start(first.url, *ANY_PORT)
    assert get(gateway.address, "/" + "a" * 8000).status == 200
    assert get(gateway.address, "/" + "a" * 8200).status == 414


def test_the_environment_is_stronger_than_the_file_and_weaker_than_the_flags(
    tmp_path: Path, first: Served
) -> None:
    server = 'bind = "127.0.0.1:0"\nworkers = 3\nlimit_request_line = 40'
    (tmp_path / "gateway.toml").write_text(routes_to(first.url, server=server))
    environment = ("env", "GUNICORN_CMD_ARGS=--workers 4 --limit-request-line 80")
    command = [*environment, *COMMAND, "-c", "gateway.toml", "--workers", "1"]
    with Gateway("serve", command, tmp_path) as gateway:
        gateway.wait_logged_address()
        assert get(gateway.address, "/" + "a" * 50).status == 200
        assert get(gateway.address, "/" + "a" * 90).status == 414
        assert len(workers_of(gateway)) == 1


def test_hooks_of_the_administrator_run_beside_ours(
    start: Start, tmp_path: Path, first: Served
) -> None:
    (tmp_path / "my_hooks.py").write_text(
        "def pre_request(worker, req):\n    req.headers.append(('COOKIE', 'mine=1'))\n"
    )
    server = 'bind = "127.0.0.1:0"\npre_request = "my_hooks.pre_request"'
    (tmp_path / "gateway.toml").write_text(routes_to(first.url, server=server))
    gateway = start("-c", "gateway.toml")
    get(gateway.address, fields=["Cookie: a=1"])
    assert first.variables["HTTP_COOKIE"] == "a=1; mine=1"


@pytest.mark.parametrize("worker_class", ["gthread", "sync"])
def test_other_worker_classes_serve_too(start: Start, first: Served, worker_class: str) -> None:
    gateway = start(first.url, *ANY_PORT, "--worker-class", worker_class)
    assert get(gateway.address, fields=["Cookie: a=1", "Cookie: b=2"]).body == b"first"
    assert first.variables["HTTP_COOKIE"] == "a=1; b=2"


def test_the_access_log_goes_to_standard_output(tmp_path: Path, first: Served) -> None:
    with (
        (tmp_path / "access").open("wb") as access,
        subprocess.Popen(
            [*COMMAND, first.url, "--bind", f"unix:{tmp_path}/s", "--access-log"],
            stdout=access,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        try:
            wait_for(lambda: accepts(f"{tmp_path}/s"), "the socket", BOUND)
            get(f"{tmp_path}/s", "/seen")
            log = tmp_path / "access"
            wait_for(lambda: "GET /seen HTTP/1.1" in log.read_text(), "the line", BOUND)
        finally:
            process.terminate()
            process.communicate(timeout=BOUND)
    assert process.returncode == 0


@pytest.mark.parametrize("flag", ["--check-config", "--print-config"])
def test_gunicorns_own_checks_of_a_configuration_work(flag: str) -> None:
    ended = subprocess.run(
        [*COMMAND, "scgi://localhost", "--", flag],
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ("forwarder_headers" in ended.stdout) is (flag == "--print-config")


# What keeps it from starting.


def fails_to_start(arguments: Sequence[str], directory: Path) -> str:
    """Return what is told on stderr beside gunicorn's log."""
    ended = subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr


def test_a_port_in_use_is_one_line_and_status_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        told = fails_to_start(["scgi://localhost", "--bind", address], tmp_path)
    assert told == f"cannot listen on http://{address}: Address already in use\n"


def test_a_pidfile_in_use_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{os.getpid()}\n")
    arguments = ["scgi://localhost", "--bind", f"unix:{tmp_path}/s", "--", "--pid", "pid"]
    told = fails_to_start(arguments, tmp_path)
    assert told.splitlines()[-1].startswith("Already running on PID")
    assert "Traceback" not in told
    assert not (tmp_path / "s").exists()


def test_every_mistake_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(
        "[server]\nbnd = 1\n[[route]]\npath = '/'\nbackend = 'scgi://h'\ntimout = 1\n"
    )
    assert fails_to_start(["-c", "gateway.toml"], tmp_path) == (
        "gateway.toml:2: bnd: unknown key; did you mean bind?\n"
        "gateway.toml:6: timout: unknown key; did you mean timeout?\n"
    )


# End.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_worker_boots_is_not_lost(
    start: Start, tmp_path: Path, first: Served, number: signal.Signals
) -> None:
    (tmp_path / "slow.py").write_text(
        "import os, time\n"
        "def post_fork(server, worker):\n"
        "    open('booting', 'w').close()\n"
        "    while not os.path.exists('go'):\n"
        "        time.sleep(0.01)\n"
    )
    server = 'bind = "127.0.0.1:0"\ngraceful_timeout = 600\npost_fork = "slow.post_fork"'
    (tmp_path / "gateway.toml").write_text(routes_to(first.url, server=server))
    gateway = start("-c", "gateway.toml")
    wait_for((tmp_path / "booting").exists, "a worker that boots", BOUND)
    os.kill(gateway.pid, number)
    wait_for(lambda: not gateway.running, "the end", BOUND)
    assert gateway.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered_before_the_end(
    start: Start, first: Served, number: signal.Signals
) -> None:
    gates = Gates()
    late = play(ReadHead(), Open("asked"), Wait("answer"), Write(b"Content-Length: 4\n\nlate"))
    first.backend.begin(late, gates=gates, bound=BOUND)
    gateway = start(first.url, *ANY_PORT)
    answers: list[Response] = []
    asking = threading.Thread(target=lambda: answers.append(get(gateway.address)))
    sockets = listening(gateway.address)
    assert sockets
    asking.start()
    try:
        assert gates.wait("asked", BOUND)
        os.kill(gateway.pid, number)
        if number is signal.SIGINT:
            # As from a terminal, which sends Ctrl-C to every process of the group.
            os.kill(workers_of(gateway)[0], number)
        wait_for(lambda: not listening(gateway.address) & sockets, "the end of listening", BOUND)
    finally:
        gates.open_all()
        asking.join(BOUND)
    assert end_of(gateway) == 0
    assert [(answer.status, answer.body, answer.complete) for answer in answers] == [
        (200, b"late", True)
    ]


def test_a_second_interrupt_ends_it_at_once(start: Start, first: Served) -> None:
    script = play(ReadHead(), Open("asked"), ReadToEnd())
    first.backend.begin(script, gates=(gates := Gates()), bound=2 * BOUND)
    gateway = start(first.url, *ANY_PORT, "--", "--graceful-timeout", "600")
    sockets = listening(gateway.address)
    assert sockets
    with Client(gateway.address, bound=BOUND) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert gates.wait("asked", BOUND)
        os.kill(gateway.pid, signal.SIGINT)
        wait_for(lambda: not listening(gateway.address) & sockets, "the end of listening", BOUND)
        assert gateway.running
        os.kill(gateway.pid, signal.SIGINT)
        wait_for(lambda: not gateway.running, "the end", BOUND)
    assert gateway.stop() == 0
