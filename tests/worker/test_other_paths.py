"""TLS, the PROXY protocol, Unix sockets: gunicorn's own path, or the lean one with its rules."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator

import pytest

from tests.kit import peers
from tests.kit.gateways import Gateway
from tests.kit.http import Client
from tests.kit.response import End
from tests.worker.serving import BOUND, OURS, STOCK, Pair, exchange, pair, request, serving

TELLING = "tests.worker.telling:application"

# Whoever starts servers for tests looks for this in the log; gunicorn itself says https://.
TELLS_ITS_ADDRESS = """
def when_ready(server):
    server.log.info("http://%s:%d", *server.LISTENERS[0].sock.getsockname())
"""


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both workers with TLS and a certificate of their own making."""
    directory = tmp_path_factory.mktemp("tls")
    key, certificate = str(directory / "key.pem"), str(directory / "certificate.pem")
    openssl = peers.require("openssl", "apt-get install openssl")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    files = f"certfile, keyfile = {certificate!r}, {key!r}\n{TELLS_ITS_ADDRESS}"
    with pair(files=files, application=TELLING) as started:
        yield started


def exchange_tls(gateway: Gateway, data: bytes) -> bytes:
    """Return all that the server says over TLS; the last request has to close the connection."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    received = b""
    with (
        socket.create_connection(gateway.address, timeout=BOUND) as plain,
        context.wrap_socket(plain) as client,
    ):
        client.sendall(data)
        while piece := client.recv(65536):
            received += piece
    return b"".join(line for line in received.splitlines(True) if not line.startswith(b"Date: "))


@pytest.mark.parametrize(
    "data",
    [
        request("/a?b", "X-A: 1", "Connection: close"),
        request("/a", method="POST", body=b"12345") + request("/b", "Connection: close"),
        request("/a") * 3 + request("/b", method="HEAD") + b"GET / HTTP/1.0\r\n\r\n",
        request("/a", "X-A: 1", "X-A: 2", "Connection: close"),
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    ],
    ids=lambda data: repr(data[:50]),
)
def test_requests_over_tls_are_gunicorns_own(secure: Pair, data: bytes) -> None:
    received = exchange_tls(secure.ours, data)
    assert received == exchange_tls(secure.stock, data)
    assert received.startswith(b"HTTP/1.1 ")
    assert b"X-Path" not in received


def test_over_tls_the_scheme_is_https(secure: Pair) -> None:
    received = exchange_tls(secure.ours, request("/", "Connection: close"))
    assert json.loads(received.partition(b"\r\n\r\n")[2])["wsgi.url_scheme"] == "https"


def test_plain_http_to_a_port_of_tls_is_no_request(secure: Pair) -> None:
    for gateway in (secure.stock, secure.ours):
        with Client(gateway.address, bound=BOUND) as client:
            client.send(request("/"))
            assert client.read_to_end() is not End.OPEN
            assert b" 200 " not in client.received


V1 = b"PROXY TCP4 192.0.2.7 192.0.2.8 5000 443\r\n"
V1_IPV6 = b"PROXY TCP6 2001:db8::7 2001:db8::8 5000 443\r\n"
V2 = (
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11"
    + struct.pack("!H", 12)
    + bytes([192, 0, 2, 7, 192, 0, 2, 8])
    + struct.pack("!HH", 5000, 443)
)
HEADS = (
    b"",
    V1,
    V1_IPV6,
    V2,
    V1 * 2,
    b"PROXY UNKNOWN\r\n",
    b"PROXY TCP4 192.0.2.7\r\n",
    b"PROXY TCP4 300.0.2.7 192.0.2.8 5000 443\r\n",
    V2[:12] + b"\x31" + V2[13:],
)


@pytest.mark.parametrize("settings", [("v1",), ("v2",), ("auto",), ("off",)], ids=lambda s: s[0])
def test_the_proxy_protocol_is_gunicorns_own(settings: tuple[str]) -> None:
    with pair("--proxy-protocol", *settings, application=TELLING) as both:
        for head in HEADS:
            both.exchange(head + request("/") * 2)
            both.exchange(head[:7], head[7:] + request("/a")[:9], request("/a")[9:])
        received = both.exchange((b"" if settings == ("off",) else V2) + request("/"))
        assert (b'"REMOTE_ADDR": "192.0.2.7"' in received) == (settings[0] in ("v2", "auto"))


def test_strangers_may_not_use_the_proxy_protocol() -> None:
    settings = ("--proxy-protocol", "auto", "--proxy-allow-from", "192.0.2.1")
    with pair(*settings, application=TELLING) as both:
        for head in (V1, V2):
            assert both.exchange(head + request("/")).startswith(b"HTTP/1.1 403 ")
        assert both.exchange(request("/")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "host",
    ["site.test", "site.test:81", "site.test:", "[::1]:81", ":81", "a:b:c", ""],
)
def test_on_a_unix_socket_the_server_is_named_as_ever(sockets: dict[str, str], host: str) -> None:
    data = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    named = {worker: _names(path, data) for worker, path in sockets.items()}
    assert named[OURS] == named[STOCK]
    secure = data[:-2] + b"X-Forwarded-Proto: https\r\n\r\n"
    named = {worker: _names(path, secure) for worker, path in sockets.items()}
    assert named[OURS] == named[STOCK]


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The path of a Unix socket for each worker, of the same length."""
    directory = tmp_path_factory.mktemp("unix")
    ours, stock = str(directory / "a"), str(directory / "b")
    with (
        serving("--bind", f"unix:{stock}", "--bind", "127.0.0.1:0", worker=STOCK),
        serving("--bind", f"unix:{ours}", "--bind", "127.0.0.1:0"),
    ):
        yield {STOCK: stock, OURS: ours}


def _names(path: str, data: bytes) -> list[str]:
    """Return what an application is told of the server's name."""
    with Client(path, bound=BOUND) as client:
        client.send(data)
        response = client.read_response("GET")
    assert response is not None and response.status == 200
    told = response.body.decode().replace(path, "(path)").splitlines()
    return [line for line in told if line.startswith(("SERVER_NAME", "wsgi.url", "REMOTE"))]


def test_a_script_name_in_the_environment_moves_every_path() -> None:
    with pair("--env", "SCRIPT_NAME=/mount", application=TELLING) as both:
        received = both.exchange(request("/mount/a"))
        assert b'"PATH_INFO": "/a"' in received and b'"SCRIPT_NAME": "/mount"' in received
        assert exchange(both.ours, request("/elsewhere")).startswith(b"HTTP/1.1 500 ")
