"""What the scgi package's server does that strains a gateway."""

from __future__ import annotations

import pytest

from tests.integration.backends.requests_to_gateway import Front, ask
from tests.integration.backends.scgi_server import SCGIServer


def test_the_packages_own_page_lists_the_variables(scgi_package: SCGIServer, front: Front) -> None:
    # Written through print, lines end with LF, no Status: the package's documented default.
    response = ask(front(scgi_package.url), "GET", "/x?do=default")
    assert (response.status, response.reason) == (200, "OK")
    assert response.get("Content-Type") == "text/plain; charset=utf-8"
    assert b"QUERY_STRING: 'do=default'\n" in response.body


def test_an_http_status_line_counts_as_the_status(scgi_package: SCGIServer, front: Front) -> None:
    response = ask(front(scgi_package.url), "GET", "/x?do=status_line")
    assert (response.status, response.reason) == (299, "Mostly Fine")
    assert (response.get("Content-Type"), response.body) == ("text/plain", b"status line\n")


def test_a_handler_that_says_nothing_is_a_502(scgi_package: SCGIServer, front: Front) -> None:
    assert ask(front(scgi_package.url), "GET", "/x?do=silent").status == 502


@pytest.mark.parametrize("do", ["raise", "break"])
def test_a_child_that_dies_costs_one_answer_and_the_next_is_served(
    scgi_package: SCGIServer, front: Front, do: str
) -> None:
    # An exception ends the child process; the server replaces it within its 2 seconds' poll.
    gateway = front(scgi_package.url)
    broken = ask(gateway, "GET", f"/x?do={do}")
    assert (broken.status, broken.complete) == ((502, True) if do == "raise" else (200, False))
    assert ask(gateway, "POST", "/x?do=echo", body=b"next").body == b"next"
