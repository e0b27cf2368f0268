"""Cases: fields of answers that redirect, and Locations that are not followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.cases_redirect import APACHE, NO_302, TWO
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import get
from tests.kit.script import Reply


def _not_followed(
    name: str,
    head: str,
    status: int,
    location: str | tuple[str, ...],
    *,
    target: str = "/r/start",
    differs: str = "",
) -> Case:
    """Return a case of an answer that goes to the client as it is."""
    answer = Answer(status, headers={"Location": location}, without=("X-Location",), body=b"body")
    script = Reply(f"{head}\r\nContent-Type: text/plain\r\n\r\nbody".encode("latin-1"))
    show = ("Location", "X-Location")
    return Case(name, get(target), answer, Sees(), script, show=show, differs=differs, peers=APACHE)


def _merged(
    name: str,
    first: str,
    second: str,
    fields: Mapping[str, str | tuple[str, ...]],
    *,
    without: Sequence[str] = (),
    differs: str = "",
) -> Case:
    """Return a case of what fields of two answers become."""
    answer = Answer(200, headers=fields, without=without, body=b"second")
    return Case(
        name,
        get("/r/start"),
        answer,
        (Sees(), TWO),
        (
            Reply(f"Location: /two/x\r\n{first}\r\n\r\nfirst".encode("latin-1")),
            Reply(f"{second}\r\n\r\nsecond".encode("latin-1")),
        ),
        show=tuple(fields),
        differs=differs,
        peers=APACHE,
    )


_FIELDS = (
    _merged(
        "other_fields_of_both_answers_are_joined",
        "X-One: 1\r\nX-First: a",
        "X-One: two\r\nX-Second: b",
        {"X-One": "1, two", "X-First": "a", "X-Second": "b"},
        without=("Location",),
    ),
    _merged(
        "cookies_of_both_answers_stay_apart",
        "Set-Cookie: a=1\r\nSet-Cookie: b=2",
        "Set-Cookie: c=3",
        {"Set-Cookie": ("a=1", "b=2", "c=3")},
    ),
    _merged(
        "cache_control_of_both_answers_is_joined",
        "Cache-Control: private",
        "Cache-Control: max-age=5",
        {"Cache-Control": "private, max-age=5"},
    ),
    _merged(
        "what_described_the_first_body_is_dropped",
        'ETag: "first"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n'
        "Content-Range: bytes 0-4/5",
        "X-Second: 1",
        {"X-Second": "1"},
        without=("ETag", "Last-Modified", "Content-Range"),
    ),
    _merged(
        "what_describes_the_second_body_is_kept",
        'ETag: "first"',
        'ETag: "second"\r\nContent-Type: text/second\r\nLast-Modified: '
        "Sun, 06 Nov 1994 08:49:37 GMT",
        {
            "ETag": '"second"',
            "Content-Type": "text/second",
            "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
        },
    ),
    _merged(
        "the_second_content_type_counts",
        "Content-Type: text/first",
        "Content-Type: text/second",
        {"Content-Type": "text/second"},
    ),
    _merged(
        "the_first_content_type_counts_where_the_second_has_none",
        "Content-Type: text/first",
        "X-Second: 1",
        {"Content-Type": "text/first"},
    ),
    _merged(
        "an_encoding_of_the_first_body_says_nothing_of_the_second",
        "Content-Encoding: gzip",
        "X-Second: 1",
        {"X-Second": "1"},
        without=("Content-Encoding",),
        differs="Apache keeps it, and the client cannot read the body.",
    ),
    _merged(
        "hop_by_hop_fields_of_the_first_answer_stop_here",
        "Keep-Alive: timeout=5\r\nConnection: X-Hop\r\nX-Hop: 1",
        "X-Second: 1",
        {"X-Second": "1"},
        without=("Keep-Alive", "X-Hop"),
        differs="Apache passes them.",
    ),
    _merged(
        "orders_of_the_first_answer_are_no_fields",
        "X-Accel-Expires: 5\r\nX-Location: /two/y",
        "X-Second: 1",
        {"X-Second": "1"},
        without=("X-Accel-Expires",),
        differs="Apache passes it.",
    ),
)

_NOT_FOLLOWED = (
    *(
        _not_followed(
            f"a_local_location_with_status_{status}_is_for_the_client",
            f"Status: {status} Word\r\nLocation: /two/x",
            status,
            "/two/x",
        )
        for status in (201, 301, 302, 307, 404)
    ),
    _not_followed(
        "a_location_of_another_server_is_for_the_client",
        "Status: 200 OK\r\nLocation: http://e.test/two/x",
        200,
        "http://e.test/two/x",
    ),
    _not_followed(
        "a_location_that_is_another_host_is_not_followed",
        "Status: 200 OK\r\nLocation: //e.test/two/x",
        200,
        "//e.test/two/x",
        differs="Apache takes it for a path of its own.",
    ),
    _not_followed(
        "a_relative_location_is_for_the_client",
        "Status: 200 OK\r\nLocation: two/x",
        200,
        "two/x",
    ),
    _not_followed(
        "switched_off_a_local_location_is_302",
        "Location: /two/x",
        302,
        "/two/x",
        target="/r/off/x",
        differs=NO_302,
    ),
    _not_followed(
        "switched_off_a_local_location_with_status_200_passes",
        "Status: 200 OK\r\nLocation: /two/x",
        200,
        "/two/x",
        target="/r/off/x",
    ),
)


def _in_own_field(
    name: str, first: str, second: Sees = TWO, answer: Answer = FINE, differs: str = ""
) -> Case:
    """Return a case of a redirect by X-Location that is followed."""
    return Case(
        name,
        get("/r/x/start"),
        Answer(answer.status, headers=answer.headers, without=("X-Location",), body=answer.body),
        (Sees(), second),
        (Reply(f"{first}\r\n\r\ndropped".encode("latin-1")), Reply(OK)),
        show=("X-Location",),
        differs=differs,
        peers=APACHE,
    )


_OWN_FIELD = (
    _in_own_field("another_field_may_redirect", "X-Location: /two/x"),
    _in_own_field(
        "another_field_may_redirect_with_status_200", "Status: 200 OK\r\nX-Location: /two/x"
    ),
    _in_own_field("another_field_redirects_whatever_its_case", "x-LOCATION: /two/x"),
    _in_own_field(
        "another_field_redirects_beside_a_location",
        "Status: 200 OK\r\nLocation: /r/other\r\nX-Location: /two/x",
    ),
    _in_own_field(
        "another_field_and_a_location_without_status",
        "Location: http://e.test/\r\nX-Location: /two/x",
    ),
    _not_followed(
        "beside_another_field_a_location_is_not_followed",
        "Location: /two/x",
        302,
        "/two/x",
        target="/r/x/start",
        differs=NO_302,
    ),
    _not_followed(
        "beside_another_field_a_location_with_status_200_passes",
        "Status: 200 OK\r\nLocation: /two/x",
        200,
        "/two/x",
        target="/r/x/start",
    ),
    _not_followed(
        "another_field_with_status_201_is_not_followed",
        "Status: 201 Created\r\nX-Location: /two/x",
        201,
        (),
        target="/r/x/start",
        differs="Apache tells the client the path.",
    ),
    _not_followed(
        "another_field_that_is_no_local_path_is_not_followed",
        "X-Location: two/x",
        200,
        (),
        target="/r/x/start",
        differs="Apache tells the client the path.",
    ),
    _not_followed(
        "another_field_that_is_a_url_is_not_followed",
        "X-Location: http://e.test/two/x",
        200,
        (),
        target="/r/x/start",
        differs="Apache tells the client the URL.",
    ),
    Case(
        "another_field_twice_leads_nowhere",
        get("/r/x/start"),
        Answer(404, without=("X-Location",)),
        Sees(),
        Reply(b"X-Location: /nothing/x\r\nX-Location: /nothing/y\r\n\r\nbody"),
        peers=APACHE,
    ),
    Case(
        "the_field_of_another_route_is_an_ordinary_one",
        get("/r/start"),
        Answer(200, headers={"X-Location": "/two/x"}, body=b"body"),
        Sees(),
        Reply(b"X-Location: /two/x\r\n\r\nbody"),
        peers=APACHE,
    ),
)

CASES = (*_FIELDS, *_NOT_FOLLOWED, *_OWN_FIELD)
