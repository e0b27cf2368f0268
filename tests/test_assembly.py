"""From configuration to objects: what a route does not use is not in its chain."""

from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import demo_app

import pytest

from tests.gateway.environs import server_environ
from tests.kit.backend import Backend
from tests.kit.script import Reply
from tests.transports import BOUND
from wsgi_scgi.application import Gateway, SCGIApplication
from wsgi_scgi.assembly import Assembled, build
from wsgi_scgi.config.file import parse_configuration
from wsgi_scgi.edge import Edge
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Foreign
from wsgi_scgi.proxy.redirect import FollowRedirects
from wsgi_scgi.proxy.router import Router


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        backend.begin(Reply(b"Content-Type: text/plain\n\nok"), bound=BOUND)
        yield backend


def chain_of(text: str) -> list[str]:
    """Return the names of the steps around the first route's forwarder, the outermost first."""
    outermost = Assembled(parse_configuration(text, "test.toml")).handler
    names = [type(outermost).__name__]
    step: Any = outermost
    if isinstance(outermost, FollowRedirects):
        step = outermost._inner
        names.append(type(step).__name__)
    assert isinstance(step, Router)
    step = step._routes[0].handler
    while step is not None:
        names.append(type(step).__name__)
        step = getattr(step, "_inner", None)
    return names


ROUTE = '[[route]]\npath = "/app/"\nbackend = "scgi://h:1/"\n'


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ("internal_redirect = false\nlocation_reverse = false", ["Router", "Forwarder"]),
        (
            "internal_redirect = true\nlocation_reverse = false",
            ["FollowRedirects", "Router", "RecogniseRedirect", "Forwarder"],
        ),
        (
            "internal_redirect = false\nlocation_reverse = true",
            ["Router", "RewriteFields", "Forwarder"],
        ),
        (
            "internal_redirect = false\nlocation_reverse = false\nconditional_requests = true",
            ["Router", "AnswerConditions", "Forwarder"],
        ),
        (
            "internal_redirect = false\nlocation_reverse = false\nerror_override = true",
            ["FollowRedirects", "Router", "OverrideErrors", "Forwarder"],
        ),
        (
            "internal_redirect = false\nlocation_reverse = false\nsendfile = true\n"
            'sendfile_roots = ["/tmp"]',
            ["Router", "SendFile", "Forwarder"],
        ),
        (
            'preset = "rtorrent"\nauth_file = "/none"',
            ["Router", "RefuseForeignPages", "Authenticate", "InspectCalls", "Forwarder"],
        ),
        ('preset = "rtorrent"', ["Router", "RefuseForeignPages", "InspectCalls", "Forwarder"]),
    ],
)
def test_a_chain_has_the_steps_that_its_route_uses(options: str, steps: list[str]) -> None:
    assert chain_of(f"{ROUTE}{options}\n") == steps


def test_a_configuration_becomes_a_wsgi_application(backend: Backend) -> None:
    port = backend.listen_tcp()
    text = f'[[route]]\npath = "/app/"\nbackend = "scgi://127.0.0.1:{port}/base/"\npath_info = true'
    edge = build(parse_configuration(text, "test.toml"))
    statuses: list[str] = []

    def start_response(status: str, fields: Any, exc_info: Any = None, /) -> Any:
        del fields, exc_info
        statuses.append(status)

    pieces = edge(server_environ("/app/x"), start_response)

    assert isinstance(edge, Edge)
    assert (statuses, b"".join(pieces)) == (["200 OK"], b"ok")
    backend.settle()
    seen = backend.connections[0].request
    assert (seen.get("SCRIPT_NAME"), seen.get("PATH_INFO")) == (b"/app", b"/base/x")
    getattr(pieces, "close", lambda: None)()


def test_routes_are_asked_in_the_order_of_the_file() -> None:
    text = '[[route]]\npath = "/a/"\nexclude = true\n' + ROUTE.replace("/app/", "/")
    router = Assembled(parse_configuration(text, "test.toml")).handler
    step: Any = router._inner if isinstance(router, FollowRedirects) else router

    assert [route.name for route in step._routes] == ["/a/", "/"]
    assert step._routes[0].handler is None


def test_an_expression_and_hosts_come_through() -> None:
    text = '[[route]]\nmatch = "^/u/(.*)$"\nhost = ["A.test"]\nbackend = "scgi://h/v/$1"\n'
    router = Assembled(parse_configuration(text, "test.toml")).handler
    step: Any = router._inner if isinstance(router, FollowRedirects) else router
    (route,) = step._routes

    match = route.matcher.match("/u/x")
    assert match.target == "/v/x"
    assert route.hosts == frozenset({"a.test"})


def test_a_fallback_answers_by_itself() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        del environ, start_response
        return []

    configuration = parse_configuration(ROUTE, "test.toml")
    request = Request(server_environ("/other"))

    outcome = Assembled(configuration, application).handler(request)

    assert isinstance(outcome, Foreign)
    assert outcome.application is application
    assert outcome.environ is request.environ


@pytest.mark.parametrize(("fallback", "are_clean"), [(None, True), (demo_app, False)])
def test_only_a_fallback_may_leave_something_in_a_greenlet(fallback: Any, are_clean: bool) -> None:
    configuration = parse_configuration(ROUTE, "test.toml")
    assert build(configuration, fallback).leaves_greenlets_clean is are_clean
    gateway = Gateway(configuration, fallback=fallback)
    assert gateway.leaves_greenlets_clean is are_clean
    assert SCGIApplication("scgi://h/").leaves_greenlets_clean is True


def test_all_routes_share_one_cache_of_names() -> None:
    text = ROUTE + ROUTE.replace("/app/", "/b/") + "internal_redirect = false\n"
    router = Assembled(parse_configuration(text, "test.toml")).handler
    step: Any = router._inner if isinstance(router, FollowRedirects) else router
    resolvers = set()
    for route in step._routes:
        inner = route.handler
        while hasattr(inner, "_inner"):
            inner = inner._inner
        resolvers.add(inner._resolver)

    assert len(resolvers) == 1
