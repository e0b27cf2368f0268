"""What must work the same in front of uWSGI, flup, the scgi package and Perl's SCGI module."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.backends import raw_scgi
from tests.integration.backends.programs.application import LARGE_BLOCKS, large_block
from tests.integration.backends.requests_to_gateway import (
    BOUND,
    Front,
    ask,
    chunked,
    request_head,
)
from tests.integration.backends.scgi_server import SCGIServer
from tests.kit.http import Client
from tests.kit.response import Framing, Response

MIB = 1 << 20


def octets(size: int) -> bytes:
    """Return `size` bytes of every value, the same in each run."""
    return random.Random(size).randbytes(size)


def large_answer() -> str:
    """Return the hash of the answer to ``do=large``."""
    digest = hashlib.sha256()
    for number in range(LARGE_BLOCKS):
        digest.update(large_block(number))
    return digest.hexdigest()


def variables_in(response: Response) -> dict[str, str]:
    """Return the variables that the backend saw."""
    assert (response.status, response.complete) == (200, True), response
    found: dict[str, str] = json.loads(response.body)
    return found


Ask = Callable[..., Response]


@pytest.fixture
def at_root(front: Front, backend: SCGIServer) -> Ask:
    """Ask a gateway that serves `backend` at ``/``."""
    gateway = front(backend.url)
    return lambda *args, **more: ask(gateway, *args, **more)


def test_the_backend_answers_a_client_that_is_no_gateway(backend: SCGIServer) -> None:
    answer = raw_scgi.exchange(backend.address, "POST", "/x?do=echo", body=b"\0raw\xff")
    assert answer.endswith(b"\n\0raw\xff")


def test_a_get_with_a_query_brings_the_query_as_it_was_written(at_root: Ask) -> None:
    seen = variables_in(at_root("GET", "/x?a=1%202&&b=%C3%A9+?/:@&do=variables"))
    assert seen["QUERY_STRING"] == "a=1%202&&b=%C3%A9+?/:@&do=variables"
    assert seen["REQUEST_METHOD"] == "GET"


@pytest.mark.parametrize("size", [0, 1, MIB])
def test_a_body_comes_back_byte_for_byte(at_root: Ask, size: int) -> None:
    body = octets(size)
    response = at_root("POST", "/x?do=echo", body=body)
    assert (response.status, response.complete, response.get("Content-Length")) == (
        200,
        True,
        str(size),
    )
    assert response.body == body


def test_a_body_sent_with_get_comes_back_too(at_root: Ask) -> None:
    assert at_root("GET", "/x?do=echo", body=b"with GET").body == b"with GET"


@pytest.mark.parametrize(
    "pieces",
    [[], [b"x"], [b"one ", b"two ", b"three"], [octets(65536)] * 20],
    ids=["empty", "1-byte", "3-chunks", "20-chunks-of-64-KiB"],
)
def test_a_chunked_upload_reaches_the_backend_with_its_length(
    front: Front, backend: SCGIServer, pieces: list[bytes]
) -> None:
    with Client(front(backend.url).address, bound=BOUND) as client:
        head = request_head("PUT", "/x?do=echo", "Transfer-Encoding: chunked")
        client.send_reading(head + chunked(*pieces))
        response = client.read_response("PUT")
    assert response is not None
    assert (response.status, response.complete) == (200, True)
    assert response.get("Content-Length") == str(sum(map(len, pieces)))
    assert response.body == b"".join(pieces)


def test_a_piece_arrives_while_the_backend_still_works_on_the_next(
    front: Front, backend: SCGIServer
) -> None:
    token = uuid.uuid4().hex
    with Client(front(backend.url).address, bound=BOUND) as client:
        client.send(request_head("GET", f"/x?do=pieces&token={token}"))
        first_came = client.await_bytes(b"first\n")
        second_came_early = b"second\n" in client.received
        backend.let_go(token)
        response = client.read_response("GET")
    assert first_came
    assert not second_came_early
    assert response is not None
    assert (response.body, response.complete) == (b"first\nsecond\n", True)


@pytest.mark.parametrize("length", ["", "&length=1"], ids=["without-length", "with-length"])
def test_20_mib_arrive_unchanged(at_root: Ask, length: str) -> None:
    response = at_root("GET", f"/x?do=large{length}")
    assert (response.status, response.complete) == (200, True)
    assert response.framing is (Framing.LENGTH if length else Framing.CHUNKED)
    assert hashlib.sha256(response.body).hexdigest() == large_answer()


def test_head_brings_no_body_and_leaves_the_connection_usable(
    front: Front, backend: SCGIServer
) -> None:
    # All four backends send the body of a HEAD as if it were a GET.
    with Client(front(backend.url).address, bound=BOUND) as client:
        client.send(request_head("HEAD", "/x?do=missing"))
        head = client.read_response("HEAD")
        client.send(request_head("GET", "/x?do=missing"))
        get = client.read_response("GET")
    assert head is not None
    assert get is not None
    assert (head.status, head.body, head.get("Content-Type")) == (404, b"", "text/plain")
    assert (get.status, get.body, get.complete) == (404, b"no such thing\n", True)


def test_a_404_of_the_backend_is_handed_on_with_its_page(at_root: Ask) -> None:
    response = at_root("GET", "/x?do=missing")
    assert (response.status, response.reason) == (404, "Not Found")
    assert (response.get("Content-Type"), response.body) == ("text/plain", b"no such thing\n")


def test_a_204_has_neither_a_body_nor_its_fields(at_root: Ask) -> None:
    response = at_root("GET", "/x?do=nothing")
    assert (response.status, response.body, response.get("X-Kept")) == (204, b"", "yes")
    assert response.get("Content-Length") is None


@pytest.mark.parametrize("to", ["/elsewhere", "http://other.test/elsewhere?x=1"])
def test_a_redirect_with_a_status_is_the_clients_to_follow(at_root: Ask, to: str) -> None:
    target = to.replace("?", "%3F").replace("=", "%3D")
    response = at_root("GET", f"/x?do=redirect&to={target}")
    assert (response.status, response.get("Location")) == (302, to)
    assert response.body == b"over there\n"


def test_two_cookies_stay_two_fields_in_their_order(at_root: Ask) -> None:
    response = at_root("GET", "/x?do=cookies")
    assert response.all("Set-Cookie") == ("a=1; Path=/", "b=2, still b; Path=/")


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_an_answer_to_an_unread_body_arrives(at_root: Ask, size: int) -> None:
    # Unread bytes make the kernel reset the backend's connection when the backend closes it. An
    # answer without a length may then look cut, as it does through nginx and lighttpd.
    response = at_root("POST", "/x?do=early", body=octets(size))
    assert (response.status, response.body) == (413, b"too much\n")
    if response.framing is Framing.LENGTH:
        assert response.complete


def test_an_answer_shorter_than_announced_is_seen_to_be_cut(at_root: Ask) -> None:
    response = at_root("GET", "/x?do=short")
    assert (response.status, response.get("Content-Length")) == (200, "100")
    assert (response.body, response.complete) == (b"ten bytes\n", False)


@pytest.mark.parametrize(
    ("written", "path_info"),
    [
        ("/", "/"),
        ("/plain/path.txt", "/plain/path.txt"),
        ("/caf%C3%A9/%e6%97%a5", "/caf\u00e9/\u65e5"),
        ("/a%20b%3Fc%23d%25e/%41", "/a b?c#d%e/A"),
        ("/a;v=1//b/;x", "/a;v=1//b/;x"),
        ("/a/./b/../c/", "/a/c/"),
    ],
)
def test_path_info_is_the_decoded_path_and_request_uri_the_written_one(
    at_root: Ask, written: str, path_info: str
) -> None:
    seen = variables_in(at_root("GET", f"{written}?do=variables"))
    assert seen["PATH_INFO"].encode("latin-1").decode("utf-8") == path_info
    assert seen["REQUEST_URI"] == f"{written}?do=variables"
    assert seen.get("SCRIPT_NAME", "") == ""  # Perl's module drops empty values


@pytest.mark.parametrize(
    ("below", "path_info"), [("", ""), ("/", "/"), ("/caf%C3%A9/x", "/caf\u00e9/x")]
)
def test_script_name_is_the_mount_and_path_info_the_rest(
    front: Front, backend: SCGIServer, below: str, path_info: str
) -> None:
    mounted = front(backend.url, mount="/mounted")
    seen = variables_in(ask(mounted, "GET", f"/mounted{below}?do=variables"))
    assert seen["SCRIPT_NAME"] == "/mounted"
    assert seen.get("PATH_INFO", "").encode("latin-1").decode("utf-8") == path_info
    assert seen["REQUEST_URI"] == f"/mounted{below}?do=variables"


def test_the_client_and_the_server_are_named_to_the_backend(
    front: Front, backend: SCGIServer
) -> None:
    with Client(front(backend.url).address, bound=BOUND) as client:
        client.send(request_head("GET", "/x", "X-One: 1", "X-One: 2", "Proxy: evil", "X_Odd: 1"))
        response = client.read_response("GET")
    assert response is not None
    seen = variables_in(response)
    assert (seen["REMOTE_ADDR"], seen["REMOTE_PORT"].isdigit()) == ("127.0.0.1", True)
    assert (seen["HTTP_HOST"], seen["SERVER_NAME"]) == ("gateway.test", "gateway.test")
    assert (seen["SERVER_PORT"], seen["SERVER_PROTOCOL"]) == ("80", "HTTP/1.1")
    assert (seen["SCGI"], seen["CONTENT_LENGTH"]) == ("1", "0")
    assert seen["HTTP_X_ONE"].replace(" ", "") == "1,2"
    # The last is what the gateway's own process has in its environment.
    assert not {"HTTP_PROXY", "HTTP_X_ODD", "HTTP_CONNECTION", "GATEWAY_PROCESS_SECRET"} & {*seen}


def test_20_clients_at_once_each_get_their_own_answer(front: Front, backend: SCGIServer) -> None:
    gateway = front(backend.url)

    def one(number: int) -> tuple[int, bool]:
        body = octets(10_000 + number)
        response = ask(gateway, "POST", f"/x?do=echo&n={number}", body=body)
        return response.status, response.body == body

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(one, range(20))) == [(200, True)] * 20


def test_the_gateway_writes_no_traceback_for_a_good_exchange(
    front: Front, backend: SCGIServer
) -> None:
    gateway = front(backend.url)
    before = len(gateway.log())
    assert ask(gateway, "POST", "/x?do=echo", body=b"quiet").body == b"quiet"
    assert "Traceback" not in gateway.log()[before:]
