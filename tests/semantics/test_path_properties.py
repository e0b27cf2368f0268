"""Properties of paths: no attack comes through, and prefixes agree with a naive reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.semantics.path import (
    Prefix,
    apache_path_info,
    apache_script_name,
    decode_path,
    join_base,
    merge_slashes,
    resolve_dot_segments,
)

_RAW = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            [
                "/",
                "//",
                ".",
                "..",
                "%2e",
                "%2E.",
                "%2F",
                "%2f",
                "%5c",
                "\\",
                "a",
                "%",
                "%00",
                "%25",
                "%0a",
                "%C3%A9",
                "\xe9",
                ";",
                "..;",
                "%zz",
                "...",
                "\0",
                "\u20ac",
            ]
        ),
        max_size=12,
    ).map("".join),
)
_PATHS = st.text("/.ab\xe9 ", max_size=16).map("/".__add__)


@given(_RAW.map("/".__add__), st.booleans())
def test_no_path_that_is_decoded_and_resolved_leads_upwards(raw: str, keep: bool) -> None:
    try:
        path = resolve_dot_segments(decode_path(raw, keep_encoded_slash=keep))
    except ValueError:
        return
    for reading in (path, merge_slashes(path)):
        segments = reading.split("/")
        assert segments[0] == ""
        assert not {".", ".."} & set(segments)
    assert not any(character < " " or character == "\x7f" for character in path)


@given(_RAW, st.booleans())
def test_decoding_anything_raises_nothing_but_value_error(raw: str, keep: bool) -> None:
    try:
        path = decode_path(raw, keep_encoded_slash=keep)
    except ValueError:
        return
    if "%" not in raw:
        assert path == raw


@given(st.binary(max_size=20).filter(lambda data: not any(b < 32 or b == 127 for b in data)))
def test_every_encoded_byte_comes_out_as_itself(data: bytes) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in data)

    assert decode_path(encoded) == data.decode("latin-1")


@given(_PATHS)
def test_resolving_is_done_once_and_for_all(path: str) -> None:
    try:
        resolved = resolve_dot_segments(path)
    except ValueError:
        return
    assert resolve_dot_segments(resolved) == resolved


@given(st.lists(st.sampled_from(["a", "b", ".", "..", ""]), max_size=8))
def test_resolving_agrees_with_a_stack_of_segments(segments: list[str]) -> None:
    stack: list[str] = []
    climbs = False
    for segment in segments:
        if segment == "..":
            while stack and not stack[-1]:
                stack.pop()  # a run of slashes is one
            if not stack:
                climbs = True
                break
            stack.pop()
        elif segment != ".":
            stack.append(segment)
    if segments and segments[-1] in (".", ".."):
        stack.append("")

    path = "/" + "/".join(segments)
    if climbs:
        with pytest.raises(ValueError, match="climbs"):
            resolve_dot_segments(path)
    else:
        assert resolve_dot_segments(path) == "/" + "/".join(stack)


@given(_PATHS)
def test_resolving_agrees_with_those_who_merge_slashes_first(path: str) -> None:
    try:
        merged_first = resolve_dot_segments(merge_slashes(path))
    except ValueError:
        with pytest.raises(ValueError, match="climbs"):
            resolve_dot_segments(path)
    else:
        assert merge_slashes(resolve_dot_segments(path)) == merged_first


def divide(prefix: str, path: str) -> tuple[str, str] | None:
    """Divide ``path`` by counting segments: the naive reading of a prefix."""
    wanted = [segment for segment in prefix.split("/") if segment]
    at = 0
    for segment in wanted:
        start = at
        while path[at : at + 1] == "/":
            at += 1
        end = path.find("/", at) if "/" in path[at:] else len(path)
        if at == start or path[at:end] != segment:
            return None
        at = end
    if prefix.endswith("/") and wanted and path[at : at + 1] != "/":
        return None
    return "".join(f"/{segment}" for segment in wanted), path[at:]


_SEGMENTS = st.lists(st.sampled_from(["a", "b", "ab", "a.b", "a+", "\xe9", ""]), max_size=5)


@given(_SEGMENTS, st.booleans(), _SEGMENTS, st.booleans(), st.booleans())
def test_a_prefix_agrees_with_a_naive_reading_of_segments(
    prefix: list[str], slash: bool, rest: list[str], glued: bool, below: bool
) -> None:
    pattern = "/" + "/".join(prefix) + "/" * slash
    path = "/" + "/".join(rest)
    if below:
        path = pattern + ("" if glued else "/") + path[1:]

    match = Prefix(pattern).match(path)

    naive = divide(pattern, path)
    assert (None if match is None else (match.mount, match.rest)) == naive
    if match is not None:
        assert merge_slashes(match.mount + match.rest) == merge_slashes(path)
        slashed = pattern.endswith("/") and match.rest.startswith("/")
        assert match.unmatched == merge_slashes(match.rest)[slashed:]


@given(_PATHS, _PATHS)
def test_a_base_is_joined_with_one_slash(base: str, rest: str) -> None:
    joined = join_base(base, rest)

    assert joined.startswith("/")
    assert joined.endswith(rest)


def apache_find_path_info(uri: str, path_info: str) -> str:
    """Compare from the right as Apache documents it, one index at a time, slash runs skipped."""
    left = len(uri)
    right = len(path_info)
    while True:
        left -= 1
        if left < 0:
            break
        right -= 1
        if right < 0 or uri[left] != path_info[right]:
            break
        if uri[left] == "/":
            while left and uri[left - 1] == "/":
                left -= 1
    left = max(left, 0)
    while left < len(uri) and uri[left] != "/":
        left += 1
    return uri[:left]


@given(_PATHS | st.just(""), _PATHS | st.just(""))
def test_script_name_agrees_with_apache_s_arithmetic(path: str, path_info: str) -> None:
    assert apache_script_name(path, path_info) == apache_find_path_info(path, path_info)


@given(st.sampled_from(["/", "/base", "/base/"]), st.text("/ab%? \xe9;", max_size=10))
def test_an_encoded_path_info_decodes_to_what_it_was_made_of(base: str, rest: str) -> None:
    assert decode_path(apache_path_info(base, rest)) == base + rest
