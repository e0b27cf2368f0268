"""Control data: what a request asks for, checked and normalised once."""

from typing import Any

import pytest

from tests.gateway.environs import bare_environ, changed, server_environ
from wsgi_scgi.errors import RequestError
from wsgi_scgi.gateway.control_data import ControlData, check_about_server, control_data


def refuse(environ: dict[str, Any], cause: str, status: int = 400) -> None:
    with pytest.raises(RequestError, match=cause) as caught:
        control_data(environ)

    assert caught.value.status == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/a/b-c", "/a/b-c"),
        ("/a//b/", "/a//b/"),
        ("/a/%41//b/./c", "/a/A//b/c"),
        ("/.a/..b/c./d..", "/.a/..b/c./d.."),
    ],
)
@pytest.mark.parametrize("query", [None, "", "x=%20y", "/../?%zz"])
def test_a_request_asks_with_a_method_for_a_target_at_a_host(
    method: str, target: str, path: str, query: str | None
) -> None:
    whole = target if query is None else f"{target}?{query}"
    environ = server_environ(whole, method=method, HTTP_HOST="Foo.Test:8081")

    assert control_data(environ) == ControlData(
        method=method,
        target=whole,
        query=query or "",
        host="Foo.Test:8081",
        server_name="foo.test",
        server_port="8081",
        mount="",
        raw_path=target,
        path=path,
        may_have_body=False,
    )


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "FOO", "M-SEARCH", "!#$%"]
)
def test_a_method_is_kept_as_it_is_written(method: str) -> None:
    assert control_data(server_environ(method=method)).method == method


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_connect_and_trace_are_405(method: str) -> None:
    refuse(server_environ(method=method), f"{method} is not allowed", 405)


@pytest.mark.parametrize("method", ["", "G T", "GET\n", "G:T", "G/T", "GET\0", "G\xc9T"])
def test_a_method_that_is_no_token_is_400(method: str) -> None:
    refuse(server_environ(method=method), "not a token")


def test_a_field_without_a_name_is_400() -> None:
    refuse(server_environ(HTTP_="x"), "no name")


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI"])
def test_servers_call_the_target_by_either_name(key: str) -> None:
    environ = changed(server_environ("/a%20b?q"), {"RAW_URI": None, key: "/a%20b?q"})

    assert control_data(environ).target == "/a%20b?q"


def test_an_absolute_target_is_shown_without_its_authority() -> None:
    environ = server_environ("http://other.test:81/a/abs?x", HTTP_HOST="example.org")
    environ["PATH_INFO"] = "/a/abs"

    asked = control_data(environ)

    assert asked.target == "/a/abs?x"
    assert asked.path == "/a/abs"
    assert (asked.host, asked.server_name, asked.server_port) == (
        "other.test:81",
        "other.test",
        "81",
    )


@pytest.mark.parametrize("target", ["a", "ftp://a/", "/a#b", "/a b", "/caf\xe9", "*"])
def test_a_target_that_is_none_is_400(target: str) -> None:
    refuse(server_environ(target), "request target")


@pytest.mark.parametrize("host", ["", "a/b", "a b", "user@a", "[::1", "a:99999", 'a"<b>'])
def test_a_host_that_is_none_is_400(host: str) -> None:
    refuse(server_environ(HTTP_HOST=host), "Host")


@pytest.mark.parametrize("target", ["http:///x", "http://a@b/", "http://a b/"])
def test_the_authority_of_a_target_is_judged_like_a_host(target: str) -> None:
    refuse(server_environ(target), "Host|target")


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/2", "HTTP/1.2"])
def test_a_host_is_required(protocol: str) -> None:
    refuse(server_environ(protocol=protocol, HTTP_HOST=None), "Host is missing")


@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/0.9"])
def test_an_old_client_may_send_no_host(protocol: str) -> None:
    asked = control_data(server_environ(protocol=protocol, HTTP_HOST=None))

    assert (asked.host, asked.server_name, asked.server_port) == (None, "127.0.0.1", "8000")


@pytest.mark.parametrize(("scheme", "port"), [("http", "80"), ("https", "443")])
def test_behind_a_unix_socket_an_old_client_means_this_host(scheme: str, port: str) -> None:
    environ = server_environ(
        protocol="HTTP/1.0",
        HTTP_HOST=None,
        SERVER_NAME="/run/gateway.sock",
        SERVER_PORT="",
        wsgi__url_scheme=scheme,
    )
    asked = control_data(environ)

    assert (asked.host, asked.server_name, asked.server_port) == (None, "localhost", port)


def test_the_port_that_a_host_has_is_told_whatever_it_is() -> None:
    assert control_data(server_environ(HTTP_HOST="example.org:0")).server_port == "0"


@pytest.mark.parametrize(
    ("keys", "cause"),
    [
        ({"HTTP_HOST": None}, "Host is missing"),
        ({"HTTP_HOST": "a/b"}, "Host is missing or invalid"),
        ({"HTTP_TRANSFER_ENCODING": "gzip, chunked"}, "not chunked"),
        ({"CONTENT_LENGTH": "1_0"}, "Content-Length"),
    ],
)
def test_what_is_about_the_server_itself_has_a_host_and_a_framing_too(
    keys: dict[str, str], cause: str
) -> None:
    environ = server_environ("*", method="OPTIONS")
    check_about_server(environ)
    with pytest.raises(RequestError, match=cause):
        check_about_server(changed(environ, keys))


@pytest.mark.parametrize(("scheme", "port"), [("http", "80"), ("https", "443")])
@pytest.mark.parametrize("host", ["example.org", "example.org:"])
def test_without_a_port_it_is_that_of_the_scheme(scheme: str, port: str, host: str) -> None:
    environ = server_environ(HTTP_HOST=host, wsgi__url_scheme=scheme)

    assert control_data(environ).server_port == port


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        ("/a/%00", "control character"),
        ("/a%0d%0ab", "control character"),
        ("/x%zz", "starts no escape"),
        ("/x%", "starts no escape"),
        ("/../a", "climbs over its root"),
        ("/%2e%2e/a", "climbs over its root"),
        ("/a/../..", "climbs over its root"),
    ],
)
def test_a_path_that_is_an_attack_is_400(target: str, cause: str) -> None:
    refuse(server_environ(target), cause)


@pytest.mark.parametrize(
    ("path_info", "script_name", "query", "target", "path"),
    [
        ("/a b/\xe9", "", "", "/a%20b/%E9", "/a b/\xe9"),
        ("/a", "/mount", "q=1", "/mount/a?q=1", "/a"),
        ("", "", "", "/", "/"),
        ("", "/mount", "", "/mount", ""),
        ("/100%", "", "", "/100%25", "/100%"),
        ("/%41", "", "", "/%2541", "/%41"),
        ("/a?b#c", "", "", "/a%3Fb%23c", "/a?b#c"),
        ("/x;y=1,$&'()*+!@~", "", "", "/x;y=1,$&'()*+!@~", "/x;y=1,$&'()*+!@~"),
        ("/a/../b", "", "", "/a/../b", "/b"),
    ],
)
def test_a_bare_environ_is_enough(
    path_info: str, script_name: str, query: str, target: str, path: str
) -> None:
    asked = control_data(bare_environ(path_info, script_name=script_name, query=query))

    assert (asked.target, asked.path, asked.mount) == (target, path, script_name)
    assert "%2F" not in asked.raw_path


@pytest.mark.parametrize("path_info", ["/\0", "/a\nb", "/\x7f"])
def test_a_bare_environ_may_not_smuggle_control_characters(path_info: str) -> None:
    refuse(bare_environ(path_info), "control character")


def test_an_application_around_the_gateway_may_not_smuggle_them_either() -> None:
    refuse(server_environ("/a", PATH_INFO="/\0"), "control character")
    refuse(server_environ("/a", PATH_INFO="/a\nb"), "control character")


def test_a_bare_environ_without_the_optional_keys_is_enough() -> None:
    environ = changed(bare_environ("/a"), {"SCRIPT_NAME": None, "QUERY_STRING": None})

    asked = control_data(environ)

    assert (asked.mount, asked.path, asked.query, asked.target) == ("", "/a", "", "/a")


@pytest.mark.parametrize(
    ("target", "script_name", "path_info", "path"),
    [
        # The server has merged slashes, or left %2F encoded: the target still tells.
        ("/a//b", "", "/a/b", "/a//b"),
        ("/a%2Fb", "", "/a%2Fb", "/a/b"),
        # The application around the gateway has changed PATH_INFO: it decides.
        ("/a/b", "", "/c/d", "/c/d"),
        ("/mount/a", "/mount", "/other", "/other"),
        ("/a%2Fb", "", "/c", "/c"),
        ("/mo%75nt/a", "/mount", "/a", "/a"),
        ("/mount", "/mount", "", ""),
        ("/mount/", "/mount", "/", "/"),
        ("/x", "/mount", "", ""),
        ("/x", "", "", "/"),
        ("http://a.test", "", "", "/"),
    ],
)
def test_path_info_decides_and_the_target_tells_what_it_cannot(
    target: str, script_name: str, path_info: str, path: str
) -> None:
    environ = server_environ(target, SCRIPT_NAME=script_name, PATH_INFO=path_info)

    asked = control_data(environ)

    assert (asked.mount, asked.path) == (script_name, path)


@pytest.mark.parametrize(
    ("target", "path_info"), [("/mountx", "x"), ("/mountx/../y", "x/../y"), ("/mount.", ".")]
)
def test_what_does_not_start_with_a_slash_below_a_mount_is_400(target: str, path_info: str) -> None:
    refuse(
        server_environ(target, SCRIPT_NAME="/mount", PATH_INFO=path_info),
        "does not start with a slash",
    )


def test_a_bad_escape_below_a_mount_is_named() -> None:
    environ = server_environ("/mount/%zz", SCRIPT_NAME="/mount", PATH_INFO="/%zz")

    refuse(environ, "starts no escape")


def test_a_path_of_other_characters_than_bytes_is_refused() -> None:
    refuse(server_environ("/a", PATH_INFO="/\u20ac"), "not made of bytes")
    refuse(bare_environ("/\u20ac"), "not made of bytes")
