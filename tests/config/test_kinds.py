"""Kinds of values: what each takes, refuses and shows."""

import math
import tomllib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.config.kinds import (
    Choice,
    Duration,
    Kind,
    Size,
    Switch,
    Text,
    VariableMistakes,
    Variables,
    bytes_as_str,
    str_as_text,
)

WORDS: Choice[int] = Choice({False: 0, True: 1, "apache": 2})


def refusal(kind: Kind[object], raw: object) -> str:
    try:
        value = kind.parse(raw)
    except ValueError as error:
        return str(error)
    pytest.fail(f"{raw!r} became {value!r}")


@pytest.mark.parametrize("raw", [True, False])
def test_a_switch_takes_booleans(raw: bool) -> None:
    assert Switch().parse(raw) is raw


@pytest.mark.parametrize("raw", [0, 1, 1.0, "true", "on", None, [], {}])
def test_a_switch_takes_nothing_else(raw: object) -> None:
    assert refusal(Switch(), raw).endswith("is not a boolean")


def test_a_choice_takes_its_words_and_not_what_equals_them() -> None:
    assert [WORDS.parse(raw) for raw in (False, True, "apache")] == [0, 1, 2]
    for raw in (0, 1, 1.0, "Apache", "true", None, ["apache"]):
        assert "is not one of the choices" in refusal(WORDS, raw)


def test_a_choice_names_its_words() -> None:
    assert WORDS.allowed == 'false, true or "apache"'


@pytest.mark.parametrize(
    ("text", "raw"), [("true", True), ("false", False), ("apache", "apache"), ("1", "1")]
)
def test_words_of_the_command_line_become_booleans(text: str, raw: object) -> None:
    assert WORDS.parse_text(text) == raw
    assert type(WORDS.parse_text(text)) is type(raw)
    assert Switch().parse_text(text) == raw


@pytest.mark.parametrize("raw", [1, 0.5, 1e-9, 86400])
def test_a_duration_is_a_float_of_seconds(raw: float) -> None:
    seconds = Duration().parse(raw)
    assert seconds == raw
    assert type(seconds) is float


@pytest.mark.parametrize(
    "raw", [True, False, "5", "5s", None, -1, -0.5, math.nan, math.inf, -math.inf, 10**400, [], {}]
)
def test_a_duration_is_nothing_else(raw: object) -> None:
    assert "is not a number of seconds" in refusal(Duration(zero="never"), raw)


def test_zero_seconds_are_allowed_only_where_they_mean_something() -> None:
    assert Duration(zero="never").parse(0) == 0.0
    assert refusal(Duration(), 0) == "0 seconds is too short"
    assert Duration().allowed == "seconds as a number greater than 0"
    assert Duration(zero="never").allowed == "seconds as a number, 0 for never"


def test_a_duration_may_have_a_minimum() -> None:
    kind = Duration(minimum=0.1)
    assert kind.parse(0.1) == 0.1
    assert refusal(kind, 0.09) == "0.09 seconds is too short"
    assert kind.allowed == "seconds as a number, at least 0.1"


@pytest.mark.parametrize(("text", "raw"), [("5", 5.0), ("0.5", 0.5), ("5s", "5s")])
def test_a_duration_on_the_command_line_is_a_number(text: str, raw: object) -> None:
    assert Duration().parse_text(text) == raw


@pytest.mark.parametrize(
    ("raw", "size"),
    [
        (1, 1),
        ("17", 17),
        ("17b", 17),
        ("64k", 65536),
        ("64K", 65536),
        ("64KB", 65536),
        ("64KiB", 65536),
        ("64 KiB", 65536),
        ("10M", 10 << 20),
        ("1GiB", 1 << 30),
        ("1gb", 1 << 30),
        ("2T", 2 << 40),
    ],
)
def test_a_size_is_a_number_of_bytes_or_text_with_a_unit(raw: object, size: int) -> None:
    assert Size().parse(raw) == size


@pytest.mark.parametrize(
    "raw",
    [True, 1.0, -1, "-1", "", "K", "1X", "1 KiBs", "1ib", "1.5G", "0x10", "1_0", "٣", None, []],
)
def test_a_size_is_nothing_else(raw: object) -> None:
    assert refusal(Size(zero="no limit"), raw).endswith("is not a size")


def test_a_size_has_a_least_value_and_perhaps_a_meaning_of_zero() -> None:
    assert Size(zero="no limit").parse(0) == 0
    assert refusal(Size(), 0) == "0 is too small"
    assert refusal(Size(minimum=1024), "1023") == '"1023" is too small'
    assert Size(zero="no limit").allowed.endswith("0 for no limit")
    assert Size(minimum=1024).allowed.endswith("at least 1024")
    assert Size().parse_text("10M") == "10M"


def test_text_becomes_bytes_as_str() -> None:
    assert Text().parse("/srv/é") == "/srv/Ã©"
    assert Text().parse_text("/srv/é") == "/srv/é"


@pytest.mark.parametrize("raw", ["a\nb", "a\0b", "\x7f"])
def test_text_has_no_control_characters(raw: str) -> None:
    assert refusal(Text(), raw) == "the string has a control character"


def test_text_is_a_string() -> None:
    assert refusal(Text(), 5) == "5 is not a string"


def test_variables_are_set_emptied_and_removed() -> None:
    raw = {"APP_ENV": "prod", "EMPTY": "", "HTTP_PROXY": "é\n", "_9": False}
    values = Variables().parse(raw)
    assert values == {"APP_ENV": "prod", "EMPTY": "", "HTTP_PROXY": "Ã©\n", "_9": False}


def test_variables_cannot_be_changed_afterwards() -> None:
    values = Variables().parse({"A": "1"})
    with pytest.raises(TypeError):
        values["B"] = "2"  # type: ignore[index]  # what is tried here


def variable_mistakes(raw: Mapping[object, object]) -> Mapping[str, str]:
    with pytest.raises(VariableMistakes) as caught:
        Variables().parse(raw)
    assert all(f"{name}: {text}" in str(caught.value) for name, text in caught.value.texts.items())
    return caught.value.texts


def test_every_wrong_variable_is_named() -> None:
    raw = {"a": "", "B": "", "C-D": "", "9": "", "": "", 5: ""}
    assert list(variable_mistakes(raw)) == ["a", "C-D", "9", "", "5"]


@pytest.mark.parametrize("name", ["CONTENT_LENGTH", "SCGI"])
@pytest.mark.parametrize("value", ["1", "", False])
def test_what_frames_the_request_is_neither_set_nor_removed(name: str, value: object) -> None:
    assert "the SCGI specification fixes it" in variable_mistakes({name: value})[name]


@pytest.mark.parametrize(
    "name", ["REQUEST_METHOD", "REQUEST_URI", "QUERY_STRING", "SCRIPT_NAME", "SERVER_PROTOCOL"]
)
@pytest.mark.parametrize("value", ["1", False])
def test_what_is_computed_is_neither_set_nor_removed(name: str, value: object) -> None:
    assert "CVE-2025-65082" in variable_mistakes({name: value})[name]


@pytest.mark.parametrize("value", [True, 0, 1, None, [], {}, b"x"])
def test_a_value_is_a_string_or_false(value: object) -> None:
    assert "allowed: a string" in variable_mistakes({"A": value})["A"]


def test_a_value_has_no_nul() -> None:
    assert "NUL" in variable_mistakes({"A": "a\0B\0c"})["A"]


def test_variables_are_a_table() -> None:
    assert refusal(Variables(), ["A"]) == "an array is not a table"


def test_a_variable_on_the_command_line_is_a_name_and_a_value() -> None:
    assert Variables().parse_text("A=b=c") == {"A": "b=c"}
    assert Variables().parse_text("A") == "A"


SHOWN: list[tuple[Kind[object], object]] = [
    (Switch(), True),
    (Switch(), False),
    (WORDS, False),
    (WORDS, True),
    (WORDS, "apache"),
    (Duration(), 5),
    (Duration(), 0.25),
    (Duration(), 1_000_000),
    (Size(zero="no limit"), 0),
    (Size(), 1),
    (Size(), 1023),
    (Size(), 1024),
    (Size(), 1536),
    (Size(), 1 << 20),
    (Size(), 5 << 30),
    (Size(), 7 << 40),
    (Text(), ""),
    (Text(), 'a"b\\cé\u200b'),
    (Variables(), {}),
    (Variables(), {"A": 'x"\n', "B": "", "C": False, "D": "é"}),
]


@pytest.mark.parametrize(("kind", "raw"), SHOWN)
def test_what_is_shown_is_toml_for_the_same_value(kind: Kind[object], raw: object) -> None:
    value = kind.parse(raw)
    assert kind.parse(tomllib.loads(f"x = {kind.show(value)}")["x"]) == value


def test_sizes_are_shown_with_the_largest_unit_that_fits() -> None:
    shown = [Size().show(size) for size in (1023, 1024, 1536, 1 << 20, 5 << 30, 1 << 50)]
    assert shown == ["1023", '"1KiB"', "1536", '"1MiB"', '"5GiB"', '"1024TiB"']


@given(st.text())
def test_bytes_as_str_has_one_character_a_byte_and_can_be_read_again(text: str) -> None:
    assert bytes_as_str(text).encode("latin-1") == text.encode()
    assert str_as_text(bytes_as_str(text)) == text


def test_bytes_that_are_no_utf_8_survive_from_the_command_line() -> None:
    assert bytes_as_str("\udcff") == "\xff"
    assert str_as_text("\xff") == "\ufffd"
