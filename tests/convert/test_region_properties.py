"""Regions answer on the safe side, whatever the paths and expressions."""

import re

from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.convert.region import (
    PathPrefix,
    Pattern,
    Region,
    covers,
    overlaps,
    pattern,
    widened,
)
from wsgi_scgi.semantics.path import Prefix

paths = st.lists(st.sampled_from(["a", "ab", "b", ""]), max_size=4).map(lambda s: "/" + "/".join(s))
prefixes = paths.map(lambda path: PathPrefix(re.sub("/+", "/", path)))
pieces = st.sampled_from(
    ["^", "/", "a", "b", "ab", "(a|b)", "[ab]", ".", ".*", "a?", "b*", "$", "|", r"\.", "(", ")"]
)
patterns = st.lists(pieces, max_size=6).map("".join).map(pattern)
regions: st.SearchStrategy[Region] = st.one_of(prefixes, patterns)


def contains(region: Region, path: str) -> bool:
    if isinstance(region, PathPrefix):
        return Prefix(region.path).match(path) is not None
    return region.python is not None and re.search(region.python, path) is not None


@given(regions, regions, paths)
def test_what_is_covered_is_contained(outer: Region, inner: Region, path: str) -> None:
    path = re.sub("/+", "/", path)
    if covers(outer, inner) and contains(inner, path):
        assert contains(outer, path) or unreadable(outer)


@given(regions, regions, paths)
def test_what_both_contain_makes_them_overlap(one: Region, other: Region, path: str) -> None:
    path = re.sub("/+", "/", path)
    if contains(one, path) and contains(other, path):
        assert overlaps(one, other)
        assert overlaps(other, one)


@given(regions, paths)
def test_what_is_contained_is_below_the_path_around(region: Region, path: str) -> None:
    path = re.sub("/+", "/", path)
    if contains(region, path):
        assert contains(widened(region), path)


@given(patterns, paths)
def test_matches_begin_with_what_is_said(region: Pattern, path: str) -> None:
    if contains(region, path):
        assert path.startswith(region.literal)
    elif region.complete and region.python is not None:
        assert not path.startswith(region.literal)


def unreadable(region: Region) -> bool:
    return isinstance(region, Pattern) and region.python is None
