"""Cases: conditions on files, RFC 9110 section 13."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.cases_sendfile import CONTROL_FIELDS, HAVE_SENDFILE, Fields, names, sent
from tests.conformance.files import A_SECOND_BEFORE, CONTENT, LAST_MODIFIED
from tests.conformance.requests import get, post
from tests.kit.http import Client, Send

_NO_TAG = "Apache's 304 tells the client the path; lighttpd sends the file again."
_NO_DATE = "Apache and lighttpd send the file again."
_NO_412 = "Apache's 412 tells the client the path; lighttpd sends the file."
_LATER = "Mon, 07 Nov 1994 08:49:37 GMT"
_FIELDS: dict[int, Fields] = {
    200: {"ETag": '"mine"'},
    304: {"ETag": '"mine"', "Set-Cookie": "a=1", "Content-Type": (), "Content-Length": ()},
    412: {"ETag": ()},
}


def _condition(
    name: str,
    field: str,
    status: int,
    *more: str,
    differs: str = "",
) -> Case:
    """Return a case of one condition on a file with an ETag of the backend's."""
    return replace(
        sent(
            name,
            names("p.txt", 'ETag: "mine"', "Set-Cookie: a=1"),
            _FIELDS[status],
            status=status,
            body={200: CONTENT, 304: b""}.get(status),
            differs=differs or {304: _NO_TAG, 412: _NO_412}.get(status, ""),
        ),
        send=get("/sf/x", field, *more),
    )


_APACHE_NOW = "Apache takes now for the date of an answer without one, and its 412 tells the path."
_CONDITIONS = (
    _condition("the_tag_that_is_known_is_304", 'If-None-Match: "mine"', 304),
    _condition("the_tag_is_compared_weakly", 'If-None-Match: W/"mine"', 304),
    _condition("one_of_several_tags", 'If-None-Match: "a", "mine" , "b"', 304),
    _condition("any_tag_is_304", "If-None-Match: *", 304),
    _condition("another_tag_is_200", 'If-None-Match: "other"', 200),
    replace(
        _condition(
            "a_304_for_head",
            "",
            304,
        ),
        send=get("/sf/x", 'If-None-Match: "mine"', method="HEAD"),
        methods=("HEAD",),
    ),
    _condition(
        "the_date_that_is_known_is_304",
        f"If-Modified-Since: {LAST_MODIFIED}",
        304,
        differs=_NO_DATE,
    ),
    _condition("a_later_date_is_304", f"If-Modified-Since: {_LATER}", 304, differs=_NO_DATE),
    _condition("an_earlier_date_is_200", f"If-Modified-Since: {A_SECOND_BEFORE}", 200),
    _condition("a_date_that_is_none_is_200", "If-Modified-Since: yesterday", 200),
    _condition(
        "a_tag_is_stronger_than_a_date",
        'If-None-Match: "other"',
        200,
        f"If-Modified-Since: {LAST_MODIFIED}",
    ),
    _condition(
        "the_obsolete_forms_of_dates_are_understood",
        "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT",
        304,
        differs=_NO_DATE,
    ),
    _condition("the_tag_that_must_be_is", 'If-Match: "mine"', 200),
    _condition("any_tag_will_do", "If-Match: *", 200),
    _condition("a_tag_that_must_be_but_is_not_is_412", 'If-Match: "other"', 412),
    _condition("a_weak_tag_is_no_match", 'If-Match: W/"mine"', 412),
    _condition(
        "unmodified_since_its_date",
        f"If-Unmodified-Since: {LAST_MODIFIED}",
        200,
        differs=_APACHE_NOW,
    ),
    _condition(
        "modified_since_an_earlier_date_is_412",
        f"If-Unmodified-Since: {A_SECOND_BEFORE}",
        412,
    ),
    _condition(
        "if_match_is_stronger_than_a_date",
        'If-Match: "mine"',
        200,
        f"If-Unmodified-Since: {A_SECOND_BEFORE}",
        differs=_APACHE_NOW,
    ),
    _condition(
        "if_match_is_looked_at_before_if_none_match",
        'If-None-Match: "mine"',
        412,
        'If-Match: "other"',
    ),
    _condition("a_304_is_stronger_than_a_range", 'If-None-Match: "mine"', 304, "Range: bytes=0-1"),
    replace(
        _condition(
            "a_condition_of_a_post_is_the_backend_s",
            "",
            200,
            differs="lighttpd answers 412 to what the backend has done already.",
        ),
        send=post("/sf/x", b"hello", 'If-None-Match: "mine"'),
        methods=("POST",),
    ),
    replace(
        sent(
            "a_condition_on_an_error_is_ignored",
            names("p.txt", 'ETag: "mine"', head="Status: 404 Not Found"),
            {"ETag": '"mine"'},
            status=404,
        ),
        send=get("/sf/x", 'If-None-Match: "mine"'),
    ),
    replace(
        sent(
            "a_condition_counts_with_status_200_too",
            names("p.txt", 'ETag: "mine"', head="Status: 200 OK"),
            {"ETag": '"mine"'},
            status=304,
            body=b"",
            differs="Apache compares only where no Status was written; lighttpd sends the file.",
        ),
        send=get("/sf/x", 'If-None-Match: "mine"'),
    ),
    replace(
        sent(
            "conditions_of_the_backend_and_of_the_file_are_one",
            names("p.txt", 'ETag: "mine"'),
            {"ETag": '"mine"'},
            status=304,
            body=b"",
            differs=_NO_TAG,
        ),
        send=get("/sf/cond/x", "If-None-Match: *"),
        peers=HAVE_SENDFILE,
    ),
)


@dataclass(frozen=True, slots=True)
class _SendAgain:
    """Step: read the first response's ETag, and send it with ``field`` in a second request."""

    field: str
    more: tuple[str, ...] = ()

    def __call__(self, client: Client) -> None:
        """Send a request with the ETag, or none where there was none."""
        if not client.await_bytes(CONTENT):
            return
        head = bytes(client.received).partition(b"\r\n\r\n")[0].decode("latin-1")
        tags = [line for line in head.split("\r\n") if line.lower().startswith("etag:")]
        tag = tags[0].partition(":")[2].strip() if tags else '"none"'
        client.send(get("/sf/two", f"{self.field}: {tag}", *self.more))


def _again(name: str, field: str, status: int, body: bytes, *more: str) -> Case:
    """Return a case of a second request with the tag that the gateway made for the file."""
    return Case(
        name,
        (Send(get("/sf/one").replace(b"Connection: close\r\n", b"")), _SendAgain(field, more)),
        (
            Answer(200, body=CONTENT, without=CONTROL_FIELDS),
            Answer(status, body=body, without=CONTROL_FIELDS),
        ),
        (Sees(), Sees()),
        names("p.txt"),
        methods=("GET", "GET"),
        peers=HAVE_SENDFILE,
        differs="Apache has no tag for the file, lighttpd does not compare its own.",
    )


_OWN_TAG = (
    _again("the_tag_of_a_file_is_304", "If-None-Match", 304, b""),
    _again("the_tag_of_a_file_is_strong", "If-Match", 200, CONTENT),
    _again("the_tag_of_a_file_is_good_for_ranges", "If-Range", 206, b"01", "Range: bytes=0-1"),
)

CASES = (*_CONDITIONS, *_OWN_TAG)
