"""Cases: where a response body ends, and how a client can tell that it did not get all of it."""

from __future__ import annotations

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.requests import get, get_old, post, two
from tests.kit.gates import Open, Wait
from tests.kit.http import Await, Send
from tests.kit.response import Framing
from tests.kit.script import ReadHead, Reply, Reset, Write, play

_HEAD = b"Status: 200 OK\r\nContent-Type: text/plain\r\n"
_BIG = bytes(range(256)) * 4096 * 2  # 2 MiB
_DROPPED = "Apache drops the backend's length."
_IGNORED = "Apache and nginx 1.22 ignore it, lighttpd forwards it."
_NOT_TRUSTED = "Apache drops the backend's length, so it presents the rest as complete."


def _length(name: str, value: bytes, differs: str = _IGNORED) -> Case:
    """Return a case of a Content-Length that is none."""
    script = Reply(_HEAD + b"Content-Length: " + value + b"\r\n\r\nbody")
    return Case(name, get("/a/x"), Answer(502), Sees(), script, differs=differs)


_LENGTHS = (
    Case(
        "a_length_is_kept",
        get("/a/x"),
        Answer(200, headers={"Content-Length": "4"}, body=b"body", framing=Framing.LENGTH),
        backend=Reply(_HEAD + b"Content-Length: 4\r\n\r\nbody"),
        show=("Content-Length",),
        differs=_DROPPED,
        smoke=True,
    ),
    Case(
        "without_length_http_1_1_gets_chunks",
        get("/a/x"),
        Answer(200, body=b"body", framing=Framing.CHUNKED),
        backend=Reply(_HEAD + b"\r\nbody"),
        differs="Apache and lighttpd may know the length before they answer.",
    ),
    Case(
        "without_length_http_1_0_gets_a_close",
        get_old("/a/x"),
        Answer(200, body=b"body", without=("Transfer-Encoding",)),
        backend=Reply(_HEAD + b"\r\nbody"),
        smoke=True,
    ),
    Case(
        "2_mib_without_length_arrive_whole",
        get("/a/x"),
        Answer(200, body=_BIG),
        backend=Reply(_HEAD + b"\r\n" + _BIG),
        smoke=True,
    ),
    Case(
        "2_mib_with_length_arrive_whole",
        get("/a/x"),
        Answer(200, body=_BIG, framing=Framing.LENGTH),
        differs=_DROPPED,
        backend=Reply(_HEAD + b"Content-Length: %d\r\n\r\n" % len(_BIG) + _BIG),
    ),
    Case(
        "an_empty_body_with_length_zero",
        get("/a/x"),
        Answer(200, headers={"Content-Length": "0"}, body=b""),
        backend=Reply(_HEAD + b"Content-Length: 0\r\n\r\n"),
        differs=_DROPPED,
    ),
    Case(
        "more_than_the_length_is_cut",
        get("/a/x"),
        Answer(200, headers={"Content-Length": "8"}, body=b"SEE-THIS"),
        backend=Reply(_HEAD + b"Content-Length: 8\r\n\r\nSEE-THIS-BUT-NOT-THIS\n"),
        differs=_NOT_TRUSTED,
        smoke=True,
    ),
    Case(
        "bytes_behind_length_zero_are_cut",
        get("/a/x"),
        Answer(200, headers={"Content-Length": "0"}, body=b""),
        backend=Reply(_HEAD + b"Content-Length: 0\r\n\r\nNOT-THIS\n"),
        differs=_NOT_TRUSTED,
    ),
    Case(
        "less_than_the_length_is_visibly_cut",
        get("/a/x"),
        Answer(200, headers={"Content-Length": "100"}, body=b"SHORT", complete=False),
        backend=Reply(_HEAD + b"Content-Length: 100\r\n\r\nSHORT"),
        differs=_NOT_TRUSTED,
        smoke=True,
    ),
    Case(
        "nothing_of_the_length_is_visibly_cut",
        get("/a/x"),
        Answer(200, headers={"Content-Length": "100"}, body=b"", complete=False),
        backend=Reply(_HEAD + b"Content-Length: 100\r\n\r\n"),
        differs=_NOT_TRUSTED,
    ),
    Case(
        "a_cut_response_is_the_last_of_its_connection",
        two(get("/a/one"), get("/a/two")),
        Answer(200, headers={"Content-Length": "100"}, body=b"SHORT", complete=False),
        None,
        backend=Reply(_HEAD + b"Content-Length: 100\r\n\r\nSHORT"),
        differs=_NOT_TRUSTED + " lighttpd goes on inside the old body.",
    ),
    Case(
        "a_reset_response_is_the_last_of_its_connection",
        (Send(two(get("/stream/one"), get("/stream/two"))), Await(b"SHORT"), Open("read")),
        Answer(200, body=b"SHORT", complete=False),
        None,
        backend=play(ReadHead(), Write(_HEAD + b"\r\nSHORT"), Wait("read"), Reset()),
        differs="Apache sends the next response inside the open body of this one.",
    ),
    Case(
        "a_complete_response_leaves_the_connection_usable",
        two(get("/a/one"), get("/a/two")),
        (Answer(200, body=b"one"), Answer(404, body=b"two")),
        (Sees(has={"REQUEST_URI": "/a/one"}), Sees(has={"REQUEST_URI": "/a/two"})),
        backend=(
            Reply(_HEAD + b"Content-Length: 3\r\n\r\none"),
            Reply(b"Status: 404 No\r\n\r\ntwo"),
        ),
        methods=("GET", "GET"),
        smoke=True,
    ),
    Case(
        "a_complete_chunked_response_leaves_the_connection_usable",
        two(get("/a/one"), get("/a/two")),
        (Answer(200, body=b"one", framing=Framing.CHUNKED), Answer(404, body=b"two")),
        (Sees(has={"REQUEST_URI": "/a/one"}), Sees(has={"REQUEST_URI": "/a/two"})),
        backend=(Reply(_HEAD + b"\r\none"), Reply(b"Status: 404 No\r\n\r\ntwo")),
        methods=("GET", "GET"),
        differs="Apache and lighttpd may know the length before they answer.",
    ),
    Case(
        "an_over_long_response_leaves_no_byte_behind",
        two(get("/a/one"), get("/a/two")),
        (Answer(200, body=b"one"), Answer(404, body=b"two")),
        (Sees(), Sees()),
        backend=(
            Reply(_HEAD + b"Content-Length: 3\r\n\r\noneHTTP/1.1 200 Forged\r\n\r\n"),
            Reply(b"Status: 404 No\r\n\r\ntwo"),
        ),
        methods=("GET", "GET"),
        differs=_NOT_TRUSTED,
    ),
    _length("a_length_of_letters_is_502", b"abc"),
    _length("a_negative_length_is_502", b"-1"),
    _length("a_signed_length_is_502", b"+4"),
    _length("a_length_over_2_63_is_502", b"9223372036854775808"),
    _length("a_length_with_an_underscore_is_502", b"1_0"),
    _length("a_list_of_lengths_is_502", b"4, 4"),
    _length("an_empty_length_is_502", b""),
    _length(
        "two_different_lengths_are_502",
        b"4\r\nContent-Length: 8",
        "nginx takes the last, lighttpd the first.",
    ),
    _length(
        "two_equal_lengths_are_502",
        b"4\r\nContent-Length: 4",
        "nginx takes the last, lighttpd the first.",
    ),
    _length("a_length_and_chunked_together_are_502", b"4\r\nTransfer-Encoding: chunked"),
    Case(
        "a_transfer_coding_of_the_backend_is_502",
        get("/a/x"),
        Answer(502),
        backend=Reply(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
        differs="CGI has no transfer codings; lighttpd decodes it, Apache and nginx pass it raw.",
    ),
    Case(
        "an_identity_transfer_coding_is_502_as_well",
        get("/a/x"),
        Answer(502),
        backend=Reply(_HEAD + b"Transfer-Encoding: identity\r\n\r\nbody"),
        differs="CGI has no transfer codings.",
    ),
)


_PASSED = (
    Case(
        "a_206_of_the_backend_is_passed",
        get("/a/x", "Range: bytes=0-3"),
        Answer(206, headers={"Content-Range": "bytes 0-3/10", "Content-Length": "4"}, body=b"body"),
        differs=_DROPPED,
        backend=Reply(
            b"Status: 206 P\r\nContent-Range: bytes 0-3/10\r\nContent-Length: 4\r\n\r\nbody"
        ),
    ),
    Case(
        "a_range_is_not_cut_out_of_a_200",
        get("/a/x", "Range: bytes=0-1"),
        Answer(200, headers={"Content-Length": "4"}, body=b"body"),
        backend=Reply(_HEAD + b"Content-Length: 4\r\n\r\nbody"),
        differs="lighttpd cuts a 206 out of it.",
    ),
    Case(
        "a_matching_etag_does_not_replace_the_backend_s_200",
        get("/a/x", 'If-None-Match: "e1"'),
        Answer(200, headers={"ETag": '"e1"'}, body=b"body"),
        Sees(has={"HTTP_IF_NONE_MATCH": '"e1"'}),
        backend=Reply(_HEAD + b'ETag: "e1"\r\n\r\nbody'),
    ),
    Case(
        "without_status_a_matching_etag_changes_nothing_either",
        get("/a/x", 'If-None-Match: "e1"'),
        Answer(200, headers={"ETag": '"e1"'}, body=b"body"),
        backend=Reply(b'ETag: "e1"\r\n\r\nbody'),
        differs="Apache answers 304 itself where there is no Status.",
    ),
    Case(
        "a_failing_if_match_is_the_backend_s_matter",
        get("/a/x", 'If-Match: "e2"'),
        Answer(200, headers={"ETag": '"e1"'}, body=b"body"),
        backend=Reply(b'ETag: "e1"\r\n\r\nbody'),
        differs="Apache answers 412 itself where there is no Status.",
    ),
    Case(
        "a_post_with_a_condition_is_passed",
        post("/a/x", b"hi", 'If-None-Match: "e1"'),
        Answer(200, headers={"ETag": '"e1"'}, body=b"body"),
        Sees(body=b"hi"),
        backend=Reply(b'ETag: "e1"\r\n\r\nbody'),
        methods=("POST",),
    ),
)

CASES = (*_LENGTHS, *_PASSED)
