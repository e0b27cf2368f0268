"""Cases: nginx's X-Accel-Redirect, for applications that were written for nginx."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_sendfile import CONTROL_FIELDS, NO_FIELDS, Fields, says, sent
from tests.conformance.cases_sendfile_refused import tells_nothing
from tests.conformance.files import CONTENT, LAST_MODIFIED
from tests.conformance.requests import get, post
from tests.kit.backend import Script

_NGINX = ("nginx",)
_FEW_FIELDS = "nginx keeps six fields of the backend and drops the others."
_DEEP = CONTENT[::-1]


def _to(uri: str, *fields: str, head: str = "") -> Script:
    return says(*([head] if head else []), f"X-Accel-Redirect: {uri}", *fields)


def _sent(
    name: str,
    backend: Script,
    fields: Fields = NO_FIELDS,
    *,
    status: int = 200,
    body: bytes = CONTENT,
    differs: str = "",
) -> Case:
    case = sent(name, backend, fields, status=status, body=body, differs=differs)
    return replace(case, send=get("/accel/x"), peers=_NGINX)


def _refused(
    name: str,
    uri: str,
    status: int = 404,
    *,
    differs: str = "",
) -> Case:
    answer = Answer(status, without=CONTROL_FIELDS, check=tells_nothing)
    return Case(name, get("/accel/x"), answer, Sees(), _to(uri), differs=differs, peers=_NGINX)


_SENT = (
    _sent("a_uri_of_the_table_is_a_file", _to("/protected/p.txt"), {"Content-Length": "36"}),
    _sent(
        "a_file_by_its_uri_has_a_date", _to("/protected/p.txt"), {"Last-Modified": LAST_MODIFIED}
    ),
    _sent("the_longest_prefix_counts", _to("/protected/deep/deep.txt"), body=_DEEP),
    _sent(
        "a_directory_of_the_table_goes_all_the_way_down", _to("/protected/sub/deep.txt"), body=_DEEP
    ),
    _sent("a_uri_is_decoded", _to("/protected/a%20b.txt")),
    _sent("a_uri_is_decoded_once", _to("/protected/%2570.txt")),
    _sent("a_uri_that_is_not_encoded", _to("/protected/a b.txt")),
    _sent("a_uri_beyond_ascii", _to("/protected/caf%c3%a9.txt")),
    _sent("the_query_of_a_uri_is_dropped", _to("/protected/p.txt?a=b")),
    _sent(
        "slash_runs_in_a_uri_are_one",
        _to("//protected///p.txt"),
        differs="nginx merges slashes in what a client asks for only.",
    ),
    _sent(
        "the_type_of_the_backend_counts_for_a_uri",
        _to("/protected/p.txt", "Content-Type: text/x-mine"),
        {"Content-Type": "text/x-mine"},
    ),
    _sent(
        "fields_that_nginx_keeps_are_kept",
        _to(
            "/protected/p.txt",
            "Content-Disposition: attachment",
            "Set-Cookie: a=1",
            "Cache-Control: private",
        ),
        {"Content-Disposition": "attachment", "Set-Cookie": "a=1", "Cache-Control": "private"},
    ),
    _sent(
        "fields_that_nginx_drops_are_kept_too",
        _to("/protected/p.txt", "X-A: 1"),
        {"X-A": "1"},
        differs=_FEW_FIELDS,
    ),
    _sent(
        "a_status_beside_a_uri_is_kept",
        _to("/protected/p.txt", head="Status: 404 Not Found"),
        status=404,
        differs="nginx forgets the status.",
    ),
    replace(
        _sent(
            "a_part_of_a_file_by_its_uri",
            _to("/protected/p.txt"),
            {"Content-Range": "bytes 2-4/36"},
            status=206,
            body=b"234",
        ),
        send=get("/accel/x", "Range: bytes=2-4"),
    ),
    replace(
        _sent(
            "a_condition_on_a_file_by_its_uri",
            _to("/protected/p.txt"),
            status=304,
            body=b"",
        ),
        send=get("/accel/x", f"If-Modified-Since: {LAST_MODIFIED}"),
    ),
    replace(
        _sent(
            "head_of_a_file_by_its_uri",
            _to("/protected/p.txt"),
            {"Content-Length": "36"},
            body=b"",
        ),
        send=get("/accel/x", method="HEAD"),
        methods=("HEAD",),
    ),
    replace(
        _sent(
            "post_gets_a_file_by_its_uri",
            _to("/protected/p.txt"),
        ),
        send=post("/accel/x", b"hello"),
        methods=("POST",),
    ),
    _sent("an_empty_file_by_its_uri", _to("/protected/empty.txt"), body=b""),
    replace(
        _sent(
            "beside_x_sendfile_a_uri_works_too",
            _to("/protected/deep.txt"),
            body=_DEEP,
        ),
        send=get("/sf/accel/x"),
        peers=(),
    ),
    _sent(
        "x_sendfile_names_nothing_where_only_uris_do",
        says("X-Sendfile: @FILES@/p.txt", "Content-Type: text/plain", body="body"),
        body=b"body",
        differs="nginx tells the client the path.",
    ),
    replace(
        _sent(
            "a_uri_names_nothing_where_only_x_sendfile_does",
            says("X-Accel-Redirect: /protected/p.txt", "Content-Type: text/plain", body="body"),
            body=b"body",
        ),
        send=get("/sf/x"),
        peers=(),
    ),
)

_REFUSED = (
    _refused("a_missing_file_by_its_uri_is_404", "/protected/missing.txt"),
    _refused(
        "a_uri_beside_the_table_is_404",
        "/other/p.txt",
    ),
    _refused(
        "a_uri_of_a_route_is_404",
        "/hide/x",
        differs="nginx lets backends lead to every location, and here in a circle.",
    ),
    _refused("a_uri_that_only_begins_like_the_table_is_404", "/protectedness/p.txt"),
    _refused("the_prefix_itself_is_403", "/protected/", 403),
    _refused("a_directory_by_its_uri_is_403", "/protected/sub/", 403),
    _refused("dots_in_a_uri_are_404", "/protected/../secret/secret.txt"),
    _refused("escaped_dots_in_a_uri_are_404", "/protected/%2e%2e/secret/secret.txt"),
    _refused("half_escaped_dots_in_a_uri_are_404", "/protected/.%2e/secret/secret.txt"),
    _refused("an_escaped_slash_and_dots_in_a_uri_are_404", "/protected/..%2fsecret/secret.txt"),
    _refused(
        "dots_that_stay_inside_are_404_too",
        "/protected/sub/../p.txt",
    ),
    _refused("an_escaped_nul_in_a_uri_is_404", "/protected/p.txt%00.html"),
    _refused("a_bad_escape_in_a_uri_is_404", "/protected/%zz", differs="nginx takes it as it is."),
    _refused("an_empty_uri_is_404", ""),
    _refused("a_relative_uri_is_404", "protected/p.txt"),
    _refused("a_url_is_no_uri", "http://gateway.test/protected/p.txt"),
    _refused(
        "a_named_location_is_404",
        "@named",
        differs="nginx has named locations, though not this one, and answers 500.",
    ),
    _refused(
        "a_link_by_its_uri_that_leads_out_is_403",
        "/protected/link-out.txt",
        403,
        differs="nginx follows the link.",
    ),
    _refused("a_fifo_by_its_uri_is_403", "/protected/fifo", 403, differs="nginx answers 404."),
    Case(
        "a_client_cannot_ask_for_the_table_itself",
        get("/protected/p.txt"),
        Answer(404, check=tells_nothing),
        (),
        peers=_NGINX,
    ),
)

CASES = (*_SENT, *_REFUSED)
