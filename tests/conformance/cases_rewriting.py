"""Cases: the backend's fields in the client's words, or not at all, and conditions on its answer.

Apache ignores ProxyPassReverse and its cookies for SCGI; people who come from HTTP backends miss
them.
"""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.case import Answer, Case, Sees, reply
from tests.conformance.cases_sendfile import NO_FIELDS, Fields
from tests.conformance.requests import get, get_old, post, request
from tests.kit.backend import Script

_APACHE = ("Apache",)
_NO_REVERSE = "Apache ignores ProxyPassReverse for SCGI."
_NO_COOKIES = "Apache ignores ProxyPassReverseCookiePath and -Domain for SCGI."


def _answer(head: str) -> Script:
    return reply(f"{head}\r\n\r\nbody".encode("latin-1"))


def _rewritten(
    name: str,
    head: str,
    fields: Fields,
    *,
    status: int = 200,
    differs: str = _NO_REVERSE,
) -> Case:
    """Return a case of what fields become on their way to the client."""
    answer = Answer(status, headers=fields, body=b"body")
    show = tuple(fields)
    return Case(
        name,
        get("/rev/x"),
        answer,
        Sees(),
        _answer(head),
        show=show,
        differs=differs,
        peers=_APACHE,
    )


def _location(name: str, before: str, after: str) -> Case:
    head = f"Status: 302 Found\r\nLocation: {before}"
    return _rewritten(name, head, {"Location": after}, status=302)


_REVERSE = (
    _location(
        "the_backend_s_own_address_becomes_the_gateway_s",
        "http://@AUTHORITY@/base/y?z=1#w",
        "http://gateway.test/rev/y?z=1#w",
    ),
    _location(
        "an_scgi_url_becomes_the_gateway_s",
        "scgi://@AUTHORITY@/base/y",
        "http://gateway.test/rev/y",
    ),
    _location("the_base_path_becomes_the_route_s", "/base/y", "/rev/y"),
    _location("the_base_path_alone_becomes_the_route", "/base/", "/rev/"),
    _location("the_query_of_a_path_is_left_alone", "/base/y?u=/base/", "/rev/y?u=/base/"),
    replace(
        _location(
            "the_host_is_the_one_that_the_client_used",
            "http://@AUTHORITY@/base/y",
            "http://one.test:8080/rev/y",
        ),
        send=request("GET /rev/x HTTP/1.1", "Host: one.test:8080", "Connection: close"),
    ),
    _location("another_path_of_the_backend_is_left_alone", "/elsewhere/y", "/elsewhere/y"),
    _location("a_path_that_only_begins_like_the_base_is_left_alone", "/basement", "/basement"),
    _location("another_server_is_left_alone", "http://e.test/base/y", "http://e.test/base/y"),
    _location("another_host_in_two_slashes_is_left_alone", "//e.test/base/y", "//e.test/base/y"),
    _location(
        "another_port_is_left_alone", "http://127.0.0.1:1/base/y", "http://127.0.0.1:1/base/y"
    ),
    _location("a_relative_location_is_left_alone", "y/base/", "y/base/"),
    _rewritten(
        "content_location_and_uri_are_addresses_too",
        "Content-Location: /base/y\r\nURI: http://@AUTHORITY@/base/z",
        {"Content-Location": "/rev/y", "URI": "http://gateway.test/rev/z"},
    ),
    _rewritten(
        "other_fields_are_no_addresses",
        "Link: </base/y>\r\nX-A: http://@AUTHORITY@/base/",
        {"Link": "</base/y>"},
    ),
    replace(
        _rewritten(
            "switched_off_a_location_is_left_alone",
            "Status: 302 Found\r\nLocation: /base/y",
            {"Location": "/base/y"},
            status=302,
        ),
        send=get("/rev/off/x"),
    ),
)


def _cookie(name: str, before: str, after: str | tuple[str, ...]) -> Case:
    return replace(
        _rewritten(
            name,
            f"Set-Cookie: {before}",
            {"Set-Cookie": after},
            differs=_NO_COOKIES,
        ),
        send=get("/cookies/x"),
    )


_COOKIES = (
    _cookie("the_path_of_a_cookie", "a=1; Path=/internal/x", "a=1; Path=/cookies/x"),
    _cookie("the_first_pair_that_fits_counts", "a=1; path=/other", "a=1; path=/cookies/all/other"),
    _cookie("the_domain_of_a_cookie", "a=1; Domain=internal.test", "a=1; Domain=example.org"),
    _cookie(
        "the_domain_of_a_cookie_with_a_dot", "a=1; domain=.Internal.TEST", "a=1; domain=example.org"
    ),
    _cookie(
        "another_domain_is_left_alone", "a=1; Domain=x.internal.test", "a=1; Domain=x.internal.test"
    ),
    _cookie(
        "path_and_domain_of_a_cookie",
        "a=1; Secure; Path=/internal/; Domain=internal.test; HttpOnly",
        "a=1; Secure; Path=/cookies/; Domain=example.org; HttpOnly",
    ),
    _cookie("the_value_of_a_cookie_is_left_alone", "path=/internal/", "path=/internal/"),
    _cookie(
        "every_cookie_is_rewritten",
        "a=1; Path=/internal/\r\nSet-Cookie: b=2\r\nSet-Cookie: c=3; Path=/internal/c",
        ("a=1; Path=/cookies/", "b=2", "c=3; Path=/cookies/c"),
    ),
)

_HIDDEN = (
    replace(
        _rewritten(
            "a_hidden_field_stops_here",
            "X-Secret: 1\r\nx-SECRET: 2\r\nX-Open: 3",
            {"X-Secret": (), "X-Open": "3"},
            differs="Apache needs mod_headers for that.",
        ),
        send=get("/hide/x"),
        peers=("Apache", "nginx"),
    ),
    replace(
        _rewritten(
            "an_order_to_a_gateway_may_be_passed",
            "X-Accel-Buffering: no\r\nX-Accel-Expires: 0",
            {"X-Accel-Buffering": "no", "X-Accel-Expires": ()},
            differs="Apache passes both.",
        ),
        send=get("/hide/x"),
        peers=("Apache", "nginx"),
    ),
)


def _condition(
    name: str,
    field: str,
    head: str,
    status: int,
    fields: Fields = NO_FIELDS,
) -> Case:
    """Return a case of a condition on an answer of the backend, below /cond/."""
    body = {200: b"body", 304: b""}.get(status)
    return Case(
        name,
        get("/cond/x", field),
        Answer(status, headers=fields, body=body),
        Sees(),
        _answer(head),
        show=tuple(fields),
        peers=_APACHE,
    )


_TAG = 'ETag: "e1"\r\nSet-Cookie: a=1'
_DATE = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"
_CONDITIONS = (
    _condition(
        "a_tag_of_the_backend_is_304",
        'If-None-Match: "e1"',
        _TAG,
        304,
        {"ETag": '"e1"', "Set-Cookie": "a=1"},
    ),
    _condition("another_tag_of_the_backend_is_200", 'If-None-Match: "e2"', _TAG, 200),
    _condition(
        "a_backend_that_wrote_a_status_has_decided",
        'If-None-Match: "e1"',
        f"Status: 200 OK\r\n{_TAG}",
        200,
    ),
    _condition("a_tag_that_the_backend_lacks_is_412", 'If-Match: "e2"', _TAG, 412),
    _condition("without_any_tag_if_match_is_412", 'If-Match: "e2"', "X-A: 1", 412),
    _condition("without_any_tag_a_star_is_304", "If-None-Match: *", "X-A: 1", 304),
    _condition(
        "a_date_of_the_backend_is_304",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
        _DATE,
        304,
    ),
    _condition(
        "an_earlier_date_of_the_client_is_200",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT",
        _DATE,
        200,
    ),
    _condition(
        "changed_since_the_client_s_date_is_412",
        "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT",
        _DATE,
        412,
    ),
    replace(
        _condition(
            "a_condition_for_head_counts",
            "",
            _TAG,
            304,
        ),
        send=get("/cond/x", 'If-None-Match: "e1"', method="HEAD"),
        methods=("HEAD",),
    ),
    replace(
        _condition(
            "a_condition_of_a_post_is_not_looked_at",
            "",
            _TAG,
            200,
        ),
        send=post("/cond/x", b"hello", 'If-None-Match: "e1"'),
        methods=("POST",),
    ),
    replace(
        _condition(
            "a_condition_for_http_1_0_counts",
            "",
            _TAG,
            304,
        ),
        send=get_old("/cond/x", 'If-None-Match: "e1"'),
    ),
    Case(
        "unless_asked_for_conditions_are_the_backend_s",
        get("/two/x", 'If-None-Match: "e1"'),
        Answer(200, headers={"ETag": '"e1"'}, body=b"body"),
        Sees(has={"HTTP_IF_NONE_MATCH": '"e1"'}),
        _answer(_TAG),
        peers=_APACHE,
        differs="Apache compares always.",
    ),
)

_REST = (
    Case(
        "a_range_of_the_backend_s_answer_is_the_backend_s",
        get("/two/x", "Range: bytes=0-1"),
        Answer(200, body=b"body"),
        Sees(has={"HTTP_RANGE": "bytes=0-1"}),
        _answer("Content-Type: text/plain"),
        peers=_APACHE,
    ),
)

CASES = (*_REVERSE, *_COOKIES, *_HIDDEN, *_CONDITIONS, *_REST)
