"""Apache's lines and words, as httpd 2.4 reads them."""

import pytest

from wsgi_scgi.convert.syntax import (
    UnclosedQuoteError,
    first_word,
    logical_lines,
    section_parts,
    split_words,
)


def lines(text: str) -> list[tuple[int, str]]:
    return [*logical_lines(text)]


def test_lines_are_numbered_and_comments_and_empty_ones_left_out() -> None:
    assert lines("\n# no\n  Listen 80  \n\t\nListen 81") == [(3, "Listen 80"), (5, "Listen 81")]


def test_a_backslash_continues_a_line_that_is_numbered_by_its_beginning() -> None:
    assert lines("Listen \\\n  80\nB") == [(1, "Listen   80"), (3, "B")]
    assert lines("Listen \\\r\n80\r\n") == [(1, "Listen 80")]


def test_a_comment_is_continued_as_well() -> None:
    assert lines("# no \\\nListen 80\nListen 81\n") == [(3, "Listen 81")]


def test_a_backslash_before_the_end_of_the_file_continues_nothing() -> None:
    assert lines("Listen 80\\") == [(1, "Listen 80\\")]
    assert lines("Listen 80\\\n") == [(1, "Listen 80")]


def test_a_backslash_before_a_blank_continues_nothing() -> None:
    assert lines("A \\ \nB") == [(1, "A \\"), (2, "B")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  a \t b ", ["a", "b"]),
        ('"a b" c', ["a b", "c"]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        ('"a"b', ["a", "b"]),
        ('a"b c"', ['a"b', 'c"']),
        (r'"a \"b\" c"', ['a "b" c']),
        (r"'a \'b\' \"c'", [r"a 'b' \"c"]),
        (r'"\\" x', ["\\", "x"]),
        (r"^/a\.b\\c\d", [r"^/a\.b\c\d"]),
        (r'"^/a\.b$"', [r"^/a\.b$"]),
        ("'' \"\"", ["", ""]),
        ("a\\", ["a\\"]),
        ("%{HTTP_HOST} =~ m#x#", ["%{HTTP_HOST}", "=~", "m#x#"]),
    ],
)
def test_words_are_divided_and_unquoted_as_in_apache(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize("text", ['"a', "'a", '"a\\"', "x 'a\"", '"'])
def test_a_quote_that_is_not_closed_is_an_error(text: str) -> None:
    with pytest.raises(UnclosedQuoteError, match="is not closed"):
        split_words(text)


def test_the_first_word_ends_at_any_blank() -> None:
    assert first_word("A\tb c") == ("A", "b c")
    assert first_word("A") == ("A", "")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<Location /a>", ("Location", "/a")),
        ("<RequireAll>", ("RequireAll", "")),
        ('<If "%{A} -lt 3">', ("If", '"%{A} -lt 3"')),
        ('<LocationMatch "a>b"> # why', ("LocationMatch", '"a>b"')),
        ("<Location\t/a >", ("Location", "/a")),
    ],
)
def test_a_section_has_a_name_and_an_argument(text: str, parts: tuple[str, str]) -> None:
    assert section_parts(text) == parts


def test_a_section_without_its_bracket_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks its >"):
        section_parts("<Location /a")
