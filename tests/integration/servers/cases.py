"""The requests that the gateway answers inside every server, and what must come of them.

Each row says what a client sends, what the backend does, and what both must see. They are the
few facts that depend on the server below; ``tests/conformance`` has the whole table. Where a
server makes a row impossible, ``limits`` says why and what happens instead.
"""

from __future__ import annotations

from tests.conformance.case import Answer, Case, Sees
from tests.kit.gates import Open, Wait
from tests.kit.http import Await, HalfClose, Send, SendReading
from tests.kit.netstring import SCGIRequest
from tests.kit.script import Close, ReadHead, ReadToEnd, Reply, ReplyFrom, Reset, Write, play

MIB = 1 << 20
PATTERN = bytes(range(256))
NOT_REACHED: tuple[Sees, ...] = ()


def request(method: str, target: str, *fields: str, version: str = "1.1") -> bytes:
    """Return a request head after whose answer the connection ends."""
    host = ("Host: gateway.test",) if version == "1.1" else ()
    lines = (f"{method} {target} HTTP/{version}", *host, "Connection: close", *fields, "", "")
    return "\r\n".join(lines).encode("latin-1")


def answer(*fields: str, body: bytes = b"ok") -> bytes:
    """Return an answer of the backend."""
    return "\r\n".join((*fields, "", "")).encode("latin-1") + body


def remote_port_is_a_number(seen: SCGIRequest) -> str | None:
    """Complain of a REMOTE_PORT that no backend could use."""
    port = seen.get("REMOTE_PORT")
    return None if port is not None and port.isdigit() else f"REMOTE_PORT={port!r}"


TEXT = "Content-Type: text/plain"
TWO = "Content-Length: 2"
GET = request("GET", "/x")
UPLOAD = PATTERN * 400  # 100 KiB
EARLY_REQUEST = request("POST", "/x", f"Content-Length: {3 * MIB}") + b"x" * 3 * MIB

CASES = (
    Case(
        "get",
        request("GET", "/caf%C3%A9/a%20b?x=1%202&y", "X-One: 1"),
        Answer(200, reason="OK", headers={"Content-Type": "text/plain"}, body=b"ok"),
        Sees(
            has={
                "REQUEST_METHOD": "GET",
                "REQUEST_URI": "/caf%C3%A9/a%20b?x=1%202&y",
                "SCRIPT_NAME": "",
                "PATH_INFO": "/caf\u00c3\u00a9/a b",
                "QUERY_STRING": "x=1%202&y",
                "SERVER_NAME": "gateway.test",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_HOST": "gateway.test",
                "HTTP_X_ONE": "1",
                "CONTENT_LENGTH": "0",
            }
        ),
    ),
    Case("http_1_0", request("GET", "/x", version="1.0"), Answer(200, body=b"ok")),
    Case(
        "post",
        request("POST", "/x", "Content-Length: 102400", "Content-Type: a/b") + UPLOAD,
        Answer(200, body=UPLOAD),
        Sees(has={"CONTENT_LENGTH": "102400", "CONTENT_TYPE": "a/b"}, body=UPLOAD),
        backend=ReplyFrom(lambda seen: answer(TEXT, body=seen.body)),
        methods=("POST",),
    ),
    Case(
        "chunked_upload",
        request("POST", "/x", "Transfer-Encoding: chunked")
        + b"6\r\nfoobar\r\n3\r\nbaz\r\n0\r\n\r\n",
        Answer(200, body=b"ok"),
        Sees(has={"CONTENT_LENGTH": "9"}, lacks=("HTTP_TRANSFER_ENCODING",), body=b"foobarbaz"),
        methods=("POST",),
    ),
    Case(
        "get_with_a_body",
        request("GET", "/x", "Content-Length: 6") + b"foobar",
        Answer(200, body=b"ok"),
        Sees(has={"CONTENT_LENGTH": "6"}, body=b"foobar"),
    ),
    Case(
        "expect_100",
        (
            Send(request("POST", "/x", "Content-Length: 6", "Expect: 100-continue")),
            Await(b"HTTP/1.1 100 "),
            Send(b"foobar"),
        ),
        Answer(200, body=b"ok", interim=(100,)),
        Sees(lacks=("HTTP_EXPECT",), body=b"foobar"),
        methods=("POST",),
    ),
    Case(
        "head",
        request("HEAD", "/x"),
        Answer(200, headers={"Content-Length": "100"}, body=b""),
        backend=Reply(answer(TEXT, "Content-Length: 100", body=b"x" * 100)),
        methods=("HEAD",),
    ),
    Case(
        "204",
        GET,
        Answer(204, body=b"", headers={"X-Kept": "1"}, without=("Content-Length",)),
        backend=Reply(answer("Status: 204 No Content", "X-Kept: 1", TWO)),
    ),
    Case(
        "304",
        GET,
        Answer(304, body=b"", headers={"ETag": '"1"'}),
        backend=Reply(answer("Status: 304 Not Modified", 'ETag: "1"')),
    ),
    Case(
        "redirect",
        GET,
        Answer(302, headers={"Location": "http://other.test/"}, body=b"ok"),
        backend=Reply(answer("Location: http://other.test/", TEXT)),
    ),
    Case(
        "status_without_reason",
        GET,
        Answer(404, reason="Not Found", body=b"ok"),
        backend=Reply(answer("Status: 404", TEXT)),
    ),
    Case(
        "two_cookies",
        GET,
        Answer(200, headers={"Set-Cookie": ("a=1; Path=/", "b=2, still b")}),
        backend=Reply(answer(TEXT, TWO, "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2, still b")),
    ),
    Case(
        "hop_by_hop_answer",
        GET,
        Answer(200, body=b"ok", without=("X-Hop", "Keep-Alive", "Upgrade", "Trailer")),
        backend=Reply(
            answer(
                *(TEXT, TWO, "Connection: keep-alive, X-Hop", "X-Hop: 1", "Trailer: X"),
                *("Keep-Alive: timeout=5", "Upgrade: h2c", "TE: trailers"),
            )
        ),
    ),
    Case(
        "large",
        GET,
        Answer(200, body=PATTERN * 4 * 5120),  # 5 MiB
        backend=Reply(answer(TEXT, body=PATTERN * 4 * 5120)),
    ),
    Case(
        "piece_by_piece",
        (Send(GET), Await(b"first"), Open("the first piece has arrived")),
        Answer(200, body=b"first second"),
        backend=play(
            ReadHead(),
            Write(answer(TEXT, body=b"first")),
            Wait("the first piece has arrived"),
            Write(b" second"),
        ),
    ),
    Case(
        "too_long",
        GET,
        Answer(200, headers={"Content-Length": "2"}, body=b"ok"),
        backend=Reply(answer(TEXT, TWO, body=b"ok and more")),
    ),
    Case(
        "too_short",
        GET,
        Answer(200, headers={"Content-Length": "100"}, body=b"ten bytes\n", complete=False),
        backend=Reply(answer(TEXT, "Content-Length: 100", body=b"ten bytes\n")),
    ),
    Case(
        # Without a length only the server can make a cut visible.
        "reset_in_the_body",
        (Send(GET), Await(b"part"), Open("the part has arrived")),
        Answer(200, body=b"part", complete=False),
        backend=play(
            ReadHead(), Write(answer(TEXT, body=b"part")), Wait("the part has arrived"), Reset()
        ),
    ),
    Case("refused", request("GET", "/refused/x"), Answer(503), NOT_REACHED),
    Case("garbage", GET, Answer(502), backend=Reply(b"these are no header fields\n\nok")),
    Case("silence", GET, Answer(502), backend=Reply(b"")),
    Case("nul", request("GET", "/a%00b"), Answer(400), NOT_REACHED),
    Case("encoded_slash", request("GET", "/a%2Fb"), Answer(404), NOT_REACHED),
    Case("no_host", b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", Answer(400), NOT_REACHED),
    Case(
        "options_of_the_server",
        request("OPTIONS", "*"),
        Answer(200),
        NOT_REACHED,
        methods=("OPTIONS",),
    ),
    Case(
        "httpoxy",
        request("GET", "/x", "Proxy: http://evil.test/"),
        Answer(200),
        Sees(lacks=("HTTP_PROXY",)),
    ),
    Case(
        "underscore_in_a_name",
        request("GET", "/x", "X_Odd: 1"),
        Answer(200),
        Sees(lacks=("HTTP_X_ODD",)),
    ),
    Case("remote_port", GET, Answer(200), Sees(check=remote_port_is_a_number)),
    Case(
        "cookies_sent",
        request("GET", "/x", "Cookie: a=1; b=2"),
        Answer(200),
        Sees(has={"HTTP_COOKIE": "a=1; b=2"}),
    ),
    Case(
        "early_answer",
        (SendReading(EARLY_REQUEST),),
        Answer(413, body=b"ok"),
        backend=play(ReadHead(), Write(answer("Status: 413 Too Much", TEXT, TWO)), Close()),
        methods=("POST",),
    ),
    Case(
        "client_breaks_off",
        (Send(request("POST", "/x", "Content-Length: 100") + b"x" * 10), HalfClose()),
        Answer(400),
        Sees(cut=True),
        backend=play(ReadHead(), ReadToEnd()),
        methods=("POST",),
    ),
)
