"""XML-RPC over SCGI: Python's own ServerProxy with a transport of ours."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Iterator
from typing import Any
from xmlrpc.client import Fault, ProtocolError, ServerProxy

import pytest

import wsgi_scgi
from tests.kit.backend import Backend, Script
from tests.kit.gates import Gates
from tests.kit.script import Close, ReadHead, ReadToEnd, Reply, Write, play
from tests.transports import BOUND, Transport

METHODS = xmlrpc.client.dumps((["a", "ü"],), methodresponse=True).encode()


def answer(body: bytes, *, head: bytes = b"Content-Type: text/xml; charset=utf-8\n") -> Reply:
    return Reply(head + b"\n" + body)


class Server:
    """A scripted SCGI server, and calls to it on one transport."""

    def __init__(self, transport: Transport, backend: Backend, url: str) -> None:
        self._transport = transport
        self.backend = backend
        self.url = url
        self.gates = Gates()

    def plays(self, *scripts: Script) -> None:
        self.backend.begin(*scripts, gates=self.gates, bound=BOUND)

    def call(self, *, at: str = "http://site.test/RPC2", **settings: Any) -> Any:
        settings = {"timeout": BOUND, **settings}

        def call() -> Any:
            transport = wsgi_scgi.XMLRPCTransport(self.url, **settings)
            with ServerProxy(at, transport=transport) as proxy:
                return proxy.system.listMethods("x")

        return self._transport.call(call)

    def seen(self, name: str) -> bytes | None:
        self.backend.settle()
        return self.backend.connections[0].request.get(name)


@pytest.fixture
def server(nothing_left_open: None, transport: Transport) -> Iterator[Server]:
    del nothing_left_open
    with Backend() as backend:
        yield Server(transport, backend, f"scgi://127.0.0.1:{backend.listen_tcp()}/")


def test_a_call_is_a_post_of_xml(server: Server) -> None:
    server.plays(answer(METHODS))
    assert server.call() == ["a", "ü"]
    assert server.seen("REQUEST_METHOD") == b"POST"
    assert server.seen("REQUEST_URI") == b"/RPC2"
    assert server.seen("CONTENT_TYPE") == b"text/xml"
    assert server.seen("HTTP_HOST") == b"site.test"


def test_a_user_in_the_url_becomes_a_password(server: Server) -> None:
    server.plays(answer(METHODS))
    server.call(at="http://me:secret@site.test/RPC2")
    assert server.seen("HTTP_AUTHORIZATION") == b"Basic bWU6c2VjcmV0"


def test_fields_and_variables_are_sent_with_each_call(server: Server) -> None:
    server.plays(answer(METHODS))
    server.call(headers=[("X-Name", "value")], variables={"UNTRUSTED_CONNECTION": "1"})
    assert server.seen("HTTP_X_NAME") == b"value"
    assert server.seen("UNTRUSTED_CONNECTION") == b"1"


def test_an_error_of_the_method_is_a_fault(server: Server) -> None:
    server.plays(answer(xmlrpc.client.dumps(Fault(-506, "no method")).encode()))
    with pytest.raises(Fault, match="no method"):
        server.call()


def test_another_status_is_a_protocol_error(server: Server) -> None:
    server.plays(answer(b"", head=b"Status: 403 Forbidden\nContent-Type: text/xml\nX-Why: so\n"))
    with pytest.raises(ProtocolError) as caught:
        server.call()
    error = caught.value
    assert (error.errcode, error.errmsg, error.headers["X-Why"]) == (403, "Forbidden", "so")
    assert error.url == server.url + "/RPC2"


@pytest.mark.parametrize("head", [b"Content-Type: text/html\n", b"X-No-Type: at all\n"])
def test_what_is_not_xml_is_a_protocol_error(server: Server, head: bytes) -> None:
    server.plays(answer(METHODS, head=head))
    with pytest.raises(ProtocolError, match="not XML"):
        server.call()


def test_xml_that_breaks_off_is_a_response_error(server: Server) -> None:
    server.plays(answer(METHODS[:-20]))
    with pytest.raises(wsgi_scgi.ResponseError, match="no XML"):
        server.call()


def test_an_answer_that_is_too_large_is_refused(server: Server) -> None:
    server.plays(answer(METHODS), answer(METHODS))
    with pytest.raises(wsgi_scgi.ResponseError, match=f"larger than {len(METHODS) - 1} bytes"):
        server.call(max_answer=len(METHODS) - 1)
    assert server.call(max_answer=len(METHODS)) == ["a", "ü"]


def test_entities_are_refused(server: Server) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + METHODS[22:]
    server.plays(answer(bomb))
    with pytest.raises(wsgi_scgi.ResponseError, match="DOCTYPE"):
        server.call()


def test_a_silent_server_is_given_up(server: Server) -> None:
    server.plays(ReadToEnd())
    with pytest.raises(wsgi_scgi.BackendTimeout):
        server.call(timeout=0.2)


def test_a_server_that_closes_is_a_response_error(server: Server) -> None:
    server.plays(play(ReadHead(), Write(b"Content-Type: text/xml\n"), Close()))
    with pytest.raises(wsgi_scgi.ResponseError, match="in the middle of the response head"):
        server.call()


def test_verbose_shows_what_is_sent_and_received(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.plays(answer(METHODS))
    transport = wsgi_scgi.XMLRPCTransport(server.url, timeout=BOUND)
    with ServerProxy("http://site.test/RPC2", transport=transport, verbose=True) as proxy:
        assert proxy.system.listMethods() == ["a", "ü"]
    shown = capsys.readouterr().err
    assert "POST /RPC2" in shown and "listMethods" in shown and "text/xml; charset" in shown
