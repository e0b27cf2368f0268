"""Request targets: origin-form, absolute-form, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.semantics.target import Target, parse_target


@pytest.mark.parametrize(
    ("target", "path", "query", "authority"),
    [
        ("/", "/", None, None),
        ("/a/b", "/a/b", None, None),
        ("/a?", "/a", "", None),
        ("/a?b?c=/d", "/a", "b?c=/d", None),
        ("/?a", "/", "a", None),
        ("//evil.test/x", "//evil.test/x", None, None),
        ("/%41%zz%", "/%41%zz%", None, None),
        ("/\"<>^`{|}~!$&'()*,:=@[]\\", "/\"<>^`{|}~!$&'()*,:=@[]\\", None, None),
        ("/http://a.test/", "/http://a.test/", None, None),
        ("http://a.test/x?y", "/x", "y", "a.test"),
        ("HTTPS://A.test:443", "/", None, "A.test:443"),
        ("http://a.test?q", "/", "q", "a.test"),
        ("http://[::1]:80/", "/", None, "[::1]:80"),
        ("http:///x", "/x", None, ""),
        ("http://user@a.test/", "/", None, "user@a.test"),
        ("http://a.test//b", "//b", None, "a.test"),
    ],
)
def test_a_target_has_path_query_and_perhaps_authority(
    target: str, path: str, query: str | None, authority: str | None
) -> None:
    assert parse_target(target) == Target(path, query, authority)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/a/%41?x=%20y", "/a/%41?x=%20y"),
        ("/a?", "/a?"),
        ("/a", "/a"),
        ("http://a.test/x?y", "/x?y"),
        ("http://a.test?y", "/?y"),
    ],
)
def test_shown_it_is_what_was_received_without_the_authority(target: str, text: str) -> None:
    assert str(parse_target(target)) == text


@pytest.mark.parametrize(
    "target", ["", "*", "a", "a.test:443", "ftp://a.test/", "http:/a", "http:a", "?q", "\\a"]
)
def test_what_is_neither_a_path_nor_an_http_url_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="neither a path nor an http URL"):
        parse_target(target)


@pytest.mark.parametrize(
    "target",
    [
        "/a#b",
        "/a b",
        "/a\tb",
        "/a\r\nb",
        "/\0",
        "/\x7f",
        "/caf\xe9",
        "/\x80",
        "/\u20ac",
        "http://a#",
    ],
)
def test_a_character_that_no_uri_has_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="character that no URI has"):
        parse_target(target)


@given(st.one_of(st.text(), st.text("/?#:%.ah tp").map("http://{}".format)))
def test_any_text_is_a_target_or_a_value_error(text: str) -> None:
    try:
        target = parse_target(text)
    except ValueError:
        return
    assert target.path.startswith("/")
    assert "?" not in target.path
    assert parse_target(str(target)) == Target(target.path, target.query)
