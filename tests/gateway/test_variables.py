"""From a request to the variables that a backend receives: RFC 3875 4.1."""

import ipaddress
import os
import re
import socket
from typing import Any

import pytest

from tests.gateway.environs import server_environ
from wsgi_scgi.gateway.conditions import Condition, header_reader
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.variables import VariableRules, cgi_variables, request_head
from wsgi_scgi.scgi.request_head import RequestHeadTooLarge, encode_request_head, parse_request_head
from wsgi_scgi.semantics.forwarded import Style
from wsgi_scgi.semantics.path import PathInfo, Pattern, Prefix
from wsgi_scgi.semantics.target import parse_target


def variables_of(
    environ: dict[str, Any], rules: VariableRules | None = None, *, prefix: str = "/"
) -> dict[str, str]:
    """Return the variables for an environ, routed by ``prefix``."""
    request = Request(environ)
    match = Prefix(prefix).match(request.path)
    assert match is not None
    request.take(prefix, request.path, match)
    return cgi_variables(request, rules or VariableRules())


def test_cgi_s_own_variables_come_first_and_in_order() -> None:
    environ = server_environ(
        "/a/x?q=1",
        method="POST",
        body=b"hello",
        CONTENT_TYPE="text/plain",
        REMOTE_USER="bob",
        AUTH_TYPE="Basic",
        HTTP_ACCEPT="*/*",
    )

    assert list(variables_of(environ).items()) == [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/a/x?q=1"),
        ("QUERY_STRING", "q=1"),
        ("SCRIPT_NAME", "/a/x"),
        ("SERVER_NAME", "example.org"),
        ("SERVER_PORT", "80"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_SOFTWARE", "gunicorn/27.0.1"),
        ("REQUEST_SCHEME", "http"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("REMOTE_PORT", "54321"),
        ("REMOTE_USER", "bob"),
        ("AUTH_TYPE", "Basic"),
        ("CONTENT_TYPE", "text/plain"),
        ("HTTP_HOST", "example.org"),
        ("HTTP_ACCEPT", "*/*"),
    ]


def test_under_tls_https_is_on() -> None:
    variables = variables_of(server_environ(wsgi__url_scheme="https"))

    assert (variables["HTTPS"], variables["REQUEST_SCHEME"]) == ("on", "https")
    assert variables["SERVER_PORT"] == "443"
    assert "HTTPS" not in variables_of(server_environ())


@pytest.mark.parametrize(
    "name", ["REMOTE_ADDR", "REMOTE_PORT", "REMOTE_USER", "AUTH_TYPE", "CONTENT_TYPE"]
)
@pytest.mark.parametrize("value", [None, ""])
def test_what_the_server_does_not_know_is_not_sent(name: str, value: str | None) -> None:
    environ = server_environ()
    environ.pop(name, None)
    if value is not None:
        environ[name] = value

    assert name not in variables_of(environ)


def test_a_port_that_is_a_number_is_sent_as_text() -> None:
    assert variables_of(server_environ(REMOTE_PORT=54321))["REMOTE_PORT"] == "54321"


def test_a_server_without_a_name_for_itself_is_this_gateway() -> None:
    assert variables_of(server_environ(SERVER_SOFTWARE=None))["SERVER_SOFTWARE"] == "wsgi-scgi"


def test_the_address_that_the_client_connected_to_is_sent_where_it_is_known() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as server,
    ):
        environ = server_environ(gunicorn__socket=server)
        assert variables_of(environ)["SERVER_ADDR"] == "127.0.0.1"
    assert "SERVER_ADDR" not in variables_of(server_environ())


def test_on_a_unix_socket_there_is_no_address() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert "SERVER_ADDR" not in variables_of(server_environ(gunicorn__socket=near))


def test_the_document_root_is_sent_if_configured() -> None:
    assert "DOCUMENT_ROOT" not in variables_of(server_environ())
    variables = variables_of(server_environ(), VariableRules(document_root="/srv"))
    assert variables["DOCUMENT_ROOT"] == "/srv"


def test_identity_comes_from_the_server_and_never_from_a_field() -> None:
    variables = variables_of(server_environ(HTTP_REMOTE_USER="root", HTTP_AUTH_TYPE="x"))

    assert "REMOTE_USER" not in variables
    assert "AUTH_TYPE" not in variables
    assert variables["HTTP_REMOTE_USER"] == "root"


def test_nothing_of_the_process_s_environment_reaches_the_backend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEWAY_SECRET", "value-of-the-environment")
    variables = variables_of(server_environ())

    assert not {"PATH", "HOME", "GATEWAY_SECRET"} & set(variables)
    assert os.environ["GATEWAY_SECRET"] not in variables.values()


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_PROXY",
        "HTTP_SCRIPT_NAME",
        "HTTP_PATH_INFO",
        "HTTP_CONTENT_LENGTH",
        "HTTP_EXPECT",
        "HTTP_CONTENT_TYPE",
        "HTTP_TRANSFER_ENCODING",
        "HTTP_X.DOT",
    ],
)
def test_fields_that_end_at_the_gateway_are_not_sent(name: str) -> None:
    assert name not in variables_of({**server_environ(), name: "chunked"})


def test_the_host_is_sent_as_the_client_wrote_it_and_the_name_in_lower_case() -> None:
    variables = variables_of(server_environ(HTTP_HOST="Foo.Example:8081"))

    assert (variables["HTTP_HOST"], variables["SERVER_NAME"], variables["SERVER_PORT"]) == (
        "Foo.Example:8081",
        "foo.example",
        "8081",
    )


def test_the_host_of_the_target_replaces_the_field() -> None:
    environ = server_environ("http://other.test/x", HTTP_HOST="example.org", PATH_INFO="/x")

    variables = variables_of(environ)

    assert (variables["HTTP_HOST"], variables["SERVER_NAME"]) == ("other.test", "other.test")
    assert variables["REQUEST_URI"] == "/x"


def test_without_a_host_there_is_none() -> None:
    variables = variables_of(server_environ(protocol="HTTP/1.0", HTTP_HOST=None))

    assert "HTTP_HOST" not in variables
    assert (variables["SERVER_NAME"], variables["SERVER_PORT"]) == ("127.0.0.1", "8000")
    assert variables["SERVER_PROTOCOL"] == "HTTP/1.0"


@pytest.mark.parametrize("passed", [True, False])
def test_authorization_is_passed_if_configured(passed: bool) -> None:
    environ = server_environ(HTTP_AUTHORIZATION="Basic x", HTTP_PROXY_AUTHORIZATION="Basic y")

    variables = variables_of(environ, VariableRules(pass_authorization=passed))

    assert ("HTTP_AUTHORIZATION" in variables) is passed
    assert "HTTP_PROXY_AUTHORIZATION" not in variables


def test_configured_variables_set_empty_and_remove() -> None:
    configured: dict[str, str | bool] = {
        "APP_ENV": "prod",
        "EMPTY": "",
        "HTTP_ACCEPT": "text/html",
        "REMOTE_ADDR": False,
        "ABSENT": False,
    }

    variables = variables_of(
        server_environ(HTTP_ACCEPT="*/*"), VariableRules(configured=configured)
    )

    assert (variables["APP_ENV"], variables["EMPTY"]) == ("prod", "")
    assert variables["HTTP_ACCEPT"] == "text/html"
    assert "REMOTE_ADDR" not in variables
    assert "ABSENT" not in variables


@pytest.mark.parametrize(
    ("prefix", "base", "target", "script_name", "path_info"),
    [
        ("/pi/", "/", "/pi/foo/bar", "/pi", "/foo/bar"),
        ("/pi/", "/", "/pi/", "/pi", "/"),
        ("/pi", "/", "/pi", "/pi", ""),
        ("/pi/", "/", "/pi/foo%20bar", "/pi", "/foo bar"),
        ("/pi/", "/", "/pi/x;y=1", "/pi", "/x;y=1"),
        ("/pi/", "/", "/pi//a//b", "/pi", "//a//b"),
        ("/pi/", "/", "//pi/a", "/pi", "/a"),
        ("/pi/", "/", "/pi/a/../b", "/pi", "/b"),
        ("/pi0/", "/base/", "/pi0/foo/bar", "/pi0", "/base/foo/bar"),
        ("/pi0/", "/base", "/pi0/foo", "/pi0", "/base/foo"),
        ("/sl1", "/", "/sl1/foo", "/sl1", "/foo"),
        ("/", "/", "/", "", "/"),
        ("/", "/", "/foo", "", "/foo"),
        ("/", "/", "//foo", "", "//foo"),
    ],
)
def test_path_info_on_divides_at_the_route(
    prefix: str, base: str, target: str, script_name: str, path_info: str
) -> None:
    rules = VariableRules(base=base, path_info=PathInfo.ON)

    variables = variables_of(server_environ(target), rules, prefix=prefix)

    assert (variables["SCRIPT_NAME"], variables["PATH_INFO"]) == (script_name, path_info)
    assert list(variables)[3:5] == ["SCRIPT_NAME", "PATH_INFO"]


@pytest.mark.parametrize("front", ["/member", "/member/"])
@pytest.mark.parametrize(
    ("path_info", "script_name", "sent"),
    [
        (PathInfo.ON, "/app", "/member/base/x"),
        (PathInfo.OFF, "/app/x", None),
    ],
)
def test_the_base_path_of_a_member_goes_before_the_route_s(
    front: str, path_info: PathInfo, script_name: str, sent: str | None
) -> None:
    rules = VariableRules(base="/base", front=front, path_info=path_info)

    variables = variables_of(server_environ("/app/x"), rules, prefix="/app")

    assert (variables["SCRIPT_NAME"], variables.get("PATH_INFO")) == (script_name, sent)


@pytest.mark.parametrize(
    ("target", "script_name"),
    [
        ("/a/x/y?q=1", "/a/x/y"),
        ("/a/%41b%20c%2Bd+e", "/a/Ab c+d+e"),
        ("/a/caf%C3%A9/%3Fz", "/a/caf\xc3\xa9/?z"),
        ("/a//x//y", "/a/x/y"),
        ("/a/./b/../c", "/a/c"),
    ],
)
def test_path_info_off_is_the_whole_path(target: str, script_name: str) -> None:
    variables = variables_of(server_environ(target), VariableRules(base="/ignored"), prefix="/a/")

    assert variables["SCRIPT_NAME"] == script_name
    assert "PATH_INFO" not in variables
    assert variables["REQUEST_URI"] == target


@pytest.mark.parametrize(
    ("prefix", "base", "target", "script_name", "path_info"),
    [
        # The table of Apache's measured behaviour.
        ("/pi/", "/", "/pi/foo/bar", "/pi", "/foo/bar"),
        ("/pi/", "/", "/pi/", "/pi", "/"),
        ("/pi/", "/", "/pi/foo%20bar", "/pi/foo bar", "/foo%20bar"),
        ("/pi/", "/", "/pi/x;y=1", "/pi", "/x;y=1"),
        ("/pi0/", "/base/", "/pi0/foo/bar", "/pi0", "/base/foo/bar"),
        ("/sl1", "/", "/sl1", "/sl1", "/"),
        ("/sl1", "/", "/sl1/foo", "/sl1", "//foo"),
        ("/", "/", "/", "", "/"),
        ("/", "/", "/foo", "", "/foo"),
        # Apache merges slashes before it looks at anything.
        ("/pi/", "/", "/pi//foo//bar", "/pi", "/foo/bar"),
    ],
)
def test_path_info_apache_is_apache_s_guess(
    prefix: str, base: str, target: str, script_name: str, path_info: str
) -> None:
    rules = VariableRules(base=base, path_info=PathInfo.APACHE)

    variables = variables_of(server_environ(target), rules, prefix=prefix)

    assert (variables["SCRIPT_NAME"], variables["PATH_INFO"]) == (script_name, path_info)


@pytest.mark.parametrize(
    ("path_info", "script_name", "rest"),
    [
        (PathInfo.OFF, "/mount/app/x", None),
        (PathInfo.ON, "/mount/app", "/x"),
        (PathInfo.APACHE, "/mount/app", "/x"),
    ],
)
def test_below_the_mount_of_a_framework_script_name_starts_with_it(
    path_info: PathInfo, script_name: str, rest: str | None
) -> None:
    environ = server_environ("/mount/app/x", SCRIPT_NAME="/mount", PATH_INFO="/app/x")

    variables = variables_of(environ, VariableRules(path_info=path_info), prefix="/app/")

    assert (variables["SCRIPT_NAME"], variables.get("PATH_INFO")) == (script_name, rest)


def test_a_request_can_be_dispatched_again_with_other_rules() -> None:
    request = Request(server_environ("/a/b"))
    first = Prefix("/a").match(request.path)
    second = Prefix("/").match(request.path)
    assert first is not None
    assert second is not None

    request.take("/a", request.path, first)
    one = cgi_variables(request, VariableRules(path_info=PathInfo.ON))
    request.take("/", request.path, second)
    two = cgi_variables(request, VariableRules(path_info=PathInfo.ON))

    assert (one["SCRIPT_NAME"], one["PATH_INFO"]) == ("/a", "/b")
    assert (two["SCRIPT_NAME"], two["PATH_INFO"]) == ("", "/a/b")


def test_the_path_of_an_expression_is_the_backend_s() -> None:
    request = Request(server_environ("/u/jane"))
    match = Pattern("^/u/([a-z]+)$", "/user/$1").match(request.path)
    assert match is not None
    request.take("^/u/", request.path, match)

    on = cgi_variables(request, VariableRules(base="/ignored", path_info=PathInfo.ON))
    apache = cgi_variables(request, VariableRules(base="/ignored", path_info=PathInfo.APACHE))

    assert (on["SCRIPT_NAME"], on["PATH_INFO"]) == ("/u", "/user/jane")
    assert (apache["SCRIPT_NAME"], apache["PATH_INFO"]) == ("/u", "/user/jane")


def test_a_hop_is_counted() -> None:
    assert variables_of(server_environ(HTTP_MAX_FORWARDS="5"))["HTTP_MAX_FORWARDS"] == "4"


def test_conditions_see_the_request_and_come_before_what_is_configured() -> None:
    read = header_reader("User-Agent")
    condition = Condition(read, re.compile("curl"), {"TOOL": "$0", "FIXED": "1", "HTTP_X": False})
    rules = VariableRules(conditions=(condition,), configured={"FIXED": "2"})

    variables = variables_of(server_environ(HTTP_USER_AGENT="curl/8", HTTP_X="y"), rules)

    assert (variables["TOOL"], variables["FIXED"]) == ("curl", "2")
    assert "HTTP_X" not in variables


_TRUSTED = (ipaddress.ip_network("127.0.0.0/8"),)
_STORY = {
    "HTTP_X_FORWARDED_FOR": "198.51.100.7",
    "HTTP_X_FORWARDED_PREFIX": "/x",
    "HTTP_FORWARDED": "for=198.51.100.7",
    "HTTP_X_REQUEST_ID": "abc-1",
}


def test_without_any_rule_the_fields_of_the_way_pass_as_they_came() -> None:
    variables = variables_of({**server_environ(), **_STORY})

    assert _STORY.items() <= variables.items()


def test_what_a_trusted_proxy_says_is_continued_and_its_id_kept() -> None:
    request = Request({**server_environ(), **_STORY})
    rules = VariableRules(forwarded=Style.X_FORWARDED, trusted_proxies=_TRUSTED)

    variables = cgi_variables(request, rules)

    assert variables["HTTP_X_FORWARDED_FOR"] == "198.51.100.7, 127.0.0.1"
    assert variables["HTTP_X_FORWARDED_PREFIX"] == "/x"
    assert variables["HTTP_X_REQUEST_ID"] == "abc-1"
    assert request.request_id == "abc-1"


@pytest.mark.parametrize("request_id", ["", "a b", "x" * 129, "a\nb", "<script>"])
def test_an_id_that_is_none_is_not_taken_from_anybody(request_id: str) -> None:
    request = Request({**server_environ(), "HTTP_X_REQUEST_ID": request_id})

    cgi_variables(request, VariableRules(trusted_proxies=_TRUSTED))

    assert request.request_id == ""


def test_what_anybody_else_says_about_himself_is_replaced() -> None:
    request = Request({**server_environ(REMOTE_ADDR="192.0.2.9"), **_STORY})
    rules = VariableRules(forwarded=Style.X_FORWARDED, trusted_proxies=_TRUSTED)

    variables = cgi_variables(request, rules)

    assert variables["HTTP_X_FORWARDED_FOR"] == "192.0.2.9"
    assert variables["HTTP_X_FORWARDED_HOST"] == "example.org"
    for name in ("HTTP_X_FORWARDED_PREFIX", "HTTP_FORWARDED", "HTTP_X_REQUEST_ID"):
        assert name not in variables
    assert request.request_id == ""


def test_where_nobody_is_trusted_an_id_is_just_a_field() -> None:
    request = Request({**server_environ(), **_STORY})

    variables = cgi_variables(request, VariableRules(forwarded=Style.FORWARDED))

    assert variables["HTTP_FORWARDED"].startswith("for=127.0.0.1;")
    assert variables["HTTP_X_REQUEST_ID"] == "abc-1"
    assert request.request_id == ""


def test_after_a_local_redirect_the_first_request_s_variables_come_along() -> None:
    first = Request(server_environ("/a", HTTP_AUTHORIZATION="Basic x"))
    first.head = encode_request_head(0, cgi_variables(first, VariableRules()))
    second = first.redirected(parse_target("/b"), status=200)

    passed = cgi_variables(second, VariableRules())
    kept_back = cgi_variables(second, VariableRules(pass_authorization=False))

    assert passed["REDIRECT_SCRIPT_NAME"] == "/a"
    assert passed["REDIRECT_HTTP_AUTHORIZATION"] == "Basic x"
    assert not [name for name in kept_back if name.endswith("AUTHORIZATION")]


def test_a_route_may_send_a_few_variables_and_what_is_configured() -> None:
    environ = server_environ("/", CONTENT_TYPE="text/xml", HTTP_COOKIE="a=b")
    rules = VariableRules(sent=frozenset({"CONTENT_TYPE", "HTTPS"}), configured={"A": "b"})
    assert variables_of(environ, rules) == {"CONTENT_TYPE": "text/xml", "A": "b"}


def test_the_head_of_a_request_has_its_variables_those_added_and_the_length_of_its_body() -> None:
    environ = server_environ("/a", method="POST", body=b"hello")
    request = Request(environ)
    request.open_body(timeout=1.0, max_body=0)
    rules = VariableRules()

    head = request_head(request, rules, {"BALANCER_NAME": "balancer://pool"}, 65536)

    parsed = parse_request_head(head)
    assert parsed is not None
    variables, used = parsed
    assert used == len(head)
    assert variables == {
        "CONTENT_LENGTH": "5",
        "SCGI": "1",
        **cgi_variables(request, rules),
        "BALANCER_NAME": "balancer://pool",
    }


def test_a_request_without_a_body_has_the_length_0_and_a_limit_counts() -> None:
    request = Request(server_environ("/a"))

    head = request_head(request, VariableRules(), None, 65536)

    assert head.partition(b":")[2].startswith(b"CONTENT_LENGTH\x000\x00SCGI\x001\x00")
    with pytest.raises(RequestHeadTooLarge):
        request_head(request, VariableRules(), None, 20)
