"""``wsgi-scgi request``: what is sent, what is printed, how it ends."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.backends.process import wait_for
from tests.kit.backend import Backend, BackendConnection
from tests.kit.gates import Gates, Wait
from tests.kit.script import Close, ReadBody, ReadHead, Write, play
from wsgi_scgi.cli import main

BOUND = 30.0
COMMAND = [sys.executable, "-m", "wsgi_scgi", "request"]


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A backend that answers "hello"."""
    with Backend() as running:
        answer = Write(b"Status: 201 Made\r\nX-A: 1\r\nX-B: \xc3\xa9\r\n\r\nhello")
        running.begin(play(ReadHead(), ReadBody(), answer), bound=BOUND)
        yield running


@pytest.fixture
def url(backend: Backend) -> str:
    """The URL of the backend."""
    return f"scgi://127.0.0.1:{backend.listen_tcp()}"


def last(backend: Backend) -> BackendConnection:
    backend.settle()
    assert backend.wait_done(BOUND)
    return backend.connections[-1]


def variables_of(backend: Backend) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in last(backend).request.variables}


def test_the_body_is_printed_and_nothing_else(
    backend: Backend, url: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["request", url]) == 0
    assert capfdbinary.readouterr() == (b"hello", b"")
    variables = variables_of(backend)
    assert list(variables)[:2] == ["CONTENT_LENGTH", "SCGI"]
    assert (variables["REQUEST_METHOD"], variables["PATH_INFO"]) == ("GET", "/")


def test_method_path_fields_variables_and_body_are_sent(backend: Backend, url: str) -> None:
    arguments = ["/café?q=ü", "-X", "PUT", "-H", "X-Name: é", "-H", "Content-Type:text/plain"]
    arguments += ["--var", "APP=a=ß", "--var", "HTTP_HOST=", "-d", "data"]
    assert main(["request", url, *arguments]) == 0
    variables = variables_of(backend)
    assert variables["REQUEST_METHOD"] == "PUT"
    assert variables["REQUEST_URI"] == "/caf%C3%A9?q=%C3%BC"
    assert variables["PATH_INFO"] == "/café"
    assert variables["HTTP_X_NAME"] == "é"
    assert variables["CONTENT_TYPE"] == "text/plain"
    assert variables["APP"] == "a=ß"
    assert variables["HTTP_HOST"] == ""
    assert last(backend).request.body == b"data"


def test_a_body_makes_it_a_post(backend: Backend, url: str) -> None:
    assert main(["request", url, "-d", ""]) == 0
    assert variables_of(backend)["REQUEST_METHOD"] == "POST"


def test_a_body_comes_from_a_file(backend: Backend, url: str, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(bytes(range(256)))
    assert main(["request", url, "-d", f"@{tmp_path}/body"]) == 0
    assert last(backend).request.body == bytes(range(256))


def test_a_body_comes_from_standard_input(backend: Backend, url: str) -> None:
    ended = subprocess.run(
        [*COMMAND, url, "-d", "@-"], input=b"piped", capture_output=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (b"hello", b"")
    assert last(backend).request.body == b"piped"


def test_verbose_shows_what_was_sent_and_received(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["request", url, "/x", "-v", "-d", "data", "--var", "A=é"]) == 0
    printed = capfd.readouterr()
    assert printed.out == "hello"
    lines = printed.err.splitlines()
    assert lines[:4] == [
        "> CONTENT_LENGTH=4",
        "> SCGI=1",
        "> REQUEST_METHOD=POST",
        "> REQUEST_URI=/x",
    ]
    assert "> A=é" in lines
    assert lines[-4:] == ["< Status: 201 Made", "< X-A: 1", "< X-B: é", "< "]


def test_verbose_shows_every_byte_of_the_head_and_lets_none_steer_the_terminal(
    backend: Backend, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    head = b"Status: 103\n\nX-A: \xff\xc2\x9b2J\x09\xc2\x85\\\r\nX-B:\n\n"
    backend.begin(play(ReadHead(), Write(head)), bound=BOUND)
    assert main(["request", url, "-v"]) == 0
    lines = [line for line in capfd.readouterr().err.split("\n") if line.startswith("<")]
    assert lines == ["< Status: 103", "< ", "< X-A: \\xff\\x9b2J\\t\\x85\\", "< X-B:", "< "]


@pytest.mark.parametrize(
    ("answer", "why"),
    [(b"", "closed"), (b"garbage\n", "garbage"), (b"Status: 99\n\n", "99")],
    ids=["nothing", "garbage", "status"],
)
def test_an_answer_that_is_none_is_one_line_and_status_1(
    backend: Backend, url: str, answer: bytes, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.begin(play(ReadHead(), Write(answer), Close()), bound=BOUND)
    assert main(["request", url]) == 1
    printed = capfd.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert why in printed.err


def test_a_body_that_breaks_off_is_printed_as_far_as_it_came(
    backend: Backend, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.begin(play(ReadHead(), Write(b"Content-Length: 9\n\nshort")), bound=BOUND)
    assert main(["request", url]) == 1
    printed = capfd.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("short", 1)


def test_nobody_listening_is_one_line_and_status_1(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        url = f"scgi+unix://{directory}/s"
        assert main(["request", url]) == 1
    printed = capfd.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert url in printed.err
    assert "No such file or directory" in printed.err


def test_silence_beyond_the_time_is_one_line_and_status_1(
    backend: Backend, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.begin(bound=BOUND)
    assert main(["request", url, "--timeout", "0.05"]) == 1
    printed = capfd.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_pieces_are_printed_as_they_come(backend: Backend, url: str) -> None:
    gates = Gates()
    steps = play(ReadHead(), Write(b"X: 1\n\none\n"), Wait("two"), Write(b"two\n"))
    backend.begin(steps, gates=gates, bound=BOUND)
    with subprocess.Popen([*COMMAND, url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"one\n"
        gates.open("two")
        assert process.stdout.read() == b"two\n"
    assert process.returncode == 0


def test_a_reader_that_leaves_ends_it_without_a_word(backend: Backend, url: str) -> None:
    gates = Gates()
    steps = play(ReadHead(), Write(b"X: 1\n\none\n"), Wait("two"), Write(b"two\n"))
    backend.begin(steps, gates=gates, bound=BOUND)
    with subprocess.Popen(
        [*COMMAND, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"one\n"
        process.stdout.close()
        gates.open("two")
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_ctrl_c_ends_it_without_a_word(backend: Backend, url: str) -> None:
    backend.begin(bound=BOUND)
    with subprocess.Popen([*COMMAND, url], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        wait_for(lambda: bool(backend.connections), "the request", BOUND)
        os.kill(process.pid, 2)
        assert process.stderr.read() == b""
    assert process.returncode == 130
