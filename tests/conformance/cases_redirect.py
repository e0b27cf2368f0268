"""Cases: local redirects, ProxySCGIInternalRedirect, from one route of a gateway to another.

A backend that answers 200 with ``Location: /path`` gets its answer replaced by that for the path.
"""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import chunked, get, get_old, head_of_post, post, post_chunked, two
from tests.kit.backend import Script
from tests.kit.http import Send, SendReading
from tests.kit.netstring import SCGIRequest
from tests.kit.script import Close, ReadHead, ReadToEnd, Reply, Write, play

# Neither nginx nor lighttpd has local redirects of this kind.
APACHE = ("Apache",)
NO_302 = "Apache answers 200 with a Location; RFC 3875 6.2.3 asks for 302."
TWO = Sees(has={"ROUTE": "two", "SCRIPT_NAME": "/two", "PATH_INFO": "/x"})
_SHOWN = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO")
_POST = ("POST",)


def to(target: str, *fields: str, body: str = "dropped") -> Reply:
    """Return a script that redirects to ``target``, without a Status."""
    lines = [f"Location: {target}", *fields, "", body]
    return Reply("\r\n".join(lines).encode("latin-1"))


def followed(
    name: str,
    first: Script,
    second: Sees = TWO,
    *,
    answer: Answer = FINE,
    last: Script | None = None,
    differs: str = "",
) -> Case:
    """Return a case of one redirect from the route /r/ to another request."""
    return Case(
        name,
        get("/r/start"),
        answer,
        (Sees(), second),
        (first, last or Reply(OK)),
        show=_SHOWN,
        differs=differs,
        peers=APACHE,
    )


_FOLLOWED = (
    followed("a_local_location_is_followed_into_another_route", to("/two/x")),
    followed(
        "a_local_location_with_status_200_is_followed",
        Reply(b"Status: 200 OK\r\nLocation: /two/x\r\n\r\ndropped"),
    ),
    followed(
        "a_local_location_with_an_http_first_line_is_followed",
        Reply(b"HTTP/1.1 200 OK\r\nLocation: /two/x\r\n\r\ndropped"),
        differs="Apache knows no first line and answers 500.",
    ),
    replace(
        followed(
            "the_first_request_s_target_is_kept",
            to("/two/x"),
            Sees(has={"REQUEST_URI": "/r/start?a=b", "QUERY_STRING": "", "PATH_INFO": "/x"}),
        ),
        send=get("/r/start?a=b"),
    ),
    replace(
        followed(
            "the_query_is_that_of_the_redirect",
            to("/two/x?c=%20d?e"),
            Sees(has={"QUERY_STRING": "c=%20d?e", "PATH_INFO": "/x"}),
        ),
        send=get("/r/start?a=b"),
    ),
    followed(
        "a_fragment_is_cut_off",
        to("/two/x?y#z/../../w"),
        Sees(has={"QUERY_STRING": "y", "PATH_INFO": "/x"}),
    ),
    followed(
        "the_path_of_a_redirect_is_decoded_once",
        to("/two/a%2541%20%c3%a9"),
        Sees(has={"PATH_INFO": b"/a%41 \xc3\xa9"}),
        differs="Apache sends PATH_INFO still encoded, which RFC 3875 4.1.5 does not allow.",
    ),
    followed(
        "dot_segments_of_a_redirect_are_resolved",
        to("/r/./off/../../two/x"),
    ),
    followed("a_redirect_may_stay_in_its_route", to("/r/x2"), Sees(has={"PATH_INFO": "/x2"})),
    followed(
        "blanks_in_a_redirect_are_taken_for_encoded_ones",
        to("/two/a b"),
        Sees(has={"PATH_INFO": "/a b"}),
        differs="Apache sends PATH_INFO encoded.",
    ),
    followed(
        "bytes_above_127_in_a_redirect_are_taken_for_encoded_ones",
        to("/two/caf\xc3\xa9"),
        Sees(has={"PATH_INFO": b"/caf\xc3\xa9"}),
        differs="Apache sends PATH_INFO encoded.",
    ),
    replace(
        followed(
            "a_redirect_from_http_1_0",
            to("/two/x"),
            Sees(has={"SERVER_PROTOCOL": "HTTP/1.0", "PATH_INFO": "/x"}),
        ),
        send=get_old("/r/start"),
    ),
    followed("a_redirect_to_a_unix_socket", to("/us/x"), Sees(has={"SCRIPT_NAME": "/us"})),
    followed("a_redirect_to_an_expression", to("/user/jane"), Sees(has={"PATH_INFO": "/u/jane"})),
    followed("a_redirect_to_the_route_of_a_host", to("/h/x"), Sees(has={"PATH_INFO": "/h-any/x"})),
    followed(
        "the_error_of_the_second_backend_is_the_answer",
        to("/two/x", "X-One: 1"),
        answer=Answer(404, reason="Not Here", headers={"X-One": "1, two"}, body=b"gone"),
        last=Reply(b"Status: 404 Not Here\r\nX-One: two\r\n\r\ngone"),
    ),
    followed(
        "a_second_answer_that_is_invalid_is_502",
        to("/two/x"),
        answer=Answer(502),
        last=Reply(b"garbage\r\n\r\nbody"),
        differs="Apache answers 500.",
    ),
    followed(
        "a_location_of_the_second_answer_goes_to_the_client",
        to("/two/x"),
        answer=Answer(303, headers={"Location": "/r/elsewhere"}, body=b"go"),
        last=Reply(b"Status: 303 See Other\r\nLocation: /r/elsewhere\r\n\r\ngo"),
    ),
    followed(
        "a_redirect_to_a_route_that_does_not_follow",
        to("/r/off/x"),
        Sees(has={"SCRIPT_NAME": "/r/off"}),
        answer=Answer(302, headers={"Location": "/two/y"}),
        last=to("/two/y"),
        differs=NO_302,
    ),
)


def _no_body(request: SCGIRequest) -> str | None:
    return None if request.content_length == 0 and not request.body else "there is a body"


def _from(method: str, **more: str) -> Sees:
    has = {"REQUEST_METHOD": "GET", "REDIRECT_REQUEST_METHOD": method, "PATH_INFO": "/x", **more}
    return Sees(has=has, body=b"", check=_no_body)


_100_KB = b"0123456789" * 10_000
_METHODS = (
    replace(
        followed(
            "a_post_is_followed_by_a_get_without_its_body",
            to("/two/x"),
            _from("POST", CONTENT_TYPE="text/plain"),
        ),
        send=post("/r/start", b"hello", "Content-Type: text/plain"),
        methods=("POST",),
    ),
    replace(
        followed(
            "a_chunked_post_is_followed_by_a_get_without_its_body",
            to("/two/x"),
            _from("POST"),
            differs="Apache answers 411 to every chunked request, after it connected.",
        ),
        send=post_chunked("/r/start", chunked(b"he", b"llo")),
        methods=("POST",),
    ),
    replace(
        followed(
            "a_put_is_followed_by_a_get",
            to("/two/x"),
            _from("PUT"),
        ),
        send=post("/r/start", b"hello", method="PUT"),
    ),
    replace(
        followed(
            "a_delete_is_followed_by_a_get",
            to("/two/x"),
            _from("DELETE"),
        ),
        send=get("/r/start", method="DELETE"),
    ),
    replace(
        followed(
            "a_head_stays_a_head",
            to("/two/x"),
            Sees(has={"REQUEST_METHOD": "HEAD", "PATH_INFO": "/x"}),
            answer=Answer(200, body=b""),
        ),
        send=get("/r/start", method="HEAD"),
        methods=("HEAD",),
    ),
    replace(
        followed(
            "a_post_is_followed_past_a_limit_that_its_body_would_break",
            to("/r/small/x"),
            Sees(has={"SCRIPT_NAME": "/r/small", "CONTENT_LENGTH": "0"}, body=b""),
        ),
        send=post("/r/start", b"eleven byte"),
        methods=("POST",),
    ),
    Case(
        "a_body_that_nobody_read_is_not_taken_for_the_next_request",
        two(post("/r/one", _100_KB), get("/two/two")),
        (FINE, Answer(200, body=b"end")),
        (Sees(), Sees(has={"PATH_INFO": "/x"}), Sees(has={"PATH_INFO": "/two"})),
        (
            play(ReadHead(), Write(b"Location: /two/x\r\n\r\n"), ReadToEnd()),
            Reply(OK),
            Reply(b"Content-Length: 3\r\n\r\nend"),
        ),
        methods=("POST", "GET"),
        peers=APACHE,
    ),
    Case(
        "a_long_body_that_the_backend_leaves_spoils_no_redirect",
        (SendReading(post("/r/one", _100_KB * 80)),),
        FINE,
        (Sees(), Sees(has={"PATH_INFO": "/x"}, body=b"")),
        (play(ReadHead(), Write(b"Location: /two/x\r\n\r\n"), Close()), Reply(OK)),
        methods=_POST,
        peers=APACHE,
        differs="Apache reads no answer while it still sends the body.",
    ),
    Case(
        "a_redirect_does_not_wait_for_a_body_that_is_asked_for",
        (Send(head_of_post("/r/one", 5, "Expect: 100-continue") + b"hello"),),
        Answer(200, interim=(100,), body=b"ok"),
        (Sees(body=b"hello"), Sees(has={"PATH_INFO": "/x"}, lacks=("HTTP_EXPECT",), body=b"")),
        (to("/two/x"), Reply(OK)),
        methods=_POST,
        peers=APACHE,
        differs="Apache passes Expect to its backends.",
    ),
)

_VARIABLES = (
    replace(
        followed(
            "the_first_request_is_told_in_redirect_variables",
            to("/two/x?c=d"),
            Sees(
                has={
                    "REDIRECT_STATUS": "200",
                    "REDIRECT_URL": "/r/start",
                    "REDIRECT_QUERY_STRING": "a=b",
                    "REDIRECT_REQUEST_METHOD": "POST",
                    "REDIRECT_ROUTE": "r",
                    "REDIRECT_HTTP_X_A": "1",
                    "ROUTE": "two",
                    "HTTP_X_A": "1",
                }
            ),
        ),
        send=post("/r/start?a=b", b"hello", "X-A: 1"),
        methods=("POST",),
    ),
    replace(
        followed(
            "the_path_of_the_first_request_is_told_decoded",
            to("/two/x"),
            Sees(has={"REDIRECT_URL": b"/r/caf\xc3\xa9 x", "REQUEST_URI": "/r/caf%c3%a9%20x"}),
        ),
        send=get("/r/caf%c3%a9%20x"),
    ),
    replace(
        followed(
            "credentials_and_cookies_go_to_the_second_backend_too",
            to("/two/x"),
            Sees(has={"HTTP_AUTHORIZATION": "Basic eDp5", "HTTP_COOKIE": "a=1"}),
        ),
        send=get("/r/start", "Authorization: Basic eDp5", "Cookie: a=1"),
    ),
    replace(
        followed(
            "a_client_cannot_pretend_a_redirect",
            to("/two/x"),
            Sees(has={"REDIRECT_URL": "/r/start"}),
        ),
        send=get("/r/start", "Redirect-URL: /evil", "REDIRECT_URL: /evil"),
    ),
    Case(
        "without_a_redirect_there_is_no_redirect_variable",
        get("/r/start"),
        FINE,
        Sees(lacks=("REDIRECT_STATUS", "REDIRECT_URL", "REDIRECT_QUERY_STRING")),
        peers=APACHE,
    ),
    Case(
        "a_second_redirect_tells_of_both",
        get("/r/start?a=b"),
        FINE,
        (
            Sees(),
            Sees(has={"REDIRECT_URL": "/r/start"}, lacks=("REDIRECT_REDIRECT_URL",)),
            Sees(
                has={
                    "REDIRECT_URL": "/two/x",
                    "REDIRECT_QUERY_STRING": "c=d",
                    "REDIRECT_ROUTE": "two",
                    "REDIRECT_REDIRECT_URL": "/r/start",
                    "REDIRECT_REDIRECT_ROUTE": "r",
                    "REDIRECT_REDIRECT_STATUS": "200",
                    "REQUEST_URI": "/r/start?a=b",
                    "PATH_INFO": "/end",
                }
            ),
        ),
        (to("/two/x?c=d"), to("/r/end"), Reply(OK)),
        peers=APACHE,
    ),
)

CASES = (*_FOLLOWED, *_METHODS, *_VARIABLES)
