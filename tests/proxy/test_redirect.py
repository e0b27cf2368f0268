"""Local redirects: what is one, where it leads, what remains of the answers on the way."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.gateway.environs import server_environ
from tests.proxy.steps import answer, answering, is_dropped, request
from wsgi_scgi.errors import ClientDisconnected, ConnectError, GatewayError, RequestError
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Fields, Foreign, LocalRedirect, Outcome, Response
from wsgi_scgi.proxy.redirect import LIMIT, FollowRedirects, RecogniseRedirect
from wsgi_scgi.scgi.request_head import encode_request_head

# What is a local redirect


def recognised(
    value: str | None,
    *,
    field: str = "location",
    status: int = 200,
    explicit: bool = True,
    mount: str = "",
) -> tuple[Outcome, Response]:
    """Return what becomes of an answer with ``value`` in the field, and the answer."""
    control = {} if value is None else {field: value}
    response = answer(status, [("X-A", "1")], control=control, explicit=explicit)
    target = quote(f"{mount}/x", encoding="latin-1")
    asked = request(target, SCRIPT_NAME=mount, PATH_INFO="/x")
    return RecogniseRedirect(answering(response), field)(asked), response


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("field", ["location", "x-location"])
@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/y",
        "/y?q=1",
        "/y?u=//a//b",
        "/y//z",
        "/../y",
        "/%zz",
        "/a b",
        "/caf\xc3\xa9",
        "/y#f",
        "/?q",
        "/#f",
        "/\\y",
        "/a:b",
    ],
)
def test_a_path_with_status_200_is_one(target: str, field: str, explicit: bool) -> None:
    outcome, response = recognised(target, field=field, explicit=explicit)
    assert outcome == LocalRedirect(target, [("X-A", "1")])
    assert response.body == b""


@pytest.mark.parametrize("field", ["location", "x-location"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "y",
        "?q",
        "#f",
        "//a.test/y",
        "///y",
        "http://a.test/",
        "scgi:/y",
        "\\y",
        " /y",
        "*",
    ],
)
def test_what_does_not_start_with_one_slash_is_none(value: str | None, field: str) -> None:
    outcome, response = recognised(value, field=field)
    assert outcome is response
    assert not is_dropped(response.body)


@pytest.mark.parametrize("field", ["location", "x-location"])
@pytest.mark.parametrize("status", [201, 202, 204, 206, 301, 302, 304, 404, 500])
def test_another_status_is_for_the_client(status: int, field: str) -> None:
    outcome, response = recognised("/y", status=status, field=field)
    assert outcome is response
    assert not is_dropped(response.body)


def test_a_location_without_status_was_made_302_and_is_local_all_the_same() -> None:
    outcome, _ = recognised("/y", status=302, explicit=False)
    assert outcome == LocalRedirect("/y", [("X-A", "1")])
    outcome, response = recognised("http://a.test/y", status=302, explicit=False)
    assert outcome is response


def test_a_location_is_no_order_where_another_field_is() -> None:
    response = answer(302, [("Location", "/y")], explicit=False)
    step = RecogniseRedirect(answering(response), "X-Location")
    assert step(request("/x")) is response


def test_a_field_that_leads_nowhere_is_told_in_the_log_and_a_location_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    recognised("http://a.test/\x9b\r\n", field="x-location")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        r"x-location: 'http://a.test/\x9b\r\n' is no path of this gateway: ignored"
    )
    recognised("http://a.test/")
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("mount", "target", "local"),
    [
        ("/app", "/app", True),
        ("/app", "/app/", True),
        ("/app", "/app?q", True),
        ("/app", "/app#f", True),
        ("/app", "/app/y", True),
        ("/app", "/%61pp/y", True),
        ("/app", "/", False),
        ("/app", "/y", False),
        ("/app", "/apple", False),
        ("/app", "/app%2Fy", False),
        ("/app", "/./app/y", False),
        ("/app", "/%zz/app", False),
        ("/a/b", "/a/b/y", True),
        ("/a/b", "/a%2Fb/y", False),
        ("/a/b", "/a", False),
        ("/my app", "/my%20app/y", True),
        ("/my app", "/my app/y", True),
        ("/caf\xc3\xa9", "/caf%C3%A9/y", True),
        ("/caf\xc3\xa9", "/caf\xc3\xa9/y", True),
    ],
)
def test_below_a_mount_only_its_own_paths_are_local(mount: str, target: str, local: bool) -> None:
    outcome, response = recognised(target, mount=mount)
    assert (outcome is response) is not local


def test_what_is_no_response_yet_is_left_alone() -> None:
    for outcome in (LocalRedirect("/x", []), Foreign(lambda _, __: [], {})):
        assert RecogniseRedirect(answering(outcome), "location")(request("/x")) is outcome


# Following


class Routes:
    """A handler that answers by path, notes what it was asked, and takes a route for each."""

    def __init__(self, answers: dict[str, Outcome | Exception | Callable[[], Outcome]]) -> None:
        self.answers = answers
        self.asked: list[Request] = []

    def __call__(self, asked: Request) -> Outcome:
        self.asked.append(asked)
        asked.route = f"route of {asked.path}"
        asked.head = encode_request_head(0, {"SCRIPT_NAME": asked.path, **asked.inherited})
        outcome = self.answers[asked.path]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome() if callable(outcome) else outcome

    @property
    def paths(self) -> list[str]:
        """The paths asked for."""
        return [asked.path for asked in self.asked]


def to(target: str, fields: Fields | None = None, status: int | None = None) -> LocalRedirect:
    """Return a redirect, because of an error if there is a status."""
    return LocalRedirect(target, fields or [], None if status is None else (status, "Its Reason"))


def follow(routes: Routes, asked: Request) -> Response:
    outcome = FollowRedirects(routes)(asked)
    assert isinstance(outcome, Response)
    return outcome


def test_an_answer_that_is_no_redirect_passes_untouched() -> None:
    response = answer(404, [("A", "1"), ("A", "2")])
    routes = Routes({"/a": response})
    asked = request("/a")
    assert follow(routes, asked) is response
    assert response.fields == [("A", "1"), ("A", "2")]
    assert routes.asked == [asked]
    assert asked.route == "route of /a"


@pytest.mark.parametrize(("method", "second"), [("POST", "GET"), ("GET", "GET"), ("HEAD", "HEAD")])
def test_the_path_goes_through_all_routes_again(method: str, second: str) -> None:
    routes = Routes({"/a": to("/b?x=1#frag"), "/b": answer()})
    asked = request("/a?q=1", method=method, body=b"hello")
    assert follow(routes, asked).status == 200
    first, then = routes.asked
    assert (first, first.method) == (asked, method)
    assert (then.method, then.path, then.query, then.target) == (second, "/b", "x=1", "/a?q=1")
    assert then.inherited["REDIRECT_STATUS"] == "200"
    assert asked.route == "route of /b"  # for the log


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/b", "/b", ""),
        ("/b?", "/b", ""),
        ("/b?x?y", "/b", "x?y"),
        ("/b?x=a b\xc3\xa9#f", "/b", "x=a b\xc3\xa9"),  # as written, like Apache
        ("/b#f?x", "/b", ""),
        ("/a b", "/a b", ""),
        ("/a%20b", "/a b", ""),
        ("/caf\xc3\xa9", "/caf\xc3\xa9", ""),
        ("/caf%C3%A9", "/caf\xc3\xa9", ""),
        ('/"<x>\\', '/"<x>\\', ""),
        ("/b%253F", "/b%3F", ""),
        ("/x/../b", "/b", ""),
        ("/./b", "/b", ""),
        ("/b//c", "/b//c", ""),
        ("/b, /c", "/b, /c", ""),
    ],
)
def test_a_target_is_taken_as_backends_write_it(target: str, path: str, query: str) -> None:
    routes = Routes({"/first": to(target), path: answer()})
    follow(routes, request("/first"))
    then = routes.asked[1]
    assert (then.path, then.query) == (path, query)
    assert then.environ["PATH_INFO"] == path
    assert then.environ["QUERY_STRING"] == query


def test_an_encoded_slash_stays_one_for_the_route_to_judge() -> None:
    routes = Routes({"/a": to("/b%2Fc"), "/b/c": answer()})
    follow(routes, request("/a"))
    assert routes.asked[1].has_encoded_slash
    assert not routes.asked[0].has_encoded_slash


@pytest.mark.parametrize("target", ["/%zz", "/b%", "/%00", "/b\tc", "/..", "/b/../../c"])
def test_a_target_that_is_malformed_is_400_and_the_client_does_not_read_it(target: str) -> None:
    with pytest.raises(RequestError) as caught:
        FollowRedirects(Routes({"/a": to(target)}))(request("/a"))
    assert caught.value.status == 400
    assert caught.value.public == "The application leads to an address that cannot be."
    assert str(caught.value).startswith("the local redirect to /")
    assert "\t" not in str(caught.value)


def mounted(target: str) -> Request:
    return Request(server_environ(target, SCRIPT_NAME="/my app", PATH_INFO="/a"))


def test_below_a_mount_the_second_path_is_below_it_too() -> None:
    routes = Routes({"/a": to("/my%20app/b%20c"), "/b c": answer()})
    follow(routes, mounted("/my%20app/a"))
    then = routes.asked[1]
    assert (then.mount, then.path) == ("/my app", "/b c")
    assert then.environ["SCRIPT_NAME"] == "/my app"
    assert then.inherited["REDIRECT_URL"] == "/my app/a"


@pytest.mark.parametrize("target", ["/b", "/my%20app/../b"])
def test_no_redirect_leads_out_of_the_mount(target: str) -> None:
    with pytest.raises(RequestError):
        FollowRedirects(Routes({"/a": to(target)}))(mounted("/my%20app/a"))


def test_each_redirect_is_told_of_the_one_before() -> None:
    routes = Routes({"/a": to("/b"), "/b": to("/c?y"), "/c": answer()})
    follow(routes, request("/a?x"))
    inherited = routes.asked[2].inherited
    assert inherited["REDIRECT_URL"] == "/b"
    assert inherited["REDIRECT_SCRIPT_NAME"] == "/b"
    assert inherited["REDIRECT_QUERY_STRING"] == ""
    assert inherited["REDIRECT_REDIRECT_URL"] == "/a"
    assert inherited["REDIRECT_REDIRECT_QUERY_STRING"] == "x"


# Loops


def test_ten_redirects_in_a_row_are_followed() -> None:
    routes = Routes({f"/{n}": to(f"/{n + 1}") for n in range(LIMIT)})
    routes.answers[f"/{LIMIT}"] = last = answer()
    assert follow(routes, request("/0")) is last
    assert len(routes.asked) == LIMIT + 1 == 11


def test_one_more_is_500_and_the_chain_is_for_the_log() -> None:
    routes = Routes({f"/{n}": to(f"/{n + 1}") for n in range(LIMIT + 1)})
    with pytest.raises(GatewayError) as caught:
        FollowRedirects(routes)(request("/0"))
    assert len(routes.asked) == 11  # as many backends as Apache asks
    assert caught.value.status == 500
    chain = " -> ".join(f"/{n}" for n in range(LIMIT + 2))
    assert str(caught.value) == f"more than 10 local redirects: {chain}"
    assert "/1" not in caught.value.public


def test_what_a_backend_wrote_forges_no_line_of_the_log() -> None:
    routes = Routes({"/a": to("/b\xc2\x85"), "/b\xc2\x85": to("/b\xc2\x85")})
    with pytest.raises(GatewayError) as caught:
        FollowRedirects(routes)(request("/a"))
    assert str(caught.value).endswith(r" -> /b\xc2\x85 -> /b\xc2\x85")


# What remains of the answers on the way


def test_the_fields_of_all_answers_are_merged() -> None:
    first = [("X-One", "1"), ("Set-Cookie", "a=1"), ("Location", "/b"), ("ETag", '"1"')]
    second = [("x-one", "2"), ("Set-Cookie", "b=1"), ("Content-Length", "4")]
    last = [("Content-Length", "7"), ("Set-Cookie", "c=1"), ("X-One", "3")]
    routes = Routes({"/a": to("/b", first), "/b": to("/c", second), "/c": answer(201, last)})
    response = follow(routes, request("/a"))
    assert response.status == 201
    assert response.fields == [
        ("X-One", "1, 2, 3"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=1"),
        ("Content-Length", "7"),
        ("Set-Cookie", "c=1"),
    ]


def test_another_application_gets_what_is_to_be_merged() -> None:
    environ: dict[str, Any] = {}
    foreign = Foreign(lambda _, __: [], environ)
    routes = Routes({"/a": to("/b", [("A", "1")]), "/b": foreign})
    outcome = FollowRedirects(routes)(request("/a"))
    assert isinstance(outcome, Foreign)
    assert outcome.environ is environ
    assert (outcome.fields, outcome.keep_status) == ([("A", "1")], None)


def test_without_a_redirect_another_application_is_as_it_was() -> None:
    foreign = Foreign(lambda _, __: [], {})
    outcome = FollowRedirects(answering(foreign))(request("/a"))
    assert outcome == foreign


@pytest.mark.parametrize(
    "error", [RequestError("x"), ConnectError("x"), ClientDisconnected("x"), KeyError("x")]
)
def test_a_failure_on_the_way_is_told_with_the_fields_for_its_page(error: Exception) -> None:
    routes = Routes({"/a": to("/b", [("Set-Cookie", "a=1")]), "/b": error})
    asked = request("/a")
    with pytest.raises(type(error)) as caught:
        FollowRedirects(routes)(asked)
    assert caught.value is error
    assert asked.inherited_fields == [("Set-Cookie", "a=1")]
    assert asked.route == "route of /b"


def test_a_failure_at_once_inherits_nothing() -> None:
    asked = request("/a")
    with pytest.raises(ConnectError):
        FollowRedirects(Routes({"/a": ConnectError("x")}))(asked)
    assert asked.inherited_fields == []


# Pages for errors


def test_the_page_for_an_error_has_the_status_of_the_error() -> None:
    fields = [("WWW-Authenticate", "Basic")]
    routes = Routes({"/a": to("/e", fields, 401), "/e": answer(200, [("A", "1")])})
    response = follow(routes, request("/a"))
    assert (response.status, response.reason) == (401, "Its Reason")
    assert response.fields == [*fields, ("A", "1")]
    assert not is_dropped(response.body)
    assert routes.asked[1].is_error_document
    assert routes.asked[1].inherited["REDIRECT_STATUS"] == "401"


def test_conditions_of_the_request_do_not_count_for_the_page() -> None:
    asked = request("/a", HTTP_IF_NONE_MATCH="*", HTTP_RANGE="bytes=0-1", HTTP_ACCEPT="*/*")
    routes = Routes({"/a": to("/e", status=404), "/e": answer()})
    follow(routes, asked)
    then = routes.asked[1].environ
    assert "HTTP_ACCEPT" in then
    assert not {"HTTP_IF_NONE_MATCH", "HTTP_RANGE"} & then.keys()
    # After an ordinary redirect they do: it is what the client asked for.
    routes = Routes({"/a": to("/b"), "/b": answer()})
    follow(routes, asked)
    assert {"HTTP_IF_NONE_MATCH", "HTTP_RANGE"} <= routes.asked[1].environ.keys()


def test_a_page_that_redirects_keeps_the_status_of_the_error() -> None:
    routes = Routes(
        {"/a": to("/e", [("A", "1")], 404), "/e": to("/f", [("A", "2")]), "/f": answer(200)}
    )
    response = follow(routes, request("/a"))
    assert (response.status, response.fields) == (404, [("A", "1, 2")])
    assert routes.asked[2].is_error_document


def test_of_two_errors_the_first_is_told() -> None:
    routes = Routes({"/a": to("/e", status=404), "/e": to("/f", status=500), "/f": answer()})
    assert follow(routes, request("/a")).status == 404


def test_a_page_may_send_the_client_elsewhere() -> None:
    elsewhere = answer(303, [("Location", "/login")], reason="See Other")
    routes = Routes({"/a": to("/e", [("A", "1")], 401), "/e": elsewhere})
    response = follow(routes, request("/a"))
    assert (response.status, response.reason) == (303, "See Other")
    assert response.fields == [("A", "1"), ("Location", "/login")]


def test_another_application_may_make_the_page() -> None:
    routes = Routes({"/a": to("/e", [("A", "1")], 404), "/e": Foreign(lambda _, __: [], {})})
    outcome = FollowRedirects(routes)(request("/a"))
    assert isinstance(outcome, Foreign)
    assert (outcome.fields, outcome.keep_status) == ([("A", "1")], (404, "Its Reason"))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_that_fails_is_replaced_by_the_gateway_s_own(method: str) -> None:
    failing = answer(500, [("X-Trace", "secret"), ("Content-Length", "4")])
    body = failing.body
    routes = Routes({"/a": to("/e", [("Allow", "GET")], 405), "/e": failing})
    response = follow(routes, request("/a", method=method))
    assert is_dropped(body)
    assert (response.status, response.reason) == (405, "Its Reason")
    fields = dict(response.fields)
    assert "X-Trace" not in fields
    assert [value for name, value in response.fields if name == "Allow"] == ["GET"]
    assert isinstance(response.body, bytes)
    assert (b"405 Its Reason" in response.body) is (method == "GET")
    assert (b"route of /e" in response.body) is (method == "GET")


@pytest.mark.parametrize(
    "error",
    [RequestError("no route takes it"), ConnectError("nobody listens"), GatewayError("x")],
)
def test_a_page_that_cannot_be_had_is_replaced_and_logged(
    error: GatewayError, caplog: pytest.LogCaptureFixture
) -> None:
    routes = Routes({"/a": to("/e", [("Retry-After", "5")], 503), "/e": error})
    response = follow(routes, request("/a"))
    assert (response.status, response.reason) == (503, "Its Reason")
    assert ("Retry-After", "5") in response.fields
    assert isinstance(response.body, bytes)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == f"no page for status 503 at /e: {error}"


@pytest.mark.parametrize("target", ["/%zz", "/../e"])
def test_a_page_that_cannot_be_is_replaced_too(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = follow(Routes({"/a": to(target, status=404)}), request("/a"))
    assert response.status == 404
    assert target in caplog.text


def test_pages_that_lead_in_a_circle_are_replaced() -> None:
    routes = Routes({"/a": to("/e", status=404), "/e": to("/e")})
    assert follow(routes, request("/a")).status == 404
    assert len(routes.asked) == 11


def test_a_client_that_left_needs_no_page() -> None:
    routes = Routes({"/a": to("/e", status=404), "/e": ClientDisconnected("gone")})
    with pytest.raises(ClientDisconnected):
        FollowRedirects(routes)(request("/a"))


def test_what_is_no_error_of_ours_passes() -> None:
    routes = Routes({"/a": to("/e", status=404), "/e": KeyError("a mistake in the program")})
    with pytest.raises(KeyError):
        FollowRedirects(routes)(request("/a"))
