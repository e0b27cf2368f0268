"""Cases: redirects in a row and in circles, to nothing, to files, and what becomes of bodies."""

from __future__ import annotations

from collections.abc import Sequence

from tests.conformance.case import OK, Answer, Case, Sees, reply
from tests.conformance.cases_redirect import APACHE, TWO, followed, to
from tests.conformance.cases_variables import FINE
from tests.conformance.files import CONTENT
from tests.conformance.requests import get, post, two
from tests.kit.backend import Script
from tests.kit.script import ReadHead, ReadToEnd, Reply, Write, WriteUntilCut, play

_POST = ("POST",)
_REFUSES = "Apache looks for such a path and answers 404."

_CHAIN: Sequence[Script] = [to(f"/r/{number}") for number in range(1, 11)]
_CHAINS = (
    Case(
        "ten_redirects_in_a_row_are_followed",
        get("/r/0"),
        FINE,
        [Sees(has={"PATH_INFO": f"/{number}"}) for number in range(11)],
        (*_CHAIN, Reply(OK)),
        peers=APACHE,
    ),
    Case(
        "an_eleventh_redirect_is_500",
        get("/r/0"),
        Answer(500, headers={"X-Last": "1"}, without=("Location",)),
        [Sees(has={"PATH_INFO": f"/{number}"}) for number in range(11)],
        (*_CHAIN, to("/r/11", "X-Last: 1")),
        peers=APACHE,
    ),
    Case(
        "a_redirect_to_itself_is_500",
        get("/r/loop"),
        Answer(500, without=("Location",)),
        [Sees(has={"PATH_INFO": "/loop"})] * 11,
        to("/r/loop"),
        peers=APACHE,
    ),
    Case(
        "two_routes_that_redirect_to_each_other_are_500",
        get("/r/loop"),
        Answer(500, without=("Location",)),
        [Sees()] * 11,
        [to("/two/loop"), to("/r/loop")] * 6,
        peers=APACHE,
    ),
    Case(
        "the_next_request_starts_to_count_anew",
        two(get("/r/0"), get("/r/0")),
        (FINE, FINE),
        [Sees()] * 22,
        (*_CHAIN, Reply(OK), *_CHAIN, Reply(OK)),
        methods=("GET", "GET"),
        peers=APACHE,
    ),
)


def _to_nothing(name: str, target: str, status: int, differs: str = "") -> Case:
    """Return a case of a redirect to where no backend is."""
    answer = Answer(status, without=("Location",))
    return Case(name, get("/r/start"), answer, Sees(), to(target), differs=differs, peers=APACHE)


_TO_NOTHING = (
    _to_nothing("a_redirect_to_what_no_route_takes_is_404", "/nothing/x", 404),
    _to_nothing("a_redirect_to_an_exclusion_is_404", "/r/private/x", 404),
    _to_nothing("a_redirect_cannot_walk_past_an_exclusion", "/r//x/../private/./x", 404),
    _to_nothing("a_redirect_to_an_excluded_expression_is_404", "/two/x.secret", 404),
    _to_nothing("a_redirect_to_a_refused_connection_is_503", "/r/refused/x", 503),
    _to_nothing("a_redirect_above_the_root_is_400", "/two/../../x", 400),
    _to_nothing("a_redirect_with_a_bad_escape_is_400", "/two/%zz", 400),
    _to_nothing("a_redirect_with_an_encoded_slash_is_404", "/two/a%2fb", 404),
    _to_nothing("a_redirect_with_an_encoded_nul_is_400", "/two/a%00b", 400, _REFUSES),
    _to_nothing(
        "a_redirect_with_an_encoded_line_feed_is_400",
        "/two/a%0ab",
        400,
        "Apache passes it to the backend.",
    ),
    _to_nothing("a_redirect_to_the_asterisk_of_options_is_no_path", "/*", 404),
)

_CONNECTIONS = (
    followed(
        "an_endless_body_of_the_first_answer_is_not_waited_for",
        play(
            ReadHead(),
            Write(b"Status: 200 OK\r\nLocation: /two/x\r\n\r\n"),
            WriteUntilCut(b"0123456789abcdef" * 256),
        ),
        differs="Apache reads the body to its end.",
    ),
    followed(
        "a_first_answer_that_stays_open_is_not_waited_for",
        play(ReadHead(), Write(b"Status: 200 OK\r\nLocation: /two/x\r\n\r\nbo"), ReadToEnd()),
        differs="Apache reads the body to its end.",
    ),
    Case(
        "a_redirect_leaves_the_connection_usable",
        two(get("/r/one"), get("/two/two")),
        (FINE, Answer(200, body=b"end")),
        (Sees(), TWO, Sees(has={"PATH_INFO": "/two"})),
        (to("/two/x"), Reply(OK), Reply(b"Content-Length: 3\r\n\r\nend")),
        methods=("GET", "GET"),
        peers=APACHE,
    ),
    Case(
        "a_redirect_into_x_sendfile_sends_the_file",
        get("/r/start"),
        Answer(200, headers={"X-One": "1"}, without=("X-Sendfile", "Location"), body=CONTENT),
        (Sees(), Sees(has={"PATH_INFO": "/file"})),
        (
            to("/sf/file", "X-One: 1", 'ETag: "first"'),
            reply(b"X-Sendfile: @FILES@/p.txt\r\nContent-Type: text/plain\r\n\r\nbody"),
        ),
        peers=APACHE,
    ),
    Case(
        "a_redirect_into_x_sendfile_knows_ranges",
        get("/r/start", "Range: bytes=2-4"),
        Answer(
            206,
            headers={"Content-Range": "bytes 2-4/36", "Content-Type": "text/plain"},
            without=("X-Sendfile", "Location"),
            body=b"234",
        ),
        (Sees(), Sees(has={"PATH_INFO": "/file"})),
        (to("/sf/file"), reply(b"X-Sendfile: @FILES@/p.txt\r\n\r\nbody")),
        peers=APACHE,
        differs="Apache sends the whole file: it knows no ranges of what a backend names.",
    ),
    Case(
        "a_posted_redirect_into_x_sendfile_sends_the_file",
        post("/r/start", b"hello", "Range: bytes=2-4"),
        Answer(206, without=("X-Sendfile", "Location"), body=b"234"),
        (Sees(), Sees(has={"REQUEST_METHOD": "GET"}, body=b"")),
        (to("/sf/file"), reply(b"X-Sendfile: @FILES@/p.txt\r\n\r\nbody")),
        methods=_POST,
        peers=APACHE,
        differs="Apache sends the whole file: it knows no ranges of what a backend names.",
    ),
)

CASES = (*_CHAINS, *_TO_NOTHING, *_CONNECTIONS)
