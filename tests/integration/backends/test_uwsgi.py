"""What uWSGI's SCGI protocol does that strains a gateway."""

from __future__ import annotations

from tests.integration.backends.process import wait_for
from tests.integration.backends.requests_to_gateway import Front, ask
from tests.integration.backends.scgi_server import SCGIServer


def test_a_head_over_uwsgis_buffer_is_a_502_and_harms_nothing_else(
    uwsgi: SCGIServer, front: Front
) -> None:
    # uWSGI takes 4,096 bytes of variables (--buffer-size) and resets the connection of any more.
    gateway = front(uwsgi.url)
    assert ask(gateway, "GET", "/x", f"Cookie: {'c' * 5000}").status == 502
    assert ask(gateway, "GET", "/x", f"Cookie: {'c' * 1000}").status == 200


def test_an_application_that_fails_before_its_head_is_a_502(
    uwsgi: SCGIServer, front: Front
) -> None:
    # uWSGI closes the connection without a byte.
    assert ask(front(uwsgi.url), "GET", "/x?do=raise").status == 502


def test_an_application_that_fails_in_its_body_leaves_a_visible_cut(
    uwsgi: SCGIServer, front: Front
) -> None:
    response = ask(front(uwsgi.url), "GET", "/x?do=break")
    assert (response.status, response.body, response.complete) == (200, b"first\n", False)


def test_an_application_that_reads_to_the_end_gets_the_body_alone(
    uwsgi: SCGIServer, front: Front
) -> None:
    # The gateway keeps its sending side open, so only CONTENT_LENGTH can end the body here.
    response = ask(front(uwsgi.url), "POST", "/x?do=to_the_end", body=b"x" * 70_000)
    assert response.body == b"70000"


def test_the_cause_of_a_502_is_in_the_gateways_log_and_not_in_the_answer(
    uwsgi: SCGIServer, front: Front
) -> None:
    gateway = front(uwsgi.url)
    response = ask(gateway, "GET", "/x?do=raise")
    request_id = response.get("X-Request-ID")
    assert request_id
    assert str(uwsgi.address).encode() not in response.body
    wait_for(lambda: request_id in gateway.log(), "the request's line in the log")
