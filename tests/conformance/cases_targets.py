"""Cases: request targets, Host, and how a path becomes SCRIPT_NAME and PATH_INFO."""

from __future__ import annotations

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import get

_SHOWN = ("SCRIPT_NAME", "PATH_INFO")
_LIGHTTPD_SPLITS = "lighttpd splits every path at its prefix."
_LIGHTTPD_LENIENT = "lighttpd takes it for what it might mean."
_DENIED = "lighttpd has no exclusion; its access module answers 403."
_AS_APACHE = "This mode is there for backends that are used to Apache; nginx has no such mode."


def _path(name: str, target: str, script_name: str | bytes, differs: str = "") -> Case:
    """Return a case of a route without path_info: SCRIPT_NAME is all there is."""
    sees = Sees(has={"SCRIPT_NAME": script_name, "REQUEST_URI": target}, lacks=("PATH_INFO",))
    return Case(name, get(target), FINE, sees, show=_SHOWN, differs=differs or _LIGHTTPD_SPLITS)


def _split(
    name: str, target: str, script_name: str, path_info: str | bytes, differs: str = ""
) -> Case:
    """Return a case of a route with path_info."""
    sees = Sees(has={"SCRIPT_NAME": script_name, "PATH_INFO": path_info, "REQUEST_URI": target})
    return Case(name, get(target), FINE, sees, show=_SHOWN, differs=differs)


def refused(name: str, target: str, status: int = 400, differs: str = "") -> Case:
    """Return a case of a target that is answered here with ``status``."""
    return Case(name, get(target), Answer(status), (), differs=differs)


_PATHS = (
    _path("the_path_is_decoded_once", "/a/%41b%20c%2Bd+e", "/a/Ab c+d+e"),
    _path("a_doubly_encoded_path_is_decoded_once", "/a/file%2541%252F", "/a/file%41%2F"),
    _path("utf_8_and_a_question_mark_in_a_path", "/a/caf%C3%A9/%3Fz", b"/a/caf\xc3\xa9/?z"),
    _path("bytes_that_are_no_utf_8_are_passed", "/a/%FF%80", b"/a/\xff\x80"),
    _path("slash_runs_are_merged", "/a//x///y", "/a/x/y"),
    _path("dot_segments_are_resolved", "/a/./b/../c", "/a/c"),
    _path("encoded_dot_segments_are_resolved", "/a/%2e/b/%2E%2e/c", "/a/c"),
    _path("dots_behind_a_run_of_slashes_leave_a_segment", "/a/b//../c", "/a/c"),
    _path("a_dot_segment_at_the_end_leaves_a_slash", "/a/b/c/..", "/a/b/"),
    _path("half_encoded_dot_segments_are_resolved", "/a/b/.%2e/c", "/a/c"),
    _path("a_backslash_is_no_slash", "/a/..\\b%5C..", "/a/..\\b\\.."),
    _path("dots_with_a_parameter_are_a_name", "/a/..;/private", "/a/..;/private"),
    _path("three_dots_are_a_name", "/a/.../x.", "/a/.../x."),
    _path(
        "every_odd_printable_character_survives",
        "/a/\"<>^`{|}~!$&'()*,:=@[]",
        "/a/\"<>^`{|}~!$&'()*,:=@[]",
    ),
    _path("a_prefix_without_slash_matches_a_whole_segment", "/nos/x", "/nos/x"),
    _path("a_prefix_without_slash_matches_itself", "/nos", "/nos"),
    _path("slash_runs_cannot_walk_past_a_route", "//a//x", "/a/x"),
)

_PATH_INFOS = (
    _split("path_info_is_what_follows_the_mount", "/pi/foo/bar", "/pi", "/foo/bar"),
    _split(
        "path_info_of_a_request_for_the_mount_is_empty",
        "/pi",
        "/pi",
        "",
        "Apache adds a slash that the client did not send; the others send no PATH_INFO.",
    ),
    _split("path_info_of_the_mount_with_a_slash_is_a_slash", "/pi/", "/pi", "/"),
    _split(
        "path_info_is_decoded",
        "/pi/foo%20b%c3%a9r",
        "/pi",
        b"/foo b\xc3\xa9r",
        "Apache sends PATH_INFO still encoded, which RFC 3875 4.1.5 does not allow.",
    ),
    _split("path_info_keeps_semicolons", "/pi/x;y=1/z;", "/pi", "/x;y=1/z;"),
    _split(
        "path_info_keeps_slash_runs",
        "/pi/x//y///",
        "/pi",
        "/x//y///",
        "The peers merge them; a URL inside a path would be broken.",
    ),
    _split(
        "path_info_keeps_slash_runs_behind_the_mount",
        "/pi//x",
        "/pi",
        "//x",
        "The peers merge them; a URL inside a path would be broken.",
    ),
    _split("dot_segments_are_resolved_in_path_info_too", "/pi/x/../y/./z", "/pi", "/y/z"),
    _split(
        "the_base_path_of_the_backend_is_put_before",
        "/pib/foo/bar",
        "/pib",
        "/base/foo/bar",
        "lighttpd's backends have no path.",
    ),
    Case(
        "no_path_is_translated",
        get("/pi/foo"),
        FINE,
        Sees(has={"PATH_INFO": "/foo"}, lacks=("PATH_TRANSLATED",)),
        show=("PATH_TRANSLATED",),
        differs="A gateway has no files; Apache and lighttpd name some that are not there.",
    ),
    _split("the_root_route_has_no_script_name", "/foo/bar", "", "/foo/bar"),
    _split("the_root_itself", "/", "", "/"),
    _split(
        "a_prefix_does_not_match_inside_a_segment",
        "/nosx",
        "",
        "/nosx",
        "nginx and lighttpd compare characters, not segments.",
    ),
    _split(
        "a_prefix_with_slash_does_not_match_without",
        "/a",
        "",
        "/a",
        "nginx redirects to the path with a slash; lighttpd's prefixes are without.",
    ),
    _split(
        "a_prefix_is_case_sensitive",
        "/PI/x",
        "",
        "/PI/x",
    ),
)

# What Apache's proxy-scgi-pathinfo does, to the letter; nginx and lighttpd know no such thing.
_APACHE = (
    _split("as_apache_plain", "/pa/foo/bar", "/pa", "/foo/bar"),
    _split("as_apache_a_slash", "/pa/", "/pa", "/"),
    _split(
        "as_apache_still_encoded",
        "/pa/foo%20bar",
        "/pa/foo bar",
        "/foo%20bar",
        "Apache's best guess: asked for with path_info = 'apache', so done in the same way.",
    ),
    _split("as_apache_semicolon", "/pa/x;y=1", "/pa", "/x;y=1"),
    _split("as_apache_prefix_without_slash", "/ps", "/ps", "/", _AS_APACHE),
    _split("as_apache_prefix_without_slash_and_more", "/ps/foo", "/ps", "//foo", _AS_APACHE),
    _split("as_apache_with_base_path", "/pab/foo/bar", "/pab", "/base/foo/bar", _AS_APACHE),
)

_ENCODED_SLASHES = (
    refused("an_encoded_slash_is_404", "/a/x%2fy", 404, "nginx and lighttpd decode it."),
    refused(
        "an_encoded_slash_is_404_with_path_info_too",
        "/pi/x%2Fy",
        404,
        "nginx and lighttpd decode it.",
    ),
    refused(
        "an_encoded_slash_cannot_hide_dot_segments",
        "/a/..%2fprivate/x",
        404,
        "nginx and lighttpd decode it.",
    ),
    _split(
        "an_encoded_slash_is_decoded_where_asked",
        "/slash/decode/x%2Fy",
        "/slash/decode",
        "/x/y",
        "Apache has the option for a whole host only; here it is off.",
    ),
    _split(
        "an_encoded_slash_is_kept_where_asked",
        "/slash/keep/x%2Fy%20z",
        "/slash/keep",
        "/x%2Fy z",
        "Apache has the option for a whole host only; nginx and lighttpd decode it.",
    ),
)

_MALFORMED = (
    refused("an_encoded_nul_is_refused", "/a/%00", differs="Apache answers 404."),
    refused("an_encoded_line_feed_is_refused", "/a/x%0Ay", differs="The peers pass it."),
    refused("an_encoded_carriage_return_is_refused", "/a/x%0dy", differs="The peers pass it."),
    refused("an_encoded_delete_is_refused", "/a/x%7fy", differs="The peers pass it."),
    refused("an_escape_that_is_none_is_refused", "/a/x%zz", differs=_LIGHTTPD_LENIENT),
    refused("an_unfinished_escape_is_refused", "/a/x%", differs=_LIGHTTPD_LENIENT),
    refused("an_escape_cut_short_is_refused", "/a/x%4", differs=_LIGHTTPD_LENIENT),
    refused("a_fragment_is_refused", "/a/x#f", differs="nginx and lighttpd cut it off."),
    refused(
        "a_fragment_in_the_query_is_refused", "/a/x?a#f", differs="nginx and lighttpd cut it off."
    ),
    refused("climbing_over_the_root_is_refused", "/a/../../x", differs=_LIGHTTPD_LENIENT),
    refused("slash_runs_are_no_ladder_to_the_root", "/a//..//../x", differs=_LIGHTTPD_LENIENT),
    refused("climbing_over_the_root_encoded_is_refused", "/%2e%2e/x", differs=_LIGHTTPD_LENIENT),
    refused("a_target_without_slash_is_refused", "a/x"),
    refused("a_blank_in_the_target_is_refused", "/a/x y", differs=_LIGHTTPD_LENIENT),
)

_EXCLUDED = (
    refused("an_excluded_path_is_404", "/a/private/x", 404, _DENIED),
    refused("an_excluded_path_cannot_be_reached_by_slashes", "/a//private///x", 404, _DENIED),
    refused("an_excluded_path_cannot_be_reached_by_dots", "/a/b/../private/x", 404, _DENIED),
    refused(
        "an_excluded_path_cannot_be_reached_by_dots_and_slashes",
        "/a/b//..//private/x",
        404,
        _DENIED,
    ),
    refused("an_excluded_path_cannot_be_reached_by_escapes", "/a/%70rivate/%2e/x", 404, _DENIED),
    refused(
        "an_excluded_path_cannot_be_reached_by_an_absolute_target",
        "http://gateway.test/a/private/x",
        404,
        _DENIED,
    ),
    _path("a_neighbour_of_an_excluded_path_is_served", "/a/privateer", "/a/privateer"),
)

CASES = (
    *_PATHS,
    *_PATH_INFOS,
    *_APACHE,
    *_ENCODED_SLASHES,
    *_MALFORMED,
    *_EXCLUDED,
)
