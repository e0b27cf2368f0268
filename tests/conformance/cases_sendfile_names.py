"""Cases: how a backend names a file, by which field, and below which root."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_sendfile import (
    APACHE,
    CONTROL_FIELDS,
    HAVE_SENDFILE,
    names,
    says,
    sent,
)
from tests.conformance.files import CONTENT
from tests.conformance.requests import get
from tests.kit.netstring import SCGIRequest

_NAMES = (
    sent(
        "an_escape_in_a_name_is_part_of_it",
        names("%70.txt"),
        differs="lighttpd decodes the name.",
    ),
    sent("a_blank_in_a_name", names("a b.txt")),
    sent("a_name_beyond_ascii", names("caf\xc3\xa9.txt")),
    sent(
        "a_name_that_is_no_utf_8",
        names("\xff.txt"),
        differs="lighttpd wants UTF-8 and answers 502.",
    ),
    sent(
        "dots_that_stay_inside_are_harmless",
        names("sub/../p.txt"),
    ),
    sent("a_dot_and_slashes_are_harmless", names("./sub//.././//p.txt")),
    sent("a_link_that_stays_inside_is_followed", names("link-in.txt"), body=CONTENT[::-1]),
    sent("an_absolute_link_that_stays_inside_is_followed", names("link-absolute.txt")),
    sent("a_link_that_leads_out_and_in_again_is_followed", names("link-out-and-in.txt")),
    sent(
        "a_directory_link_that_stays_inside_is_followed",
        names("directory-in/deep.txt"),
        body=CONTENT[::-1],
    ),
    sent(
        "blanks_around_a_name_are_no_part_of_it",
        says("X-Sendfile: \t @FILES@/p.txt \t "),
        differs="Apache and lighttpd take blanks behind the name for a part of it.",
    ),
)

_FIELDS = (
    sent("the_field_is_found_whatever_its_case", names("p.txt", field="x-SENDFILE")),
    replace(
        sent(
            "another_field_may_name_the_file",
            names("p.txt", field="X-Send-Static"),
        ),
        send=get("/sf/x/y"),
        peers=APACHE,
    ),
    replace(
        sent(
            "beside_another_field_x_sendfile_names_nothing",
            says("X-Sendfile: /no/where", "Content-Type: text/plain", body="body"),
            body=b"body",
            differs="Apache tells the client the path.",
        ),
        send=get("/sf/x/y"),
        peers=APACHE,
    ),
    replace(
        sent(
            "switched_off_x_sendfile_names_nothing",
            says("X-Sendfile: /no/where", "Content-Type: text/plain", body="body"),
            body=b"body",
            differs="The peers tell the client the path.",
        ),
        send=get("/sf/off/x"),
    ),
    Case(
        "x_sendfile_is_passed_where_the_administrator_says_so",
        get("/sf/pass/x"),
        Answer(200, headers={"X-Sendfile": "/no/where/p.txt"}, body=b"not this"),
        Sees(),
        names("p.txt"),
        show=("X-Sendfile",),
        peers=APACHE,
    ),
    replace(
        sent(
            "other_servers_fields_name_nothing",
            says(
                "X-Lighttpd-Send-File: /no/where",
                "X-Accel-Redirect: /no/where",
                "X-Sendfile2: /no/where 0-1",
                "Content-Type: text/plain",
                body="body",
            ),
            {"X-Lighttpd-Send-File": (), "X-Sendfile2": ()},
            body=b"body",
            differs="Apache tells the client the paths.",
        ),
        peers=APACHE,
    ),
)


def _no_client_mapping(request: SCGIRequest) -> str | None:
    told = [name for name in request.names if "MAPPING" in name or "SENDFILE_TYPE" in name]
    return f"{told} came" if told else None


_CLIENTS = (
    Case(
        "a_client_cannot_say_how_files_are_named",
        get("/sf/x", "X-Sendfile-Type: X-Sendfile", "X-Accel-Mapping: /=/"),
        Answer(200, without=CONTROL_FIELDS, body=CONTENT),
        Sees(check=_no_client_mapping),
        names("p.txt"),
        peers=HAVE_SENDFILE,
        differs="The peers pass fields by which Rack's applications are led astray.",
    ),
    Case(
        "a_client_cannot_name_a_file",
        get("/sf/x", "X-Sendfile: /etc/passwd", "X-Accel-Redirect: /etc/passwd"),
        Answer(200, without=CONTROL_FIELDS, body=b"own body"),
        Sees(),
        says("Content-Type: text/plain", body="own body"),
        peers=HAVE_SENDFILE,
    ),
)

_ROOTS = (
    replace(
        sent(
            "a_root_may_be_a_link",
            names("p.txt"),
        ),
        send=get("/sf/link/x"),
        peers=APACHE,
    ),
    replace(
        sent(
            "one_of_several_roots",
            names("sub/deep.txt"),
            body=CONTENT[::-1],
        ),
        send=get("/sf/roots/x"),
        peers=APACHE,
    ),
    replace(
        sent(
            "x_sendfile_and_x_accel_redirect_side_by_side",
            names("p.txt"),
        ),
        send=get("/sf/accel/x"),
        peers=APACHE,
    ),
)

CASES = (*_NAMES, *_FIELDS, *_CLIENTS, *_ROOTS)
