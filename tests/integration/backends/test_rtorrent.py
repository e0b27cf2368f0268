"""rTorrent behind the gateway: XML-RPC over HTTP with the standard library's client.

rTorrent reads CONTENT_LENGTH alone, closes without a word on an empty body, and resets the
connection of a request whose variables fill more than 2,000 bytes.
"""

from __future__ import annotations

import http.client
import xmlrpc.client
from collections.abc import Iterator

import pytest

import wsgi_scgi
from tests.integration.backends import raw_scgi
from tests.integration.backends.process import BOUND
from tests.integration.backends.requests_to_gateway import Front, ask
from tests.integration.backends.scgi_server import SCGIServer, on_socket, serving
from tests.kit.gateways import Gateway
from tests.kit.peers import require
from tests.transports import Transport

CALL = b"<methodCall><methodName>system.client_version</methodName></methodCall>"


class BoundedTransport(xmlrpc.client.Transport):
    """The standard transport, with a bound on how long it waits."""

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> http.client.HTTPConnection:
        """Return a connection with a time limit."""
        connection = super().make_connection(host)
        connection.timeout = BOUND
        return connection


@pytest.fixture(scope="module")
def rtorrent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SCGIServer]:
    """Run rTorrent without a terminal, on loopback alone, with SCGI on a Unix socket."""
    program = require("rtorrent", "apt-get install rtorrent")
    server = on_socket("rtorrent", tmp_path_factory.mktemp("rtorrent"))
    (server.directory / "session").mkdir()
    settings = {
        "system.daemon.set": "true",
        "network.bind_address.set": "127.0.0.1",
        "network.port_random.set": "yes",
        "dht.mode.set": "disable",
        "session.path.set": str(server.directory / "session"),
        "network.scgi.open_local": str(server.address),
    }
    command = [program, "-n"]
    for name, value in settings.items():
        command += ["-o", f"{name}={value}"]
    with serving(command, server):
        yield server


@pytest.fixture(scope="module")
def gateway(rtorrent: SCGIServer, front: Front) -> Gateway:
    """Start the gateway that every test here talks to."""
    return front(rtorrent.url, "")


@pytest.fixture
def proxy(gateway: Gateway) -> Iterator[xmlrpc.client.ServerProxy]:
    """Return the XML-RPC client of the standard library, talking HTTP to the gateway."""
    host, port = gateway.address
    with xmlrpc.client.ServerProxy(
        f"http://{host}:{port}/RPC2", transport=BoundedTransport()
    ) as server:
        yield server


def test_rtorrent_answers_a_client_that_is_no_gateway(rtorrent: SCGIServer) -> None:
    answer = raw_scgi.exchange(rtorrent.address, "POST", "/RPC2", body=CALL)
    assert answer.startswith(b"Status: 200 OK\r\n")


def test_a_program_needs_no_gateway(rtorrent: SCGIServer, transport: Transport) -> None:
    def version() -> object:
        ours = wsgi_scgi.XMLRPCTransport(rtorrent.url, timeout=BOUND)
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=ours) as proxy:
            return proxy.system.client_version()

    assert str(transport.call(version)).count(".") == 2


def test_the_methods_are_listed(proxy: xmlrpc.client.ServerProxy) -> None:
    methods = proxy.system.listMethods()
    assert isinstance(methods, list)
    assert {"system.client_version", "d.multicall2", "load.start"} <= set(methods)


def test_the_version_is_told(proxy: xmlrpc.client.ServerProxy) -> None:
    version = proxy.system.client_version()
    assert str(version).count(".") == 2


def test_one_connection_carries_many_calls(proxy: xmlrpc.client.ServerProxy) -> None:
    assert [proxy.math.add("", number, 1) for number in range(20)] == list(range(1, 21))


def test_an_answer_of_a_megabyte_arrives(proxy: xmlrpc.client.ServerProxy) -> None:
    calls = [{"methodName": "system.listMethods", "params": []} for _ in range(40)]
    answers = proxy.system.multicall(calls)
    assert isinstance(answers, list)
    assert answers == [answers[0]] * 40


def test_a_fault_is_a_fault_and_no_http_error(proxy: xmlrpc.client.ServerProxy) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="not defined"):
        proxy.no.such.method()


def test_a_call_too_large_for_rtorrent_gets_rtorrents_own_fault(gateway: Gateway) -> None:
    # It stops reading at 512 KiB and answers while the gateway still sends.
    response = ask(gateway, "POST", "/RPC2", "Content-Type: text/xml", body=b" " * 1_000_000 + CALL)
    assert (response.status, response.complete) == (200, True)
    assert b"too large" in response.body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_empty_body_which_rtorrent_answers_with_silence_is_a_502(
    gateway: Gateway, method: str
) -> None:
    assert ask(gateway, method, "/RPC2", body=b"" if method == "POST" else None).status == 502


def test_a_head_over_rtorrents_2000_bytes_is_a_502_and_the_next_is_served(
    gateway: Gateway,
) -> None:
    xml = "Content-Type: text/xml"
    assert ask(gateway, "POST", "/RPC2", xml, f"Cookie: {'c' * 2100}", body=CALL).status == 502
    assert ask(gateway, "POST", "/RPC2", xml, body=CALL).status == 200
