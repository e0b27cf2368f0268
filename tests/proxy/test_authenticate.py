"""Basic authentication as a step of a route."""

import base64

from tests.proxy.steps import answer, request
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Outcome, Response
from wsgi_scgi.proxy.authenticate import Authenticate
from wsgi_scgi.semantics.basic_credentials import BasicCredentials


def verify(credentials: BasicCredentials) -> bool:
    return credentials == BasicCredentials("Jürgen", "secret")


def authorization(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def passed(made: Request) -> tuple[Request | None, Outcome]:
    seen: list[Request] = []

    def inner(request: Request) -> Outcome:
        seen.append(request)
        return answer()

    outcome = Authenticate(inner, verify, realm='a "b"')(made)
    return (seen[0] if seen else None), outcome


def test_whoever_is_known_gets_in_and_the_backend_is_told_who() -> None:
    environ = request(HTTP_AUTHORIZATION=authorization("Jürgen", "secret"), REMOTE_USER="root")
    seen, _ = passed(environ)
    assert seen is not None
    assert seen.environ["REMOTE_USER"].encode("latin-1").decode() == "Jürgen"
    assert seen.environ["AUTH_TYPE"] == "Basic"


def test_the_environ_of_the_server_stays_as_it_was() -> None:
    made = request(HTTP_AUTHORIZATION=authorization("Jürgen", "secret"))
    before = made.environ
    passed(made)
    assert "REMOTE_USER" not in before


def test_anybody_else_is_asked_for_a_password() -> None:
    for field in ("", "Basic x", "Bearer x", authorization("Jürgen", "wrong")):
        seen, outcome = passed(request(HTTP_AUTHORIZATION=field))
        assert seen is None
        assert isinstance(outcome, Response)
        assert outcome.status == 401
        assert ("WWW-Authenticate", 'Basic realm="a b", charset="UTF-8"') in outcome.fields


def test_a_field_named_remote_user_is_nobody() -> None:
    seen, _ = passed(request(HTTP_REMOTE_USER="Jürgen"))
    assert seen is None


def test_a_head_request_is_refused_without_a_body() -> None:
    _, outcome = passed(request(method="HEAD"))
    assert isinstance(outcome, Response)
    assert (outcome.status, outcome.body) == (401, b"")
