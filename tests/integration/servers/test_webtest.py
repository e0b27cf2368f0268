"""Every response that the conformance table has, judged by webtest.lint against PEP 3333.

The cases are those of ``tests/conformance`` that consist of one request without a body. They are
called in-process, with the bare environ that WebTest makes: neither RAW_URI nor REQUEST_URI, and
the ordinary transport. What lint refuses although HTTP allows it is listed with the reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import (
    cases_response_body,
    cases_response_head,
    cases_response_streams,
    cases_status,
)
from tests.conformance.case import Case, Outcome, judge
from tests.conformance.routes import Places, as_toml
from tests.conformance.run import names_of
from tests.integration.backends.browser import webtest
from tests.kit.backend import Backend
from tests.kit.gates import Gates
from tests.kit.gateways import new_directory, remove_directory
from tests.kit.response import End, Framing, Response
from wsgi_scgi import Gateway
from wsgi_scgi.errors import GatewayError

BOUND = 10.0  # seconds for each single wait

TABLE = (
    *cases_response_head.CASES,
    *cases_response_body.CASES,
    *cases_response_streams.CASES,
    *cases_status.CASES,
)

_WANTS_A_TYPE = (
    "it wants a Content-Type beside a Content-Length; RFC 9110 8.3 lets a sender omit it"
)
_WANTS_A_REASON = "it wants a reason of at least two characters; RFC 9112 4 asks for none"

LINT_REFUSES = {
    "a_head_that_comes_byte_by_byte_is_the_same": _WANTS_A_TYPE,
    "205_may_have_a_body": _WANTS_A_TYPE,
    "connection_of_the_backend_cannot_remove_what_the_client_needs": _WANTS_A_TYPE,
    "a_tab_inside_a_value_is_allowed": "it takes a tab for a control character; see RFC 9110 5.5",
    "a_name_of_odd_token_characters_is_allowed": (
        "it knows names of letters, digits, - and _ alone; RFC 9110 5.6.2 has more"
    ),
    "a_206_of_the_backend_is_passed": _WANTS_A_REASON,
    "the_largest_status": _WANTS_A_REASON,
    "a_location_keeps_the_status_it_has": _WANTS_A_REASON,
    "a_301_stays_a_301": _WANTS_A_REASON,
}
"""Why lint calls an answer wrong that HTTP allows, and that the gateway hands on as it is."""

NOT_IN_PROCESS = {
    "early_hints_reach_the_client": "WebTest has no wsgi.early_hints",
}
"""Why a case cannot come out the same without an HTTP server."""


def has_one_plain_request(case: Case) -> bool:
    """Tell whether WebOb can make the case's request."""
    send = case.send
    return isinstance(send, bytes) and send.endswith(b"\r\n\r\n") and len(case.methods) == 1


CASES = [case for case in TABLE if has_one_plain_request(case)]
ACCEPTED = [case for case in CASES if case.name not in {*LINT_REFUSES, *NOT_IN_PROCESS}]
REFUSED = [case for case in CASES if case.name in LINT_REFUSES]


def for_no_server(case: Case) -> Case:
    """Return `case` without what only an HTTP server does: framing."""
    answers = [dataclasses.replace(answer, framing=None) for answer in case.expected_answers]
    return dataclasses.replace(case, answers=answers)


@dataclasses.dataclass(frozen=True, slots=True)
class Embedded:
    """The gateway with the table's routes, and the backend behind it."""

    application: Gateway
    backend: Backend

    def run(self, case: Case) -> Outcome:
        """Run `case` and return what came out on both sides; AssertionError is lint's verdict."""
        gates = Gates()
        self.backend.begin(*case.scripts, gates=gates, bound=BOUND)
        request = webtest.TestRequest.from_bytes(case.send)
        response = call(webtest.lint.middleware(self.application), request)
        self.backend.settle()
        gates.open_all()
        done = self.backend.wait_done(2 * BOUND)
        connections = tuple(self.backend.connections)
        notes = [note for connection in connections for note in connection.notes]
        if not done:
            notes.append("the backend's script did not end")
        return Outcome((response,), b"", End.EOF, connections, tuple(notes))


def call(application: Any, request: Any) -> Response:
    """Call a WSGI application; an error of the gateway in the body is a cut that a client sees."""
    status, headers, pieces = request.call_application(application)
    body = bytearray()
    complete = True
    try:
        for piece in pieces:
            body += piece
    except GatewayError:
        complete = False
    finally:
        pieces.close()
    code, _, reason = status.partition(" ")
    length = next((v for n, v in headers if n.lower() == "content-length"), None)
    if request.method != "HEAD" and length is not None and int(code) not in (204, 304):
        complete = complete and int(length) == len(body)
    return Response(
        status=int(code),
        reason=reason,
        version="HTTP/1.1",
        headers=tuple(headers),
        body=bytes(body),
        framing=Framing.NONE,
        complete=complete,
        interim=(),
        violations=(),
    )


@pytest.fixture(scope="module")
def embedded() -> Iterator[Embedded]:
    """Make the gateway in this process; the scripted backend runs beside it."""
    directory = new_directory()
    with Backend() as backend:
        places = Places(backend, directory)
        path = Path(directory, "gateway.toml")
        path.write_text(as_toml(places))
        yield Embedded(Gateway.from_toml(path), backend)
        places.close()
    remove_directory(directory)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in ACCEPTED])
def test_lint_accepts_the_answer(embedded: Embedded, case: Case) -> None:
    expected = for_no_server(case)
    wrong = judge(expected, embedded.run(expected), ours=True)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in REFUSED])
def test_a_refused_answer_leaves_no_connection_to_the_backend(
    embedded: Embedded, case: Case
) -> None:
    # lint raises from start_response, as servers do when they find a field that they do not take.
    with pytest.raises(AssertionError) as refusal:
        embedded.run(case)
    assert embedded.backend.wait_done(BOUND), f"still open after: {refusal.value}"


def test_every_exception_names_a_case_of_the_table() -> None:
    assert {*LINT_REFUSES, *NOT_IN_PROCESS} <= names_of(CASES)
