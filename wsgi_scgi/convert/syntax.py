"""Apache's syntax, as httpd 2.4 reads it: lines, words, the argument of a section.

A backslash at the end of a line continues it, comments included: what follows
``# like this \\`` is part of the comment.  Words are quoted with " or '; a backslash protects the
quote and itself, and stands for itself before anything else, so that regular expressions pass.
"""

from collections.abc import Iterator

BLANKS = " \t\n\v\f\r"


class UnclosedQuoteError(ValueError):
    """A word begins with a quote that nothing closes."""


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number of its first line, from 1, and the text of each directive.

    Continued lines are joined, blank ends cut; empty lines and comments are left out.
    """
    pending, first = "", 0
    *lines, last = text.split("\n")
    for number, line in enumerate(lines, 1):
        first = first or number
        body = line.removesuffix("\r")
        if body.endswith("\\"):
            pending += body[:-1]
            continue
        yield from _directive(first, pending + line)
        pending, first = "", 0
    yield from _directive(first or len(lines) + 1, pending + last)


def _directive(number: int, line: str) -> Iterator[tuple[int, str]]:
    line = line.strip(BLANKS)
    if line and not line.startswith("#"):
        yield number, line


def split_words(text: str) -> list[str]:
    """Return the words of a directive's arguments, their quotes resolved.

    Raises UnclosedQuoteError; Apache would take the rest of the line as the word.
    """
    words: list[str] = []
    rest = text.lstrip(BLANKS)
    while rest:
        quote = rest[0] if rest[0] in "\"'" else ""
        end = _word_end(rest, quote)
        words.append(_resolved(rest[len(quote) : end], quote))
        rest = rest[end + len(quote) :].lstrip(BLANKS)
    return words


def _word_end(text: str, quote: str) -> int:
    """Return where the word at the start of ``text`` ends, before its closing quote."""
    if not quote:
        return next((at for at, letter in enumerate(text) if letter in BLANKS), len(text))
    at = 1
    while at < len(text):
        if text[at] == quote:
            return at
        at += 2 if text[at] == "\\" and text[at + 1 : at + 2] in ("\\", quote) else 1
    raise UnclosedQuoteError(f"the quote {quote} is not closed: {text}")


def _resolved(word: str, quote: str) -> str:
    """Return ``word`` without the backslashes that protect a backslash or the quote."""
    resolved, at = "", 0
    while at < len(word):
        protected = word[at + 1 : at + 2]
        if word[at] == "\\" and protected and protected in ("\\", quote):
            at += 1
        resolved += word[at]
        at += 1
    return resolved


def first_word(text: str) -> tuple[str, str]:
    """Return what comes before the first blank, and the rest."""
    end = _word_end(text, "")
    return text[:end], text[end:].strip(BLANKS)


def section_parts(text: str) -> tuple[str, str]:
    """Return the name and the argument of a line that opens or closes a section.

    Raises ValueError if the ``>`` is missing.  What follows the last one is ignored.
    """
    end = text.rfind(">")
    if end < 0:
        raise ValueError(f"the section lacks its >: {text}")
    return first_word(text[1:end])
