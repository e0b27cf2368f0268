"""What users mount: one backend, or the routes of a file, under any WSGI server or framework."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest

import wsgi_scgi
from tests.integration.backends.browser import browser
from tests.kit.backend import Backend
from tests.kit.netstring import SCGIRequest
from tests.kit.script import ReplyFrom
from tests.transports import BOUND, Transport
from wsgi_scgi import Gateway, SCGIApplication, from_toml


def show(request: SCGIRequest) -> bytes:
    """Answer with the variables that make the path, and the body; "-" is none, "_" is empty."""
    names = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_LENGTH")
    values = (request.get(name) for name in names)
    shown = b" ".join({None: b"-", b"": b"_"}.get(value, value or b"") for value in values)
    return b"Content-Type: text/plain\n\n" + shown + b" " + request.body


@pytest.fixture
def url(nothing_left_open: None) -> Iterator[str]:
    """A backend that shows what it received."""
    del nothing_left_open
    with Backend() as backend:
        port = backend.listen_tcp()
        backend.begin(ReplyFrom(show), bound=BOUND)
        yield f"scgi://127.0.0.1:{port}/"


class Browser:
    """WebTest on one transport; it raises where either side breaks PEP 3333."""

    def __init__(self, transport: Transport, application: Any) -> None:
        self._transport = transport
        self._client = browser(application)

    def get(self, path: str, **others: Any) -> Any:
        return self._transport.call(lambda: self._client.get(path, **others))

    def post(self, path: str, body: bytes, **others: Any) -> Any:
        return self._transport.call(lambda: self._client.post(path, body, **others))


def write(directory: Path, text: str) -> Path:
    path = directory / "gateway.toml"
    path.write_text(text)
    return path


def fallback(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the site: " + environ["PATH_INFO"].encode("latin-1")]


def test_one_backend_takes_every_request(transport: Transport, url: str) -> None:
    client = Browser(transport, SCGIApplication(url))

    assert client.get("/a/b?q").body == b"GET /a/b - q 0 "
    assert client.post("/", b"hello").body == b"POST / - _ 5 hello"


def test_options_are_keywords(transport: Transport, url: str) -> None:
    client = Browser(transport, SCGIApplication(url, path_info=True, max_body=3))

    assert client.get("/a/b").body == b"GET _ /a/b _ 0 "
    assert client.post("/", b"four", status=413).status_code == 413


def test_below_a_mount_script_name_is_the_mount(transport: Transport, url: str) -> None:
    application = SCGIApplication(url, path_info=True)
    client = Browser(transport, application)

    answer = client.get("/a", extra_environ={"SCRIPT_NAME": "/mount"})

    assert answer.body == b"GET /mount /a _ 0 "


def test_an_application_is_one_for_the_validator_of_the_standard_library(
    transport: Transport, url: str
) -> None:
    answer = Browser(transport, validator(SCGIApplication(url))).get("/x")

    assert answer.body == b"GET /x - _ 0 "


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("http://localhost/", {}), "is not a backend URL"),
        (("scgi://h/", {"timeout": 0}), "timeout"),
        (("scgi://h/", {"path_inof": True}), "path_info"),
        (("scgi://h/", {"variables": {"SCGI": "2"}}), "SCGI"),
    ],
)
def test_a_mistake_is_found_when_the_application_is_made(
    arguments: tuple[str, dict[str, Any]], cause: str
) -> None:
    with pytest.raises(wsgi_scgi.ConfigurationError, match=cause):
        SCGIApplication(arguments[0], **arguments[1])


def test_every_mistake_is_found_at_once() -> None:
    wrong: Any = {"timeout": "x", "max_body": -1}

    with pytest.raises(wsgi_scgi.ConfigurationError) as caught:
        SCGIApplication("scgi://h/", **wrong)
    assert "timeout" in str(caught.value)
    assert "max_body" in str(caught.value)


@pytest.mark.parametrize("make", [Gateway.from_toml, from_toml])
@pytest.mark.parametrize("as_path", [True, False])
def test_a_gateway_has_the_routes_of_its_file(
    transport: Transport, url: str, tmp_path: Path, make: Any, as_path: bool
) -> None:
    path = write(
        tmp_path,
        f"""
        [[route]]
        path = "/app/private/"
        exclude = true
        [[route]]
        path = "/app/"
        backend = "{url}"
        path_info = true
        """,
    )
    gateway = make(path if as_path else str(path))
    client = Browser(transport, gateway)

    assert isinstance(gateway, Gateway)
    assert client.get("/app/x").body == b"GET /app /x _ 0 "
    assert client.get("/app/private/x", status=404).status_code == 404
    assert client.get("/other", status=404).status_code == 404


@pytest.mark.parametrize("make", [Gateway.from_toml, from_toml])
def test_what_no_route_takes_goes_to_the_fallback_with_its_own_environ(
    transport: Transport, url: str, tmp_path: Path, make: Any
) -> None:
    path = write(
        tmp_path,
        f"""
        [[route]]
        path = "/app/private/"
        exclude = true
        [[route]]
        path = "/app/"
        backend = "{url}"
        """,
    )
    client = Browser(transport, make(path, fallback=fallback))

    assert client.get("/other/x").body == b"the site: /other/x"
    assert client.get("/app/private/x").body == b"the site: /app/private/x"
    assert client.get("/app/x").body == b"GET /app/x - _ 0 "


def test_a_configuration_need_not_be_a_file(transport: Transport, url: str) -> None:
    gateway = Gateway({"route": [{"path": "/app/", "backend": url, "path_info": True}]})

    assert Browser(transport, gateway).get("/app/x").body == b"GET /app /x _ 0 "
    with pytest.raises(wsgi_scgi.ConfigurationError, match="max_bdoy"):
        Gateway({"route": [{"path": "/", "backend": url, "max_bdoy": 1}]})


def test_a_mistake_in_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, '[[route]]\npath = "/"\nbackend = "scgi://h/"\nmax_bdoy = 1\n')

    with pytest.raises(wsgi_scgi.ConfigurationError, match=r"gateway\.toml:4: max_bdoy"):
        from_toml(path)


def test_a_file_that_cannot_be_read_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(wsgi_scgi.ConfigurationError, match="cannot read"):
        from_toml(tmp_path / "absent.toml")


def test_what_the_package_promises_is_there() -> None:
    for name in wsgi_scgi.__all__:
        assert getattr(wsgi_scgi, name) is not None
    assert wsgi_scgi.__version__
