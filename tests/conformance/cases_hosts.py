"""Cases: Host, absolute targets (RFC 9112 section 3.2), and methods with targets of their own."""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_targets import refused
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import get, request

_NGINX_HOST = "nginx 1.22 checks little of a Host."


def _host(name: str, *fields: str, differs: str = "") -> Case:
    raw = request("GET /a/x HTTP/1.1", "Connection: close", *fields)
    return Case(name, raw, Answer(400), (), differs=differs)


def _absolute(name: str, target: str, has: Mapping[str, str], differs: str = "") -> Case:
    return Case(
        name,
        request(f"GET {target} HTTP/1.1", "Host: gateway.test", "Connection: close"),
        FINE,
        Sees(has=has),
        show=("HTTP_HOST", "SERVER_NAME", "REQUEST_URI"),
        differs=differs,
    )


_HOSTS = (
    Case(
        "a_host_with_an_underscore_is_served",
        request("GET /a/x HTTP/1.1", "Connection: close", "Host: my_service"),
        FINE,
        Sees(has={"HTTP_HOST": "my_service", "SERVER_NAME": "my_service"}),
        show=("SERVER_NAME",),
        differs="lighttpd takes letters, digits and hyphens only.",
    ),
    Case(
        "a_host_with_an_empty_port_has_the_usual_one",
        request("GET /a/x HTTP/1.1", "Connection: close", "Host: gateway.test:"),
        FINE,
        Sees(has={"SERVER_NAME": "gateway.test", "SERVER_PORT": "80"}),
        show=("SERVER_PORT",),
        differs="nginx and lighttpd tell the port they listen on.",
    ),
    _host("http_1_1_without_host_is_refused"),
    _host("an_empty_host_is_refused", "Host:"),
    _host("a_host_with_odd_characters_is_refused", 'Host: a"<b>', differs=_NGINX_HOST),
    _host("a_host_with_a_path_is_refused", "Host: a/b@c d"),
    _host(
        "a_host_with_user_information_is_refused", "Host: user@gateway.test", differs=_NGINX_HOST
    ),
    _host("a_port_that_is_no_number_is_refused", "Host: gateway.test:80x", differs=_NGINX_HOST),
    _host("a_port_over_65535_is_refused", "Host: gateway.test:65536", differs=_NGINX_HOST),
    _host("a_list_of_hosts_is_refused", "Host: gateway.test, other.test"),
    _host("an_ipv6_host_that_is_none_is_refused", "Host: [::zz]", differs=_NGINX_HOST),
)


_ABSOLUTES = (
    _absolute(
        "the_authority_of_an_absolute_target_replaces_the_host",
        "http://Other.test:81/a/abs?x",
        {
            "HTTP_HOST": "Other.test:81",
            "SERVER_NAME": "other.test",
            "SERVER_PORT": "81",
            "REQUEST_URI": "/a/abs?x",
            "SCRIPT_NAME": "/a/abs",
            "QUERY_STRING": "x",
        },
        "RFC 9112 3.2.2; Apache leaves the authority in REQUEST_URI, nginx the Host as it was.",
    ),
    _absolute(
        "an_absolute_target_with_only_a_query_is_the_root",
        "http://gateway.test?x=/a/",
        {"SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "x=/a/"},
        "lighttpd answers 400; RFC 9112 3.2.1 makes it a slash.",
    ),
    _absolute(
        "an_absolute_target_without_path_is_the_root",
        "http://gateway.test",
        {"SCRIPT_NAME": "", "PATH_INFO": "/", "HTTP_HOST": "gateway.test"},
        "lighttpd answers 400; RFC 9112 3.2.1 makes it a slash.",
    ),
    refused("an_absolute_target_with_a_bad_authority_is_refused", "http://u@h:x/a/x"),
    refused(
        "an_absolute_target_of_another_scheme_is_refused",
        "ftp://gateway.test/a/x",
        differs="nginx takes it for http.",
    ),
)


_METHODS = (
    Case(
        "options_asterisk_is_answered_here",
        request("OPTIONS * HTTP/1.1", "Host: gateway.test", "Connection: close"),
        Answer(200),
        (),
        methods=("OPTIONS",),
        differs="nginx answers 400.",
    ),
    Case(
        "options_asterisk_without_a_host_is_refused",
        request("OPTIONS * HTTP/1.1", "Connection: close"),
        Answer(400),
        (),
        methods=("OPTIONS",),
    ),
    Case(
        "options_asterisk_of_no_host_is_refused",
        request("OPTIONS * HTTP/1.1", "Host: a/b", "Connection: close"),
        Answer(400),
        (),
        methods=("OPTIONS",),
    ),
    Case(
        "options_with_a_path_goes_to_the_backend",
        get("/a/x", method="OPTIONS"),
        FINE,
        Sees(has={"REQUEST_METHOD": "OPTIONS"}),
        methods=("OPTIONS",),
    ),
    Case(
        "an_asterisk_with_another_method_is_refused",
        request("GET * HTTP/1.1", "Host: gateway.test", "Connection: close"),
        Answer(400),
        (),
    ),
    Case(
        "connect_is_405",
        request("CONNECT other.test:443 HTTP/1.1", "Host: other.test:443", "Connection: close"),
        Answer(405),
        (),
        # A 2xx would have no body; this one must not be a 2xx.
        methods=("CONNECT",),
        differs="Apache passes it to the backend of its root, nginx and lighttpd answer 400.",
    ),
    Case(
        "trace_is_405",
        get("/a/x", method="TRACE"),
        Answer(405),
        (),
        methods=("TRACE",),
        differs="Apache passes it to the backend; it echoes cookies to scripts.",
    ),
)


CASES = (
    *_HOSTS,
    *_ABSOLUTES,
    *_METHODS,
)
