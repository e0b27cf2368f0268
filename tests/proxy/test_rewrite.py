"""What the backend says about itself, in the client's words."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proxy.steps import answer, answering, request
from wsgi_scgi.gateway.response import Foreign, LocalRedirect, Response
from wsgi_scgi.proxy.rewrite import Place, RewriteFields, RewriteRules, rewrite_cookie

RULES = RewriteRules(mount="/app/", places=(Place("backend:4000"),))
BASED = dataclasses.replace(RULES, places=(Place("backend:4000", "/base/"),))


def rewritten(
    value: str, rules: RewriteRules = RULES, *, name: str = "Location", **environ: object
) -> str:
    """Return what becomes of the value of a field; ``environ`` changes the request."""
    step = RewriteFields(answering(answer(302, [("A", "1"), (name, value)])), rules)
    outcome = step(request("/app/x", **environ))
    assert isinstance(outcome, Response)
    first, (same_name, new) = outcome.fields
    assert (first, same_name) == (("A", "1"), name)
    return new


# URLs of the backend


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://backend:4000/x", "http://example.org/app/x"),
        ("scgi://backend:4000/x", "http://example.org/app/x"),
        ("scgi://backend/x", "http://example.org/app/x"),  # 4000 is SCGI's port
        ("HTTP://Backend:4000/x", "http://example.org/app/x"),
        ("https://backend:4000/x", "http://example.org/app/x"),
        ("http://backend.:4000/x", "http://example.org/app/x"),
        ("http://backend:04000/x", "http://example.org/app/x"),
        ("//backend:4000/x", "//example.org/app/x"),
        ("http://backend:4000/", "http://example.org/app/"),
        ("http://backend:4000", "http://example.org/app/"),
        ("http://backend:4000?q", "http://example.org/app/?q"),
        ("http://backend:4000#f", "http://example.org/app/#f"),
        ("http://backend:4000/x?u=/y#f", "http://example.org/app/x?u=/y#f"),
        ("http://backend:4000//x", "http://example.org/app//x"),
        ("http://backend:4000/%20?a b", "http://example.org/app/%20?a b"),
    ],
)
def test_the_backend_s_own_address_becomes_the_client_s(url: str, public: str) -> None:
    assert rewritten(url) == public


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "http://backend/x",  # port 80
        "https://backend/x",
        "//backend/x",
        "http://backend:4001/x",
        "http://backend:/x",
        "http://backend.test:4000/x",
        "http://notbackend:4000/x",
        "http://user@backend:4000/x",
        "http://backend:4000@evil.test/x",
        "http://evil.test/http://backend:4000/",
        "http://evil.test/?http://backend:4000/",
        "http://[backend]:4000/x",
        "ftp://backend:4000/x",
        "http:/backend:4000/x",
        "http:///x",
        "///x",
        "mailto:backend:4000",
        "/x",
        "x",
        "?q",
        "#f",
        "../x",
        "",
    ],
)
def test_everything_else_stays(url: str) -> None:
    assert rewritten(url) == url


@pytest.mark.parametrize("name", ["Location", "LOCATION", "Content-Location", "URI"])
def test_the_three_fields_of_proxypassreverse_are_rewritten(name: str) -> None:
    assert rewritten("http://backend:4000/x", name=name) == "http://example.org/app/x"


@pytest.mark.parametrize("name", ["Link", "Refresh", "X-Location", "Set-Cookie", "Uris"])
def test_other_fields_stay(name: str) -> None:
    assert rewritten("http://backend:4000/x", name=name) == "http://backend:4000/x"


@pytest.mark.parametrize(
    ("authority", "url", "ours"),
    [
        ("[::1]:4000", "http://[::1]:4000/x", True),
        ("[::1]:4000", "http://[0:0:0:0:0:0:0:1]:4000/x", True),
        ("[::1]:4000", "scgi://[::1]/x", True),
        ("[::1]:4000", "http://[::2]:4000/x", False),
        ("[::1]:4000", "http://::1:4000/x", False),
        ("backend:80", "http://backend/x", True),
        ("backend:80", "//backend/x", True),
        ("backend:443", "https://backend/x", True),
        ("backend:443", "http://backend/x", False),
        ("", "http:///x", False),
        ("", "http://:4000/x", False),
        ("", "//x", False),
    ],
)
def test_an_address_is_recognised_in_every_spelling(authority: str, url: str, ours: bool) -> None:
    rules = dataclasses.replace(RULES, places=(Place(authority),))
    assert (rewritten(url, rules) != url) is ours


def test_the_client_s_scheme_and_host_are_used() -> None:
    def new(url: str, **environ: object) -> str:
        return rewritten(url, **environ)  # type: ignore[arg-type]  # none of its own names

    url = "http://backend:4000/x"
    assert new(url, wsgi__url_scheme="https") == "https://example.org/app/x"
    assert new(url, HTTP_HOST="Example.org:8000") == "http://Example.org:8000/app/x"
    assert new(url, HTTP_HOST="[::1]:8000") == "http://[::1]:8000/app/x"
    nowhere = {"HTTP_HOST": None, "protocol": "HTTP/1.0"}
    assert new(url, **nowhere) == "/app/x"
    assert new("//backend:4000/x?q", **nowhere) == "/app/x?q"
    https = dataclasses.replace(RULES, places=(Place("backend:443"),))
    assert rewritten("//backend/x", https, wsgi__url_scheme="https") == "//example.org/app/x"
    assert rewritten("//backend/x", https) == "//backend/x"


# Base paths


@pytest.mark.parametrize(
    ("value", "public"),
    [
        ("/base/x", "/app/x"),
        ("/base/", "/app/"),
        ("/base//x", "/app//x"),
        ("/base/x?u=/base/y#f", "/app/x?u=/base/y#f"),
        ("/base/?q", "/app/?q"),
        ("/base/#f", "/app/#f"),
        ("//backend:4000/base/x", "//example.org/app/x"),
        ("http://backend:4000/base/x", "http://example.org/app/x"),
        # What is not below the base is somebody else's.
        ("/base", "/base"),
        ("/base?q", "/base?q"),
        ("/bases/x", "/bases/x"),
        ("/x?u=/base/", "/x?u=/base/"),
        ("/Base/x", "/Base/x"),
        ("http://backend:4000/x", "http://backend:4000/x"),
        ("http://backend:4000", "http://backend:4000"),
        ("//base/x", "//base/x"),
        ("base/x", "base/x"),
    ],
)
def test_a_path_below_the_base_becomes_one_below_the_route(value: str, public: str) -> None:
    assert rewritten(value, BASED) == public


@pytest.mark.parametrize(
    ("mount", "base", "value", "public"),
    [
        ("/app", "/base", "/base", "/app"),
        ("/app", "/base", "/base?q", "/app?q"),
        ("/app", "/base", "/base/x", "/app/x"),
        ("/app/", "/base", "/base", "/app/"),
        ("/app/", "/base", "/base#f", "/app/#f"),
        ("/", "/base/", "/base/x", "/x"),
        ("/", "/base", "/base", "/"),
        ("/", "/base", "/base?q", "/?q"),
        ("/base/", "/base/", "/base/x", "/base/x"),
        # Both may be meant: the longer decides.
        ("/base/app/", "/base/", "/base/app/x", "/base/app/x"),
        ("/base/app/", "/base/", "/base/app", "/base/app"),
        ("/base/app/", "/base/", "/base/x", "/base/app/x"),
        ("/base/app/", "/base/", "/base/apple", "/base/app/apple"),
        ("/app/", "/app/v2/", "/app/v2/x", "/app/x"),
        ("/app/", "/app/v2/", "/app/x", "/app/x"),
        # Paths of the configuration are decoded, those of fields are not.
        ("/my app/", "/base/", "/base/x", "/my%20app/x"),
        ("/caf\xc3\xa9/", "/base/", "/base/x", "/caf%C3%A9/x"),
        ("/app/", "/caf\xc3\xa9/", "/caf%C3%A9/x", "/app/x"),
        ("/app/", "/a%20b/", "/a%20b/x", "/app/x"),
        ("/a;b@c:d/", "/base/", "/base/x", "/a;b@c:d/x"),
    ],
)
def test_slashes_and_escapes_of_both_paths_are_kept(
    mount: str, base: str, value: str, public: str
) -> None:
    rules = RewriteRules(mount=mount, places=(Place(base=base),))
    assert rewritten(value, rules) == public


def test_a_gateway_that_is_mounted_itself_is_in_the_path() -> None:
    mounted = {"SCRIPT_NAME": "/my site", "PATH_INFO": "/app/x", "RAW_URI": "/my%20site/app/x"}
    assert rewritten("/base/x", BASED, **mounted) == "/my%20site/app/x"
    url = "http://backend:4000/base/x"
    assert rewritten(url, BASED, **mounted) == "http://example.org/my%20site/app/x"


# Cookies


@pytest.mark.parametrize(
    ("cookie", "new"),
    [
        ("a=1; Path=/", "a=1; Path=/app/"),
        ("a=1; Path=/x/y", "a=1; Path=/app/x/y"),
        ("a=1; path=/x", "a=1; path=/app/x"),
        ("a=1;PATH=/x;Secure", "a=1;PATH=/app/x;Secure"),
        ("a=1; Path = /x ; HttpOnly", "a=1; Path =/app/x; HttpOnly"),
        ("a=1;\tPath=\t/x", "a=1;\tPath=/app/x"),
        ("a=1; Path=/x; Path=/y", "a=1; Path=/app/x; Path=/app/y"),
        # Not an attribute, not a path, or not below the pair's.
        ("Path=/x", "Path=/x"),
        ("a=Path=/x", "a=Path=/x"),
        ("a=1; fakepath=/x", "a=1; fakepath=/x"),
        ("a=1; x-path=/x", "a=1; x-path=/x"),
        ("a=1; Path", "a=1; Path"),
        ("a=1; Path=", "a=1; Path="),
        ("a=1; Path=x", "a=1; Path=x"),
        ('a=1; Path="/x"', 'a=1; Path="/x"'),
        ("a=1", "a=1"),
        ("", ""),
        (";", ";"),
        ("a=1; Comment=Path=/x; Secure;", "a=1; Comment=Path=/x; Secure;"),
    ],
)
def test_the_path_of_a_cookie_is_rewritten(cookie: str, new: str) -> None:
    assert rewrite_cookie(cookie, (("/", "/app/"),), ()) == new


def test_a_quoted_value_ends_at_the_semicolon_as_for_browsers() -> None:
    # RFC 6265 5.2: user agents split there, quotes or not.
    cookie = 'a="x; path=/y"; Path=/'
    assert rewrite_cookie(cookie, (("/", "/app/"),), ()) == 'a="x; path=/app/y"; Path=/app/'


def test_the_first_pair_that_applies_counts() -> None:
    pairs = (("/internal/", "/app/"), ("/int", "/b"), ("/", "/c/"))
    for path, new in [("/internal/x", "/app/x"), ("/internal", "/bernal"), ("/x", "/c/x")]:
        assert rewrite_cookie(f"a=1; Path={path}", pairs, ()) == f"a=1; Path={new}"


@pytest.mark.parametrize(
    ("cookie", "new"),
    [
        ("a=1; Domain=internal", "a=1; Domain=example.org"),
        ("a=1; Domain=.Internal", "a=1; Domain=example.org"),
        ("a=1;domain=INTERNAL;Secure", "a=1;domain=example.org;Secure"),
        ("a=1; Domain=x.internal", "a=1; Domain=x.internal"),
        ("a=1; Domain=internal.x", "a=1; Domain=internal.x"),
        ("a=1; Domain=", "a=1; Domain="),
        ("a=1; Domain", "a=1; Domain"),
        ("Domain=internal", "Domain=internal"),
        ("a=1; Domain=other.test", "a=1; Domain=.public.test"),
    ],
)
def test_the_domain_of_a_cookie_is_rewritten(cookie: str, new: str) -> None:
    pairs = ((".internal", "example.org"), ("Other.test", ".public.test"))
    assert rewrite_cookie(cookie, (), pairs) == new


def test_both_attributes_of_every_cookie_are_rewritten() -> None:
    rules = dataclasses.replace(
        RULES, cookie_path=(("/", "/app/"),), cookie_domain=(("internal", "example.org"),)
    )
    cookie = "a=1; Domain=internal; Path=/; Secure"
    new = "a=1; Domain=example.org; Path=/app/; Secure"
    assert rewritten(cookie, rules, name="Set-Cookie") == new
    assert rewritten(cookie, rules, name="set-cookie") == new
    assert rewritten(cookie, rules, name="Set-Cookie2") == cookie
    assert rewritten(cookie, name="Set-Cookie") == cookie


@pytest.mark.parametrize("option", ["cookie_path", "cookie_domain"])
def test_either_kind_of_pair_may_be_alone(option: str) -> None:
    pair = {"cookie_path": ("/", "/app/"), "cookie_domain": ("internal", "example.org")}[option]
    pairs: Any = {option: (pair,)}
    rules = RewriteRules(mount="/", **pairs)
    cookie = f"a=1; {option.removeprefix('cookie_')}={pair[0]}"
    assert rewritten(cookie, rules, name="Set-Cookie") == cookie.replace(*pair)


_ATTRIBUTES = st.lists(st.text('aPpathDdomin=/ .;\t"', max_size=12), max_size=4).map(";".join)


@given(_ATTRIBUTES)
def test_a_cookie_keeps_its_name_value_and_number_of_attributes(cookie: str) -> None:
    new = rewrite_cookie(cookie, (("/", "/x/"),), (("do", "example.org"),))
    assert new.split(";")[0] == cookie.split(";")[0]
    assert new.count(";") == cookie.count(";")


@given(_ATTRIBUTES)
def test_pairs_that_change_nothing_leave_every_byte(cookie: str) -> None:
    assert rewrite_cookie(cookie, (("/", "/"),), ()) == cookie


# What passes through


def test_what_a_local_redirect_keeps_is_rewritten_too() -> None:
    rules = dataclasses.replace(RULES, cookie_path=(("/", "/app/"),))
    first = LocalRedirect("/x", [("Set-Cookie", "a=1; Path=/"), ("A", "/")], (404, "Reason"))
    outcome = RewriteFields(answering(first), rules)(request("/app/x"))
    assert outcome == LocalRedirect(
        "/x", [("Set-Cookie", "a=1; Path=/app/"), ("A", "/")], (404, "Reason")
    )


def test_an_answer_of_another_application_is_its_own() -> None:
    foreign = Foreign(lambda _, __: [], {}, [("Location", "http://backend:4000/")])
    assert RewriteFields(answering(foreign), RULES)(request("/app/x")) is foreign


def test_only_the_fields_change() -> None:
    response = answer(201, [("Location", "http://backend:4000/x")], control={"a": "b"})
    body = response.body
    outcome = RewriteFields(answering(response), RULES)(request("/app/x"))
    assert outcome is response
    assert (response.status, response.body, response.control) == (201, body, {"a": "b"})
