"""TOML as text: what is written is what tomllib reads."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.convert.toml_text import comment, key_value, toml_value

scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab-_ .\"'é\n"), inner),
    max_leaves=8,
)


@given(st.text(st.characters(exclude_categories=["Cs"])), values)
def test_a_pair_comes_back_as_it_was(name: str, value: object) -> None:
    assert tomllib.loads(key_value(name, value)) == {name: value}


@given(st.text())
def test_nothing_in_a_comment_ends_it(text: str) -> None:
    line = comment(text)

    assert tomllib.loads(f"{line}\nkey = 1") == {"key": 1}
    assert line.encode()


def test_what_can_be_printed_is_not_escaped() -> None:
    assert toml_value('é "\\" \n\x7f\U000e0001') == r'"é \"\\\" \n\u007F\U000E0001"'


def test_booleans_are_no_numbers() -> None:
    assert toml_value([True, 1, 0.5, ("a",)]) == '[true, 1, 0.5, ["a"]]'
    assert toml_value({}) == "{}"


def test_other_values_have_no_place_in_a_file() -> None:
    with pytest.raises(TypeError, match="has no place"):
        toml_value(None)
