"""Paths: decoding, dot segments, slash runs, prefixes, and Apache's PATH_INFO."""

import doctest

import pytest

from wsgi_scgi.semantics import path as path_module
from wsgi_scgi.semantics.path import (
    PathMatch,
    Pattern,
    Prefix,
    apache_path_info,
    apache_script_name,
    decode_path,
    first_segment,
    has_encoded_slash,
    join_base,
    merge_slashes,
    resolve_dot_segments,
)


def test_the_examples_in_the_docstrings_are_true() -> None:
    outcome = doctest.testmod(path_module)

    assert outcome.attempted >= 3
    assert outcome.failed == 0


@pytest.mark.parametrize(
    ("raw", "found"),
    [("/a%2Fb", True), ("/a%2fb", True), ("/a%252Fb", False), ("/a/b", False), ("/%", False)],
)
def test_an_encoded_slash_is_found_in_either_case(raw: str, found: bool) -> None:
    assert has_encoded_slash(raw) is found


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("", ""),
        ("/a/b", "/a/b"),
        ("/%41b%20c%2Bd+e", "/Ab c+d+e"),
        ("/caf%C3%A9/%3Fz", "/caf\xc3\xa9/?z"),
        ("/%ff%80", "/\xff\x80"),
        ("/a%2Fb%2fc", "/a/b/c"),
        ("/%2541", "/%41"),
        ("/%252F", "/%2F"),
        ("/%2e%2E", "/.."),
        ("/a;b=c", "/a;b=c"),
        # A server may hand over bytes as they came.
        ("/caf\xe9", "/caf\xe9"),
        ("/caf\xe9%41", "/caf\xe9A"),
    ],
)
def test_a_path_is_decoded_once(raw: str, path: str) -> None:
    assert decode_path(raw) == path


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2fb%41", "/a%2fbA"),
        ("%2F%41%2f%2F", "%2FA%2f%2F"),
        ("/%41", "/A"),
        ("/a", "/a"),
        ("/caf\xe9%2F%41", "/caf\xe9%2FA"),
    ],
)
def test_an_encoded_slash_can_be_kept_as_it_was_written(raw: str, path: str) -> None:
    assert decode_path(raw, keep_encoded_slash=True) == path


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("raw", ["/%", "/x%", "/x%zz", "/%4", "/%4g", "/%%41", "/%u0041", "/% 41"])
def test_an_escape_that_is_none_is_refused(raw: str, keep: bool) -> None:
    with pytest.raises(ValueError, match="starts no escape"):
        decode_path(raw, keep_encoded_slash=keep)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    "raw", ["/%00", "/%0a", "/%0D%0A", "/%1f", "/%7F", "/a\0", "/a\nb", "/a\x7f", "/%2F%00"]
)
def test_a_control_character_is_refused(raw: str, keep: bool) -> None:
    with pytest.raises(ValueError, match="control character"):
        decode_path(raw, keep_encoded_slash=keep)


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("", ""),
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/.", "/"),
        ("/./", "/"),
        ("/a/.", "/a/"),
        ("/a/./b/../c", "/a/c"),
        ("/a/..", "/"),
        ("/a/../", "/"),
        ("/a/b/..", "/a/"),
        ("/a/b/../..", "/"),
        ("/a//../b", "/b"),
        ("/a//b", "/a//b"),
        ("/a/b///..//c", "/a//c"),
        ("/a//b/..//../c", "/c"),
        ("//a/..//x", "///x"),
        ("/a//..", "/"),
        ("/..a/.b/...", "/..a/.b/..."),
        ("/a/b/c/./../../g", "/a/g"),
        ("/mid/content=5/../6", "/mid/6"),
    ],
)
def test_dot_segments_are_resolved_and_slash_runs_stay(path: str, resolved: str) -> None:
    assert resolve_dot_segments(path) == resolved


@pytest.mark.parametrize(
    "path",
    ["/..", "/../", "/../a", "/a/../..", "/a/../../b", "/./..", "//..", "//../a", "/a//..//../b"],
)
def test_no_path_climbs_over_its_root(path: str) -> None:
    with pytest.raises(ValueError, match="climbs over its root"):
        resolve_dot_segments(path)


@pytest.mark.parametrize(
    ("path", "merged"), [("/a/b", "/a/b"), ("//a///b//", "/a/b/"), ("/", "/"), ("", "")]
)
def test_runs_of_slashes_are_merged(path: str, merged: str) -> None:
    assert merge_slashes(path) == merged


@pytest.mark.parametrize(
    ("prefix", "path", "match"),
    [
        ("/", "/", ("", "/", "")),
        ("/", "/a//b", ("", "/a//b", "a/b")),
        ("/", "", ("", "", "")),
        ("//", "/a", ("", "/a", "a")),
        ("/app", "/app", ("/app", "", "")),
        ("/app", "/app/", ("/app", "/", "/")),
        ("/app", "/app//x", ("/app", "//x", "/x")),
        ("/app", "//app/x", ("/app", "/x", "/x")),
        ("/app", "/apple", None),
        ("/app", "/App", None),
        ("/app", "/ap", None),
        ("/app", "/x/app", None),
        ("/app", "", None),
        ("/app/", "/app", None),
        ("/app/", "/app/", ("/app", "/", "")),
        ("/app/", "/app/x", ("/app", "/x", "x")),
        ("/app/", "/app///x", ("/app", "///x", "x")),
        ("/app/", "/apple", None),
        ("/a/b", "/a//b/c", ("/a/b", "/c", "/c")),
        ("/a//b", "/a/b/c", ("/a/b", "/c", "/c")),
        ("/a/b", "/ab", None),
        ("/a.b+(c)", "/a.b+(c)/d", ("/a.b+(c)", "/d", "/d")),
        ("/a.b", "/aXb", None),
        ("/a", "/a\n", None),
        ("/caf\xe9", "/caf\xe9/x", ("/caf\xe9", "/x", "/x")),
    ],
)
def test_a_prefix_takes_whole_segments_and_any_run_of_slashes(
    prefix: str, path: str, match: tuple[str, str, str] | None
) -> None:
    found = Prefix(prefix).match(path)
    assert (found and found[:3]) == match


def test_a_match_has_names() -> None:
    match = Prefix("/app/").match("/app//x/y")

    assert match == PathMatch(mount="/app", rest="//x/y", unmatched="x/y")


@pytest.mark.parametrize("path", ["", "app", "app/"])
def test_a_prefix_starts_with_a_slash(path: str) -> None:
    with pytest.raises(ValueError, match="starts with /"):
        Prefix(path)


@pytest.mark.parametrize("path", ["/a/..", "/./a", "/a/../b", "/a/."])
def test_a_prefix_has_no_dot_segments(path: str) -> None:
    with pytest.raises(ValueError, match=r"\. or \.\. segments"):
        Prefix(path)


def test_a_prefix_that_climbs_is_refused() -> None:
    with pytest.raises(ValueError, match="climbs"):
        Prefix("/..")


@pytest.mark.parametrize(
    ("base", "rest", "path"),
    [
        ("/", "", ""),
        ("/", "/foo", "/foo"),
        ("/", "//foo", "//foo"),
        ("/base/", "/foo/bar", "/base/foo/bar"),
        ("/base", "/foo", "/base/foo"),
        ("/base", "", "/base"),
        ("/base/", "", "/base/"),
        ("/base/", "/", "/base/"),
        ("/base", "//x", "/base//x"),
    ],
)
def test_the_base_of_a_backend_goes_before_the_rest(base: str, rest: str, path: str) -> None:
    assert join_base(base, rest) == path


# apache.conf, the decoded and merged path of the request, what mod_proxy_scgi sends.
_APACHE_TABLE = [
    ("/pi/", "/", "/pi/foo/bar", "/pi", "/foo/bar"),
    ("/pi/", "/", "/pi/", "/pi", "/"),
    ("/pi/", "/", "/pi/foo bar", "/pi/foo bar", "/foo%20bar"),
    ("/pi/", "/", "/pi/x;y=1", "/pi", "/x;y=1"),
    ("/pi0/", "/base/", "/pi0/foo/bar", "/pi0", "/base/foo/bar"),
    ("/sl1", "/", "/sl1", "/sl1", "/"),
    ("/sl1", "/", "/sl1/foo", "/sl1", "//foo"),
    ("/", "/", "/", "", "/"),
    ("/", "/", "/foo", "", "/foo"),
]


@pytest.mark.parametrize(("prefix", "base", "path", "script_name", "path_info"), _APACHE_TABLE)
def test_apache_s_guess_is_apache_s(
    prefix: str, base: str, path: str, script_name: str, path_info: str
) -> None:
    match = Prefix(prefix).match(path)
    assert match is not None

    assert apache_path_info(base, match.unmatched) == path_info
    assert apache_script_name(path, path_info) == script_name


@pytest.mark.parametrize(
    ("rest", "path_info"),
    [
        # T21, T22 and T35: what mod_proxy's canonicalisation leaves, and what it encodes.
        ("Ab c+d+e", "/Ab%20c+d+e"),
        ("caf\xc3\xa9/?z", "/caf%C3%A9/%3Fz"),
        ("\"<>^`{|}~!$&'()*,:=@[]", "/%22%3C%3E%5E%60%7B%7C%7D~!$&'()*,:=@%5B%5D"),
        ("100%", "/100%25"),
        ("\\#", "/%5C%23"),
        ("a_b-c.d/e;f", "/a_b-c.d/e;f"),
    ],
)
def test_path_info_is_encoded_as_apache_does(rest: str, path_info: str) -> None:
    assert apache_path_info("/", rest) == path_info


@pytest.mark.parametrize(
    ("path", "path_info", "script_name"),
    [
        ("", "", ""),
        ("", "/x", ""),
        ("/a/b", "", "/a/b"),
        ("/a/b", "/x", "/a/b"),
        ("/a/b", "b", "/a"),
        ("/ab/c", "b/c", "/ab"),
        ("/a/b/c", "/x/b/c", "/a"),
        ("/a//b", "/b", "/a"),
        ("/a/b/", "/", "/a/b"),
        ("//a", "/a", ""),
        ("/a///", "/", "/a"),
    ],
)
def test_script_name_is_what_path_info_leaves_over_to_the_end_of_its_segment(
    path: str, path_info: str, script_name: str
) -> None:
    assert apache_script_name(path, path_info) == script_name


# Regular expressions


@pytest.mark.parametrize(
    ("expression", "target", "path", "made"),
    [
        ("^/user/([a-z]+)$", "/u/$1", "/user/jane", "/u/jane"),
        (r"^/m/(.*)\.x$", "/match/$1", "/m/foo/bar.x", "/match/foo/bar"),
        ("^/m/", "/base", "/m/a", "/base/m/a"),
        ("^/m/", "/base/", "/m/a", "/base/m/a"),
        ("^/m/", "/", "/m/a", "/m/a"),
        ("/b", "/$0", "/a/b/c", "//b"),
        ("^/(a)?(.*)$", "/$1$2", "/xyz", "/xyz"),
        ("^/a$", "/b", "//a", "/b/a"),
        ("^/$", "/b", "", "/b/"),
        ("^/caf\xe9$", "/$0", "/caf\xe9", "//caf\xe9"),
    ],
)
def test_an_expression_makes_the_path_of_the_backend(
    expression: str, target: str, path: str, made: str
) -> None:
    match = Pattern(expression, target).match(path)

    assert match is not None
    assert match.target == made
    assert match.mount + match.rest == (merge_slashes(path) or "/")


def test_what_an_expression_does_not_match_is_not_taken() -> None:
    assert Pattern("^/user/([a-z]+)$", "/u/$1").match("/user/jane/x") is None


@pytest.mark.parametrize("path", ["/x/..", "/x/../y", "/x/."])
def test_no_expression_makes_a_path_that_climbs(path: str) -> None:
    # A group may take what is a dot segment only where it is put.
    assert Pattern("^/x/?(.*)$", "/base/$1").match(path) is None


@pytest.mark.parametrize(
    ("expression", "target", "cause"),
    [("(", "/", "is invalid"), ("^/(a)$", "/$2", r"\$2 stands for a group"), ("a", "/$1", "group")],
)
def test_a_mistake_in_an_expression_is_a_value_error(
    expression: str, target: str, cause: str
) -> None:
    with pytest.raises(ValueError, match=cause):
        Pattern(expression, target)


@pytest.mark.parametrize(
    ("path", "segment"),
    [("/a/b", "a"), ("/a", "a"), ("//a//b", "a"), ("/", ""), ("", ""), ("/a b/", "a b")],
)
def test_the_first_segment_stands_behind_the_first_run_of_slashes(path: str, segment: str) -> None:
    assert first_segment(path) == segment
    assert Prefix(path or "/").first_segment == segment
