"""Which paths a rule is for, on the safe side."""

import re

import pytest

from wsgi_scgi.convert.region import (
    EVERYTHING,
    UNKNOWN,
    PathPrefix,
    Region,
    covers,
    has_wildcard,
    is_writable,
    overlaps,
    parent,
    path_prefix,
    pattern,
    python_form,
    widened,
    wildcard,
)


def region(text: str) -> Region:
    """Read ``^...`` as an expression and the rest as a path."""
    if text.startswith("/"):
        return PathPrefix(text)
    return pattern(text)


def test_a_path_is_a_region_with_single_slashes() -> None:
    assert path_prefix("//a//b/") == PathPrefix("/a/b/")


def test_what_does_not_begin_with_a_slash_is_no_path() -> None:
    assert path_prefix("a") is None
    assert path_prefix("") is None


@pytest.mark.parametrize(
    ("text", "literal", "complete"),
    [
        ("^/a", "/a", True),
        ("^/a/.*", "/a/", True),
        ("^/a/(.*)$", "/a/", True),
        ("^/a$", "/a", False),
        ("^/a/b?", "/a/", False),
        ("^/a/b*c", "/a/", False),
        ("^/a/b{2}", "/a/", False),
        (r"^/a\.b/", "/a.b/", True),
        (r"^/a\.*", "/a", False),
        (r"^/a\d", "/a", False),
        (r"^/a" + "\\", "/a", False),
        ("^/a|^/b", "", False),
        ("^/(a|b)", "/", False),
        ("^/[|]x", "/", False),
        (r"^/a\|b", "/a|b", True),
        ("^/a)|/b", "", False),
        ("/a", "", False),
        ("", "", True),
        (".", "", True),
        ("^", "", True),
        ("^.+$", "", True),
        ("^/", "/", True),
        ("/", "", True),
        ("(?i)^/a", "", False),
    ],
)
def test_an_expression_tells_what_its_matches_begin_with(
    text: str, literal: str, complete: bool
) -> None:
    found = pattern(text)

    assert (found.literal, found.complete) == (literal, complete)


@pytest.mark.parametrize(
    ("text", "matching", "not_matching"),
    [
        ("/a/*", ["/a/", "/a/x"], ["/a", "/a/x/y", "/b/a/x"]),
        ("/a?c", ["/abc"], ["/ac", "/a/c"]),
        ("/[ab]x", ["/ax", "/bx"], ["/cx"]),
        ("/[!a]x", ["/bx"], ["/ax", "//x"]),
        ("/[^a]x", ["/bx"], ["/ax", "//x"]),
        (r"/a\*", ["/a*"], ["/ab", r"/a\b"]),
        ("/a[", ["/a["], ["/a"]),
        ("/*.(x)", ["/a.(x)"], ["/a.x"]),
        ("/a*" + "\\", ["/ab" + "\\"], ["/ab"]),
    ],
)
def test_a_pattern_of_file_names_takes_no_slash(
    text: str, matching: list[str], not_matching: list[str]
) -> None:
    expression = re.compile(wildcard(text).python or "")

    assert [path for path in matching if not expression.search(path)] == []
    assert [path for path in not_matching if expression.search(path)] == []


@pytest.mark.parametrize(
    ("text", "wild"), [("/a", False), ("/a*", True), ("/a?", True), ("/[a]", True), ("/[a", False)]
)
def test_patterns_of_file_names_are_recognised(text: str, wild: bool) -> None:
    assert has_wildcard(text) is wild


@pytest.mark.parametrize(
    "text",
    [
        "[[:alpha:]]",
        "a{,3}",
        r"\h",
        r"\Qa.b\E",
        r"a\Z",
        r"(?|(a)|(b))",
        "(?<name>a)",
        r"\p{L}",
        "a(?i)b",
        "é",
        "(",
        "[a--b]",
        "a**",
        "x{99999999999}",
        r"\G",
    ],
)
def test_what_python_reads_otherwise_is_not_taken(text: str) -> None:
    assert python_form(text) is None
    assert not is_writable(pattern(text))


@pytest.mark.parametrize("text", ["^/a/(b|c)$", r"\.cgi$", "(?i)^/a", "[]a]", "a{2,3}", "a{"])
def test_what_python_reads_alike_is_taken_as_it_is(text: str) -> None:
    assert python_form(text) == text
    assert is_writable(pattern(text))


@pytest.mark.parametrize("text", [r"^/\w+$", r"\d", r"\bx", r"(?i)\s"])
def test_classes_are_those_of_ascii(text: str) -> None:
    assert python_form(text) == f"(?a){text}"


COVERS = [
    ("/", "/a"),
    ("/", "^/a$"),
    ("/", "/"),
    ("/a", "/a"),
    ("/a", "/a/"),
    ("/a", "/a/b"),
    ("/a/", "/a/b"),
    ("/a", "^/a/b"),
    ("/a/", "^/a/"),
    ("^/a", "/a"),
    ("^/a", "/ab"),
    ("^/a/.*", "/a/b"),
    (".", "/a"),
    ("^/a$", "^/a$"),
    ("^/a", "^/a/b$"),
]
MEETS = [
    ("/a/", "/a"),
    ("/a", "^/a$"),
    ("/a", "^/a"),
    ("/a/b", "^/a/[b]"),
    ("/a", ".*x$"),
    ("^/a$", "/a"),
    ("^/a/b", "/a/"),
    ("^/a/b", "^/a/(.)"),
]
APART = [
    ("/a", "/ab"),
    ("/a/", "/b"),
    ("/a", "^/ab"),
    ("/a/b", "^/a/c"),
    ("^/a/b", "/a/c"),
    ("^/a/b$", "^/a/c$"),
]


@pytest.mark.parametrize(("outer", "inner"), COVERS)
def test_a_region_covers_what_is_surely_in_it(outer: str, inner: str) -> None:
    assert covers(region(outer), region(inner))
    assert overlaps(region(outer), region(inner))
    assert overlaps(region(inner), region(outer))


@pytest.mark.parametrize(("one", "other"), MEETS)
def test_regions_may_meet_without_covering(one: str, other: str) -> None:
    assert not covers(region(one), region(other))
    assert overlaps(region(one), region(other))
    assert overlaps(region(other), region(one))


@pytest.mark.parametrize(("one", "other"), APART)
def test_regions_are_apart_only_if_that_is_certain(one: str, other: str) -> None:
    assert not overlaps(region(one), region(other))
    assert not overlaps(region(other), region(one))


def test_of_an_unknown_region_nothing_is_certain() -> None:
    for other in (EVERYTHING, PathPrefix("/a"), pattern("^/a$")):
        assert overlaps(UNKNOWN, other)
        assert not covers(UNKNOWN, other)
    assert not is_writable(UNKNOWN)


def test_around_a_region_is_a_path_that_everything_in_it_is_below() -> None:
    assert widened(PathPrefix("/a")) == PathPrefix("/a")
    assert widened(pattern("^/a/b")) == PathPrefix("/a/")
    assert widened(pattern("^/a")) == PathPrefix("/")
    assert widened(UNKNOWN) == EVERYTHING


def test_the_parent_of_a_path_is_one_segment_shorter() -> None:
    assert parent(PathPrefix("/a/b")) == PathPrefix("/a/")
    assert parent(PathPrefix("/a/b/")) == PathPrefix("/a/")
    assert parent(PathPrefix("/a")) == EVERYTHING
    assert parent(EVERYTHING) == EVERYTHING
