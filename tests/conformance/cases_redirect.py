"""Cases: local redirects, ProxySCGIInternalRedirect, between the routes of one gateway.

A backend that answers 200 with ``Location: /path`` gets its answer replaced by that for the path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.conformance.case import OK, Answer, Case, Sees, reply
from tests.conformance.cases_variables import FINE
from tests.conformance.files import CONTENT
from tests.conformance.requests import chunked, get, get_old, head_of_post, post, post_chunked, two
from tests.kit.backend import Script
from tests.kit.http import Send, SendReading
from tests.kit.netstring import SCGIRequest
from tests.kit.script import Close, ReadHead, ReadToEnd, Reply, Write, WriteUntilCut, play

# Neither nginx nor lighttpd has local redirects of this kind.
_APACHE = ("Apache",)
_SHOWN = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO")
_POST = ("POST",)
_NO_302 = "Apache answers 200 with a Location; RFC 3875 6.2.3 asks for 302."
_REFUSES = "Apache looks for such a path and answers 404."
_TWO = Sees(has={"ROUTE": "two", "SCRIPT_NAME": "/two", "PATH_INFO": "/x"})


def to(target: str, *fields: str, body: str = "dropped") -> Reply:
    """Return a script that redirects to ``target``, without a Status."""
    lines = [f"Location: {target}", *fields, "", body]
    return Reply("\r\n".join(lines).encode("latin-1"))


def _followed(
    name: str,
    first: Script,
    second: Sees = _TWO,
    *,
    send: bytes | None = None,
    method: str = "GET",
    answer: Answer = FINE,
    last: Script | None = None,
    differs: str = "",
) -> Case:
    """Return a case of one redirect from the route /r/ to another request."""
    request = get("/r/start") if send is None else send
    return Case(
        name,
        request,
        answer,
        (Sees(), second),
        (first, last or Reply(OK)),
        methods=(method,),
        show=_SHOWN,
        differs=differs,
        peers=_APACHE,
    )


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
    answer = Answer(
        status, headers={"Location": location}, without=("X-Location",), body=b"body"
    )
    script = Reply(f"{head}\r\nContent-Type: text/plain\r\n\r\nbody".encode("latin-1"))
    show = ("Location", "X-Location")
    return Case(
        name, get(target), answer, Sees(), script, show=show, differs=differs, peers=_APACHE
    )


def _to_nothing(name: str, target: str, status: int, differs: str = "") -> Case:
    """Return a case of a redirect to where no backend is."""
    answer = Answer(status, without=("Location", "X-First"), check=None)
    return Case(
        name,
        get("/r/start"),
        answer if status >= 400 else Answer(status),
        Sees(),
        to(target, "X-First-Body: 1"),
        differs=differs,
        peers=_APACHE,
    )


_FOLLOWED = (
    _followed("a_local_location_is_followed_into_another_route", to("/two/x")),
    _followed(
        "a_local_location_with_status_200_is_followed",
        Reply(b"Status: 200 OK\r\nLocation: /two/x\r\n\r\ndropped"),
    ),
    _followed(
        "a_local_location_with_an_http_first_line_is_followed",
        Reply(b"HTTP/1.1 200 OK\r\nLocation: /two/x\r\n\r\ndropped"),
        differs="Apache knows no first line and answers 500.",
    ),
    _followed(
        "the_first_request_s_target_is_kept",
        to("/two/x"),
        Sees(has={"REQUEST_URI": "/r/start?a=b", "QUERY_STRING": "", "PATH_INFO": "/x"}),
        send=get("/r/start?a=b"),
    ),
    _followed(
        "the_query_is_that_of_the_redirect",
        to("/two/x?c=%20d?e"),
        Sees(has={"QUERY_STRING": "c=%20d?e", "PATH_INFO": "/x"}),
        send=get("/r/start?a=b"),
    ),
    _followed(
        "a_fragment_is_cut_off",
        to("/two/x?y#z/../../w"),
        Sees(has={"QUERY_STRING": "y", "PATH_INFO": "/x"}),
    ),
    _followed(
        "the_path_of_a_redirect_is_decoded_once",
        to("/two/a%2541%20%c3%a9"),
        Sees(has={"PATH_INFO": b"/a%41 \xc3\xa9"}),
        differs="Apache sends PATH_INFO still encoded, which RFC 3875 4.1.5 does not allow.",
    ),
    _followed(
        "dot_segments_of_a_redirect_are_resolved",
        to("/r/./off/../../two/x"),
    ),
    _followed("a_redirect_may_stay_in_its_route", to("/r/x2"), Sees(has={"PATH_INFO": "/x2"})),
    _followed(
        "blanks_in_a_redirect_are_taken_for_encoded_ones",
        to("/two/a b"),
        Sees(has={"PATH_INFO": "/a b"}),
        differs="Apache sends PATH_INFO encoded.",
    ),
    _followed(
        "bytes_above_127_in_a_redirect_are_taken_for_encoded_ones",
        to("/two/caf\xc3\xa9"),
        Sees(has={"PATH_INFO": b"/caf\xc3\xa9"}),
        differs="Apache sends PATH_INFO encoded.",
    ),
    _followed(
        "a_redirect_from_http_1_0",
        to("/two/x"),
        Sees(has={"SERVER_PROTOCOL": "HTTP/1.0", "PATH_INFO": "/x"}),
        send=get_old("/r/start"),
    ),
    _followed(
        "a_redirect_to_a_unix_socket", to("/us/x"), Sees(has={"SCRIPT_NAME": "/us"})
    ),
    _followed(
        "a_redirect_to_an_expression", to("/user/jane"), Sees(has={"PATH_INFO": "/u/jane"})
    ),
    _followed(
        "a_redirect_to_the_route_of_a_host", to("/h/x"), Sees(has={"PATH_INFO": "/h-any/x"})
    ),
    _followed(
        "the_error_of_the_second_backend_is_the_answer",
        to("/two/x", "X-One: 1"),
        answer=Answer(404, reason="Not Here", headers={"X-One": "1, two"}, body=b"gone"),
        last=Reply(b"Status: 404 Not Here\r\nX-One: two\r\n\r\ngone"),
    ),
    _followed(
        "a_second_answer_that_is_invalid_is_502",
        to("/two/x"),
        answer=Answer(502),
        last=Reply(b"garbage\r\n\r\nbody"),
        differs="Apache answers 500.",
    ),
    _followed(
        "a_location_of_the_second_answer_goes_to_the_client",
        to("/two/x"),
        answer=Answer(303, headers={"Location": "/r/elsewhere"}, body=b"go"),
        last=Reply(b"Status: 303 See Other\r\nLocation: /r/elsewhere\r\n\r\ngo"),
    ),
    _followed(
        "a_redirect_to_a_route_that_does_not_follow",
        to("/r/off/x"),
        Sees(has={"SCRIPT_NAME": "/r/off"}),
        answer=Answer(302, headers={"Location": "/two/y"}),
        last=to("/two/y"),
        differs=_NO_302,
    ),
)


def _no_body(request: SCGIRequest) -> str | None:
    return None if request.content_length == 0 and not request.body else "there is a body"


def _from(method: str, **more: str) -> Sees:
    has = {"REQUEST_METHOD": "GET", "REDIRECT_REQUEST_METHOD": method, "PATH_INFO": "/x", **more}
    return Sees(has=has, body=b"", check=_no_body)


_100_KB = b"0123456789" * 10_000
_METHODS = (
    _followed(
        "a_post_is_followed_by_a_get_without_its_body",
        to("/two/x"),
        _from("POST", CONTENT_TYPE="text/plain"),
        send=post("/r/start", b"hello", "Content-Type: text/plain"),
        method="POST",
    ),
    _followed(
        "a_chunked_post_is_followed_by_a_get_without_its_body",
        to("/two/x"),
        _from("POST"),
        send=post_chunked("/r/start", chunked(b"he", b"llo")),
        method="POST",
        differs="Apache answers 411 to every chunked request, after it connected.",
    ),
    _followed(
        "a_put_is_followed_by_a_get",
        to("/two/x"),
        _from("PUT"),
        send=post("/r/start", b"hello", method="PUT"),
    ),
    _followed(
        "a_delete_is_followed_by_a_get",
        to("/two/x"),
        _from("DELETE"),
        send=get("/r/start", method="DELETE"),
    ),
    _followed(
        "a_head_stays_a_head",
        to("/two/x"),
        Sees(has={"REQUEST_METHOD": "HEAD", "PATH_INFO": "/x"}),
        send=get("/r/start", method="HEAD"),
        method="HEAD",
        answer=Answer(200, body=b""),
    ),
    _followed(
        "a_post_is_followed_past_a_limit_that_its_body_would_break",
        to("/r/small/x"),
        Sees(has={"SCRIPT_NAME": "/r/small", "CONTENT_LENGTH": "0"}, body=b""),
        send=post("/r/start", b"eleven byte"),
        method="POST",
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
        peers=_APACHE,
    ),
    Case(
        "a_long_body_that_the_backend_leaves_spoils_no_redirect",
        (SendReading(post("/r/one", _100_KB * 80)),),
        FINE,
        (Sees(), Sees(has={"PATH_INFO": "/x"}, body=b"")),
        (play(ReadHead(), Write(b"Location: /two/x\r\n\r\n"), Close()), Reply(OK)),
        methods=_POST,
        peers=_APACHE,
        differs="Apache reads no answer while it still sends the body.",
    ),
    Case(
        "a_redirect_does_not_wait_for_a_body_that_is_asked_for",
        (Send(head_of_post("/r/one", 5, "Expect: 100-continue") + b"hello"),),
        Answer(200, interim=(100,), body=b"ok"),
        (Sees(body=b"hello"), Sees(has={"PATH_INFO": "/x"}, lacks=("HTTP_EXPECT",), body=b"")),
        (to("/two/x"), Reply(OK)),
        methods=_POST,
        peers=_APACHE,
        differs="Apache passes Expect to its backends.",
    ),
)

_VARIABLES = (
    _followed(
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
        send=post("/r/start?a=b", b"hello", "X-A: 1"),
        method="POST",
    ),
    _followed(
        "the_path_of_the_first_request_is_told_decoded",
        to("/two/x"),
        Sees(has={"REDIRECT_URL": b"/r/caf\xc3\xa9 x", "REQUEST_URI": "/r/caf%c3%a9%20x"}),
        send=get("/r/caf%c3%a9%20x"),
    ),
    _followed(
        "credentials_and_cookies_go_to_the_second_backend_too",
        to("/two/x"),
        Sees(has={"HTTP_AUTHORIZATION": "Basic eDp5", "HTTP_COOKIE": "a=1"}),
        send=get("/r/start", "Authorization: Basic eDp5", "Cookie: a=1"),
    ),
    _followed(
        "a_client_cannot_pretend_a_redirect",
        to("/two/x"),
        Sees(has={"REDIRECT_URL": "/r/start"}),
        send=get("/r/start", "Redirect-URL: /evil", "REDIRECT_URL: /evil"),
    ),
    Case(
        "without_a_redirect_there_is_no_redirect_variable",
        get("/r/start"),
        FINE,
        Sees(lacks=("REDIRECT_STATUS", "REDIRECT_URL", "REDIRECT_QUERY_STRING")),
        peers=_APACHE,
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
        peers=_APACHE,
    ),
)

_CHAIN: Sequence[Script] = [to(f"/r/{number}") for number in range(1, 11)]
_CHAINS = (
    Case(
        "ten_redirects_in_a_row_are_followed",
        get("/r/0"),
        FINE,
        [Sees(has={"PATH_INFO": f"/{number}"}) for number in range(11)],
        (*_CHAIN, Reply(OK)),
        peers=_APACHE,
    ),
    Case(
        "an_eleventh_redirect_is_500",
        get("/r/0"),
        Answer(500, headers={"X-Last": "1"}, without=("Location",)),
        [Sees(has={"PATH_INFO": f"/{number}"}) for number in range(11)],
        (*_CHAIN, to("/r/11", "X-Last: 1")),
        peers=_APACHE,
    ),
    Case(
        "a_redirect_to_itself_is_500",
        get("/r/loop"),
        Answer(500, without=("Location",)),
        [Sees(has={"PATH_INFO": "/loop"})] * 11,
        to("/r/loop"),
        peers=_APACHE,
    ),
    Case(
        "two_routes_that_redirect_to_each_other_are_500",
        get("/r/loop"),
        Answer(500, without=("Location",)),
        [Sees()] * 11,
        [to("/two/loop"), to("/r/loop")] * 6,
        peers=_APACHE,
    ),
    Case(
        "the_next_request_starts_to_count_anew",
        two(get("/r/0"), get("/r/0")),
        (FINE, FINE),
        [Sees()] * 22,
        (*_CHAIN, Reply(OK), *_CHAIN, Reply(OK)),
        methods=("GET", "GET"),
        peers=_APACHE,
    ),
)


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
        (Sees(), _TWO),
        (
            Reply(f"Location: /two/x\r\n{first}\r\n\r\nfirst".encode("latin-1")),
            Reply(f"{second}\r\n\r\nsecond".encode("latin-1")),
        ),
        show=tuple(fields),
        differs=differs,
        peers=_APACHE,
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
        differs=_NO_302,
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
    name: str, first: str, second: Sees = _TWO, answer: Answer = FINE, differs: str = ""
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
        peers=_APACHE,
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
        differs=_NO_302,
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
        peers=_APACHE,
    ),
    Case(
        "the_field_of_another_route_is_an_ordinary_one",
        get("/r/start"),
        Answer(200, headers={"X-Location": "/two/x"}, body=b"body"),
        Sees(),
        Reply(b"X-Location: /two/x\r\n\r\nbody"),
        peers=_APACHE,
    ),
)

_TO_NOTHING = (
    _to_nothing("a_redirect_to_what_no_route_takes_is_404", "/nothing/x", 404),
    _to_nothing("a_redirect_to_an_exclusion_is_404", "/r/private/x", 404),
    _to_nothing("a_redirect_cannot_walk_past_an_exclusion", "/r//x/../private/./x", 404),
    _to_nothing("a_redirect_to_an_excluded_expression_is_404", "/two/x.secret", 404),
    _to_nothing(
        "a_redirect_to_a_refused_connection_is_503", "/r/refused/x", 503
    ),
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
    _followed(
        "an_endless_body_of_the_first_answer_is_not_waited_for",
        play(
            ReadHead(),
            Write(b"Status: 200 OK\r\nLocation: /two/x\r\n\r\n"),
            WriteUntilCut(b"0123456789abcdef" * 256),
        ),
        differs="Apache reads the body to its end.",
    ),
    _followed(
        "a_first_answer_that_stays_open_is_not_waited_for",
        play(ReadHead(), Write(b"Status: 200 OK\r\nLocation: /two/x\r\n\r\nbo"), ReadToEnd()),
        differs="Apache reads the body to its end.",
    ),
    Case(
        "a_redirect_leaves_the_connection_usable",
        two(get("/r/one"), get("/two/two")),
        (FINE, Answer(200, body=b"end")),
        (Sees(), _TWO, Sees(has={"PATH_INFO": "/two"})),
        (to("/two/x"), Reply(OK), Reply(b"Content-Length: 3\r\n\r\nend")),
        methods=("GET", "GET"),
        peers=_APACHE,
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
        peers=_APACHE,
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
        peers=_APACHE,
        differs="Apache sends the whole file: it knows no ranges of what a backend names.",
    ),
    Case(
        "a_posted_redirect_into_x_sendfile_sends_the_file",
        post("/r/start", b"hello", "Range: bytes=2-4"),
        Answer(206, without=("X-Sendfile", "Location"), body=b"234"),
        (Sees(), Sees(has={"REQUEST_METHOD": "GET"}, body=b"")),
        (to("/sf/file"), reply(b"X-Sendfile: @FILES@/p.txt\r\n\r\nbody")),
        methods=_POST,
        peers=_APACHE,
        differs="Apache sends the whole file: it knows no ranges of what a backend names.",
    ),
)

CASES = (
    *_FOLLOWED,
    *_METHODS,
    *_VARIABLES,
    *_CHAINS,
    *_FIELDS,
    *_NOT_FOLLOWED,
    *_OWN_FIELD,
    *_TO_NOTHING,
    *_CONNECTIONS,
)
