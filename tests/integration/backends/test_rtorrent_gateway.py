"""rTorrent in one line: ``serve`` with its preset and passwords, and the attacks on both."""

from __future__ import annotations

import base64
import json
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.backends.process import accepts, running
from tests.integration.backends.requests_to_gateway import BOUND
from tests.kit.gateways import Gateway, new_directory, remove_directory, start_serve
from tests.kit.http import Client
from tests.kit.peers import require
from tests.kit.response import Response

# "secret", as `htpasswd -nbm me secret` could have written it.
USERS = "me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"
ME = "Authorization: Basic " + base64.b64encode(b"me:secret").decode()
XML = "Content-Type: text/xml"


@pytest.fixture(scope="module")
def rtorrent() -> Iterator[Path]:
    """Run rTorrent without a terminal and return its directory; the socket is ``s`` in it."""
    program = require("rtorrent", "apt-get install rtorrent")
    directory = new_directory()
    (directory / "session").mkdir()
    settings = {
        "system.daemon.set": "true",
        "network.bind_address.set": "127.0.0.1",
        "network.port_random.set": "yes",
        "dht.mode.set": "disable",
        "session.path.set": str(directory / "session"),
        "network.scgi.open_local": str(directory / "s"),
    }
    command = [program, "-n"]
    for name, value in settings.items():
        command += ["-o", f"{name}={value}"]
    with running(command, directory, ready=lambda: accepts(str(directory / "s"))):
        yield directory
    remove_directory(directory)


@pytest.fixture(scope="module")
def gateway(rtorrent: Path) -> Iterator[Gateway]:
    """Start the line that the manual shows."""
    require("passlib.context", "pip install libpass bcrypt")
    directory = new_directory()
    users = directory / "users.htpasswd"
    users.write_text(USERS)
    url = f"scgi+unix://{rtorrent}/s"
    arguments = (url, "--preset", "rtorrent", "--auth-file", str(users), "--bind", "127.0.0.1:0")
    with start_serve(directory, arguments) as gateway:
        yield gateway
    remove_directory(directory)


def post(gateway: Gateway, body: bytes, *fields: str, host: str = "localhost") -> Response:
    """Send one POST and return the answer."""
    lines = ["POST /RPC2 HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *fields]
    with Client(gateway.address, bound=BOUND) as client:
        client.send_reading("\r\n".join([*lines, "", ""]).encode() + body)
        response = client.read_response("POST")
    assert response is not None, gateway.log()
    return response


def call(method: str, *parameters: object) -> bytes:
    return xmlrpc.client.dumps(parameters, method).encode()  # type: ignore[arg-type]  # any value


@pytest.fixture
def proxy(gateway: Gateway) -> Iterator[xmlrpc.client.ServerProxy]:
    host, port = gateway.address
    with xmlrpc.client.ServerProxy(f"http://me:secret@{host}:{port}/RPC2") as server:
        yield server


def test_the_standard_client_calls_with_its_password(proxy: xmlrpc.client.ServerProxy) -> None:
    assert str(proxy.system.client_version()).count(".") == 2
    assert proxy.d.multicall2("", "main", "d.hash=", "d.name=") == []
    calls = xmlrpc.client.MultiCall(proxy)
    calls.system.pid()
    calls.system.hostname()
    answers = calls()
    assert int(str(answers[0])) > 0 and answers[1]


def test_without_the_password_nobody_gets_in(gateway: Gateway) -> None:
    wrong = "Authorization: Basic " + base64.b64encode(b"me:wrong").decode()
    for fields in ((XML,), (XML, wrong), (XML, "Remote-User: me")):
        response = post(gateway, call("system.pid"), *fields)
        assert response.status == 401
        assert response.get("WWW-Authenticate") == 'Basic realm="/", charset="UTF-8"'


def test_a_refusal_arrives_although_a_large_body_follows(gateway: Gateway) -> None:
    assert post(gateway, b" " * 900_000, XML).status == 401


def test_a_header_block_beyond_rtorrents_2000_bytes_does_no_harm(gateway: Gateway) -> None:
    cookie = f"Cookie: {'c' * 4000}"
    response = post(gateway, call("system.pid"), ME, "Content-Type: text/xml; charset=x", cookie)
    assert (response.status, b"methodResponse" in response.body) == (200, True)


def multicall(inner: object) -> bytes:
    return call("system.multicall", [{"methodName": "system.multicall", "params": [[inner]]}])


def attacks(mark: Path) -> dict[str, tuple[bytes, tuple[str, ...], str, int]]:
    """Return body, fields, Host and the status for each attempt at making the file ``mark``."""
    touch = ("", "touch", str(mark))
    execute = call("execute", *touch)
    inner = {"methodName": "execute", "params": list(touch)}
    request = {"jsonrpc": "2.0", "id": 1, "method": "execute", "params": list(touch)}
    as_json = "Content-Type: application/json"
    command = f"execute=touch,{mark}"
    scheduled = call("schedule2", "", "a", "0", "0", command)
    entity = execute.replace(b"<methodName>execute", b"<methodName>ex&#101;cute")
    comment = execute.replace(b"<methodName>execute", b"<methodName>exe<!-- -->cute")
    cdata = execute.replace(b">execute<", b"><![CDATA[execute]]><")
    twice = execute.replace(b"<params>", b"<methodName>system.pid</methodName><params>")
    utf_16 = execute.replace(b"<?xml version='1.0'?>", b"").decode().encode("utf-16")
    utf_7 = execute.replace(b"<?xml version='1.0'?>", b'<?xml version="1.0" encoding="utf-7"?>')
    local = "localhost"
    return {
        "direct": (execute, (XML,), local, 403),
        "drive-by": (execute, ("Content-Type: text/plain", "Origin: http://a.test"), local, 403),
        "text/plain": (execute, ("Content-Type: text/plain",), local, 415),
        "form": (execute, ("Content-Type: application/x-www-form-urlencoded",), local, 415),
        "no type": (execute, (), local, 415),
        "site": (execute, (XML, "Sec-Fetch-Site: cross-site"), local, 403),
        "rebinding": (call("system.pid"), (XML,), "attacker.test", 403),
        "multicall": (multicall(inner), (XML,), local, 403),
        "schedule": (scheduled, (XML,), local, 403),
        "load": (call("load.start", "", "http://127.0.0.1:1/", command), (XML,), local, 403),
        "command": (call("d.multicall2", "", "main", command), (XML,), local, 403),
        "upper case": (execute.replace(b">execute", b">EXECUTE"), (XML,), local, 403),
        "blank": (execute.replace(b">execute<", b"> execute <"), (XML,), local, 400),
        "entity": (entity, (XML,), local, 403),
        "comment": (comment, (XML,), local, 400),
        "CDATA": (cdata, (XML,), local, 400),
        "two names": (twice, (XML,), local, 400),
        "UTF-16": (utf_16, (XML,), local, 400),
        "UTF-7": (utf_7, (XML,), local, 400),
        "trailing": (call("system.pid") + execute, (XML,), local, 400),
        "JSON": (json.dumps(request).encode(), (as_json,), local, 403),
        "batch": (json.dumps([request]).encode(), (as_json,), local, 403),
        "JSON as XML": (json.dumps(request).encode(), (XML,), local, 400),
        "XML as JSON": (execute, (as_json,), local, 400),
    }


@pytest.mark.parametrize("name", attacks(Path("/none")))
def test_an_attack_with_the_users_own_password_runs_nothing(
    gateway: Gateway, name: str, tmp_path: Path
) -> None:
    # A browser adds the password that it knows to what another page posts.
    mark = tmp_path / "mark"
    body, fields, host, status = attacks(mark)[name]
    assert post(gateway, body, ME, *fields, host=host).status == status
    assert not mark.exists()


def test_what_the_route_allows_goes_through(rtorrent: Path) -> None:
    directory = new_directory()
    (directory / "gateway.toml").write_text(
        '[server]\nbind = "127.0.0.1:0"\n[[route]]\npath = "/RPC2"\nhost = ["seed.test"]\n'
        f'backend = "scgi+unix://{rtorrent}/s"\npreset = "rtorrent"\n'
        'methods_allow = ["view.*"]\nmethods_deny = ["d.erase"]\n'
    )
    with start_serve(directory, ("-c", str(directory / "gateway.toml"))) as gateway:
        allowed = post(gateway, call("view.sort", "", "main"), XML, host="seed.test")
        denied = post(gateway, call("d.erase", "0" * 40), XML, host="seed.test")
    remove_directory(directory)
    assert (allowed.status, denied.status) == (200, 403)


def test_a_web_page_that_reaches_a_gateway_without_password_runs_nothing(
    rtorrent: Path, tmp_path: Path
) -> None:
    directory = new_directory()
    arguments = (f"scgi+unix://{rtorrent}/s", "--preset", "rtorrent", "--bind", "127.0.0.1:0")
    mark = tmp_path / "mark"
    with start_serve(directory, arguments) as gateway:
        assert post(gateway, call("system.pid"), XML).status == 200
        for body, fields, host, status in attacks(mark).values():
            assert post(gateway, body, *fields, host=host).status == status
    remove_directory(directory)
    assert not mark.exists()
