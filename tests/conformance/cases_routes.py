"""Cases: which route takes a request, and how it divides the path: ProxyPass, ProxyPassMatch.

The backend tells the routes apart by the base paths of their backends, which stand in PATH_INFO.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import get, get_old, request

_SHOWN = ("SCRIPT_NAME", "PATH_INFO")
_APACHE = ("Apache",)
_APACHE_AND_NGINX = ("Apache", "nginx")
_ENCODED = "Apache sends PATH_INFO still encoded, which RFC 3875 4.1.5 does not allow."
_FIXED = "nginx has no SCRIPT_NAME but what its administrator writes."


def _taken(
    name: str,
    target: str | bytes,
    path_info: str | bytes,
    script_name: str | None = None,
    *,
    differs: str = "",
    peers: Sequence[str] = _APACHE,
) -> Case:
    """Return a case of a target, or a whole request, that a route with path_info takes."""
    has: dict[str, str | bytes] = {"PATH_INFO": path_info}
    if script_name is not None:
        has["SCRIPT_NAME"] = script_name
    send = get(target) if isinstance(target, str) else target
    sees = Sees(has=has)
    return Case(name, send, FINE, sees, show=_SHOWN, differs=differs, peers=peers)


def _untaken(
    name: str, target: str | bytes, *, peers: Sequence[str] = _APACHE, differs: str = ""
) -> Case:
    """Return a case of a target, or a whole request, that no route takes."""
    send = get(target) if isinstance(target, str) else target
    return Case(name, send, Answer(404), (), differs=differs, peers=peers)


def _ours(name: str, target: str, path_info: str, script_name: str) -> Case:
    """Return a case of a target that a route takes which no peer can be given."""
    return _taken(name, target, path_info, script_name, peers=())


def _excluded(name: str, target: str) -> Case:
    """Return a case of a target that no route takes, of those that no peer can be given."""
    return _untaken(name, target, peers=())


_ORDER = (
    _taken("the_first_route_that_matches_takes_it", "/order/first/x", "/one/x", "/order/first"),
    _taken("another_path_goes_to_the_next_route", "/order/second", "/two/second", "/order"),
    _taken("not_the_longest_path_but_the_first_wins", "/order/late/x", "/two/late/x", "/order"),
    _taken("an_exclusion_behind_the_route_excludes_nothing", "/order/open/x", "/two/open/x"),
    _untaken("an_exclusion_before_the_route_excludes", "/order/private/x"),
    _untaken("an_exclusion_covers_its_own_path", "/order/private/"),
    _taken("an_exclusion_with_a_slash_leaves_the_name_alone", "/order/private", "/two/private"),
    _taken("a_neighbour_of_an_exclusion_is_taken", "/order/private.txt", "/two/private.txt"),
    _untaken("an_excluded_expression_excludes_everywhere", "/order/x.secret"),
    _untaken("an_excluded_expression_sees_the_decoded_path", "/order/x%2esec%72et"),
    _untaken("an_excluded_expression_sees_resolved_dots", "/order/y/../x.secret"),
    _taken("an_excluded_expression_is_anchored_as_written", "/order/x.secret/y", "/two/x.secret/y"),
    _untaken("what_no_route_takes_is_404", "/nothing/here"),
)

_EXPRESSIONS = (
    _taken(
        "a_group_of_an_expression_fills_the_path",
        "/user/jane",
        "/u/jane",
        "/user",
        peers=_APACHE_AND_NGINX,
    ),
    _taken(
        "an_expression_sees_the_decoded_path", "/user/%6aane", "/u/jane", peers=_APACHE_AND_NGINX
    ),
    _taken("an_expression_sees_merged_slashes", "//user///jane", "/u/jane", "/user"),
    _taken("an_expression_sees_resolved_dots", "/x/../user/./jane", "/u/jane"),
    _untaken("an_expression_that_is_anchored_takes_no_more", "/user/jane/doe"),
    _untaken("an_expression_is_case_sensitive", "/user/Jane"),
    _taken("an_expression_may_ignore_case", "/NoCase/X", "/n/X", peers=_APACHE_AND_NGINX),
    _taken(
        "a_greedy_group_takes_slashes_too",
        "/m/foo/bar.x",
        "/match/foo/bar",
        "/m/foo/bar.x",
        differs=_FIXED,
        peers=_APACHE_AND_NGINX,
    ),
    _taken("groups_may_change_places", "/swap/a/b", "/b/a", peers=_APACHE_AND_NGINX),
    _taken("the_whole_match_may_be_used", "/whole/x/y", "/w/whole/x/y"),
    _taken("a_group_that_matched_nothing_is_empty", "/opt", "/o"),
    _taken("a_group_that_matched_is_used", "/opt/x", "/o/x"),
    _taken(
        "a_target_without_groups_gets_the_whole_path",
        "/plain/a%20b",
        "/base/plain/a b",
        differs=_ENCODED,
        peers=_APACHE_AND_NGINX,
    ),
    _taken(
        "an_expression_is_searched_for_anywhere",
        "/deep/down/x.cgi",
        "/cgi-bin/deep/down/x.cgi",
        "",
    ),
    _taken(
        "an_expression_of_letters_beyond_ascii",
        "/caf%c3%a9/x",
        "/c/x",
        "/caf\xc3\xa9",
        peers=_APACHE_AND_NGINX,
    ),
    _taken(
        "a_question_mark_that_was_encoded_stays_in_the_path",
        "/m/a%3fb.x?q=1",
        "/match/a?b",
        differs=_ENCODED,
    ),
    _taken("a_dollar_sign_in_the_path_is_no_group", "/user/../m/$0.x", "/match/$0"),
    _untaken(
        "an_encoded_slash_is_refused_by_an_expression",
        "/m/a%2fb.x",
        differs="nginx decodes it.",
        peers=_APACHE_AND_NGINX,
    ),
    Case(
        "a_line_feed_cannot_walk_past_the_end_of_an_expression",
        get("/user/jane%0a"),
        Answer(400),
        (),
        peers=_APACHE_AND_NGINX,
        differs="Apache finds no route for it, nginx passes it.",
    ),
    Case(
        "without_path_info_an_expression_only_routes",
        get("/no-info/x"),
        FINE,
        Sees(has={"SCRIPT_NAME": "/no-info/x"}, lacks=("PATH_INFO",)),
        show=_SHOWN,
        peers=_APACHE,
    ),
    _taken("as_apache_with_an_expression", "/as-apache/a%20b;c", "/q/a%20b;c", "/as-apache/a b;c"),
    Case(
        "the_query_is_no_part_of_what_is_matched",
        get("/user/jane?x=/user/joe"),
        FINE,
        Sees(has={"PATH_INFO": "/u/jane", "QUERY_STRING": "x=/user/joe"}),
        show=("QUERY_STRING",),
        peers=_APACHE_AND_NGINX,
    ),
)

_PREFIXES = (
    _taken(
        "a_path_of_special_characters_is_taken_literally",
        "/a.b+c(d)/x",
        "/literal/x",
        "/a.b+c(d)",
        peers=_APACHE_AND_NGINX,
    ),
    _untaken("a_dot_in_a_path_is_a_dot", "/aXb+c(d)/x", peers=_APACHE_AND_NGINX),
    _taken("a_run_of_slashes_in_a_path_is_one", "/run/s/x", "/many/x", "/run/s"),
    _taken(
        "any_run_of_slashes_matches_one",
        "//run///s////x",
        "/many////x",
        "/run/s",
        differs="Apache merges the runs behind the route too.",
    ),
    _taken(
        "a_path_beyond_ascii_matches_what_is_decoded",
        "/caf%C3%A9%20x/y",
        "/named/y",
        "/caf\xc3\xa9 x",
    ),
)

# An exclusion covers both readings of ``%2F``, whatever the route behind it makes of it.
_ENCODED_SLASHES = (
    _untaken("a_route_refuses_an_encoded_slash", "/order/x%2Fy"),
    _untaken("an_encoded_slash_does_not_walk_past_an_exclusion", "/order/private%2Fx"),
    _ours("a_route_may_decode_an_encoded_slash", "/es/x%2Fy/z%2fa", "/decoded/x/y/z/a", "/es"),
    _ours("a_decoded_slash_may_end_the_path_of_the_route", "/es%2Fx", "/decoded/x", "/es"),
    _ours("a_slash_is_decoded_once", "/es/private%252Fx", "/decoded/private%2Fx", "/es"),
    _ours("a_neighbour_of_an_exclusion_has_a_slash", "/es/privat%2Fe", "/decoded/privat/e", "/es"),
    _excluded("a_decoded_slash_does_not_walk_past_an_exclusion", "/es/private%2Fx"),
    _excluded("nor_does_one_before_the_exclusion", "/es%2fprivate/x"),
    _excluded("nor_does_one_that_makes_dot_segments", "/es/x%2F..%2Fprivate%2Fy"),
    _excluded("nor_does_one_that_would_leave_the_exclusion", "/es/private/..%2Fx"),
    _excluded("nor_does_a_run_of_them", "/es/%2F%2Fprivate%2F%2Fx"),
    _ours("a_route_may_keep_an_encoded_slash", "/ek/x%2Fy%20/z%2fa", "/kept/x%2Fy /z%2fa", "/ek"),
    _excluded("a_kept_slash_does_not_end_the_path_of_the_route", "/ek%2Fx"),
    _excluded("a_kept_slash_does_not_walk_past_an_exclusion", "/ek/private%2Fx"),
    _excluded("nor_does_a_kept_one_that_would_make_dot_segments", "/ek/x%2F..%2Fprivate%2Fy"),
    _excluded("an_excluded_expression_sees_kept_slashes", "/ek/x%2Fy.secret"),
    _ours("a_kept_slash_is_no_end_of_a_segment", "/ek/x.secret%2Fy", "/kept/x.secret%2Fy", "/ek"),
)


def _to_host(target: str, host: str, version: str = "1.1") -> bytes:
    return request(f"GET {target} HTTP/{version}", f"Host: {host}", "Connection: close")


_HOSTS = (
    _taken("a_host_has_its_own_route", _to_host("/h/x", "one.test"), "/h-one/x"),
    _taken("a_host_without_a_route_gets_that_of_all", _to_host("/h/x", "other.test"), "/h-any/x"),
    _taken("a_host_is_compared_without_case", _to_host("/h/x", "ONE.Test"), "/h-one/x"),
    _taken("the_port_of_a_host_does_not_matter", _to_host("/h/x", "one.test:8080"), "/h-one/x"),
    _taken("a_dot_at_the_end_of_a_host_does_not_matter", _to_host("/h/x", "one.test."), "/h-one/x"),
    _taken("a_wildcard_takes_a_label", _to_host("/h/x", "www.two.test"), "/h-two/x"),
    _taken("a_wildcard_takes_several_labels", _to_host("/h/x", "a.b.two.test"), "/h-two/x"),
    _taken("a_wildcard_takes_not_the_name_itself", _to_host("/h/x", "two.test"), "/h-any/x"),
    _taken("a_wildcard_takes_whole_labels", _to_host("/h/x", "xtwo.test"), "/h-any/x"),
    _taken("another_name_of_the_same_route", _to_host("/h/x", "alias.test"), "/h-two/x"),
    _taken("a_longer_name_is_another_host", _to_host("/h/x", "one.test.evil.test"), "/h-any/x"),
    _taken("a_name_in_front_is_another_host", _to_host("/h/x", "www.one.test"), "/h-any/x"),
    _untaken("an_exclusion_for_a_host", _to_host("/h/private/x", "one.test")),
    _taken(
        "an_exclusion_for_a_host_is_not_for_others",
        _to_host("/h/private/x", "alias.test"),
        "/h-two/private/x",
    ),
    _taken("without_a_host_the_routes_of_all_remain", get_old("/h/x"), "/h-any/x"),
    _taken(
        "an_absolute_target_names_the_host", _to_host("http://one.test/h/x", "two.test"), "/h-one/x"
    ),
    _taken("an_address_is_a_host_like_others", _to_host("/h/x", "[::1]:80"), "/h-any/x"),
    _taken(
        "routes_for_all_hosts_are_for_named_ones_too", _to_host("/user/joe", "one.test"), "/u/joe"
    ),
)

_SOCKETS = (
    _taken("a_unix_socket_as_apache_writes_it", "/us/x", "/x", "/us", peers=_APACHE_AND_NGINX),
    _taken("a_unix_socket_as_we_write_it", "/us/plain/x", "/x", peers=_APACHE_AND_NGINX),
    Case(
        "a_missing_socket_of_the_same_name_is_503",
        get("/us-missing/x"),
        Answer(503),
        (),
        peers=_APACHE_AND_NGINX,
        differs="nginx answers 502; Apache takes the other socket: both have the same name.",
    ),
)

CASES = (*_ORDER, *_EXPRESSIONS, *_PREFIXES, *_ENCODED_SLASHES, *_HOSTS, *_SOCKETS)
