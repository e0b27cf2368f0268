"""``wsgi-scgi request`` and a server that is not ours: the scgi package's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.backends.process import BOUND, environment, log_of, running
from tests.kit.peers import require

CHECKOUT = Path(__file__).parents[2]

SERVER = """
import socket
from scgi.scgi_server import SCGIServer
from scgi.util import SCGIHandler

class Handler(SCGIHandler):
    def produce(self, env, bodysize, body, output):
        names = "REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_LENGTH", "HTTP_X_A", "APP"
        output.write(b"Status: 201 Made\\nContent-Type: text/plain\\n\\n")
        output.write(" ".join(env.get(name, "-") for name in names).encode("latin-1"))
        output.write(b" " + (body.read(bodysize) if bodysize else b"no body"))

listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
SCGIServer(handler_class=Handler).serve_on_socket(listener)
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A server that answers with some of the variables and the body."""
    require("scgi", "pip install scgi")
    command = [sys.executable, "-c", SERVER]
    with running(command, tmp_path, ready=lambda: "\n" in log_of(tmp_path)):
        yield f"scgi://127.0.0.1:{log_of(tmp_path).split()[1]}"


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["/a%20b?c"], b"GET /a b c 0 - - no body"),
        (
            ["/", "-H", "X-A: 1", "-H", "X-A: 2", "--var", "APP=x", "-d", "\xff"],
            b"POST /  2 1, 2 x \xc3\xbf",
        ),
    ],
)
def test_a_foreign_server_understands_it(
    url: str, arguments: list[str], output: bytes, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "wsgi_scgi", "request", url, *arguments],
        cwd=CHECKOUT,
        env=environment(tmp_path),
        capture_output=True,
        check=False,
        timeout=BOUND,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, output, b"")
