"""Changes that are posted: by programs with a Bearer token, by people with forms."""

import logging

import pytest

from tests.admin.balancers import letters
from tests.admin.visiting import FORM, JSON, Visitor
from wsgi_scgi.balancer.balancer import Balancer

MEMBER = "/_gateway/member?balancer=app&member=scgi%3A%2F%2Fb"
DRAIN = {"action": "drain", "balancer": "app", "member": "scgi://a"}


# A program, with a Bearer token.


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


# A person, with the password or as a user.


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
