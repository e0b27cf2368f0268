"""Cases: what the backend is told of the client and his way: X-Forwarded-*, Forwarded, SetEnvIf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.conformance.case import Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import get, get_old, post, request

_BOTH = ("Apache", "nginx")
_NEVER = "Apache adds none of these to what an SCGI backend gets."
_FOR, _HOST, _PROTO = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"


def _told(
    name: str,
    send: bytes,
    has: Mapping[str, str],
    lacks: Sequence[str] = (),
    *,
    differs: str = _NEVER,
    peers: Sequence[str] = ("Apache",),
) -> Case:
    show = (*has, *lacks)
    sees = Sees(has=has, lacks=lacks)
    return Case(name, send, FINE, sees, show=show, differs=differs, peers=peers)


_FORWARDED = (
    _told(
        "who_asked_for_what_is_told",
        get("/fwd/x"),
        {_FOR: "127.0.0.1", _HOST: "gateway.test", _PROTO: "http"},
        peers=_BOTH,
    ),
    _told(
        "what_a_stranger_says_of_himself_is_replaced",
        get(
            "/fwd/x",
            "X-Forwarded-For: 10.0.0.1",
            "X-Forwarded-Host: evil.test",
            "X-Forwarded-Port: 1",
            "X-Forwarded-Prefix: /evil",
            "Forwarded: for=10.0.0.1",
        ),
        {_FOR: "127.0.0.1", _HOST: "gateway.test", _PROTO: "http"},
        ("HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_FORWARDED"),
        differs=f"{_NEVER} nginx passes the fields that nobody has thought of.",
        peers=_BOTH,
    ),
    _told(
        "what_a_trusted_proxy_says_is_continued",
        get("/fwd/trusted/x", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2"),
        {_FOR: "10.0.0.1, 10.0.0.2, 127.0.0.1"},
        peers=_BOTH,
    ),
    _told(
        "host_and_scheme_of_a_trusted_proxy_are_kept",
        get("/fwd/trusted/x", "X-Forwarded-Host: example.org", "X-Forwarded-Proto: https"),
        {_FOR: "127.0.0.1", _HOST: "example.org", _PROTO: "https"},
    ),
    _told(
        "without_a_host_the_server_s_name_is_told",
        get_old("/fwd/x"),
        {_FOR: "127.0.0.1", _HOST: "127.0.0.1", _PROTO: "http"},
    ),
    _told(
        "the_standard_field",
        get("/fwd/standard/x", "Forwarded: for=10.0.0.1", "X-Forwarded-For: 10.0.0.1"),
        {"HTTP_FORWARDED": 'for=127.0.0.1;host="gateway.test";proto=http'},
        (_FOR,),
    ),
    _told(
        "the_standard_field_of_a_trusted_proxy_is_continued",
        get("/fwd/standard-trusted/x", "Forwarded: for=10.0.0.1"),
        {"HTTP_FORWARDED": 'for=10.0.0.1, for=127.0.0.1;host="gateway.test";proto=http'},
    ),
    _told(
        "with_trusted_proxies_others_are_not_believed",
        get("/fwd/strict/x", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=x", "X-A: 1"),
        {"HTTP_X_A": "1"},
        (_FOR, "HTTP_FORWARDED"),
    ),
    _told(
        "without_any_option_the_fields_are_the_client_s",
        get("/two/x", "X-Forwarded-For: 10.0.0.1"),
        {_FOR: "10.0.0.1"},
        (_HOST, _PROTO),
        differs="",
    ),
    _told(
        "connection_cannot_remove_what_the_gateway_tells",
        request("GET /fwd/x HTTP/1.1", "Host: gateway.test", "Connection: close, X-Forwarded-For"),
        {_FOR: "127.0.0.1"},
        peers=_BOTH,
    ),
)


def _set(
    name: str,
    send: bytes,
    has: Mapping[str, str],
    lacks: Sequence[str] = (),
    differs: str = "",
) -> Case:
    return _told(name, send, has, lacks, differs=differs)


_ALL = ("WORD", "EARLY", "WRITES", "AGENT", "TASTE", "DEBUG", "OLD", "SITE")
_SET_IF = (
    _set(
        "a_variable_by_the_path",
        get("/set-if/apple/x"),
        {"WORD": "apple!", "EARLY": "1", "NEAR": "1"},
        ("WRITES", "AGENT", "TASTE", "DEBUG", "OLD", "SITE"),
    ),
    _set(
        "the_path_is_looked_at_decoded",
        get("/set-if/%61pple"),
        {"WORD": "apple!"},
        differs="Apache looks at the path before it is decoded, so that escapes evade it.",
    ),
    _set("no_variable_where_nothing_matches", get("/set-if/1"), {"NEAR": "1"}, _ALL),
    _set("a_variable_by_the_method", post("/set-if/1", b"x"), {"WRITES": "yes"}, ("DEBUG",)),
    _set(
        "a_variable_by_a_field_without_case",
        get("/set-if/1", "User-Agent: my RoBot/1"),
        {"AGENT": "RoBot"},
    ),
    _set(
        "a_variable_removed_by_a_field",
        get("/set-if/apple", "X-Flavour: sweet"),
        {"TASTE": "sugar", "WORD": "apple!"},
        ("EARLY",),
    ),
    _set(
        "case_counts_where_nothing_else_is_said",
        get("/set-if/a", "X-Flavour: Sweet"),
        {"WORD": "a!"},
        ("TASTE",),
    ),
    _set(
        "variables_that_are_configured_win",
        get("/set-if/1", "X-Flavour: sour"),
        {"LAST": "configured"},
    ),
    _set("a_variable_by_the_protocol", get_old("/set-if/1"), {"OLD": "1"}),
    _set(
        "a_variable_by_the_host",
        request("GET /set-if/1 HTTP/1.1", "Host: one.test", "Connection: close"),
        {"SITE": "one"},
    ),
    _set(
        "a_variable_by_the_query",
        get("/set-if/1?debug"),
        {"DEBUG": "1"},
        differs="Apache cannot look at the query with SetEnvIf.",
    ),
    _set(
        "a_variable_is_for_its_route_only",
        get("/two/set-if/apple", "X-Flavour: sweet"),
        {"HTTP_X_FLAVOUR": "sweet"},
        ("TASTE", "WORD"),
        differs="Apache's SetEnvIf stands outside of all places here.",
    ),
)

CASES = (*_FORWARDED, *_SET_IF)
