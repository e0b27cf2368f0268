"""Conditional requests answered for a backend that wrote validators and no Status."""

from email.utils import formatdate

import pytest

from tests.proxy.steps import answer, answering, is_dropped, request
from wsgi_scgi.gateway.response import Foreign, LocalRedirect, Response
from wsgi_scgi.proxy.conditional import AnswerConditions

TAG = ("ETag", '"e1"')
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
MODIFIED = ("Last-Modified", DATE)
COOKIES = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


def judged(response: Response, *, method: str = "GET", **fields: str) -> Response:
    """Return what becomes of an answer; ``fields`` are those of the request."""
    variables = {f"HTTP_{name.upper()}": value for name, value in fields.items()}
    outcome = AnswerConditions(answering(response))(request("/x", method=method, **variables))
    assert isinstance(outcome, Response)
    return outcome


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ([TAG], {"if_none_match": '"e1"'}),
        ([TAG], {"if_none_match": 'W/"e1", "e2"'}),
        ([], {"if_none_match": "*"}),  # as Apache: there is something, whatever it is
        ([MODIFIED], {"if_modified_since": DATE}),
        ([MODIFIED], {"if_modified_since": formatdate(usegmt=True)}),
    ],
)
def test_what_the_client_has_already_is_304(
    fields: list[tuple[str, str]], asked: dict[str, str], method: str
) -> None:
    described = [("Content-Type", "text/x"), ("content-length", "4"), ("Vary", "Cookie")]
    response = answer(fields=[*described, *COOKIES, *fields], explicit=False)
    body = response.body
    outcome = judged(response, method=method, **asked)
    assert (outcome.status, outcome.reason, outcome.body) == (304, "Not Modified", b"")
    assert outcome.fields == [("Vary", "Cookie"), *COOKIES, *fields]
    assert is_dropped(body)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ([TAG], {"if_match": '"e2"'}),
        ([], {"if_match": '"e1"'}),
        ([("ETag", 'W/"e1"')], {"if_match": '"e1"'}),
        ([MODIFIED], {"if_unmodified_since": EARLIER}),
    ],
)
def test_a_condition_that_fails_is_412_with_a_page_of_the_gateway(
    fields: list[tuple[str, str]], asked: dict[str, str], method: str
) -> None:
    response = answer(fields=[("Content-Type", "text/x"), *COOKIES, *fields], explicit=False)
    body = response.body
    outcome = judged(response, method=method, **asked)
    assert (outcome.status, outcome.reason) == (412, "Precondition Failed")
    assert outcome.fields[-len(COOKIES + fields) :] == COOKIES + fields
    names = [name.lower() for name, _ in outcome.fields]
    assert names.count("content-type") == names.count("content-length") == 1
    assert isinstance(outcome.body, bytes)
    assert bool(outcome.body) is (method == "GET")
    assert is_dropped(body)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"if_none_match": '"e2"'},
        {"if_match": '"e1"'},
        {"if_match": "*"},
        {"if_modified_since": EARLIER},
        {"if_unmodified_since": DATE},
        {"range": "bytes=0-1"},
        {"if_none_match": "e1"},
    ],
)
def test_what_the_client_lacks_is_sent(asked: dict[str, str]) -> None:
    response = answer(fields=[TAG, MODIFIED], explicit=False)
    assert judged(response, **asked) is response
    assert not is_dropped(response.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
def test_other_methods_have_been_carried_out_already(method: str) -> None:
    response = answer(fields=[TAG], explicit=False)
    assert judged(response, method=method, if_none_match='"e1"', if_match='"e2"') is response


def test_a_backend_that_writes_a_status_has_decided_itself() -> None:
    response = answer(fields=[TAG], explicit=True)
    assert judged(response, if_none_match='"e1"', if_match='"e2"') is response


def test_a_redirect_of_the_client_is_no_content_to_compare() -> None:
    response = answer(302, [TAG, ("Location", "http://a.test/")], explicit=False)
    assert judged(response, if_none_match='"e1"') is response


def test_orders_to_the_gateway_do_not_come_back() -> None:
    fields = [TAG, ("X-Sendfile", "/srv/a"), ("Connection", "X-Hop"), ("X-Hop", "1")]
    outcome = judged(answer(fields=fields, explicit=False), if_none_match='"e1"')
    assert outcome.fields == [TAG]


def test_what_is_no_response_yet_is_left_alone() -> None:
    asked = request("/x", HTTP_IF_NONE_MATCH="*")
    for outcome in (LocalRedirect("/x", [TAG]), Foreign(lambda _, __: [], {})):
        assert AnswerConditions(answering(outcome))(asked) is outcome
