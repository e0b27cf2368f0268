"""Plain request heads: which are taken, and that gunicorn's own parser reads them alike."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import create
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.corpus import Case
from wsgi_scgi.compiled import TWINS
from wsgi_scgi.worker import plain_head
from wsgi_scgi.worker.plain_head import HeadLimits, plain_environ

Form = Callable[[bytes, int, dict[str, Any], HeadLimits], dict[str, Any] | None]

BASE: dict[str, Any] = {"SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "here"}
LIMITS = HeadLimits()


def forms() -> Iterator[Form]:
    """Yield the reference, and the compiled form where there is one."""
    twins: Any = TWINS["plain_environ"]
    yield twins.reference
    if twins.compiled:
        yield twins.compiled


@pytest.fixture(params=["reference", "compiled"])
def form(request: pytest.FixtureRequest) -> Form:
    """Each form of plain_environ."""
    chosen: Form | None = getattr(TWINS["plain_environ"], request.param)
    if chosen is None:
        pytest.skip(TWINS["plain_environ"].missing)
    return chosen


def taken(form: Form, head: str, limits: HeadLimits = LIMITS) -> dict[str, Any] | None:
    data = head.encode("latin-1")
    return form(data + b"\r\n\r\nGET / HTTP/1.1\r\n", len(data), BASE, limits)


def variables_of_gunicorn(data: bytes) -> dict[str, Any] | None:
    """Return what gunicorn's Python parser makes of all that a head says, None if it refuses."""
    config = Config()
    config.set("http_parser", "python")
    config.set("forwarded_allow_ips", "192.0.2.1")
    try:
        # Not as an iterator's end: of no data gunicorn says just that.
        request: Any = Request(config, IterUnreader(iter([data])), ("127.0.0.1", 50000))
    except Exception:
        return None
    assert not request._expected_100_continue
    no_socket: Any = None
    _, environ = create(request, no_socket, ("127.0.0.1", 50000), ("127.0.0.1", 8000), config)
    said = {"REQUEST_METHOD", "RAW_URI", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL"}
    said |= {"CONTENT_TYPE", "CONTENT_LENGTH"}
    return {name: value for name, value in environ.items() if name in said or name[:5] == "HTTP_"}


def is_taken_as_gunicorn_does(data: bytes) -> bool:
    """Tell whether the head of ``data`` is taken; check that gunicorn reads it alike if so."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    takes = set()
    for form in forms():
        environ = form(data, end, {"SERVER_PROTOCOL": "HTTP/1.1"}, LIMITS)
        takes.add(environ is not None)
        if environ is not None:
            assert environ == variables_of_gunicorn(data)
    assert len(takes) == 1
    return takes.pop()


def test_a_browsers_head_gives_its_variables(form: Form) -> None:
    head = (
        "POST /a%20b/%c3%A9%?x=%41&y=? HTTP/1.1\r\nHost: localhost:8000\r\n"
        "User-Agent:Mozilla/5.0\r\n"
        "X-Blank: \t a b \t\r\nX-Empty:\r\nCookie: \xe9\xff\r\nCONNECTION: Keep-Alive\r\n"
        "Content-Type: text/plain\r\ncontent-length: 007"
    )

    assert taken(form, head) == {
        **BASE,
        "REQUEST_METHOD": "POST",
        "RAW_URI": "/a%20b/%c3%A9%?x=%41&y=?",
        "PATH_INFO": "/a b/\xc3\xa9%",
        "QUERY_STRING": "x=%41&y=?",
        "HTTP_HOST": "localhost:8000",
        "HTTP_USER_AGENT": "Mozilla/5.0",
        "HTTP_X_BLANK": "a b",
        "HTTP_X_EMPTY": "",
        "HTTP_COOKIE": "\xe9\xff",
        "HTTP_CONNECTION": "Keep-Alive",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "007",
    }
    assert BASE == {"SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "here"}


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1",
        "OPTIONS /a HTTP/1.1",
        "ABCDEFGHIJKLMNOPQRST / HTTP/1.1",
        "GET /a//b HTTP/1.1",
        "GET /? HTTP/1.1",
        "GET /a?b?c=/// HTTP/1.1",
        "GET /%zz%4%41% HTTP/1.1",
        "GET /a:b@c;d HTTP/1.1",
        'GET /[::1]\\^`{|}~"!$ HTTP/1.1',
        "GET /?% HTTP/1.1",
    ],
)
def test_plain_request_lines_are_taken(form: Form, line: str) -> None:
    assert taken(form, f"{line}\r\nHost: a") is not None
    assert is_taken_as_gunicorn_does(f"{line}\r\nHost: a\r\n\r\n".encode())


@pytest.mark.parametrize(
    "line",
    [
        "",
        "GET",
        "GET /",
        "GE / HTTP/1.1",
        "get / HTTP/1.1",
        "G3T / HTTP/1.1",
        "ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        " GET / HTTP/1.1",
        "\r\nGET / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET / HTTP/1.0",
        "GET / HTTP/1.10",
        "GET / HTTP/2.0",
        "GET / http/1.1",
        "GET //a HTTP/1.1",
        "GET * HTTP/1.1",
        "GET a HTTP/1.1",
        "GET http://a/ HTTP/1.1",
        "GET /#a HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /a?b#c HTTP/1.1",
        "GET /\xe9 HTTP/1.1",
        "GET /\x7f HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET /\rHTTP/1.1",
        "GET / HTTP/1.1\nX: y",
    ],
)
def test_other_request_lines_are_not(form: Form, line: str) -> None:
    assert taken(form, f"{line}\r\nHost: a") is None


@pytest.mark.parametrize(
    "fields",
    [
        "",
        "X: y",
        "Host: a\r\nHost: a",
        "Host: a\r\nhost: b",
        "Host: a\r\nX: y\r\nx: y",
        "Host: a\r\nContent-Length: 1\r\nContent-Length: 1",
        "Host: a\r\nX_Y: z",
        "Host: a\r\nX.Y: z",
        "Host: a\r\n: z",
        "Host: a\r\nX : z",
        "Host : a",
        "Host: a\r\n folded",
        "Host: a\r\n\tfolded: b",
        "Host: a\r\n\r\nX: y",
        "Host: a\nX: y",
        "Host: a\rX: y",
        "Host: a\r\r\nX: y",
        "Host: a\r",
        "Host: a\n",
        "Host: a\r\n",
        "Host: a\r\nX: \0",
        "Host: a\r\nX: \x7f",
        "Host: a\r\nX\xe9: y",
        "Host: a\r\nno colon",
        "Host: a\r\n-X: y",
        "Host: a\r\n1X: y",
        "Host: a\r\nExpect: 100-continue",
        "Host: a\r\nTRANSFER-ENCODING: chunked",
        "Host: a\r\nUpgrade: h2c",
        "Host: a\r\nTrailer: X",
        "Host: a\r\nHTTP2-Settings: x",
        "Host: a\r\nConnection: close, X",
        "Host: a\r\nConnection: clos\xe5",
        "Host: a\r\nConnection: upgrade",
        "Host: a\r\nConnection: keep\ralive",
        "Host: a\r\nConnection:",
        "Host: a\r\nContent-Length:",
        "Host: a\r\nContent-Length: +1",
        "Host: a\r\nContent-Length: 1 1",
        "Host: a\r\nContent-Length: 1234567890123456789",
        "Host: a\r\nContent-Length: \xb2",
    ],
)
def test_heads_with_doubtful_fields_are_not_taken(form: Form, fields: str) -> None:
    assert taken(form, f"GET / HTTP/1.1\r\n{fields}") is None


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive", "KEEP-ALIVE"])
def test_a_connection_may_be_kept_or_closed(form: Form, value: str) -> None:
    environ = taken(form, f"GET / HTTP/1.1\r\nHost: a\r\nConnection: {value}")

    assert environ is not None
    assert environ["HTTP_CONNECTION"] == value


def test_each_limit_may_be_reached_and_not_passed(form: Form) -> None:
    head = "GET /abc HTTP/1.1\r\nHost: a\r\nX-A: bcd"

    assert taken(form, head, HeadLimits(request_line=17, fields=2, field_size=10)) is not None
    assert taken(form, head, HeadLimits(request_line=16, fields=2, field_size=10)) is None
    assert taken(form, head, HeadLimits(request_line=17, fields=1, field_size=10)) is None
    assert taken(form, head, HeadLimits(request_line=17, fields=2, field_size=9)) is None


def test_a_base_that_has_the_variable_already_leaves_the_request_to_gunicorn(form: Form) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a"

    assert form(head, len(head), {"HTTP_HOST": "b"}, LIMITS) is None


def test_names_beyond_what_is_remembered_are_taken_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_head, "_keys", {})
    monkeypatch.setattr(plain_head, "_KEYS_LIMIT", 2)
    reference: Any = TWINS["plain_environ"].reference

    for name in ("Host: a", "Host: a\r\nA: 1\r\nB: 2", "Host: a\r\nB: 2\r\nC: 3"):
        assert taken(reference, f"GET / HTTP/1.1\r\n{name}") is not None
    assert len(plain_head._keys) == 2


_NAMES = st.one_of(
    st.sampled_from(
        [
            "Host",
            "Accept",
            "Cookie",
            "Content-Length",
            "Content-Type",
            "Connection",
            "X-A",
            "x-a",
            "Expect",
            "TE",
            "Proxy",
            "Script-Name",
            "Forwarded",
            "X-Forwarded-Proto",
            "X_A",
        ]
    ),
    st.text("aB-1_.:\xe9 ", max_size=4),
)
_VALUES = st.one_of(
    st.sampled_from(["a", "", "5", "close", "keep-alive", "chunked", "100-continue", "https"]),
    st.text("aB \t\r\n\0\xe9\x7f:,", max_size=6),
)
_TARGETS = st.one_of(st.just("/"), st.text("/a?#%4aG:@[]\xe9 ", max_size=8).map("/".__add__))
_HEADS = st.builds(
    lambda method, target, ending, fields: (
        f"{method} {target} {ending}"
        + "".join(f"{name}:{blank}{value}{end}" for name, blank, value, end in fields)
        + "\r\n"
    ).encode("latin-1"),
    st.sampled_from(["GET", "POST", "GET", "PROPFIND", "CONNECT", "get", "A", ""]),
    _TARGETS,
    st.sampled_from(["HTTP/1.1\r\nHost: a\r\n"] * 4 + ["HTTP/1.1\r\n", "HTTP/1.0\r\n", "\n"]),
    st.lists(
        st.tuples(
            _NAMES,
            st.sampled_from(["", " ", "\t "]),
            _VALUES,
            st.sampled_from(["\r\n"] * 8 + ["\n", "\r", "\r\n "]),
        ),
        max_size=4,
    ),
)


@given(_HEADS)
def test_gunicorn_reads_every_head_that_is_taken_alike(data: bytes) -> None:
    is_taken_as_gunicorn_does(data)


@given(_HEADS, st.integers(0), st.binary(max_size=3))
def test_gunicorn_reads_mutated_heads_that_are_taken_alike(
    data: bytes, place: int, change: bytes
) -> None:
    at = place % (len(data) + 1)

    is_taken_as_gunicorn_does(data[:at] + change + data[at + 1 :])


def test_gunicorns_own_requests_are_read_as_it_reads_them(cases: Sequence[Case]) -> None:
    taken_of = {case.name: is_taken_as_gunicorn_does(case.data) for case in cases}

    assert sum(taken_of.values()) > 5
    # Some are invalid by a configuration of theirs alone; heads that the usual one refuses are
    # refused by the comparison above.
    assert not all(taken_of.values())


def test_every_single_byte_in_every_place_is_judged_safely() -> None:
    head = b"GET /a%41?b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"

    for at, byte in itertools.product(range(len(head)), (0, 9, 10, 13, 32, 35, 37, 58, 127, 233)):
        is_taken_as_gunicorn_does(head[:at] + bytes([byte]) + head[at + 1 :])


def test_the_function_that_is_used_is_one_of_the_forms() -> None:
    assert plain_environ in list(forms())
