"""What Perl's SCGI module does that strains a gateway."""

from __future__ import annotations

import json

from tests.integration.backends.requests_to_gateway import Front, ask
from tests.integration.backends.scgi_server import SCGIServer


def test_an_answer_without_status_is_a_200(perl: SCGIServer, front: Front) -> None:
    response = ask(front(perl.url), "GET", "/x?do=cookies")
    assert (response.status, response.reason) == (200, "OK")


def test_variables_without_a_value_do_not_shift_the_others(perl: SCGIServer, front: Front) -> None:
    # The module's pattern skips a name whose value is empty, and has to find the next name again.
    seen = json.loads(ask(front(perl.url), "GET", "/x", "X-Empty:", "X-Last: z").body)
    assert not {"HTTP_X_EMPTY", "QUERY_STRING"} & {*seen}
    assert (seen["PATH_INFO"], seen["HTTP_X_LAST"]) == ("/x", "z")


def test_the_module_complains_of_nothing(perl: SCGIServer, front: Front) -> None:
    # It warns of repeated names and refuses a CONTENT_LENGTH that is not first.
    gateway = front(perl.url)
    # One request after the other: whoever came before, or only connected, has been dealt with.
    assert ask(gateway, "POST", "/x?do=echo", body=b"0").body == b"0"
    before = len(perl.log)
    fields = ("X-Twice: 1", "x-twice: 2", "Cookie: a=1", "Cookie: b=2", "Content-Type: a/b")
    assert ask(gateway, "POST", "/x?do=echo", *fields, body=b"1").body == b"1"
    assert ask(gateway, "POST", "/x?do=echo", body=b"2").body == b"2"  # and the one before
    assert perl.log[before:] == ""


def test_an_http_status_line_counts_as_the_status(perl: SCGIServer, front: Front) -> None:
    response = ask(front(perl.url), "GET", "/x?do=status_line")
    assert (response.status, response.reason) == (299, "Mostly Fine")
    assert (response.get("Content-Type"), response.body) == ("text/plain", b"status line\n")


def test_a_program_that_says_nothing_is_a_502(perl: SCGIServer, front: Front) -> None:
    assert ask(front(perl.url), "GET", "/x?do=silent").status == 502
