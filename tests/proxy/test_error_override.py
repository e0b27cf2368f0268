"""Error pages of the backend replaced: which, by what, and what of them stays."""

import json

import pytest

from tests.proxy.steps import answer, answering, is_dropped, request
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Foreign, LocalRedirect, Outcome, Response
from wsgi_scgi.proxy.error_override import OverrideErrors, OverrideRules, own_page, with_page
from wsgi_scgi.semantics.target import Target


def overridden(
    response: Outcome, rules: OverrideRules | None = None, to: Request | None = None
) -> Outcome:
    """Return what becomes of ``response``."""
    return OverrideErrors(answering(response), rules or OverrideRules())(to or request("/x"))


def page(outcome: Outcome) -> Response:
    """Return the page that is in the place of an answer."""
    assert isinstance(outcome, Response)
    assert isinstance(outcome.body, bytes)
    return outcome


def whole(response: Response) -> bytes:
    """Return the body of a page."""
    assert isinstance(response.body, bytes)
    return response.body


@pytest.mark.parametrize("status", [200, 204, 206, 302, 304, 399])
def test_what_is_no_error_is_left_alone(status: int) -> None:
    response = answer(status)
    assert overridden(response) is response
    assert not is_dropped(response.body)


@pytest.mark.parametrize("status", [400, 404, 451, 500, 599])
def test_every_error_is_replaced_by_the_gateway_s_own_page(status: int) -> None:
    response = answer(status, [("Content-Type", "text/x"), ("Content-Length", "4")])
    body = response.body
    own = page(overridden(response))
    assert is_dropped(body)
    assert (own.status, own.reason) == (status, "As the Backend Says")
    assert b"As the Backend Says" in whole(own)
    names = [name.lower() for name, _ in own.fields]
    assert names.count("content-length") == names.count("content-type") == 1
    assert dict(own.fields)["Content-Length"] == str(len(whole(own)))


def test_only_the_statuses_that_are_named_are_replaced() -> None:
    rules = OverrideRules(frozenset({404, 502}))
    kept = answer(500)
    assert overridden(kept, rules) is kept
    assert overridden(answer(404), rules) is not kept
    assert overridden(kept, OverrideRules(frozenset())) is kept


def test_what_is_no_response_yet_is_left_alone() -> None:
    for outcome in (
        LocalRedirect("/x", []),
        Foreign(lambda _, __: [], {}),
    ):
        assert overridden(outcome) is outcome


def test_the_page_says_what_the_client_needs_and_nothing_else_of_the_backend() -> None:
    fields = [
        ("WWW-Authenticate", 'Basic realm="a"'),
        ("www-authenticate", "Negotiate"),
        ("Retry-After", "5"),
        ("Set-Cookie", "a=1"),
        ("X-Trace", "secret"),
        ("ETag", '"x"'),
        ("Cache-Control", "public"),
        ("Server", "backend"),
    ]
    own = page(overridden(answer(401, fields)))
    names = [name for name, _ in own.fields]
    assert names == [
        "Content-Type",
        "Content-Length",
        "Cache-Control",
        "X-Content-Type-Options",
        "X-Request-ID",
        "WWW-Authenticate",
        "www-authenticate",
        "Retry-After",
    ]
    assert dict(own.fields)["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("fields", "allowed"), [([("Allow", "GET, PUT")], ["GET, PUT"]), ([], [])])
def test_which_methods_are_allowed_is_the_backend_s_to_say(
    fields: list[tuple[str, str]], allowed: list[str]
) -> None:
    own = page(overridden(answer(405, fields)))
    assert [value for name, value in own.fields if name == "Allow"] == allowed


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_to_head_the_page_is_only_described(method: str) -> None:
    own = page(overridden(answer(404), to=request("/x", method=method)))
    assert (own.body == b"") is (method == "HEAD")
    assert int(dict(own.fields)["Content-Length"]) > 0


TEXT = 'Gone <b>fishing</b> & "back" für immer'


def test_a_text_is_escaped_in_html() -> None:
    rules = OverrideRules(documents={404: TEXT})
    own = page(overridden(answer(404), rules))
    text = whole(own).decode()
    assert "Gone &lt;b&gt;fishing&lt;/b&gt; &amp; &quot;back&quot; für immer" in text
    assert "<b>" not in text


def test_a_text_is_as_written_in_json_and_plain_text() -> None:
    rules = OverrideRules(documents={404: TEXT})
    own = page(overridden(answer(404), rules, request("/x", HTTP_ACCEPT="application/json")))
    assert json.loads(whole(own))["message"] == TEXT
    own = page(overridden(answer(404), rules, request("/x", HTTP_ACCEPT="text/plain")))
    assert TEXT in whole(own).decode()


def test_without_a_text_for_the_status_there_is_the_usual_one() -> None:
    rules = OverrideRules(documents={500: TEXT, 403: ""})
    for status in (403, 404):
        own = page(overridden(answer(status), rules))
        assert b"The application could not handle this request." in whole(own)


@pytest.mark.parametrize("reason", ["<script>alert(1)</script>", "Nicht gef\xc3\xbcnden", "\xff"])
def test_the_reason_of_a_backend_is_text_and_no_markup(reason: str) -> None:
    own = page(overridden(answer(404, reason=reason)))
    text = whole(own).decode()
    assert own.reason == reason  # the status line has the backend's bytes
    assert "<script>" not in text
    assert ("gefünden" in text) is ("gef" in reason)


def test_a_path_is_answered_through_the_routes_with_the_status_of_the_error() -> None:
    fields = [("WWW-Authenticate", "Basic"), ("X-Trace", "secret"), ("Set-Cookie", "a=1")]
    response = answer(401, fields)
    body = response.body
    rules = OverrideRules(documents={401: "/login?next=1"})
    assert overridden(response, rules) == LocalRedirect(
        "/login?next=1", [("WWW-Authenticate", "Basic")], (401, "As the Backend Says")
    )
    assert is_dropped(body)


def test_a_page_that_fails_does_not_replace_itself() -> None:
    rules = OverrideRules(documents={404: "/404.html"})
    second = request("/x").redirected(Target("/404.html", None), status=404)
    response = answer(404)
    assert overridden(response, rules, second) is response


def test_after_an_ordinary_local_redirect_errors_are_replaced() -> None:
    second = request("/x").redirected(Target("/y", None), status=200)
    assert isinstance(overridden(answer(404), None, second), Response)
    assert overridden(answer(404), OverrideRules(documents={404: "/e"}), second) == LocalRedirect(
        "/e", [], (404, "As the Backend Says")
    )


def test_the_page_names_the_route_and_the_request() -> None:
    asked = request("/x", HTTP_ACCEPT="application/json")
    asked.request_id = "from-proxy"
    shown = json.loads(whole(own_page(asked, 500, "Oh")))
    assert (shown["route"], shown["request_id"], shown["status"]) == ("/app/", "from-proxy", 500)
    asked.request_id = ""
    first, second = (dict(own_page(asked, 500, "Oh").fields)["X-Request-ID"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_of_the_gateway_s_own_gets_a_page_and_keeps_its_fields(method: str) -> None:
    fields = [("ETag", '"x"'), ("Content-Length", "0"), ("cache-control", "public"), ("A", "1")]
    fields += [("Set-Cookie", "a=1"), ("Set-Cookie", "b=1"), ("Content-Type", "text/x")]
    own = with_page(request("/x", method=method), Response(412, "Reason", fields), "Not <it>.")
    assert (own.status, own.reason) == (412, "Reason")
    assert (b"Not &lt;it&gt;." in whole(own)) is (method == "GET")
    names = [name.lower() for name, _ in own.fields]
    assert names.count("content-length") == names.count("content-type") == 1
    assert [value for name, value in own.fields if name == "Cache-Control"] == ["no-store"]
    assert "cache-control" not in [name for name, _ in own.fields]
    assert own.fields[-4:] == [
        ("ETag", '"x"'),
        ("A", "1"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=1"),
    ]
