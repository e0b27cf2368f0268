"""Quoting there and back, for any text."""

import string

from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.convert.syntax import logical_lines, split_words

texts = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]))
# What begins with a quote or holds a blank has to be quoted; the rest may stand by itself.
bare = st.text(
    st.characters(exclude_characters="\"'\\ \t\n\v\f\r\0", exclude_categories=["Cs"]), min_size=1
)


def quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


@given(st.lists(st.tuples(texts, st.sampled_from("\"'"))))
def test_quoted_words_come_back_whole(words: list[tuple[str, str]]) -> None:
    line = " ".join(quoted(text, quote) for text, quote in words)

    assert split_words(line) == [text for text, _ in words]


@given(st.lists(bare), st.sampled_from([" ", "\t", "  ", " \t "]))
def test_bare_words_come_back_whole(words: list[str], blank: str) -> None:
    assert split_words(blank.join(words)) == words


@given(st.lists(bare.filter(lambda text: not text.startswith("#"))), st.data())
def test_a_line_may_be_continued_between_any_two_letters(
    words: list[str], data: st.DataObject
) -> None:
    line = " ".join(words)
    at = data.draw(st.integers(0, len(line)))

    whole = [text for _, text in logical_lines(f"{line}\n")]
    parted = [text for _, text in logical_lines(f"{line[:at]}\\\n{line[at:]}\n")]

    assert parted == whole


@given(st.text(string.printable))
def test_every_line_is_of_the_text_and_lines_are_counted_upwards(text: str) -> None:
    numbers = [number for number, _ in logical_lines(text)]

    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= text.count("\n") + 1 for number in numbers)
