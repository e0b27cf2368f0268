"""Session identifiers in URLs and cookies, signed routes and the cookie that carries them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.balancer.sticky import (
    CookieAttributes,
    Session,
    Signature,
    StickySession,
    check_route,
    set_cookie,
)

STICKY = StickySession.parse("SID|sid")


def route_of_cookie(field: str, *, sticky: StickySession = STICKY) -> str | None:
    """Return the route that a Cookie field asks for."""
    session = sticky.session_of("/", field)
    return None if session is None else session.route


def route_of_url(target: str, *, sticky: StickySession = STICKY) -> str | None:
    """Return the route that a request target asks for."""
    session = sticky.session_of(target, None)
    return None if session is None else session.route


# Names.


def test_two_names_are_of_the_cookie_and_of_the_parameter() -> None:
    assert StickySession.parse("JSESSIONID|jsessionid") == StickySession("JSESSIONID", "jsessionid")


def test_one_name_is_for_both() -> None:
    assert StickySession.parse("ROUTE") == StickySession("ROUTE", "ROUTE")


def test_what_goes_with_the_names_is_kept() -> None:
    signature = Signature("secret")
    sticky = StickySession.parse("S", separator="!", path_delimiter=True, signature=signature)
    assert sticky == StickySession("S", "S", "!", True, signature)


@pytest.mark.parametrize(
    "names", ["", "|", "|sid", "SID|", "S ID", "S=D|sid", "SID|a&b", "SID|a|b;"]
)
def test_a_name_that_can_never_match_is_refused(names: str) -> None:
    with pytest.raises(ValueError, match="is no name of a"):
        StickySession.parse(names)


def test_a_separator_is_one_character() -> None:
    with pytest.raises(ValueError, match="one character"):
        StickySession.parse("SID", separator="ab")


# Cookies.


@pytest.mark.parametrize(
    ("field", "route"),
    [
        ("SID=abc.r2", "r2"),
        ("SID=.r2", "r2"),
        ("SID = abc.r2", "r2"),
        ("SID\t =abc.r2", "r2"),
        ("XSID=abc.r2; SID=q.r3", "r3"),
        ("SIDX=a.r1;SID=b.r3", "r3"),
        ("SID=a.r1, SID=b.r2", "r1"),
        ("SID=a.r1,SID=b.r2", "r1"),
        ("a=b SID=c.r2", "r2"),
        ("a=b,SID=c.r2", "r2"),
        ("a=SID; SID=c.r2", "r2"),
        ("SID; SID=c.r2", "r2"),
        ("SID SID SID=c.r2", "r2"),
        ("SID=abc.r1.r2", "r1.r2"),
        ("SID=abc.r9", "r9"),
        ('SID="abc.r2"', 'r2"'),
        ("SID=abc.r2 ; a=b", "r2 "),
        ("SID=a=b.r2", "r2"),
    ],
)
def test_a_cookie_asks_for_the_route_behind_its_first_separator(field: str, route: str) -> None:
    assert STICKY.session_of("/", field) == Session("SID", route)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "SID",
        "SID=",
        "SID=r2",
        "SID=abc.",
        "sid=abc.r2",
        "XSID=abc.r2",
        "SID2=abc.r2",
        "a=SID=abc.r2",
        '"SID=abc.r2"',
        "SID=; SID=abc.r2",
        "SID=abc; SID=abc.r2",
        "\xa0SID=abc.r2",
    ],
)
def test_other_cookies_ask_for_no_route(field: str) -> None:
    assert STICKY.session_of("/", field) is None


def test_a_request_without_cookies_asks_for_no_route() -> None:
    assert STICKY.session_of("/path?query", None) is None


# Parameters of the URL.


@pytest.mark.parametrize(
    "target",
    [
        "/?sid=z.r3",
        "/page?a=b&sid=z.r3",
        "/page?a=b;sid=z.r3",
        "/page?sid=z.r3&a=b",
        "/page?sid=z.r3?a=b",
        "/page;sid=z.r3",
        "/page;sid=z.r3?a=b",
        "/page;x=y;sid=z.r3",
        "/page;sid=z.r3&a=b",
        "/page;sid=?sid=z.r3",
        "/page?sid=&sid=z.r3",
        "/page?sid=z.r3&sid=z.r1",
        "/page;sid=z.r3?sid=z.r1",
        "/page?sid&sid=z.r3",
    ],
)
def test_a_parameter_of_the_url_asks_for_a_route(target: str) -> None:
    assert STICKY.session_of(target, None) == Session("sid", "r3")


@pytest.mark.parametrize(
    "target",
    [
        "/xsid=z.r3",
        "/sid=z.r3",
        "/?mysid=z.r3",
        "/?a&mysid=z.r3",
        "/page;mysid=z.r3",
        "/?SID=z.r3",
        "/?sid=z",
        "/?sid=z.",
        "/?sid=",
        "/?sid",
        "/?sidx=z.r3",
        "/?a=b?sid=z.r3",
        "/&sid=z.r3",
    ],
)
def test_only_a_whole_name_of_a_parameter_matches(target: str) -> None:
    assert STICKY.session_of(target, None) is None


def test_the_url_wins_over_the_cookie() -> None:
    assert STICKY.session_of("/?sid=z.r3", "SID=z.r1") == Session("sid", "r3")


def test_a_value_in_the_url_decides_even_without_a_route() -> None:
    assert STICKY.session_of("/?sid=z", "SID=z.r1") is None


def test_a_parameter_without_a_value_leaves_the_cookie_to_decide() -> None:
    assert STICKY.session_of("/?sid=", "SID=z.r1") == Session("SID", "r1")


def test_a_semicolon_ends_a_value_in_the_url_only_if_told_so() -> None:
    delimiting = StickySession.parse("SID|sid", separator="!", path_delimiter=True)
    assert route_of_url("/;sid=z!r2;y=1", sticky=delimiting) == "r2"
    assert route_of_url("/?sid=z!r2;y=1", sticky=delimiting) == "r2"
    assert route_of_url("/;sid=z.r2;y=1") == "r2;y=1"
    assert route_of_url("/?sid=z.r2;y=1") == "r2;y=1"


def test_names_are_no_patterns() -> None:
    sticky = StickySession.parse("S.D|s.d")
    assert route_of_cookie("SxD=a.r1; S.D=a.r2", sticky=sticky) == "r2"
    assert route_of_url("/;sxd=a.r1?s.d=a.r2", sticky=sticky) == "r2"


# Separators.


def test_another_separator_is_the_only_one() -> None:
    sticky = StickySession.parse("SID", separator="!")
    assert route_of_cookie("SID=z!r2", sticky=sticky) == "r2"
    assert route_of_cookie("SID=z.r2", sticky=sticky) is None


def test_without_a_separator_the_whole_value_is_the_route() -> None:
    sticky = StickySession.parse("SID", separator="")
    assert route_of_cookie("SID=r2", sticky=sticky) == "r2"
    assert route_of_cookie("SID=abc.r2", sticky=sticky) == "abc.r2"
    assert route_of_cookie("SID=", sticky=sticky) is None


# Properties.

SEPARATED = st.text(st.characters(max_codepoint=255, exclude_characters=";,.=& \t\r\n\v\f?"))


@given(SEPARATED, SEPARATED.filter(bool))
def test_any_route_is_found_in_a_cookie_and_in_a_query(identifier: str, route: str) -> None:
    assert route_of_cookie(f"a=b; SID={identifier}.{route}; c=d") == route
    assert route_of_url(f"/page?a=b&sid={identifier}.{route}&c=d") == route


def first_route_by_apache(cookies: str) -> str | None:
    """Search a Cookie field step by step, as mod_proxy_balancer is described to do."""
    at = cookies.find("SID")
    while at >= 0:
        if at == 0 or cookies[at - 1] in ";, \t\r\n\v\f":
            rest = cookies[at + 3 :].lstrip(" \t\r\n\v\f")
            if rest.startswith("="):
                value = rest[1:].split(";")[0].split(",")[0]
                return value.partition(".")[2] or None
        at = cookies.find("SID", at + 1)
    return None


@given(st.lists(st.sampled_from(["SID", "X", "=", ";", ",", " ", ".", "r1", '"', "\t"])))
def test_cookies_are_searched_as_apache_searches_them(parts: list[str]) -> None:
    cookies = "".join(parts)
    assert route_of_cookie(cookies) == first_route_by_apache(cookies)


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_nothing_that_a_client_sends_raises(target: str, cookies: str) -> None:
    for sticky in (STICKY, StickySession.parse("SID|sid", signature=Signature("secret"))):
        sticky.session_of(f"/;sid={target}", cookies)
        sticky.session_of("/", f"SID={cookies}")


HOSTILE = ["SID ", "SID", " ", ";SID", "SID=", "a=b; ", "SID\t", ";sid", "&sid", "sid=", ";", "."]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", HOSTILE)
def test_megabytes_of_near_matches_take_linear_time(piece: str) -> None:
    # Were the search quadratic, each of these would take many minutes.
    much = piece * (1_000_000 // len(piece))
    assert STICKY.session_of(f"/{much}?x{much}", f"X;SID{much}\0") is None
    assert STICKY.session_of(f"/{much}?x{much}", f"X;SID{much}; SID=a.r1") == Session("SID", "r1")


# Signed routes.


def test_a_signed_route_leads_to_its_member() -> None:
    signature = Signature("secret")
    sticky = StickySession.parse("ROUTE", signature=signature)
    assert sticky.session_of("/", f"ROUTE={signature.sign('r2')}") == Session("ROUTE", "r2")


def test_a_signed_route_has_its_own_separator() -> None:
    signature = Signature("secret")
    for separator in ("!", "", "_"):
        sticky = StickySession.parse("ROUTE", separator=separator, signature=signature)
        assert route_of_cookie(f"ROUTE={signature.sign('r2')}", sticky=sticky) == "r2"


def test_a_route_that_nobody_signed_does_not_count() -> None:
    sticky = StickySession.parse("ROUTE", signature=Signature("secret"))
    forged = Signature("another").sign("r2")
    for value in ("abc.r2", ".r2", "r2", "", forged, '"' + Signature("secret").sign("r2") + '"'):
        assert route_of_cookie(f"ROUTE={value}", sticky=sticky) is None


def test_the_form_of_a_signature_stays() -> None:
    # Made once with openssl: a cookie that a browser has must live through an update.
    assert Signature("secret").sign("r2") == "jogjq5WtZuvLANmOGZdITg.r2"


def test_a_signature_has_128_bits_in_url_safe_characters() -> None:
    signatures = {Signature("secret").sign(f"r{n}").partition(".")[0] for n in range(200)}
    assert len(signatures) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", text) for text in signatures)
    assert any(set(text) & set("-_") for text in signatures)


@given(st.text())
def test_what_was_signed_is_verified(route: str) -> None:
    signature = Signature("secret")
    assert signature.verify(signature.sign(route)) == route


@given(st.text(), st.integers(0, 30), st.characters())
def test_a_changed_value_is_not_verified(route: str, at: int, character: str) -> None:
    signature = Signature("secret")
    signed = signature.sign(route)
    changed = signed[:at] + character + signed[at + 1 :]
    assert signature.verify(changed) == (route if changed == signed else None)


def test_a_signature_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="not empty"):
        Signature("")


# The cookie.


def test_a_cookie_has_careful_attributes_by_default() -> None:
    assert set_cookie("ROUTE", "abc.r1", CookieAttributes()) == (
        "ROUTE=abc.r1; Path=/; HttpOnly; SameSite=Lax"
    )


def test_a_cookie_has_the_attributes_that_it_is_given() -> None:
    attributes = CookieAttributes(
        path="/app",
        domain="example.org",
        secure=True,
        http_only=False,
        same_site="none",
        max_age=3600,
    )
    assert set_cookie("ROUTE", "abc.r1", attributes) == (
        "ROUTE=abc.r1; Max-Age=3600; Domain=example.org; Path=/app; Secure; SameSite=None"
    )


def test_a_cookie_may_have_no_attributes_at_all() -> None:
    attributes = CookieAttributes(path="", http_only=False, same_site="")
    assert set_cookie("ROUTE", "abc.r1", attributes) == "ROUTE=abc.r1"


def test_the_cookie_that_is_set_leads_back_to_the_route() -> None:
    signature = Signature("secret")
    field = set_cookie("ROUTE", signature.sign("r1"), CookieAttributes())
    sticky = StickySession.parse("ROUTE", signature=signature)
    assert route_of_cookie(field.partition(";")[0], sticky=sticky) == "r1"


def test_same_site_none_needs_secure() -> None:
    with pytest.raises(ValueError, match="not secure"):
        CookieAttributes(same_site="none")


@pytest.mark.parametrize("path", ["app", "/a;b", "/a\r\nSet-Cookie: x=y", "/\xe4", "/\x7f"])
def test_a_path_is_one_that_a_cookie_can_have(path: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        CookieAttributes(path=path)


@pytest.mark.parametrize("domain", ["a;b", "a b", "a..b", "a.", "a\r\nb", "."])
def test_a_domain_is_one_that_a_cookie_can_have(domain: str) -> None:
    with pytest.raises(ValueError, match="no domain"):
        CookieAttributes(domain=domain)


def test_same_site_is_one_of_three() -> None:
    with pytest.raises(ValueError, match="allowed: lax, strict, none"):
        CookieAttributes(same_site="Lax")


def test_max_age_is_not_negative() -> None:
    with pytest.raises(ValueError, match="max_age"):
        CookieAttributes(max_age=-1)


def test_a_prefix_promises_that_the_cookie_is_secure() -> None:
    secure = CookieAttributes(secure=True)
    assert set_cookie("__Host-R", "a.b", secure).startswith("__Host-R=a.b; Path=/; Secure")
    assert set_cookie("__Secure-R", "a.b", CookieAttributes(secure=True, path="/x"))
    for name in ("__Host-R", "__Secure-R"):
        with pytest.raises(ValueError, match="must be secure"):
            set_cookie(name, "a.b", CookieAttributes())


def test_the_host_prefix_promises_the_whole_host_and_no_other() -> None:
    for attributes in (
        CookieAttributes(secure=True, path="/x"),
        CookieAttributes(secure=True, domain="example.org"),
    ):
        with pytest.raises(ValueError, match="no domain"):
            set_cookie("__Host-R", "a.b", attributes)


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "\xe4", "a\n"])
def test_a_cookie_has_a_token_as_its_name(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a cookie"):
        set_cookie(name, "a.b", CookieAttributes())


@pytest.mark.parametrize("route", ["r 1", "r;1", "r,1", 'r"1', "r\\1", "\xe4", "r\r\nX: y", "\x7f"])
def test_a_route_that_no_cookie_can_carry_is_refused(route: str) -> None:
    with pytest.raises(ValueError, match="no cookie can have"):
        check_route(route)
    with pytest.raises(ValueError, match="no cookie can have"):
        set_cookie("ROUTE", route, CookieAttributes())


def test_every_other_printable_character_can_be_in_a_route() -> None:
    check_route("!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~")
    check_route("")
