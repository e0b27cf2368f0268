"""What flup's SCGI server does that strains a gateway."""

from __future__ import annotations

import pytest

from tests.integration.backends.process import wait_for
from tests.integration.backends.requests_to_gateway import Front, ask
from tests.integration.backends.scgi_server import SCGIServer
from tests.kit.response import Framing


def test_flups_own_error_page_is_handed_on(flup: SCGIServer, front: Front) -> None:
    response = ask(front(flup.url), "GET", "/x?do=raise")
    assert (response.status, response.get("Content-Type")) == (500, "text/html")
    assert b"Unhandled Exception" in response.body


def test_an_application_that_fails_in_its_body_leaves_a_visible_cut(
    flup: SCGIServer, front: Front
) -> None:
    # flup closes in good order; only the length that it had announced tells.
    response = ask(front(flup.url), "GET", "/x?do=break")
    assert (response.status, response.body, response.complete) == (200, b"first\n", False)


@pytest.mark.parametrize("attempt", range(5))
def test_a_complete_answer_followed_by_a_reset_is_complete(
    flup: SCGIServer, front: Front, attempt: int
) -> None:
    # flup leaves 10 bytes unread, adds a length of 9 to the answer, and its close is a reset.
    response = ask(front(flup.url), "POST", f"/x?do=early&{attempt}", body=b"x" * 10)
    assert (response.status, response.body) == (413, b"too much\n")
    assert (response.framing, response.complete) == (Framing.LENGTH, True)


def test_an_application_that_waits_for_the_end_of_the_connection_is_a_504(
    flup: SCGIServer, front: Front
) -> None:
    # flup lets an application read past CONTENT_LENGTH, where nothing ever comes.
    gateway = front(flup.url, 'preset="wsgi", timeout=1.0')
    assert ask(gateway, "POST", "/x?do=to_the_end", body=b"x").status == 504
    # A machine that is slow may need more than a second for the next one, too.
    wait_for(lambda: ask(gateway, "POST", "/x?do=echo", body=b"x").body == b"x", "an answer")
