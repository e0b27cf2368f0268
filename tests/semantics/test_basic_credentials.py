"""Basic credentials: what is read, what is refused, what an entry may be."""

import base64

import pytest

from wsgi_scgi.semantics.basic_credentials import (
    BasicCredentials,
    check_password,
    check_user,
    parse_basic_credentials,
)


def encoded(text: str | bytes, scheme: str = "Basic") -> str:
    data = text.encode() if isinstance(text, str) else text
    return f"{scheme} {base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("value", "user", "password"),
    [
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),  # RFC 7617 2
        ("Basic dGVzdDoxMjPCow==", "test", "123£"),  # RFC 7617 2.1
        (encoded("a:b:c", "bAsIc"), "a", "b:c"),
        (encoded("a:"), "a", ""),
        (encoded("a:b") + " ", "a", "b"),
    ],
)
def test_credentials_are_a_name_and_all_after_the_first_colon(
    value: str, user: str, password: str
) -> None:
    assert parse_basic_credentials(value) == BasicCredentials(user, password)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic ",
        "Bearer abc",
        "Basic a b",
        "Basic YQ",
        "Basic YTpi, Basic YTpi",
        encoded("nocolon"),
        encoded(":nobody"),
        encoded(b"a:\xff"),
        encoded("a:b\0"),
        encoded("a:\x85"),
        encoded("a:" + "b" * 1000),
    ],
)
def test_what_are_no_credentials_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="credentials"):
        parse_basic_credentials(value)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(BasicCredentials("me", "secret"))


def test_an_entry_has_a_name_and_a_password_that_can_be_used() -> None:
    check_user("Jürgen")
    check_password("ä" * 36)


@pytest.mark.parametrize("user", ["", "a:b", " a", "#a", "a\tb"])
def test_a_name_that_cannot_be_an_entry_is_refused(user: str) -> None:
    with pytest.raises(ValueError, match="name"):
        check_user(user)


@pytest.mark.parametrize("password", ["", "a\nb", "x" * 73])
def test_a_password_that_cannot_be_used_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="password"):
        check_password(password)
