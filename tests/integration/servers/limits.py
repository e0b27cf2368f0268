"""What each server makes impossible, why, and what comes out instead.

A row replaces what ``cases`` demands, so a server that learns better fails the test and the row
goes away. ``None`` means that the row cannot be run there at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.conformance.case import Answer, Sees
from tests.integration.servers.cases import EARLY_REQUEST
from tests.kit.http import HalfClose, SendReading, Step


@dataclass(frozen=True, slots=True)
class Limit:
    """What a server does with one case, and why the gateway cannot help it."""

    why: str
    answers: Answer | Sequence[Answer] | None = None
    seen: Sees | Sequence[Sees] | None = Sees()
    send: Sequence[Step] | None = None


_SLASH_IS_DECODED = Limit(
    "the path comes decoded and nothing in the environ has it as it was written",
    Answer(200, body=b"ok"),
    Sees(has={"PATH_INFO": "/a/b", "REQUEST_URI": "/a/b"}),
)
_UNDERSCORE_PASSES = Limit(
    "X_Odd and X-Odd are one HTTP_X_ODD in the environ; the server would have to drop the former",
    Answer(200),
    Sees(has={"HTTP_X_ODD": "1"}),
)
_NO_REMOTE_PORT = Limit("the environ has no REMOTE_PORT", Answer(200), Sees(lacks=("REMOTE_PORT",)))
_CHUNKS_STAY_ENCODED = Limit(
    "the server does not decode chunks and cannot say where such a body ends", Answer(411), ()
)
_NEVER_SENDS_100 = Limit("the server never sends 100 Continue, so a client that insists waits")
_END_OF_CONNECTION_ENDS_ALL = Limit(
    "the server ends each body by closing in good order, the cut one too",
    Answer(200, body=b"part", complete=True),
)

LIMITS: Mapping[str, Mapping[str, Limit]] = {
    "waitress": {
        "client_breaks_off": Limit(
            "it calls the application once it has the whole body, and drops a client that leaves",
            (),
            (),
        ),
    },
    "wsgiref": {
        "204": Limit("it adds Content-Length: 0 to a body of no pieces, whatever the status"),
        "chunked_upload": _CHUNKS_STAY_ENCODED,
        "encoded_slash": _SLASH_IS_DECODED,
        "expect_100": _NEVER_SENDS_100,
        "remote_port": _NO_REMOTE_PORT,
        "reset_in_the_body": _END_OF_CONNECTION_ENDS_ALL,
        "underscore_in_a_name": _UNDERSCORE_PASSES,
    },
    "uwsgi": {
        "chunked_upload": _CHUNKS_STAY_ENCODED,
        "expect_100": _NEVER_SENDS_100,
        "remote_port": _NO_REMOTE_PORT,
        "reset_in_the_body": _END_OF_CONNECTION_ENDS_ALL,
        "underscore_in_a_name": _UNDERSCORE_PASSES,
    },
    "werkzeug": {
        "expect_100": Limit(
            "http.server sends 100 Continue, and werkzeug sends it again",
            Answer(200, body=b"ok", interim=(100, 100)),
            Sees(lacks=("HTTP_EXPECT",), body=b"foobar"),
        ),
        "early_answer": Limit(
            "after its answer it waits for 10 MB more or for the client to close",
            Answer(413, body=b"ok"),
            send=(SendReading(EARLY_REQUEST), HalfClose()),
        ),
    },
    "cheroot": {
        "underscore_in_a_name": _UNDERSCORE_PASSES,
    },
    "granian": {
        "encoded_slash": _SLASH_IS_DECODED,
        "http_1_0": Limit(
            "it says HTTP/1 and an empty Host where HTTP/1.0 sent none; an empty Host is refused",
            Answer(400),
            (),
        ),
        "remote_port": _NO_REMOTE_PORT,
        "reset_in_the_body": Limit(
            "it drops what it still held when the application raises, the head too if it held that",
            Answer(200, body=b"part", complete=False, or_nothing=True),
        ),
        "too_short": Limit(
            "it drops what it still held when the application raises, the head too if it held that",
            Answer(200, headers={"Content-Length": "100"}, complete=False, or_nothing=True),
        ),
        "underscore_in_a_name": _UNDERSCORE_PASSES,
    },
    "gevent": {
        "encoded_slash": _SLASH_IS_DECODED,
    },
    "mod_wsgi": {
        "client_breaks_off": Limit(
            "it answers 500 itself, and whether the application ran before depends on the moment"
        ),
        "nul": Limit("Apache refuses the path as one of no file", Answer(404), ()),
        "reset_in_the_body": Limit(
            "the daemon process cannot tell Apache's that the body is incomplete",
            Answer(200, body=b"part", complete=True),
        ),
    },
}
