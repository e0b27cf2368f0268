"""``[admin]`` of ``wsgi-scgi serve``: what is the same in all workers, and what leads nowhere."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.integration.backends.process import accepts, wait_for
from tests.integration.balancer.workers import Workers as OneByOne
from tests.integration.serving import BOUND, COMMAND, Address, Served, Start, get
from tests.kit.backend import Backend
from tests.kit.gateways import Gateway, start_gunicorn
from tests.kit.http import Client
from tests.kit.response import Response
from tests.kit.script import ReadHead, Write, play
from wsgi_scgi.cli import main

TOKEN = "0123456789abcdef"
BEARER = f"Authorization: Bearer {TOKEN}"
WORKERS = 3
SECOND = 1.0


def configuration(
    *members: str, server: str = 'bind = "127.0.0.1:0"', routes: str = "", admin: str = ""
) -> str:
    listed = "".join(f'[[balancer.app.member]]\nurl = "{url}"\n' for url in members)
    return f"""
[server]
{server}
[admin]
path = "/_gateway/"
{admin or f'token = "{TOKEN}"'}
{routes}
[[route]]
path = "/"
backend = "balancer://app"
path_info = true
[balancer.app]
{listed}
"""


def post(
    address: Address,
    body: bytes,
    fields: Sequence[str] = (BEARER,),
    *,
    target: str = "/_gateway/change",
) -> Response:
    """Return the answer to a change in JSON."""
    head = [
        f"POST {target} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *fields,
    ]
    with Client(address, bound=BOUND) as client:
        client.send_reading("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        response = client.read_response("POST")
    assert response is not None, client.notes
    return response


def change(address: Address, **order: str) -> None:
    response = post(address, json.dumps({"balancer": "app", **order}).encode())
    assert response.status == 200, response.body


def states(address: Address) -> Mapping[str, str]:
    """Return the states of the members of app by their URLs, as some worker sees them."""
    response = get(address, "/_gateway/status.json", fields=[BEARER])
    assert response.status == 200
    first, *_ = json.loads(response.body)["balancers"]
    return {member["url"]: member["state"] for member in first["members"]}


class Workers:
    """A gateway with three workers."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._one_by_one = OneByOne(gateway, WORKERS)

    def seen_by_all(self) -> list[Mapping[str, str]]:
        """Return what each worker sees, asked while the others are stopped."""
        seen: list[Mapping[str, str]] = []
        for number in range(WORKERS):
            with self._one_by_one.only(number):
                seen.append(states(self.gateway.address))
        return seen


@pytest.fixture
def workers(start: Start, tmp_path: Path, first: Served, second: Served) -> Workers:
    server = f'bind = "127.0.0.1:0"\nworkers = {WORKERS}'
    (tmp_path / "gateway.toml").write_text(configuration(first.url, second.url, server=server))
    return Workers(start("-c", "gateway.toml"))


@pytest.fixture
def gateway(start: Start, tmp_path: Path, first: Served, second: Served) -> Gateway:
    (tmp_path / "gateway.toml").write_text(configuration(first.url, second.url))
    return start("-c", "gateway.toml")


# All workers.


def test_a_change_is_seen_by_all_workers_within_a_second(workers: Workers, first: Served) -> None:
    assert {state for seen in workers.seen_by_all() for state in seen.values()} == {"ok"}
    for action, after in (("drain", "draining"), ("enable", "ok"), ("stop", "stopped")):
        change(workers.gateway.address, action=action, member=first.url)
        changed = time.monotonic()
        told = workers.seen_by_all()
        late = time.monotonic() - changed > SECOND
        assert {seen[first.url] for seen in (told[-1:] if late else told)} == {after}
    bodies = {get(workers.gateway.address).body for _ in range(20)}
    assert bodies == {b"second"}
    log = workers.gateway.log()
    assert f"balancer app: drain {first.url} (status - -> N), by token from 127.0.0.1" in log


def test_added_and_removed_members_are_those_of_all_workers(
    workers: Workers, first: Served, second: Served
) -> None:
    address = workers.gateway.address
    workers.seen_by_all()
    change(address, action="remove", member=second.url)
    new = second.url.replace("127.0.0.1", "localhost")
    change(address, action="add", member=new)
    expected = {first.url: "ok", new: "disabled"}
    assert all(seen == expected for seen in workers.seen_by_all())
    change(address, action="enable", member=new)
    change(address, action="disable", member=first.url)
    assert {get(address).body for _ in range(20)} == {b"second"}


def test_the_metrics_are_the_sums_of_all_workers(workers: Workers, first: Served) -> None:
    address = workers.gateway.address
    change(address, action="stop", member=first.url)
    workers.seen_by_all()
    for _ in range(30):
        get(address)

    def counted() -> set[str]:
        text = get(address, "/_gateway/metrics", fields=[BEARER]).body.decode()
        return set(re.findall(r"wsgi_scgi_requests_total\{.*\} (.*)", text))

    assert [counted() for _ in range(20)] == [{"0.0", "30.0"}] * 20


# What does not lead there.


def test_a_field_is_no_user(start: Start, tmp_path: Path, first: Served) -> None:
    admin = f'token = "{TOKEN}"\nusers = ["*"]'
    (tmp_path / "gateway.toml").write_text(configuration(first.url, admin=admin))
    gateway = start("-c", "gateway.toml")
    for field in ("Remote-User: me", "REMOTE_USER: me", "Remote_User: me", "X-Remote-User: me"):
        assert get(gateway.address, "/_gateway/", fields=[field]).status in (400, 401)
    repeated = [BEARER, "Authorization: Bearer wrong"]
    assert get(gateway.address, "/_gateway/", fields=repeated).status == 401
    assert "a wrong token, from 127.0.0.1" in gateway.log()


@pytest.mark.parametrize(
    "target",
    [
        "/x/_gateway/healthz",
        "/_gateway%00/healthz",
        "/_gateway;/healthz",
        "/_GATEWAY/healthz",
        "/_gateway%252Fhealthz",
    ],
)
def test_other_paths_are_those_of_routes(gateway: Gateway, target: str) -> None:
    response = get(gateway.address, target)
    assert (response.status, response.body in (b"first", b"second")) in ((200, True), (400, False))


@pytest.mark.parametrize(
    "target",
    [
        "/_gateway/status.json",
        "/x/../_gateway/status.json",
        "/%5fgateway/status.json",
        "/_gateway/./status.json",
        "/_gateway/x/..//..//_gateway/status.json",
        "http://localhost/_gateway/status.json",
        "/_gateway/status.json?token=0123456789abcdef",
        "/_gateway/status.json;x",
        "/_gateway//status.json",
        "/_gateway/..%2f_gateway/status.json",
    ],
)
def test_no_way_of_writing_the_path_gets_past_the_token(gateway: Gateway, target: str) -> None:
    response = get(gateway.address, target)
    assert response.status == 401 or response.body in (b"first", b"second")
    assert b"members" not in response.body


@pytest.fixture
def leading() -> Iterator[Backend]:
    """A backend that answers with the field that the test gives to ``begin``."""
    with Backend() as backend:
        yield backend


@pytest.mark.parametrize(
    ("head", "options"),
    [
        (b"Location: /_gateway/healthz\r\n", 'internal_redirect = "Location"'),
        (b"X-Redirect: /_gateway/healthz\r\n", 'internal_redirect = "X-Redirect"'),
        (
            b"Status: 500 No\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n",
            'error_override = true\nerror_document = { "500" = "/_gateway/healthz" }',
        ),
    ],
    ids=["location", "field", "error document"],
)
def test_a_backend_that_leads_there_gets_what_the_routes_say(
    start: Start, tmp_path: Path, second: Served, leading: Backend, head: bytes, options: str
) -> None:
    url = f"scgi://127.0.0.1:{leading.listen_tcp()}/"
    leading.begin(play(ReadHead(), Write(head + b"\r\n")), bound=BOUND)
    route = f'[[route]]\npath = "/lead/"\nbackend = "{url}"\n{options}\n'
    (tmp_path / "gateway.toml").write_text(configuration(second.url, routes=route))
    gateway = start("-c", "gateway.toml")
    response = get(gateway.address, "/lead/", fields=[BEARER])
    assert response.body == b"second"
    assert second.variables["PATH_INFO"] == "/_gateway/healthz"


def test_a_file_that_a_backend_names_is_none_of_the_pages(
    start: Start, tmp_path: Path, second: Served, leading: Backend
) -> None:
    url = f"scgi://127.0.0.1:{leading.listen_tcp()}/"
    leading.begin(play(ReadHead(), Write(b"X-Accel-Redirect: /_gateway/healthz\r\n\r\n")))
    (tmp_path / "files").mkdir()
    accel = f'accel = {{ "/" = "{tmp_path}/files/" }}'
    route = f'[[route]]\npath = "/lead/"\nbackend = "{url}"\n{accel}\n'
    (tmp_path / "gateway.toml").write_text(configuration(second.url, routes=route))
    gateway = start("-c", "gateway.toml")
    assert get(gateway.address, "/lead/", fields=[BEARER]).status == 404


# Bodies.


def test_a_body_that_is_too_large_is_refused_and_the_answer_arrives(
    gateway: Gateway, first: Served
) -> None:
    assert post(gateway.address, b" " * 1_000_000).status == 413
    assert states(gateway.address)[first.url] == "ok"


def test_a_chunked_body_is_read_within_the_same_bounds(gateway: Gateway, first: Served) -> None:
    order = {"action": "drain", "balancer": "app", "member": first.url}
    for body, status in ((json.dumps(order).encode(), 200), (b" " * 70_000, 413)):
        head = (
            "POST /_gateway/change HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"{BEARER}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with Client(gateway.address, bound=BOUND) as client:
            client.send_reading(head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            response = client.read_response("POST")
        assert response is not None and response.status == status
    assert states(gateway.address)[first.url] == "draining"


def test_a_client_that_sends_no_body_is_not_waited_for_long(gateway: Gateway) -> None:
    head = (
        "POST /_gateway/change HTTP/1.1\r\nHost: localhost\r\n"
        f"{BEARER}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    )
    with Client(gateway.address, bound=BOUND) as client:
        client.send(head.encode())
        response = client.read_response("POST")
    assert response is not None and response.status == 408


# Other ways in.


def test_the_command_line_reaches_a_gateway_on_a_unix_socket(
    tmp_path: Path, first: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gw.sock"
    file = tmp_path / "gateway.toml"
    file.write_text(configuration(first.url, server=f'bind = "unix:{path}"'))
    with Gateway("serve", [*COMMAND, "-c", str(file)], tmp_path) as gateway:
        wait_for(lambda: accepts(str(path)), "the socket", BOUND)
        assert main(["drain", "-c", str(file), "app", first.url]) == 0
        assert capsys.readouterr().out == f"app: drain {first.url} (status - -> N)\n"
        assert main(["status", "-c", str(file)]) == 0
        assert "draining" in capsys.readouterr().out
        assert main(["weigh", "-c", str(file), "app", first.url, "101"]) == 1
        assert capsys.readouterr().err == "a weight is a number from 1 to 100\n"
        assert "by token from a Unix socket" in gateway.log()


AROUND = """
from wsgi_scgi import Gateway
gateway = Gateway.from_toml("gateway.toml")

def application(environ, start_response):
    user = environ.get("QUERY_STRING", "")
    if user:
        environ["REMOTE_USER"] = user
    path = environ["PATH_INFO"]
    if path.startswith("/site/"):
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/site", path[5:]
    return gateway(environ, start_response)
"""


def test_users_are_let_in_by_the_application_around(tmp_path: Path, first: Served) -> None:
    (tmp_path / "gateway.toml").write_text(
        configuration(first.url, server="", admin='users = ["me"]').replace("[server]", "")
    )
    (tmp_path / "around.py").write_text(AROUND)
    worker = "wsgi_scgi.worker.GatewayWorker"
    with start_gunicorn(tmp_path, "around:application", worker) as gateway:
        address = gateway.address
        assert get(address, "/site/_gateway/").status == 403
        assert get(address, "/site/_gateway/?you").status == 403
        page = get(address, "/site/_gateway/?me")
        assert page.status == 200
        value = re.search(rb'name="form" value="([^"]+)"', page.body)
        assert value is not None
        order = {"action": "drain", "balancer": "app", "member": first.url}
        body = json.dumps({**order, "form": value[1].decode()}).encode()
        cookie = f"Cookie: wsgi_scgi_form={value[1].decode()}"
        for fields, status in (
            ([], 403),
            ([cookie, "Origin: http://evil.example"], 403),
            ([cookie, "Origin: http://localhost"], 200),
        ):
            answer = post(address, body, fields, target="/site/_gateway/change?me")
            assert answer.status == status
        assert "by me from 127.0.0.1" in gateway.log()
