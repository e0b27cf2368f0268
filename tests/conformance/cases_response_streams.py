"""Cases: bodies that come in pieces, stop, or do not belong to their status at all."""

from __future__ import annotations

from tests.conformance.case import Answer, Case, Sees
from tests.conformance.requests import get, get_old, two
from tests.kit.gates import Open, Wait
from tests.kit.http import Await, Send
from tests.kit.script import Drip, ReadHead, ReadToEnd, Reply, Reset, Write, WriteUntilHeld, play

_HEAD = b"Status: 200 OK\r\nContent-Type: text/plain\r\n"


def _bodiless(
    name: str, head: bytes, answer: Answer, method: str = "GET", differs: str = ""
) -> Case:
    return Case(
        name,
        get("/a/x", method=method),
        answer,
        backend=Reply(head + b"\r\nbody"),
        methods=(method,),
        show=("Content-Length",),
        differs=differs,
    )


_BODILESS = (
    _bodiless(
        "head_keeps_the_length_and_drops_the_body",
        _HEAD + b"Content-Length: 4\r\n",
        Answer(200, headers={"Content-Length": "4"}, body=b""),
        "HEAD",
        "Apache drops the length.",
    ),
    _bodiless(
        "head_need_not_have_the_bytes_it_announces",
        _HEAD + b"Content-Length: 444\r\n",
        Answer(200, headers={"Content-Length": "444"}, body=b""),
        "HEAD",
        "Apache drops the length.",
    ),
    _bodiless("head_without_length_drops_the_body", _HEAD, Answer(200, body=b""), "HEAD"),
    _bodiless(
        "204_has_neither_body_nor_type_nor_length",
        b"Status: 204 No Content\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nX-A: 1\r\n",
        Answer(
            204,
            headers={"X-A": "1"},
            without=("Content-Type", "Content-Length", "Transfer-Encoding"),
            body=b"",
        ),
        differs="nginx 1.22 keeps the length.",
    ),
    _bodiless(
        "304_has_neither_body_nor_type",
        b'Status: 304 Not Modified\r\nContent-Type: text/plain\r\nETag: "e"\r\nSet-Cookie: a=1\r\n',
        Answer(
            304,
            headers={"ETag": '"e"', "Set-Cookie": "a=1"},
            without=("Content-Type", "Transfer-Encoding"),
            body=b"",
        ),
        differs="nginx keeps the type.",
    ),
    Case(
        "after_a_204_with_a_body_the_connection_is_clean",
        two(get("/a/one"), get("/a/two")),
        (Answer(204, body=b""), Answer(200, body=b"two")),
        (Sees(), Sees()),
        backend=(
            Reply(b"Status: 204 No Content\r\n\r\nHTTP/1.1 200 Forged\r\n\r\n"),
            Reply(_HEAD + b"\r\ntwo"),
        ),
        methods=("GET", "GET"),
    ),
    Case(
        "after_a_head_with_a_body_the_connection_is_clean",
        two(get("/a/one", method="HEAD"), get("/a/two")),
        (Answer(200, body=b""), Answer(200, body=b"two")),
        (Sees(), Sees()),
        backend=(Reply(_HEAD + b"\r\nHTTP/1.1 200 Forged\r\n\r\n"), Reply(_HEAD + b"\r\ntwo")),
        methods=("HEAD", "GET"),
    ),
    Case(
        "205_may_have_a_body",
        get("/a/x"),
        Answer(205, body=b"body"),
        backend=Reply(b"Status: 205 Reset Content\r\nContent-Length: 4\r\n\r\nbody"),
        differs="lighttpd drops it, as RFC 9110 15.3.6 wants the backend to.",
    ),
    Case(
        "head_ends_the_backend_s_connection_without_waiting_for_a_body",
        get("/a/x", method="HEAD"),
        Answer(200, headers={"Content-Length": "4"}, body=b""),
        backend=play(ReadHead(), Write(_HEAD + b"Content-Length: 4\r\n\r\n"), ReadToEnd()),
        methods=("HEAD",),
        differs="Apache waits for the end of the backend.",
    ),
)


_STREAMS = (
    Case(
        "each_piece_reaches_the_client_at_once",
        (
            Send(get("/stream/x")),
            Await(b"one"),
            Open("one"),
            Await(b"two"),
            Open("two"),
        ),
        Answer(200, body=b"onetwothree"),
        backend=play(
            ReadHead(),
            Write(_HEAD + b"\r\none"),
            Wait("one"),
            Write(b"two"),
            Wait("two"),
            Write(b"three"),
        ),
        smoke=True,
    ),
    Case(
        "each_piece_of_a_known_length_reaches_the_client_at_once",
        (Send(get("/stream/x")), Await(b"one"), Open("one")),
        Answer(200, body=b"onetwo"),
        backend=play(
            ReadHead(),
            Write(_HEAD + b"Content-Length: 6\r\n\r\none"),
            Wait("one"),
            Write(b"two"),
        ),
    ),
    Case(
        "each_piece_reaches_an_http_1_0_client_at_once",
        (Send(get_old("/stream/x")), Await(b"one"), Open("one")),
        Answer(200, body=b"onetwo"),
        backend=play(ReadHead(), Write(_HEAD + b"\r\none"), Wait("one"), Write(b"two")),
    ),
    Case(
        "a_body_that_comes_byte_by_byte_arrives_whole",
        get("/a/x"),
        Answer(200, body=b"abcdef"),
        backend=play(ReadHead(), Write(_HEAD + b"\r\n"), Drip(b"abcdef")),
    ),
    Case(
        "the_length_ends_the_body_though_the_backend_stays",
        get("/a/x"),
        Answer(200, body=b"body"),
        backend=play(ReadHead(), Write(_HEAD + b"Content-Length: 4\r\n\r\nbody"), ReadToEnd()),
        differs="Apache waits for the end of the backend.",
    ),
    Case(
        "a_reset_inside_the_body_is_visible",
        (Send(get("/stream/x")), Await(b"part"), Open("read")),
        Answer(200, body=b"part", complete=False),
        backend=play(ReadHead(), Write(_HEAD + b"\r\npart"), Wait("read"), Reset()),
        smoke=True,
    ),
    Case(
        "a_reset_behind_the_whole_length_spoils_nothing",
        get("/a/x"),
        Answer(200, body=b"body"),
        backend=play(ReadHead(), Write(_HEAD + b"Content-Length: 4\r\n\r\nbody"), Reset()),
        differs="Apache cannot know that it was all.",
    ),
    Case(
        "a_client_that_does_not_read_holds_the_backend_back",
        (Send(get("/stream/x")), Wait("held back")),
        Answer(200),
        backend=play(
            ReadHead(), Write(_HEAD + b"\r\n"), WriteUntilHeld(64 * 1024 * 1024), Open("held back")
        ),
        differs="Buffered elsewhere, in memory or in a file.",
    ),
    Case(
        "a_reset_inside_a_body_of_known_length_is_visible",
        (Send(get("/stream/x")), Await(b"part"), Open("read")),
        Answer(200, body=b"part", complete=False),
        backend=play(
            ReadHead(), Write(_HEAD + b"Content-Length: 9\r\n\r\npart"), Wait("read"), Reset()
        ),
    ),
    Case(
        "a_backend_that_falls_silent_inside_the_body_is_visible",
        get("/quick/x"),
        Answer(200, body=b"part", complete=False),
        backend=play(ReadHead(), Write(_HEAD + b"\r\npart"), ReadToEnd()),
        differs="lighttpd makes a 301 of it when it buffers.",
        timed=True,
    ),
)


CASES = (
    *_BODILESS,
    *_STREAMS,
)
