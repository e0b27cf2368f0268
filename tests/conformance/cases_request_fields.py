"""Cases: which header fields of a request become which variables, and which make it invalid."""

from __future__ import annotations

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import get, post, request

_HOP_BY_HOP = (
    "Keep-Alive: timeout=5",
    "TE: trailers",
    "Trailer: X-T",
    "Upgrade: foo/2",
    "Proxy-Connection: keep-alive",
    "Proxy-Authenticate: Basic",
)
_KEPT_FROM_CONNECTION = (
    "Connection: close",
    "Connection: X-Forwarded-For, Host, Content-Type, Content-Length, X-Real-IP",
    "X-Forwarded-For: 10.1.2.3",
    "Content-Type: text/x-kept",
)


def _refused(name: str, *fields: str | bytes, differs: str = "") -> Case:
    """Return a case of a request that is not well-formed: 400 and no contact."""
    return Case(name, get("/a/x", *fields), Answer(400), (), differs=differs)


CASES = (
    Case(
        "names_are_upper_case_with_underscores",
        get("/a/x", "X-Some-Name9: v"),
        FINE,
        Sees(has={"HTTP_X_SOME_NAME9": "v"}),
        smoke=True,
    ),
    Case(
        "a_name_with_underscore_is_dropped",
        get("/a/x", "X_Under: 1"),
        FINE,
        Sees(lacks=("HTTP_X_UNDER",)),
        show=("HTTP_X_UNDER",),
        differs="lighttpd passes it, so it can pose as the header with a hyphen.",
    ),
    Case(
        "an_underscore_before_a_hyphen_does_not_spoof",
        get("/a/x", "X_Under: 1", "X-Under: 2"),
        FINE,
        Sees(has={"HTTP_X_UNDER": "2"}),
        show=("HTTP_X_UNDER",),
        differs="lighttpd sends the name twice.",
    ),
    Case(
        "an_underscore_after_a_hyphen_does_not_spoof",
        get("/a/x", "X-Under: 2", "X_Under: 1"),
        FINE,
        Sees(has={"HTTP_X_UNDER": "2"}),
        show=("HTTP_X_UNDER",),
        differs="lighttpd sends the name twice.",
    ),
    Case(
        "names_with_other_odd_characters_are_dropped",
        get("/a/x", "X.Dot: 1", "X!b: 2", "X~c: 3", "X-Good: 4"),
        FINE,
        Sees(
            has={"HTTP_X_GOOD": "4"},
            lacks=("HTTP_X.DOT", "HTTP_X_DOT", "HTTP_X!B", "HTTP_X_B", "HTTP_X~C", "HTTP_X_C"),
        ),
        show=("HTTP_X_DOT", "HTTP_X_B"),
        differs="lighttpd maps them to underscores, so different names become one.",
    ),
    Case(
        "an_odd_name_does_not_hide_behind_a_proper_one",
        get("/a/x", "X.Real-IP: 6.6.6.6", "X-Real-IP: 10.0.0.1", "X_Real_IP: 6.6.6.6"),
        FINE,
        Sees(has={"HTTP_X_REAL_IP": "10.0.0.1"}),
        show=("HTTP_X_REAL_IP",),
        differs="lighttpd sends all three under one name, the forged one first.",
    ),
    Case(
        "repeated_fields_are_joined_with_comma_and_blank",
        get("/a/x", "X-Dup: a", "X-Dup: b", "X-Dup: c"),
        FINE,
        Sees(has={"HTTP_X_DUP": "a, b, c"}),
        show=("HTTP_X_DUP",),
        differs="nginx before 1.23 sends the name several times, which is not valid SCGI.",
    ),
    Case(
        "repeated_fields_are_joined_whatever_their_case",
        get("/a/x", "x-dup: a", "X-Other: o", "X-DUP: b"),
        FINE,
        Sees(has={"HTTP_X_DUP": "a, b"}),
        show=("HTTP_X_DUP",),
        differs="nginx before 1.23 sends the name several times, which is not valid SCGI.",
    ),
    Case(
        "cookie_fields_are_joined_with_semicolon_and_blank",
        get("/a/x", "Cookie: a=1", "Cookie: b=2,c", "Cookie: d=3"),
        FINE,
        Sees(has={"HTTP_COOKIE": "a=1; b=2,c; d=3"}),
        show=("HTTP_COOKIE",),
        differs="Apache joins cookies with commas, which no cookie parser takes apart again.",
    ),
    Case(
        "a_comma_inside_one_cookie_field_stays",
        get("/a/x", "Cookie: a=1,b=2; c=3"),
        FINE,
        Sees(has={"HTTP_COOKIE": "a=1,b=2; c=3"}),
        show=("HTTP_COOKIE",),
    ),
    Case(
        "forwarded_for_fields_keep_their_order",
        get("/a/x", "X-Forwarded-For: 1.1.1.1", "Via: 1.1 p", "X-Forwarded-For: 2.2.2.2"),
        FINE,
        Sees(has={"HTTP_X_FORWARDED_FOR": "1.1.1.1, 2.2.2.2", "HTTP_VIA": "1.1 p"}),
        show=("HTTP_X_FORWARDED_FOR",),
        differs="nginx before 1.23 sends the name several times, which is not valid SCGI.",
    ),
    Case(
        "an_empty_value_is_sent",
        get("/a/x", "X-Empty:"),
        FINE,
        Sees(has={"HTTP_X_EMPTY": ""}),
        show=("HTTP_X_EMPTY",),
        differs="lighttpd drops it; a backend can tell empty from absent.",
    ),
    Case(
        "blanks_around_a_value_are_removed",
        get("/a/x", "X-Blank: \t a  b \t "),
        FINE,
        Sees(has={"HTTP_X_BLANK": "a  b"}),
        show=("HTTP_X_BLANK",),
        differs="nginx takes tabs for a part of the value; RFC 9110 5.5 does not.",
    ),
    Case(
        "bytes_above_127_are_passed_unchanged",
        get("/a/x", b"X-Utf: caf\xc3\xa9 \xff"),
        FINE,
        Sees(has={"HTTP_X_UTF": b"caf\xc3\xa9 \xff"}),
        show=("HTTP_X_UTF",),
        smoke=True,
    ),
    Case(
        "a_proxy_field_never_becomes_http_proxy",
        get("/a/x", "Proxy: http://evil.test/"),
        FINE,
        Sees(lacks=("HTTP_PROXY",)),
        show=("HTTP_PROXY",),
        differs="nginx passes it unless told otherwise (httpoxy).",
        smoke=True,
    ),
    Case(
        "a_proxy_field_in_any_spelling_never_becomes_http_proxy",
        get("/a/x", "pRoXy: http://evil.test/", "PROXY: http://evil.test/"),
        FINE,
        Sees(lacks=("HTTP_PROXY",)),
        show=("HTTP_PROXY",),
        differs="nginx passes it unless told otherwise (httpoxy).",
    ),
    Case(
        "hop_by_hop_fields_stop_here",
        get("/a/x", *_HOP_BY_HOP),
        FINE,
        Sees(
            lacks=(
                "HTTP_CONNECTION",
                "HTTP_KEEP_ALIVE",
                "HTTP_TE",
                "HTTP_TRAILER",
                "HTTP_UPGRADE",
                "HTTP_PROXY_CONNECTION",
                "HTTP_PROXY_AUTHENTICATE",
            )
        ),
        show=("HTTP_CONNECTION", "HTTP_UPGRADE"),
        differs="The peers pass them to SCGI backends; RFC 9110 7.6.1 says a proxy must not.",
        smoke=True,
    ),
    Case(
        "fields_named_by_the_client_s_connection_stop_here",
        get("/a/x", "Connection: X-Hop, x-other", "X-Hop: 1", "X-Other: 2", "X-End: 3"),
        FINE,
        Sees(has={"HTTP_X_END": "3"}, lacks=("HTTP_X_HOP", "HTTP_X_OTHER")),
        show=("HTTP_X_HOP",),
        differs="The peers pass them to SCGI backends; RFC 9110 7.6.1 says a proxy must not.",
    ),
    Case(
        "fields_named_beside_close_stop_here_too",
        request("GET /a/x HTTP/1.1", "Host: gateway.test", "Connection: X-Hop, close", "X-Hop: 1"),
        FINE,
        Sees(lacks=("HTTP_X_HOP",)),
        show=("HTTP_X_HOP",),
        differs="The peers pass them to SCGI backends; RFC 9110 7.6.1 says a proxy must not.",
    ),
    Case(
        "connection_cannot_remove_what_the_backend_relies_on",
        request(
            "POST /a/x HTTP/1.1",
            "Host: gateway.test",
            "Content-Length: 2",
            *_KEPT_FROM_CONNECTION,
            body=b"hi",
        ),
        FINE,
        Sees(
            has={
                "HTTP_X_FORWARDED_FOR": "10.1.2.3",
                "HTTP_HOST": "gateway.test",
                "CONTENT_TYPE": "text/x-kept",
                "CONTENT_LENGTH": "2",
            },
            body=b"hi",
        ),
        methods=("POST",),
        show=("HTTP_X_FORWARDED_FOR",),
        differs="nginx before 1.23 sends HTTP_CONNECTION twice.",
    ),
    Case(
        "authorization_is_passed_by_default",
        get("/a/x", "Authorization: Basic Ym9iOng="),
        FINE,
        Sees(has={"HTTP_AUTHORIZATION": "Basic Ym9iOng="}, lacks=("REMOTE_USER", "AUTH_TYPE")),
        show=("HTTP_AUTHORIZATION",),
    ),
    Case(
        "authorization_stops_here_where_configured",
        get("/noauth/x", "Authorization: Basic Ym9iOng="),
        FINE,
        Sees(lacks=("HTTP_AUTHORIZATION",)),
        show=("HTTP_AUTHORIZATION",),
        differs="lighttpd has no such option.",
    ),
    Case(
        "proxy_authorization_is_never_passed",
        get("/a/x", "Proxy-Authorization: Basic Ym9iOng="),
        FINE,
        Sees(lacks=("HTTP_PROXY_AUTHORIZATION",)),
        show=("HTTP_PROXY_AUTHORIZATION",),
        differs="It is meant for this hop (RFC 9110 11.7.2); the peers pass it.",
    ),
    Case(
        "a_header_cannot_move_the_mount",
        get("/pi/x", "SCRIPT_NAME: /env", "PATH_INFO: /evil"),
        FINE,
        Sees(
            has={"SCRIPT_NAME": "/pi", "PATH_INFO": "/x"},
            lacks=("HTTP_SCRIPT_NAME", "HTTP_PATH_INFO"),
        ),
        show=("SCRIPT_NAME", "PATH_INFO", "HTTP_SCRIPT_NAME"),
        differs="lighttpd passes names with underscores.",
    ),
    Case(
        "a_hyphenated_script_name_is_not_passed_either",
        get("/pi/x", "Script-Name: /env", "Path-Info: /evil"),
        FINE,
        Sees(
            has={"SCRIPT_NAME": "/pi", "PATH_INFO": "/x"},
            lacks=("HTTP_SCRIPT_NAME", "HTTP_PATH_INFO"),
        ),
        show=("HTTP_SCRIPT_NAME", "HTTP_PATH_INFO"),
        differs="gunicorn makes these names of a trusted SCRIPT_NAME, so they say nothing.",
    ),
    Case(
        "conditional_and_range_fields_are_the_backend_s_business",
        get("/a/x", 'If-None-Match: "e1"', "If-Modified-Since: blah", "Range: bytes=0-1"),
        FINE,
        Sees(
            has={
                "HTTP_IF_NONE_MATCH": '"e1"',
                "HTTP_IF_MODIFIED_SINCE": "blah",
                "HTTP_RANGE": "bytes=0-1",
            }
        ),
        differs="lighttpd cuts a range out of the answer itself.",
    ),
    _refused("nul_in_a_value_is_refused", b"X-A: a\0b"),
    _refused("a_control_byte_in_a_value_is_refused", b"X-A: a\x01b", differs="nginx passes it."),
    _refused("a_bare_cr_in_a_value_is_refused", b"X-A: a\rX-B: b"),
    Case(
        "a_line_ended_by_lf_alone_is_refused",
        b"GET /a/x HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\nX-A: 1\r\n\r\n",
        Answer(400),
        (),
        differs="nginx takes LF for CRLF (RFC 9112 2.2 allows it); gunicorn does not.",
    ),
    _refused("a_folded_field_is_refused", "X-A: 1", "  folded", differs="RFC 9112 5.2 allows 400."),
    _refused("a_blank_before_the_colon_is_refused", "X-A : 1"),
    _refused("an_empty_field_name_is_refused", ": 1"),
    _refused("a_line_without_colon_is_refused", "garbage", differs="nginx ignores it."),
    _refused("two_hosts_are_refused", "Host: other.test"),
    Case(
        "two_content_types_are_refused",
        post("/a/x", b"hi", "Content-Type: text/plain", "Content-Type: text/html"),
        Answer(400),
        (),
        methods=("POST",),
        differs="gunicorn refuses a second one; the peers take one or join them.",
    ),
    Case(
        "a_field_over_8190_bytes_is_431",
        get("/a/x", "X-Long: " + "x" * 9000),
        Answer(431),
        (),
        differs="Apache and nginx answer 400 to the same.",
    ),
    Case(
        "more_than_100_fields_are_431",
        get("/a/x", *(f"X-N{n}: 1" for n in range(120))),
        Answer(431),
        (),
        differs="nginx has no such limit.",
    ),
    Case(
        "a_head_over_64_kib_is_431",
        get("/a/x", *(f"X-N{n}: {'x' * 8000}" for n in range(20))),
        Answer(431),
        (),
        differs="Apache has no limit on the sum.",
    ),
    Case(
        "a_head_of_32_kib_is_passed",
        get("/a/x", *(f"X-N{n}: {'x' * 8000}" for n in range(4))),
        FINE,
        Sees(has={"HTTP_X_N0": "x" * 8000, "HTTP_X_N3": "x" * 8000}),
        differs="nginx has 32 KiB for all, lighttpd 8 KiB.",
    ),
)
