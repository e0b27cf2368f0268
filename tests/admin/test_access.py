"""Who is let in, and which pages may ask for a change."""

import base64

import pytest

from tests.proxy.steps import request
from wsgi_scgi.admin.access import (
    Access,
    Visitor,
    form_cookie,
    form_value,
    new_form_value,
    place_of,
    refuse_foreign_form,
    refuse_foreign_page,
)
from wsgi_scgi.errors import RequestError

TOKEN = "0123456789abcdef"


def basic(name: str, password: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode(encoding)).decode()


def visitor(access: Access, **environ: object) -> Visitor | None:
    return access.visitor(request("/", **environ))


def as_wsgi(text: str) -> str:
    return text.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("authorization", "known"),
    [
        (f"Bearer {TOKEN}", Visitor("token", needs_form=False)),
        (f"bearer   {TOKEN} ", Visitor("token", needs_form=False)),
        (basic("me", TOKEN), Visitor("me", needs_form=True)),
        (basic("", TOKEN), Visitor("token", needs_form=True)),
        (basic("Jürgen", TOKEN), Visitor("Jürgen", needs_form=True)),
        (basic("Jürgen", TOKEN, "latin-1"), Visitor("J\ufffdrgen", needs_form=True)),
        (basic("me", TOKEN).replace("Basic", "BASIC"), Visitor("me", needs_form=True)),
    ],
)
def test_the_token_is_a_bearer_token_or_a_password(authorization: str, known: Visitor) -> None:
    assert visitor(Access(TOKEN), HTTP_AUTHORIZATION=authorization) == known


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN},Bearer {TOKEN}",
        f"Bearer {TOKEN.upper()}",
        "Bearer \xff\xfe",
        "Bearer \u20ac",
        "Bearer \udcff",
        f"Token {TOKEN}",
        TOKEN,
        basic("me", "wrong"),
        basic(TOKEN, ""),
        f"Basic {TOKEN}",
        "Basic ===",
        "Basic \xff",
        "Basic \u20ac",
        "Basic",
    ],
)
def test_anything_else_is_a_stranger(authorization: str | None) -> None:
    assert visitor(Access(TOKEN), HTTP_AUTHORIZATION=authorization) is None


@pytest.mark.parametrize("authorization", [as_wsgi("Bearer Schlüssel€€€€€€€€"), "Basic"])
def test_a_token_need_not_be_ascii(authorization: str) -> None:
    token = "Schlüssel€€€€€€€€"
    sent = basic("me", token) if authorization == "Basic" else authorization
    assert visitor(Access(token), HTTP_AUTHORIZATION=sent) is not None


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer", basic("me", ""), basic("", "")])
def test_an_empty_token_lets_nobody_in(authorization: str) -> None:
    assert visitor(Access("", frozenset({"me"})), HTTP_AUTHORIZATION=authorization) is None


@pytest.mark.parametrize(
    ("users", "user", "name"),
    [
        ({"me"}, "me", "me"),
        ({"me"}, "you", None),
        ({"me"}, "", None),
        ({"*"}, "anybody", "anybody"),
        ({"*"}, "", None),
        ({"*"}, None, None),
        (set(), "me", None),
        ({"Jürgen"}, as_wsgi("Jürgen"), "Jürgen"),
        ({"Jürgen"}, "Jürgen", "Jürgen"),
        ({"€"}, "€", "€"),
    ],
)
def test_users_are_those_whom_the_application_around_has_let_in(
    users: set[str], user: str | None, name: str | None
) -> None:
    found = visitor(Access(users=frozenset(users)), REMOTE_USER=user)
    assert found == (None if name is None else Visitor(name, needs_form=True))


def test_a_field_of_the_request_makes_nobody_a_user() -> None:
    access = Access(TOKEN, frozenset({"*"}))
    assert visitor(access, HTTP_REMOTE_USER="me", HTTP_X_REMOTE_USER="me") is None


def test_a_bearer_token_needs_no_form_even_from_a_user() -> None:
    access = Access(TOKEN, frozenset({"*"}))
    found = visitor(access, HTTP_AUTHORIZATION=f"Bearer {TOKEN}", REMOTE_USER="me")
    assert found == Visitor("token", needs_form=False)


def test_the_token_is_never_shown() -> None:
    assert TOKEN not in repr(Access(TOKEN))


# Pages that ask for a change.


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HTTP_ORIGIN": "http://example.org"},
        {"HTTP_ORIGIN": "HTTP://EXAMPLE.org"},
        {"HTTP_ORIGIN": "https://example.org"},
        {"HTTP_ORIGIN": "https://example.org", "wsgi__url_scheme": "https"},
        {"HTTP_ORIGIN": "http://example.org:8000", "HTTP_HOST": "example.org:8000"},
        {"HTTP_SEC_FETCH_SITE": "same-origin"},
        {"HTTP_SEC_FETCH_SITE": "none"},
        # behind a proxy that has another name, and for a user who sends no referrers
        {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "https://admin.example"},
        {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "null"},
    ],
)
def test_own_pages_and_programs_may_ask(environ: dict[str, str]) -> None:
    refuse_foreign_page(request("/", method="POST", **environ))


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_ORIGIN": "http://evil.example"},
        {"HTTP_ORIGIN": "http://example.org.evil.example"},
        {"HTTP_ORIGIN": "http://example.org:8080"},
        {"HTTP_ORIGIN": "http://example.org", "wsgi__url_scheme": "https"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": ""},
        {"HTTP_ORIGIN": "http://example.org, http://example.org"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_SEC_FETCH_SITE": ""},
        {"HTTP_SEC_FETCH_SITE": "same-origin,cross-site"},
        {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "http://example.org"},
        {"HTTP_ORIGIN": "http://None", "HTTP_HOST": None, "SERVER_PROTOCOL": "HTTP/1.1"},
    ],
)
def test_foreign_pages_may_not(environ: dict[str, str | None]) -> None:
    with pytest.raises(RequestError) as caught:
        refuse_foreign_page(request("/", method="POST", **environ))
    assert caught.value.status in (400, 403)


# Forms.


def with_cookie(cookie: str | None) -> str:
    return form_value(request("/", HTTP_COOKIE=cookie))


def test_a_form_is_known_by_its_value_in_a_cookie() -> None:
    value = new_form_value()
    assert with_cookie(f"a=b; wsgi_scgi_form={value};c=d") == value
    refuse_foreign_form(request("/", HTTP_COOKIE=f"wsgi_scgi_form={value}"), value)
    assert new_form_value() != value


@pytest.mark.parametrize(
    "cookie",
    [
        None,
        "",
        "wsgi_scgi_form",
        "wsgi_scgi_form=",
        "wsgi_scgi_form=short",
        f"WSGI_SCGI_FORM={'a' * 32}",
        f"x_wsgi_scgi_form={'a' * 32}",
        f"wsgi_scgi_form={'a' * 33}",
        f"wsgi_scgi_form={'a' * 31}\xe9",
        f"wsgi_scgi_form={'a' * 31}\r",
        f"wsgi_scgi_form={'a' * 32}\r\nSet-Cookie: a=b",
        f'wsgi_scgi_form="{"a" * 32}"',
        "\xff\x00=;;;===",
    ],
)
def test_a_cookie_that_was_not_made_here_is_none(cookie: str | None) -> None:
    assert with_cookie(cookie) == ""


@pytest.mark.parametrize("given", ["", "a", "b" * 32, "a" * 33, "ä" * 32])
@pytest.mark.parametrize("cookie", [f"wsgi_scgi_form={'a' * 32}", "", "wsgi_scgi_form="])
def test_a_form_with_another_value_is_refused(given: str, cookie: str) -> None:
    with pytest.raises(RequestError, match="the form is not of this page") as caught:
        refuse_foreign_form(request("/", HTTP_COOKIE=cookie), given)
    assert caught.value.status == 403


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_the_cookie_is_for_this_site_alone(scheme: str, secure: bool) -> None:
    attributes = form_cookie(request("/", wsgi__url_scheme=scheme), "x").split("; ")
    assert attributes[0] == "wsgi_scgi_form=x"
    assert {"HttpOnly", "SameSite=Strict"} <= set(attributes)
    assert ("Secure" in attributes) is secure


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"REMOTE_ADDR": "192.0.2.1"}, "192.0.2.1"),
        ({"REMOTE_ADDR": ""}, "a Unix socket"),
        (
            {"HTTP_X_FORWARDED_FOR": "203.0.113.9\r\nx\x1b[31m"},
            r"127.0.0.1 (X-Forwarded-For: 203.0.113.9\r\nx\x1b[31m)",
        ),
    ],
)
def test_the_log_tells_where_a_request_comes_from(environ: dict[str, str], place: str) -> None:
    assert place_of(request("/", **environ)) == place


def test_what_a_proxy_says_of_the_client_is_cut_short() -> None:
    assert len(place_of(request("/", HTTP_X_FORWARDED_FOR="1" * 100_000))) < 300
