"""The same requests to Apache and to us with what was made of its configuration.

Where Apache does not let a request through to the backend, neither may we: that is the promise.
Where both do, the backend is told the same path.
"""

import http.client
import io
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from wsgiref.util import setup_testing_defaults

import pytest

from tests.convert.apache_configurations import HOSTS, configuration
from tests.kit.gateways import new_directory, remove_directory, start_apache
from wsgi_scgi import Gateway
from wsgi_scgi.convert import convert

MODULES = (
    *("access_compat", "alias", "allowmethods", "authz_host", "authz_user", "headers"),
    *("proxy_http", "rewrite"),
)
PATHS = (
    *("/", "/a", "/a/", "/a/x", "/a/b", "/a/b/", "/a/b/c", "/a/b/c/d", "/c/", "/c/x", "/c/b"),
    *("/ab", "/x", "/x.cgi", "/a/c/x", "/A/B", "/a//b/z", "/a/%62/q"),
)
REACHED = "reached"
# Of many, those in which the loss of one or another kind of rule lets something through.
SEEDS = (2, 6, 7, 8, 9, 13, 16, 17, 23, 31, 56, 84)
NOWHERE = '[[route]]\npath = "/nowhere"\nexclude = true\n'


class _Handler(socketserver.StreamRequestHandler):
    """Answer one SCGI request with what the path was divided into."""

    def handle(self) -> None:
        length = b""
        while (digit := self.rfile.read(1)) != b":":
            length += digit
        fields = self.rfile.read(int(length) + 1).split(b"\0")
        variables = dict(zip(fields[::2], fields[1::2], strict=False))
        told = [variables.get(name, b"-") for name in (b"SCRIPT_NAME", b"PATH_INFO")]
        self.wfile.write(b"Content-Type: text/plain\r\n\r\n" + b" ".join([b"reached", *told]))


class _Backend(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    """The URL of a backend."""
    with _Backend(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"scgi://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that Apache may enter."""
    path = new_directory()
    yield path
    remove_directory(path)


def ask_apache(address: tuple[str, int], path: str, host: str) -> str:
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.request("GET", path, headers={"Host": host, "X-Id": "me"})
    body = connection.getresponse().read().decode()
    connection.close()
    return body


def ask_us(gateway: Gateway, path: str, host: str) -> str:
    environ: dict[str, Any] = {"RAW_URI": path, "PATH_INFO": unquote(path), "HTTP_HOST": host}
    setup_testing_defaults(environ)
    environ |= {"SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": io.BytesIO(), "HTTP_X_ID": "me"}
    result = gateway(environ, lambda *_: lambda _: None)
    body = b"".join(result).decode()
    close = getattr(result, "close", None)
    if close is not None:
        close()
    return body


@pytest.mark.parametrize("seed", SEEDS)
def test_what_apache_keeps_from_a_backend_is_kept_from_it_here(
    seed: int, backend: str, directory: Path
) -> None:
    text = configuration(seed, backend)
    (directory / "httpd-part.conf").write_text(text)
    toml = convert(directory / "httpd-part.conf", environment={})
    # A configuration without any ProxyPass has no route, which our reader refuses.
    (directory / "gateway.toml").write_text(f"{toml}{NOWHERE}")
    gateway = Gateway.from_toml(directory / "gateway.toml")
    differences = []
    with start_apache(directory, text, modules=MODULES) as apache:
        for host in HOSTS:
            for path in PATHS:
                theirs = ask_apache(apache.address, path, host)
                ours = ask_us(gateway, path, host)
                if ours.startswith(REACHED) and ours != theirs:
                    differences.append((host, path, theirs[:40], ours))

    assert differences == []
