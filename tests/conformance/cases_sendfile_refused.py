"""Cases: files that are not there, not for anybody, or not files, and ways to get at them.

Missing is 404, refused 403, and neither answer tells which file it was. Apache answers 500 to
all of them, but for some that become an empty 200; lighttpd 403 or 404.
"""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_sendfile import (
    APACHE,
    CONTROL_FIELDS,
    HAVE_SENDFILE,
    names,
    says,
)
from tests.conformance.requests import get, post
from tests.kit.backend import Script
from tests.kit.response import Response

_500 = "Apache answers 500."
_LEAKS = "Apache and lighttpd follow the link and send what nobody may get."
_EMPTY = "Apache answers 200 with nothing, lighttpd 403."
_NOT_A_FILE = "Apache answers 200 with nothing."
_FORBIDDEN = "Apache answers 500, lighttpd 403."


def tells_nothing(response: Response) -> str | None:
    """Complain of an answer with a part of a file's name in it."""
    words = [word for word in (b"txt", b"secret", b"passwd", b"files") if word in response.body]
    return f"the answer tells {words}" if words else None


def _refused(
    name: str,
    backend: Script,
    status: int = 403,
    *,
    differs: str = _500,
) -> Case:
    """Return a case of a file that the client does not get."""
    answer = Answer(
        status,
        without=(*CONTROL_FIELDS, "X-Of-Backend", "Set-Cookie", "ETag", "Last-Modified"),
        check=tells_nothing,
    )
    return Case(name, get("/sf/x"), answer, Sees(), backend, differs=differs, peers=HAVE_SENDFILE)


_MISSING = (
    _refused("a_missing_file_is_404", names("missing.txt"), 404),
    _refused("a_missing_directory_is_404", names("none/missing.txt"), 404),
    _refused(
        "a_missing_file_is_404_whatever_the_backend_says",
        names(
            "missing.txt",
            "X-Of-Backend: 1",
            "Set-Cookie: a=1",
            'ETag: "1"',
            head="Status: 201 Created",
        ),
        404,
        differs="Apache answers 500 with the cookies.",
    ),
    replace(
        _refused(
            "a_missing_file_is_404_for_head",
            names("missing.txt"),
            404,
        ),
        send=get("/sf/x", method="HEAD"),
        methods=("HEAD",),
    ),
    replace(
        _refused(
            "a_missing_file_is_404_for_post",
            names("missing.txt"),
            404,
        ),
        send=post("/sf/x", b"hello"),
        methods=("POST",),
    ),
    replace(
        _refused(
            "a_missing_file_is_404_for_a_range",
            names("missing.txt"),
            404,
        ),
        send=get("/sf/x", "Range: bytes=0-1"),
    ),
    _refused("an_escape_in_a_name_is_not_decoded", names("%71.txt"), 404),
    _refused(
        "a_letter_that_is_escaped_is_not_decoded",
        names("p%2etxt"),
        404,
        differs="Apache answers 500; lighttpd decodes the name.",
    ),
    _refused("a_file_with_a_slash_behind_it_is_404", names("p.txt/"), 404, differs=_EMPTY),
    _refused("a_file_with_a_path_behind_it_is_404", names("p.txt/more"), 404, differs=_EMPTY),
    _refused(
        "a_file_with_dots_behind_it_is_404",
        names("p.txt/../p.txt"),
        404,
        differs=("Apache and lighttpd resolve the dots before they look."),
    ),
    _refused("a_link_to_nowhere_is_404", names("link-nowhere.txt"), 404),
    _refused("a_name_that_is_too_long_is_404", names("x" * 300), 404, differs=_FORBIDDEN),
    _refused(
        "two_fields_name_no_file",
        says("X-Sendfile: @FILES@/p.txt", "X-Sendfile: @FILES@/page.html"),
        404,
        differs="Apache answers 500; lighttpd takes one of them.",
    ),
    _refused("a_name_is_case_sensitive", names("P.TXT"), 404),
)

_NO_FILE = (
    _refused("a_directory_is_403", names("sub"), differs=_NOT_A_FILE),
    _refused("a_directory_with_a_slash_is_403", names("sub/"), differs=_NOT_A_FILE),
    _refused("the_root_itself_is_403", says("X-Sendfile: @FILES@"), differs=_NOT_A_FILE),
    _refused("the_root_itself_with_a_slash_is_403", names(""), differs=_NOT_A_FILE),
    _refused("a_fifo_is_403", names("fifo"), differs="Apache waits for somebody who writes."),
    _refused("a_socket_is_403", names("socket"), differs=_NOT_A_FILE),
    _refused("a_link_to_itself_is_403", names("link-loop.txt")),
    replace(
        _refused(
            "a_device_is_403",
            says("X-Sendfile: /dev/zero"),
        ),
        send=get("/sf/dev/x"),
        peers=APACHE,
    ),
    replace(
        _refused(
            "a_terminal_is_403",
            says("X-Sendfile: /dev/tty"),
        ),
        send=get("/sf/dev/x"),
        peers=APACHE,
    ),
    _refused("a_link_to_a_device_is_403", names("link-device"), differs=_NOT_A_FILE),
)

_OUTSIDE = (
    _refused("a_file_outside_of_the_roots_is_403", says("X-Sendfile: /etc/passwd")),
    _refused("a_missing_file_outside_of_the_roots_is_403_too", says("X-Sendfile: /no/where")),
    _refused("dots_that_lead_out_are_403", names("../secret/secret.txt")),
    _refused("many_dots_that_lead_out_are_403", names("../../../../../../../../../../etc/passwd")),
    _refused(
        "dots_behind_a_missing_directory_are_404",
        names("none/../../secret/secret.txt"),
        404,
        differs=_FORBIDDEN,
    ),
    _refused("dots_behind_a_directory_that_lead_out_are_403", names("sub/../../secret/secret.txt")),
    _refused(
        "escaped_dots_lead_nowhere",
        names("%2e%2e/secret/secret.txt"),
        404,
        differs="Apache answers 500; lighttpd decodes the name and answers 403.",
    ),
    _refused(
        "an_escaped_slash_leads_nowhere",
        names("..%2fsecret%2fsecret.txt"),
        404,
        differs="Apache answers 500; lighttpd decodes the name and answers 403.",
    ),
    _refused("doubly_escaped_dots_lead_nowhere", names("%252e%252e/secret/secret.txt"), 404),
    _refused("backslashes_lead_nowhere", names("..\\secret\\secret.txt"), 404),
    _refused(
        "a_neighbour_whose_name_begins_like_the_root_is_403",
        says("X-Sendfile: @FILES@-private/secret.txt"),
    ),
    _refused(
        "dots_to_a_neighbour_whose_name_begins_like_the_root_are_403",
        names("../files-private/secret.txt"),
    ),
    _refused("a_link_that_leads_out_is_403", names("link-out.txt"), differs=_LEAKS),
    _refused(
        "a_link_to_a_directory_outside_is_403", names("directory-out/secret.txt"), differs=_LEAKS
    ),
    _refused("a_link_to_the_root_of_all_is_403", names("link-root/etc/passwd"), differs=_LEAKS),
    _refused("the_environment_of_the_process_is_403", says("X-Sendfile: /proc/self/environ")),
    _refused("a_descriptor_of_the_process_is_403", says("X-Sendfile: /proc/self/fd/0")),
    replace(
        _refused(
            "another_root_of_another_route_is_403",
            names("p.txt"),
            differs="Apache has no roots; its directory sections are for all routes.",
        ),
        send=get("/sf/roots/x"),
        peers=APACHE,
    ),
    replace(
        _refused(
            "a_root_that_is_not_there_has_no_files",
            names("p.txt"),
            differs="Apache has no roots; its directory sections are for all routes.",
        ),
        send=get("/sf/gone/x"),
        peers=APACHE,
    ),
)

_NAMES = (
    _refused(
        "an_empty_name_is_403",
        says("X-Sendfile:"),
        differs=("Apache answers 500, lighttpd with what the backend sent."),
    ),
    _refused("a_relative_name_is_403", says("X-Sendfile: p.txt")),
    _refused("a_relative_name_of_the_root_is_403", says("X-Sendfile: files/p.txt")),
    _refused("a_url_is_403", says("X-Sendfile: file://@FILES@/p.txt")),
    _refused("a_quoted_name_is_403", says('X-Sendfile: "@FILES@/p.txt"')),
    _refused("a_home_directory_is_403", says("X-Sendfile: ~root/.profile")),
    _refused(
        "a_name_with_two_slashes_in_front_is_the_same_name",
        says("X-Sendfile: //etc/passwd"),
    ),
)

CASES = (*_MISSING, *_NO_FILE, *_OUTSIDE, *_NAMES)
