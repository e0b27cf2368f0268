"""The handler below ``[admin] path``, called as a server calls it."""

import logging
from base64 import b64encode

import pytest

from tests.admin.balancers import TOKEN, make_application, make_balancer
from tests.admin.visiting import FORM, JSON, Visitor
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.scoreboard.status import Status

BEARER = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
BASIC = {"HTTP_AUTHORIZATION": f"Basic {b64encode(f'me:{TOKEN}'.encode()).decode()}"}
USER = {"REMOTE_USER": "me"}
MEMBER = "/_gateway/member?balancer=app&member=scgi%3A%2F%2Fb"
PAGES = ("", "member?balancer=app&member=scgi%3A%2F%2Fa", "status.json", "metrics", "style.css")
DRAIN = {"action": "drain", "balancer": "app", "member": "scgi://a"}


@pytest.fixture
def balancer() -> Balancer:
    return make_balancer()


@pytest.fixture
def stranger(balancer: Balancer) -> Visitor:
    return Visitor(make_application(balancer))


@pytest.fixture
def program(balancer: Balancer) -> Visitor:
    """A visitor with a Bearer token."""
    return Visitor(make_application(balancer), **BEARER)


@pytest.fixture(params=[BASIC, USER], ids=["basic", "user"])
def person(balancer: Balancer, request: pytest.FixtureRequest) -> Visitor:
    """A visitor with a browser."""
    return Visitor(make_application(balancer, users=["me"]), **request.param)


def letters(balancer: Balancer, slot: int = 0) -> str:
    return Status(balancer.pool.status[slot]).letters()


# Who is let in, and to what.


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("credentials", [BEARER, BASIC], ids=["bearer", "basic"])
def test_the_token_opens_every_page(
    stranger: Visitor, page: str, credentials: dict[str, str]
) -> None:
    answer = stranger.ask(f"/_gateway/{page}", **credentials)
    assert answer.status == 200 and answer.body
    head = stranger.ask(f"/_gateway/{page}", "HEAD", **credentials)
    assert (head.status, head.body) == (200, b"")
    assert head["Content-Length"] == answer["Content-Length"]


@pytest.mark.parametrize("page", [*PAGES, "change", "nothing", "../_gateway/", "%6detrics"])
def test_a_stranger_learns_nothing(stranger: Visitor, page: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
        answer = stranger.ask(f"/_gateway/{page}", method)
        assert answer.status == 401
        assert answer.body == (b"" if method == "HEAD" else b"A token is needed.\n")
        challenges = answer.all("WWW-Authenticate")
        assert [challenge.split()[0] for challenge in challenges] == ["Bearer", "Basic"]


def test_without_a_token_nobody_is_asked_for_one(balancer: Balancer) -> None:
    visitor = Visitor(make_application(balancer, token="", users=["me"]))
    refused = visitor.ask("/_gateway/", **BEARER)
    assert refused.status == 403 and refused.all("WWW-Authenticate") == []
    assert visitor.ask("/_gateway/", HTTP_REMOTE_USER="me").status == 403
    assert visitor.ask("/_gateway/", REMOTE_USER="you").status == 403
    assert visitor.ask("/_gateway/", REMOTE_USER="me").status == 200


def test_who_is_refused_is_logged_without_the_token(
    stranger: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    stranger.ask("/_gateway/")
    assert caplog.messages == []  # as a browser asks first
    stranger.ask("/_gateway/", HTTP_AUTHORIZATION="Bearer wrong", REMOTE_ADDR="192.0.2.1")
    stranger.ask("/_gateway/", REMOTE_USER="eve\n", REMOTE_ADDR="")
    assert caplog.messages == [
        "[admin] lets nobody in with a wrong token, from 192.0.2.1",
        r"[admin] lets nobody in with the user eve\n, from a Unix socket",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_the_probes_are_open_and_tell_one_word(stranger: Visitor, balancer: Balancer) -> None:
    assert stranger.ask("/_gateway/healthz").body == b"ok\n"
    assert stranger.ask("/_gateway/readyz").body == b"ready\n"
    for slot in range(2):
        balancer.pool.status[slot] |= Status.DISABLED
    balancer.pool.bump()
    assert stranger.ask("/_gateway/healthz").body == b"ok\n"
    answer = stranger.ask("/_gateway/readyz")
    assert (answer.status, answer.body) == (503, b"not ready\n")
    head = stranger.ask("/_gateway/readyz", "HEAD")
    assert (head.status, head.body, head["Content-Length"]) == (503, b"", "10")


@pytest.mark.parametrize("page", [*PAGES, "healthz", "readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_pages_are_only_read(program: Visitor, page: str, method: str) -> None:
    answer = program.ask(f"/_gateway/{page}", method)
    assert (answer.status, answer["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_change_is_only_posted(program: Visitor, balancer: Balancer, method: str) -> None:
    answer = program.ask("/_gateway/change?action=drain&balancer=app&member=scgi://a", method)
    assert (answer.status, answer["Allow"]) == (405, "POST")
    assert letters(balancer) == ""


@pytest.mark.parametrize(
    "page",
    [
        "nothing",
        "/",
        "/metrics",
        "style.css/",
        "Metrics",
        "status.html",
        "templates/status.html",
        "static/style.css",
        "..%2faccess.py",
        "member",
        "member?balancer=app",
        "member?balancer=app&member=x",
        "member?balancer=x&member=scgi://a",
        "member?a=1&b=2&c=3&balancer=app",
    ],
)
def test_there_is_nothing_else(program: Visitor, page: str) -> None:
    answer = program.ask(f"/_gateway/{page}")
    # What goes up by dots has left these pages.
    assert (answer.status, answer.body[:5]) == (
        (200, b"inner") if page.startswith("..") else (404, b"<!doc")
    )


@pytest.mark.parametrize("page", [*PAGES, "healthz", "change"])
@pytest.mark.parametrize("credentials", [{}, BEARER], ids=["stranger", "program"])
def test_browsers_are_kept_in_bounds(
    stranger: Visitor, page: str, credentials: dict[str, str]
) -> None:
    answer = stranger.ask(f"/_gateway/{page}", **credentials)
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "form-action 'self'" in policy


@pytest.mark.parametrize(
    "path",
    ["/", "/_gatewayx", "/_gatewa/", "//_gateway/", "/x/_gateway/", "/_GATEWAY/", "/_gateway/.."],
)
def test_what_is_elsewhere_goes_on(stranger: Visitor, path: str) -> None:
    assert stranger.ask(path).body == b"inner"


@pytest.mark.parametrize("path", ["/_gateway", "/x/../_gateway", "/%5Fgateway"])
def test_the_last_slash_is_added(stranger: Visitor, path: str) -> None:
    answer = stranger.ask(path)
    assert (answer.status, answer["Location"]) == (303, "./_gateway/")


def test_the_path_may_be_deeper_and_below_a_hostile_mount(balancer: Balancer) -> None:
    visitor = Visitor(
        make_application(balancer, path="/a/b/"),
        RAW_URI=None,
        SCRIPT_NAME="//evil.example/;x\r\nSet-Cookie: a=b",
    )
    answer = visitor.ask("/a/b")
    assert (answer.status, answer["Location"]) == (303, "./b/")
    answer = visitor.ask("/a/b/", **BEARER)
    assert answer.status == 200
    assert not any("\n" in value or "evil" in value for _, value in answer.fields)


# What is seen.


def test_the_status_is_json(program: Visitor, balancer: Balancer) -> None:
    balancer.pool.status[1] |= Status.DRAIN
    (seen,) = program.ask("/_gateway/status.json").json["balancers"]
    assert (seen["name"], seen["method"], seen["is_ready"]) == ("app", "byrequests", True)
    first, second = seen["members"]
    assert (first["url"], first["state"], second["state"]) == ("scgi://a", "ok", "draining")
    assert (second["status"], second["is_usable"]) == ("N", False)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("*/*", "text/plain"), ("application/openmetrics-text;version=1.0.0", "application/openm")],
)
def test_the_metrics_have_a_format_that_is_asked_for(
    program: Visitor, accept: str, media_type: str
) -> None:
    answer = program.ask("/_gateway/metrics", HTTP_ACCEPT=accept)
    assert answer["Content-Type"].startswith(media_type)
    assert b'wsgi_scgi_requests_total{balancer="app",member="scgi://a"} 0.0' in answer.body


# Changes: a program, with a Bearer token.


def test_a_program_changes_with_json(program: Visitor, balancer: Balancer) -> None:
    answer = program.post_json(DRAIN)
    assert answer.json == {"done": "app: drain scgi://a (status - -> N)"}
    assert letters(balancer) == "N"
    setting = {"action": "set", "balancer": "app", "member": "scgi://a", "standby": True}
    assert program.post_json({**setting, "lbset": 2, "weight": 1.5}).status == 200
    assert letters(balancer) == "HN" and balancer.pool.lbset[0] == 2


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ([], "no object"),
        ({"action": "drain", "balancer": ["app"]}, "'balancer' is a string"),
        ({"action": None}, "'action' is a string"),
        ({"action": "drain", "balancer": "x"}, "there is no balancer 'x'; there are: app"),
        ({"action": "drain", "balancer": "app", "member": "\ud800"}, "half of a character"),
        ({**DRAIN, "form": "\ud800"}, "half of a character"),
    ],
)
def test_wrong_json_is_told(program: Visitor, order: object, told: str) -> None:
    answer = program.post_json(order)
    assert answer.status == 400 and told in answer.json["error"]


def test_a_program_may_send_a_form(program: Visitor, balancer: Balancer) -> None:
    answer = program.post(b"action=drain&balancer=app&member=scgi://a", FORM)
    assert (answer.status, answer["Location"]) == (303, "./#balancer-app")
    assert letters(balancer) == "N"


@pytest.mark.parametrize(
    "field",
    [
        {"HTTP_ORIGIN": "http://evil.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
    ],
)
def test_a_foreign_page_changes_nothing_even_with_the_token(
    program: Visitor, balancer: Balancer, field: dict[str, str]
) -> None:
    assert program.post_json(DRAIN, **field).status == 403
    assert letters(balancer) == ""


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b'{"action": "drain"}', 415),
        ("", b"", 415),
        (JSON, b"", 400),
        (JSON, b"[" * 60000, 400),
        (JSON, b" " * 70000, 413),
        (FORM, b"", 400),
        (FORM, b"a=" + b"b" * 70000, 413),
        (FORM, b"action=drain&balancer=app&member=scgi://a&action=stop", 400),
    ],
)
def test_other_bodies_change_nothing(
    program: Visitor, balancer: Balancer, content_type: str, body: bytes, status: int
) -> None:
    assert program.post(body, content_type).status == status
    assert letters(balancer) == letters(balancer, 1) == ""


# Changes: a person, with the password or as a user.


def test_a_person_changes_with_the_form_of_the_page(
    person: Visitor, balancer: Balancer, caplog: pytest.LogCaptureFixture
) -> None:
    form, *_ = person.page().forms
    with caplog.at_level(logging.INFO):
        answer = person.submit(form, "drain", REMOTE_ADDR="192.0.2.1")
    assert (answer.status, answer["Location"]) == (303, "./#balancer-app")
    assert letters(balancer) == "N"
    assert caplog.messages == ["balancer app: drain scgi://a (status - -> N), by me from 192.0.2.1"]
    assert "draining" in person.page().text


def test_the_settings_of_a_member_are_a_form(person: Visitor, balancer: Balancer) -> None:
    links = [link["href"] for link in person.page().all("a")]
    assert MEMBER.removeprefix("/_gateway/") in links
    _, settings, _ = person.page(MEMBER).forms
    settings.values.update(weight="2.5", redirect="0", standby="yes")
    assert person.submit(settings, "set").status == 303
    member = balancer.members()[1]
    assert (member.route, member.redirect, letters(balancer, 1)) == ("1", "0", "H")
    assert balancer.pool.weight.tolist()[:2] == [100, 250]


@pytest.mark.parametrize(
    ("action", "after"), [("drain", "N"), ("disable", "D"), ("stop", "S"), ("enable", "")]
)
def test_a_member_is_steered_on_its_page(
    person: Visitor, balancer: Balancer, action: str, after: str
) -> None:
    states, *_ = person.page(MEMBER).forms
    assert person.submit(states, action).status == 303
    assert letters(balancer, 1) == after


def test_members_are_added_and_removed_and_the_method_changed(
    person: Visitor, balancer: Balancer
) -> None:
    _, _, add, method = person.page().forms
    add.values["member"] = "scgi://c"
    assert person.submit(add, "add").status == 303
    method.values["method"] = "twochoices"
    assert person.submit(method, "method").status == 303
    (seen,) = person.ask("/_gateway/status.json").json["balancers"]
    assert seen["method"] == "twochoices"
    *_, removal = person.page(MEMBER).forms
    assert person.submit(removal, "remove").status == 303
    assert [member.name for member in balancer.members()] == ["scgi://a", "scgi://c"]
    assert person.ask(MEMBER).status == 404


def test_a_mistake_is_told_on_the_page_and_its_forms_still_work(
    person: Visitor, balancer: Balancer
) -> None:
    _, _, add, _ = person.page().forms
    add.values["member"] = "<b>"
    answer = person.submit(add, "add")
    assert answer.status == 400
    assert "Nothing was changed: '<b>' is not a backend URL" in answer.page.text
    assert person.submit(answer.page.forms[0], "drain").status == 303
    assert letters(balancer) == "N"


def test_the_value_of_a_browser_stays(person: Visitor) -> None:
    values = {form.values["form"] for _ in range(2) for form in person.page().forms}
    assert len(values) == 1


@pytest.mark.parametrize(
    ("cookie", "value"),
    [
        ("", ""),
        ("", "v" * 32),
        ("wsgi_scgi_form=", ""),
        (f"wsgi_scgi_form={'v' * 32}", ""),
        (f"wsgi_scgi_form={'v' * 32}", "w" * 32),
        ("wsgi_scgi_form=v", "v"),
        ("wsgi_scgi_form=\xff", "\xff"),
    ],
)
def test_a_form_of_another_page_changes_nothing(
    person: Visitor, balancer: Balancer, cookie: str, value: str
) -> None:
    form, *_ = person.page().forms
    form.values["form"] = value
    assert person.submit(form, "drain", HTTP_COOKIE=cookie).status == 403
    assert person.post_json({**DRAIN, "form": value}, HTTP_COOKIE=cookie).status == 403
    assert person.post_json(DRAIN, HTTP_COOKIE=cookie).status == 403
    assert letters(balancer) == ""


def test_a_script_of_the_page_may_send_json(person: Visitor, balancer: Balancer) -> None:
    value = person.page().forms[0].values["form"]
    assert person.post_json({**DRAIN, "form": value}).status == 200
    assert letters(balancer) == "N"


def test_a_browser_without_referrers_can_change(person: Visitor, balancer: Balancer) -> None:
    form, *_ = person.page().forms
    fields = {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin"}
    assert person.submit(form, "drain", **fields).status == 303
    assert letters(balancer) == "N"


def test_the_cookie_is_for_these_pages_and_their_scheme(person: Visitor) -> None:
    secure = person.ask("/_gateway/", wsgi__url_scheme="https")["Set-Cookie"]
    assert "; Secure" in secure and "Path" not in secure and "Domain" not in secure
    assert "; Secure" not in person.ask("/_gateway/")["Set-Cookie"]
