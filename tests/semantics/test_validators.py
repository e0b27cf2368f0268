"""Preconditions: RFC 9110 8.8.3 and 13 as tables."""

from collections.abc import Mapping
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.semantics.validators import (
    EntityTag,
    Validators,
    evaluate,
    if_range_holds,
    parse_entity_tag,
    parse_entity_tags,
    validators_of,
)

NOW = 1_767_225_600.0
MODIFIED = 784_111_777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT"
AFTER = "Sun, 06 Nov 1994 08:49:38 GMT"
STRONG = Validators(EntityTag("a"), MODIFIED)
WEAK = Validators(EntityTag("a", weak=True), MODIFIED)
DATED = Validators(None, MODIFIED)
TAGGED = Validators(EntityTag("a"), None)
BARE = Validators()


def verdict(validators: Validators, method: str, fields: Mapping[str, str]) -> int:
    environ = {f"HTTP_{name.upper()}": value for name, value in fields.items()}
    return evaluate(method, environ, validators, now=NOW)


@pytest.mark.parametrize(
    ("one", "other", "strongly", "weakly"),
    [
        # The table of 8.8.3.2.
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
        ('"1"', '"2"', False, False),
    ],
)
def test_entity_tags_are_compared_as_the_rfc_says(
    one: str, other: str, strongly: bool, weakly: bool
) -> None:
    first, second = parse_entity_tag(one), parse_entity_tag(other)
    assert first is not None and second is not None
    assert first.matches_strongly(second) is second.matches_strongly(first) is strongly
    assert first.matches_weakly(second) is second.matches_weakly(first) is weakly


@pytest.mark.parametrize("value", ['"xyzzy"', 'W/"xyzzy"', '""', '"a,b"', '"\xe9!#~"'])
def test_an_entity_tag_is_read_and_written_as_it_is(value: str) -> None:
    assert str(parse_entity_tag(value)) == value


@pytest.mark.parametrize(
    "value",
    ["", "a", '"a', 'a"', 'w/"a"', "W/a", '"a b"', '"a"b', '"a\\"b"', '"a"\n', "*", '"\x7f"'],
)
def test_what_is_no_entity_tag_is_none(value: str) -> None:
    assert parse_entity_tag(value) is None
    assert parse_entity_tags(value) == []


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('"a"', ["a"]),
        ('"a", "b"', ["a", "b"]),
        ('"a","b"', ["a", "b"]),
        ('"a"\t,\t "b"', ["a", "b"]),
        (',, "a" ,, "b",', ["a", "b"]),
        ('"a,b", W/"c"', ["a,b", "c"]),
        ("", []),
        (" , ", []),
        ('"a" "b"', []),
        ('"a"; "b"', []),
        ('"a", b', []),
        ('*, "a"', []),
    ],
)
def test_a_list_of_entity_tags_is_valid_or_matches_nothing(value: str, tags: list[str]) -> None:
    assert [tag.opaque for tag in parse_entity_tags(value)] == tags


@pytest.mark.parametrize(
    ("validators", "value", "expected"),
    [
        (STRONG, '"a"', 200),
        (STRONG, '"b", "a"', 200),
        (STRONG, '"b"', 412),
        (STRONG, 'W/"a"', 412),
        (WEAK, '"a"', 412),
        (WEAK, 'W/"a"', 412),
        (BARE, '"a"', 412),
        (BARE, "*", 200),
        (STRONG, " * ", 200),
        (STRONG, "a", 412),
        (STRONG, "", 412),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_if_match(method: str, validators: Validators, value: str, expected: int) -> None:
    assert verdict(validators, method, {"if_match": value}) == expected


@pytest.mark.parametrize(
    ("validators", "value", "matches"),
    [
        (STRONG, '"a"', True),
        (STRONG, 'W/"a"', True),
        (WEAK, '"a"', True),
        (STRONG, '"b", "a"', True),
        (STRONG, '"b"', False),
        (Validators(EntityTag("a,b")), '"a,b"', True),
        (Validators(EntityTag("a")), '"a,b"', False),
        (STRONG, "*", True),
        (BARE, "*", True),
        (BARE, '"a"', False),
        (STRONG, "a", False),
        (STRONG, "", False),
    ],
)
def test_if_none_match(validators: Validators, value: str, matches: bool) -> None:
    for method in ("GET", "HEAD"):
        assert verdict(validators, method, {"if_none_match": value}) == (304 if matches else 200)
    for method in ("PUT", "POST", "DELETE"):
        assert verdict(validators, method, {"if_none_match": value}) == (412 if matches else 200)


@pytest.mark.parametrize(
    ("validators", "value", "expected"),
    [
        (STRONG, DATE, 304),
        (STRONG, AFTER, 304),
        (STRONG, BEFORE, 200),
        (STRONG, "Sunday, 06-Nov-94 08:49:37 GMT", 304),
        (STRONG, "Sun Nov  6 08:49:37 1994", 304),
        (STRONG, "yesterday", 200),
        (STRONG, f"{DATE}, {DATE}", 200),
        (STRONG, "", 200),
        (TAGGED, DATE, 200),
    ],
)
def test_if_modified_since(validators: Validators, value: str, expected: int) -> None:
    assert verdict(validators, "GET", {"if_modified_since": value}) == expected
    assert verdict(validators, "HEAD", {"if_modified_since": value}) == expected
    assert verdict(validators, "POST", {"if_modified_since": value}) == 200


@pytest.mark.parametrize(
    ("validators", "value", "expected"),
    [
        (STRONG, DATE, 200),
        (STRONG, AFTER, 200),
        (STRONG, BEFORE, 412),
        (STRONG, "yesterday", 200),
        (TAGGED, BEFORE, 200),
        (BARE, BEFORE, 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_if_unmodified_since(
    method: str, validators: Validators, value: str, expected: int
) -> None:
    assert verdict(validators, method, {"if_unmodified_since": value}) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # 13.2.2, step by step; the field that is passed over says the opposite.
        ({"if_match": '"a"', "if_unmodified_since": BEFORE}, 200),
        ({"if_match": '"b"', "if_unmodified_since": AFTER}, 412),
        ({"if_match": '"a"', "if_none_match": '"a"'}, 304),
        ({"if_match": '"b"', "if_none_match": '"a"'}, 412),
        ({"if_match": '"a"', "if_modified_since": DATE}, 304),
        ({"if_unmodified_since": BEFORE, "if_none_match": '"b"'}, 412),
        ({"if_unmodified_since": BEFORE, "if_modified_since": DATE}, 412),
        ({"if_unmodified_since": DATE, "if_modified_since": DATE}, 304),
        ({"if_none_match": '"b"', "if_modified_since": DATE}, 200),
        ({"if_none_match": '"a"', "if_modified_since": BEFORE}, 304),
        ({"if_none_match": "", "if_modified_since": DATE}, 200),
        ({}, 200),
    ],
)
def test_precedence(fields: dict[str, str], expected: int) -> None:
    assert verdict(STRONG, "GET", fields) == expected


@pytest.mark.parametrize(
    ("validators", "value", "holds"),
    [
        (STRONG, '"a"', True),
        (STRONG, '"b"', False),
        (STRONG, 'W/"a"', False),
        (WEAK, '"a"', False),
        (WEAK, 'W/"a"', False),
        (DATED, '"a"', False),
        (STRONG, DATE, True),
        (STRONG, "Sunday, 06-Nov-94 08:49:37 GMT", True),
        (STRONG, BEFORE, False),
        (STRONG, AFTER, False),
        (TAGGED, DATE, False),
        (STRONG, "yesterday", False),
        (STRONG, '"a", "b"', False),
        (STRONG, "*", False),
        (STRONG, "", False),
    ],
)
def test_if_range(validators: Validators, value: str, holds: bool) -> None:
    assert if_range_holds({"HTTP_IF_RANGE": value}, validators, now=NOW) is holds


def test_without_if_range_every_range_counts() -> None:
    assert if_range_holds({}, BARE, now=NOW)


def test_a_date_within_the_last_second_is_weak_in_if_range() -> None:
    fields = {"HTTP_IF_RANGE": DATE}
    assert not if_range_holds(fields, STRONG, now=MODIFIED + 0.9)
    assert if_range_holds(fields, STRONG, now=MODIFIED + 1.0)


def test_validators_are_read_from_fields_of_any_case() -> None:
    assert validators_of([("ETAG", 'W/"a"'), ("last-modified", DATE)], now=NOW) == WEAK
    assert validators_of([("X-Other", "1")], now=NOW) == BARE


def test_malformed_validators_do_not_count_and_the_first_of_several_does() -> None:
    assert validators_of([("ETag", "a"), ("Last-Modified", "today")], now=NOW) == BARE
    assert validators_of([("ETag", '"a"'), ("ETag", '"b"')], now=NOW).etag == EntityTag("a")


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "HTTP_IF_MATCH",
                "HTTP_IF_NONE_MATCH",
                "HTTP_IF_MODIFIED_SINCE",
                "HTTP_IF_UNMODIFIED_SINCE",
            ]
        ),
        st.one_of(
            st.text(max_size=20), st.sampled_from(["*", '"a"', 'W/"a"', '"b"', DATE, BEFORE])
        ),
    ),
    st.sampled_from([STRONG, WEAK, DATED, TAGGED, BARE]),
)
def test_only_what_a_method_may_get_is_answered(
    fields: dict[str, str], validators: Validators
) -> None:
    for method in ("GET", "HEAD"):
        assert evaluate(method, fields, validators, now=NOW) in (
            HTTPStatus.OK,
            HTTPStatus.NOT_MODIFIED,
            HTTPStatus.PRECONDITION_FAILED,
        )
    assert evaluate("PUT", fields, validators, now=NOW) is not HTTPStatus.NOT_MODIFIED
