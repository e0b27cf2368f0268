"""Cases: the variables that a backend receives, and the netstring that carries them."""

from __future__ import annotations

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.requests import get, get_old, post, request
from tests.kit.netstring import SCGIRequest
from tests.kit.script import ReplyFrom

FINE = Answer(200, body=b"ok")


def _headers_come_last(request_seen: SCGIRequest) -> str | None:
    of_headers = [name.startswith("HTTP_") for name in request_seen.names]
    return None if of_headers == sorted(of_headers) else f"the order is {request_seen.names}"


def _is_a_port(request_seen: SCGIRequest) -> str | None:
    port = request_seen.get("REMOTE_PORT") or b""
    return None if port.isdigit() and int(port) > 0 else f"REMOTE_PORT is {port!r}"


def _answer_500_without_query_string(request_seen: SCGIRequest) -> bytes:
    return OK if request_seen.get("QUERY_STRING") == b"" else b"Status: 500 Internal Foo\r\n\r\n"


CASES = (
    Case(
        "the_block_starts_with_content_length_and_scgi",
        get("/a/x"),
        FINE,
        Sees(has={"CONTENT_LENGTH": "0", "SCGI": "1"}, body=b"", check=_headers_come_last),
        differs="Any order is valid behind CONTENT_LENGTH; ours is easier to read.",
        smoke=True,
    ),
    Case(
        "the_variables_of_a_plain_request",
        get("/a/x/y?q=1&r=2"),
        FINE,
        Sees(
            has={
                "REQUEST_METHOD": "GET",
                "REQUEST_URI": "/a/x/y?q=1&r=2",
                "QUERY_STRING": "q=1&r=2",
                "SCRIPT_NAME": "/a/x/y",
                "SERVER_NAME": "gateway.test",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REQUEST_SCHEME": "http",
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_HOST": "gateway.test",
            },
            lacks=("PATH_INFO", "PATH_TRANSLATED", "HTTPS", "CONTENT_TYPE", "REMOTE_USER"),
            check=_is_a_port,
        ),
        show=("SCRIPT_NAME", "SERVER_PORT"),
        differs="nginx and lighttpd tell the port they listen on; lighttpd splits every path.",
        smoke=True,
    ),
    Case(
        "the_address_of_the_server_is_told",
        get("/a/x"),
        FINE,
        Sees(has={"SERVER_ADDR": "127.0.0.1"}),
        show=("SERVER_ADDR",),
    ),
    Case(
        "nothing_of_the_gateway_s_own_environment_is_sent",
        get("/a/x"),
        FINE,
        Sees(lacks=("PATH", "LD_LIBRARY_PATH", "HOME", "GATEWAY_PROCESS_SECRET", "LANG")),
        show=("PATH",),
        differs="Apache tells every backend its own PATH and LD_LIBRARY_PATH.",
    ),
    Case(
        "what_is_not_configured_is_not_sent",
        get("/a/x"),
        FINE,
        Sees(lacks=("DOCUMENT_ROOT", "SERVER_SIGNATURE", "SERVER_ADMIN", "CONTEXT_PREFIX")),
        show=("DOCUMENT_ROOT",),
        differs="A gateway without files has no document root unless somebody names one.",
    ),
    Case(
        "a_configured_document_root_is_sent",
        get("/docs/x"),
        FINE,
        Sees(has={"DOCUMENT_ROOT": "/srv/www"}),
        show=("DOCUMENT_ROOT",),
        differs="Apache tells the root it has itself.",
    ),
    Case(
        "an_empty_query_string_is_sent",
        get("/a/x"),
        Answer(200),
        Sees(has={"QUERY_STRING": ""}),
        backend=ReplyFrom(_answer_500_without_query_string),
        smoke=True,
    ),
    Case(
        "a_lone_question_mark_gives_an_empty_query_string",
        get("/a/x?"),
        FINE,
        Sees(has={"QUERY_STRING": "", "REQUEST_URI": "/a/x?"}),
        show=("REQUEST_URI",),
    ),
    Case(
        "the_query_string_is_neither_decoded_nor_checked",
        get("/a/x?a=%20b&c=d?e%zz'&f=%2F%00"),
        FINE,
        Sees(has={"QUERY_STRING": "a=%20b&c=d?e%zz'&f=%2F%00"}),
        show=("QUERY_STRING",),
        differs="lighttpd checks the query too.",
    ),
    Case(
        "a_post_body_and_its_type_are_passed",
        post("/a/x", b"hello", "Content-Type: text/plain; charset=x"),
        FINE,
        Sees(
            has={"CONTENT_LENGTH": "5", "CONTENT_TYPE": "text/plain; charset=x"},
            lacks=("HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"),
            body=b"hello",
        ),
        methods=("POST",),
        show=("HTTP_CONTENT_LENGTH",),
        differs="A second copy under another name is a second opinion on where the body ends.",
        smoke=True,
    ),
    Case(
        "a_post_without_length_has_length_zero",
        get("/a/x", method="POST"),
        FINE,
        Sees(has={"CONTENT_LENGTH": "0"}, body=b""),
        methods=("POST",),
        differs="lighttpd demands a length of every POST; RFC 9112 6.3 makes it zero.",
    ),
    Case(
        "leading_zeros_of_the_length_are_dropped",
        get("/a/x", "Content-Length: 0005", method="POST") + b"hello",
        FINE,
        Sees(has={"CONTENT_LENGTH": "5"}, body=b"hello"),
        methods=("POST",),
        show=("CONTENT_LENGTH",),
    ),
    Case(
        "an_unknown_method_is_passed",
        get("/a/x", method="FOO"),
        FINE,
        Sees(has={"REQUEST_METHOD": "FOO"}),
        methods=("FOO",),
        differs="lighttpd knows a fixed list of methods.",
    ),
    Case(
        "a_lower_case_method_is_refused",
        get("/a/x", method="get"),
        Answer(400),
        (),
        differs="gunicorn refuses it; method names are case-sensitive and no such one exists.",
    ),
    Case(
        "the_host_is_verbatim_and_the_server_name_lower_case",
        request("GET /a/x HTTP/1.1", "Host: Foo.Example:8081", "Connection: close"),
        FINE,
        Sees(
            has={
                "HTTP_HOST": "Foo.Example:8081",
                "SERVER_NAME": "foo.example",
                "SERVER_PORT": "8081",
            }
        ),
        show=("HTTP_HOST", "SERVER_NAME", "SERVER_PORT"),
        differs="nginx and lighttpd tell the port they listen on.",
        smoke=True,
    ),
    Case(
        "an_ipv6_host_keeps_its_brackets",
        request("GET /a/x HTTP/1.1", "Host: [::1]:8081", "Connection: close"),
        FINE,
        Sees(has={"HTTP_HOST": "[::1]:8081", "SERVER_NAME": "[::1]", "SERVER_PORT": "8081"}),
        show=("SERVER_NAME",),
        differs="nginx and lighttpd tell the port they listen on.",
    ),
    Case(
        "http_1_0_needs_no_host",
        get_old("/a/x"),
        FINE,
        Sees(has={"SERVER_PROTOCOL": "HTTP/1.0"}, lacks=("HTTP_HOST",)),
        show=("SERVER_NAME", "HTTP_HOST"),
    ),
    Case(
        "a_trusted_scheme_header_sets_https",
        get("/a/x", "X-Forwarded-Proto: https"),
        FINE,
        Sees(has={"HTTPS": "on", "REQUEST_SCHEME": "https", "SERVER_PORT": "443"}),
        show=("HTTPS",),
        differs="gunicorn believes a proxy on loopback; the peers need a module for that.",
    ),
    Case(
        "the_identity_of_a_user_never_comes_from_a_header",
        get("/a/x", "Remote-User: root", "Auth-Type: Basic", "REMOTE_USER: root"),
        FINE,
        Sees(has={"HTTP_REMOTE_USER": "root"}, lacks=("REMOTE_USER", "AUTH_TYPE")),
        show=("REMOTE_USER",),
        differs="lighttpd sends the name with underscores as a second HTTP_REMOTE_USER.",
    ),
    Case(
        "configured_variables_are_set_and_emptied",
        get("/vars/x"),
        FINE,
        Sees(has={"APP_ENV": "prod", "APP_EMPTY": "", "REMOTE_USER": "bob"}),
        show=("APP_ENV", "APP_EMPTY", "REMOTE_USER"),
    ),
    Case(
        "a_configured_removal_removes",
        get("/vars/x", "X-Gone: 1"),
        FINE,
        Sees(lacks=("SERVER_SOFTWARE", "HTTP_X_GONE")),
        show=("SERVER_SOFTWARE", "HTTP_X_GONE"),
        differs="Apache has no way to remove a variable that it computes.",
    ),
    Case(
        "a_configured_header_variable_beats_the_client_s",
        get("/vars/x", "X-Blah: mine"),
        FINE,
        Sees(has={"HTTP_X_BLAH": "blah"}),
        show=("HTTP_X_BLAH",),
        differs="Apache lets the client's header win over SetEnv.",
        smoke=True,
    ),
    Case(
        "without_removal_the_server_software_is_told",
        get("/a/x"),
        FINE,
        Sees(check=lambda seen: None if seen.get("SERVER_SOFTWARE") else "no SERVER_SOFTWARE"),
        show=("SERVER_SOFTWARE",),
        differs="nginx sends only what its configuration lists.",
    ),
    Case(
        "head_reaches_the_backend_as_head",
        get("/a/x", method="HEAD"),
        Answer(200, body=b"", headers={"Content-Length": "2"}),
        Sees(has={"REQUEST_METHOD": "HEAD"}),
        methods=("HEAD",),
        differs="Apache drops the length.",
        smoke=True,
    ),
    Case(
        "a_unix_socket_is_as_good_as_tcp",
        post("/socket/x", b"hello"),
        FINE,
        Sees(has={"REQUEST_URI": "/socket/x"}, body=b"hello"),
        methods=("POST",),
        smoke=True,
    ),
)
