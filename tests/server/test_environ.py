"""From variables to environ: what PEP 3333 guarantees, and what no peer may smuggle in."""

from __future__ import annotations

import io
from typing import Any

import pytest

from wsgi_scgi.errors import ProtocolError
from wsgi_scgi.server.environ import VARIABLES_KEY, build_environ


def environ_of(variables: dict[str, str], *, script_name: str = "") -> dict[str, Any]:
    """Build the environ of a GET with further ``variables``."""
    minimum = {"CONTENT_LENGTH": "0", "SCGI": "1", "REQUEST_METHOD": "GET"}
    return build_environ({**minimum, **variables}, io.BytesIO(), script_name=script_name)


def test_what_pep_3333_demands_is_there_even_if_the_peer_sent_next_to_nothing() -> None:
    environ = environ_of({})
    assert environ["SCRIPT_NAME"] == environ["PATH_INFO"] == environ["QUERY_STRING"] == ""
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "80")
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert environ["wsgi.version"] == (1, 0)
    assert environ["wsgi.run_once"] is environ["wsgi.multiprocess"] is False


def test_the_variables_themselves_are_there_as_received() -> None:
    environ = environ_of({"HTTP_PROXY": "x", "PATH_INFO": "/a", "SCRIPT_NAME": "/"})
    assert environ[VARIABLES_KEY]["HTTP_PROXY"] == "x"
    assert environ[VARIABLES_KEY]["SCRIPT_NAME"] == "/"


@pytest.mark.parametrize(
    ("variables", "script_name", "path_info"),
    [
        ({"SCRIPT_NAME": "/app", "PATH_INFO": "/x"}, "/app", "/x"),
        ({"SCRIPT_NAME": "", "PATH_INFO": "/x"}, "", "/x"),
        ({"PATH_INFO": "/x"}, "", "/x"),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": ""}, "/app", ""),
        ({"SCRIPT_NAME": "/", "PATH_INFO": "/x"}, "", "/x"),
        ({"SCRIPT_NAME": "/", "PATH_INFO": "x"}, "", "/x"),
        ({"SCRIPT_NAME": "/", "PATH_INFO": ""}, "", "/"),
        ({"SCRIPT_NAME": "/app/", "PATH_INFO": "x/y"}, "/app", "/x/y"),
        ({"SCRIPT_NAME": "/app/", "PATH_INFO": ""}, "/app", "/"),
        ({"SCRIPT_NAME": "app", "PATH_INFO": "x"}, "/app", "/x"),
        ({"SCRIPT_NAME": "/a", "PATH_INFO": "//x//"}, "/a", "//x//"),
        # Apache tells the whole path in SCRIPT_NAME, and this gateway in its place, too.
        ({"SCRIPT_NAME": "/a/b", "REQUEST_URI": "/a/../a/b"}, "", "/a/b"),
        ({"SCRIPT_NAME": "/a/b/", "REQUEST_URI": "/a/b/"}, "", "/a/b/"),
        # nginx's scgi_params tell neither; the path that chose the location counts.
        ({"DOCUMENT_URI": "/b", "REQUEST_URI": "/a/..//b?x"}, "", "/b"),
        ({"SCRIPT_NAME": "", "DOCUMENT_URI": "/b", "REQUEST_URI": "/b"}, "", "/b"),
        ({"REQUEST_URI": "/caf%C3%A9/%2F?q=%3F"}, "", "/caf\xc3\xa9//"),
        ({"REQUEST_URI": "/?"}, "", "/"),
    ],
)
def test_mount_and_rest_are_split_as_pep_3333_wants(
    variables: dict[str, str], script_name: str, path_info: str
) -> None:
    environ = environ_of(variables)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script_name, path_info)


@pytest.mark.parametrize(
    ("variables", "script_name", "path_info"),
    [
        ({"SCRIPT_NAME": "/app/x"}, "/app", "/x"),
        ({"SCRIPT_NAME": "/app"}, "/app", ""),
        ({"DOCUMENT_URI": "/app/"}, "/app", "/"),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": "/x"}, "/app", "/x"),
        ({"SCRIPT_NAME": "/app/a", "PATH_INFO": "/x"}, "/app", "/a/x"),
        ({"SCRIPT_NAME": "", "PATH_INFO": "/app//x"}, "/app", "//x"),
        # Another path is not below the mount.
        ({"SCRIPT_NAME": "", "PATH_INFO": "/apple"}, "", "/apple"),
        ({"SCRIPT_NAME": "/site", "PATH_INFO": "/app"}, "/site", "/app"),
        ({}, "", ""),
    ],
)
def test_a_mount_that_is_given_is_script_name_wherever_the_path_starts_with_it(
    variables: dict[str, str], script_name: str, path_info: str
) -> None:
    environ = environ_of(variables, script_name="/app")
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script_name, path_info)


@pytest.mark.parametrize(
    ("value", "scheme", "port"),
    [
        ("on", "https", "443"),
        ("ON", "https", "443"),
        ("1", "https", "443"),
        ("off", "http", "80"),
        ("0", "http", "80"),
        ("", "http", "80"),
    ],
)
def test_https_decides_the_scheme(value: str, scheme: str, port: str) -> None:
    environ = environ_of({"HTTPS": value})
    assert (environ["wsgi.url_scheme"], environ["SERVER_PORT"]) == (scheme, port)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"])
def test_headers_that_would_be_mistaken_are_dropped(name: str) -> None:
    assert name not in environ_of({name: "x"})


def test_a_peer_cannot_set_keys_of_the_server() -> None:
    environ = environ_of(
        {"wsgi.input_terminated": "no", "wsgi.url_scheme": "gopher", "HTTP_A.B": ""}
    )
    assert environ["wsgi.input_terminated"] is True and "HTTP_A.B" not in environ
    assert environ["wsgi.url_scheme"] == "http"


def test_the_content_length_is_a_plain_number() -> None:
    assert environ_of({"CONTENT_LENGTH": "0007"})["CONTENT_LENGTH"] == "7"


@pytest.mark.parametrize("variables", [{"REQUEST_METHOD": ""}])
def test_a_request_without_a_method_is_none(variables: dict[str, str]) -> None:
    with pytest.raises(ProtocolError, match="REQUEST_METHOD"):
        environ_of(variables)
