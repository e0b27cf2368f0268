"""Mistakes name the place and the cure."""

import pytest

from wsgi_scgi.config.mistakes import InvalidConfiguration, Mistake, unknown_key
from wsgi_scgi.errors import ConfigurationError


def test_a_mistake_in_a_file_starts_with_the_file_and_the_line() -> None:
    mistake = Mistake("timeout", "is wrong", "gateway.toml", 7)
    assert str(mistake) == "gateway.toml:7: timeout: is wrong"


def test_a_mistake_without_a_file_starts_with_the_key() -> None:
    assert str(Mistake("timeout", "is wrong")) == "timeout: is wrong"


def test_the_error_tells_every_mistake_on_a_line_of_its_own() -> None:
    error = InvalidConfiguration(Mistake(key, "is wrong") for key in ("a", "b"))
    assert str(error) == "a: is wrong\nb: is wrong"
    assert [mistake.key for mistake in error.mistakes] == ["a", "b"]
    assert isinstance(error, ConfigurationError)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tmeout", "unknown key; did you mean timeout?"),
        ("zzz", "unknown key; allowed: timeout, path"),
    ],
)
def test_an_unknown_key_comes_with_the_nearest_or_with_all(name: str, text: str) -> None:
    assert unknown_key(name, ("timeout", "path")) == text
