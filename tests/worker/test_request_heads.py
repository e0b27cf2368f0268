"""Limits, odd heads and fields of proxies are judged as by gunicorn's own worker."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.worker.serving import Pair, as_file, pair

APPLICATION = "tests.worker.telling:application"

TINY = {"limit_request_line": 40, "limit_request_fields": 4, "limit_request_field_size": 30}
UNLIMITED = {"limit_request_line": 0, "limit_request_fields": 0, "limit_request_field_size": 0}


@pytest.fixture(scope="module")
def usual() -> Iterator[Pair]:
    """Both workers with gunicorn's own settings."""
    with pair(application=APPLICATION) as started:
        yield started


@pytest.fixture(scope="module")
def tiny() -> Iterator[Pair]:
    """Both workers with limits that are easily reached."""
    with pair(files=as_file(TINY), application=APPLICATION) as started:
        yield started


@pytest.fixture(scope="module")
def unlimited() -> Iterator[Pair]:
    """Both workers with 0 for each limit."""
    with pair(files=as_file(UNLIMITED), application=APPLICATION) as started:
        yield started


@pytest.fixture(scope="module")
def wary() -> Iterator[Pair]:
    """Both workers, for which this host is no proxy."""
    with pair("--forwarded-allow-ips", "192.0.2.1", application=APPLICATION) as started:
        yield started


def head(*fields: str, line: str = "GET / HTTP/1.1") -> bytes:
    return "\r\n".join([line, "Host: a", *fields, "", ""]).encode("latin-1")


def line_of(size: int) -> str:
    return "GET /" + "a" * (size - len("GET / HTTP/1.1")) + " HTTP/1.1"


def field_of(size: int) -> str:
    """Return a field that counts as `size` bytes, the end of its line included."""
    return "X: " + "a" * (size - len("X: \r\n"))


def status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1])


def told(received: bytes) -> dict[str, str]:
    variables: dict[str, str] = json.loads(received.partition(b"\r\n\r\n")[2])
    return variables


@pytest.mark.parametrize(
    ("fits", "too_much", "refusal"),
    [
        (head(line=line_of(40)), head(line=line_of(41)), 414),
        (head(field_of(30)), head(field_of(31)), 431),
        (head("A: 1", "B: 2", "C: 3"), head("A: 1", "B: 2", "C: 3", "D: 4"), 431),
    ],
    ids=["line", "field", "fields"],
)
def test_what_just_fits_is_taken_and_one_more_is_refused(
    tiny: Pair, fits: bytes, too_much: bytes, refusal: int
) -> None:
    assert status(tiny.lean(fits)) == 200
    assert status(tiny.exchange(too_much)) == refusal


@pytest.mark.parametrize(
    ("fits", "too_much", "refusal"),
    [
        (head(line=line_of(4094)), head(line=line_of(4095)), 414),
        (head(field_of(8190)), head(field_of(8191)), 431),
        (
            head(*(f"X-{number}: a" for number in range(99))),
            head(*(f"X-{number}: a" for number in range(100))),
            431,
        ),
    ],
    ids=["line", "field", "fields"],
)
def test_the_limits_are_gunicorns_own(
    usual: Pair, fits: bytes, too_much: bytes, refusal: int
) -> None:
    assert status(usual.lean(fits)) == 200
    assert status(usual.exchange(too_much)) == refusal


def test_zero_means_what_gunicorn_makes_of_it(unlimited: Pair) -> None:
    assert status(unlimited.lean(head(line=line_of(20_000)))) == 200
    assert status(unlimited.lean(head(*(f"X-{number}: a" for number in range(1000))))) == 200
    assert status(unlimited.lean(head(field_of(8190)))) == 200
    assert status(unlimited.exchange(head(field_of(8191)))) == 431


def test_a_head_larger_than_any_read_is_judged_too(usual: Pair, unlimited: Pair) -> None:
    assert status(usual.exchange(head(*(f"X-{n}: {'a' * 8000}" for n in range(90))))) == 200
    assert status(unlimited.exchange(head(line=line_of(100_000)))) == 200
    assert status(usual.exchange(b"GET /" + b"a" * 200_000)) == 414


@pytest.mark.parametrize(
    "data",
    [
        head("X: a", " folded"),
        head("X: a", "\tfolded"),
        head(" folded"),
        head(": no name"),
        head("no colon"),
        head(" "),
        head("X : a"),
        head("X: a\nY: b"),
        head("X: a\rY: b"),
        head("X: a\0"),
        head("X: a\x7f"),
        head("X\xe9: a"),
        head("\xdf: a"),
        head(line="GET / HTTP/1.1\n"),
        head(line="GET  / HTTP/1.1"),
        head(line="GET / HTTP/1.1 "),
        head(line="GET / HTTP/1.2"),
        head(line="GET / http/1.1"),
        head(line="GET /\xe9 HTTP/1.1"),
        head(line="GET /a b HTTP/1.1"),
        head(line="GET /a#b HTTP/1.1"),
        head(line="GET //a HTTP/1.1"),
        head(line="GET http://b/c HTTP/1.1"),
        head(line="GET  HTTP/1.1"),
        head(line="GET /"),
        head(line="Get / HTTP/1.1"),
        head(line="G / HTTP/1.1"),
        head(line="M-SEARCH / HTTP/1.1"),
        head(line="CONNECT /x HTTP/1.1"),
        head(line="OPTIONS * HTTP/1.1"),
        head("Content-Length: 1", "Content-Length: 1") + b"x",
        head("Content-Length: 1, 1") + b"x",
        head("Content-Length: 0x1") + b"x",
        head("Content-Length: -1") + b"x",
        head("Content-Length:") + b"x",
        head("Content-Length: \xb2") + b"xx",
        head("Content-Length: 1", "Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n\r\n",
        head("Transfer-Encoding: xchunked") + b"1\r\nx\r\n0\r\n\r\n",
        head("Transfer-Encoding:\x0bchunked") + b"1\r\nx\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked", "Connection: close") + b"1\r\nx\r\n0\r\n\r\n",
        head("Expect: 100-continue", "Content-Length: 1") + b"x",
        head("Expect: more"),
        head("Connection: close, TE"),
        head("Connection: TE, close"),
        head("Connection: keep-alive", "Connection: close"),
        head("Connection: Close"),
        head("Connection:"),
        head("Upgrade: websocket", "Connection: Upgrade"),
        head("Content_Length: 5"),
        head("Content_Length: 5", "Content-Length: 1") + b"x",
        head("Transfer_Encoding: chunked") + b"0\r\n\r\n",
        head("HTTP_HOST: b"),
        head("Proxy: http://b/"),
        head("Host: b"),
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: 1\r\n\r\n",
        b"\r\n" + head(),
        b"\r\n\r\n" + head(),
        b"\n" + head(),
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        b"GET /\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n" + head(),
        b"",
        b"\0",
    ],
    ids=lambda data: repr(data[:50]),
)
def test_odd_heads_have_the_verdict_of_the_parser_in_python(usual: Pair, data: bytes) -> None:
    # The request behind is answered by both or by none: so both saw the same end of the first.
    behind = head(line="GET /behind HTTP/1.1")
    usual.exchange(data)
    usual.exchange(data + behind)
    usual.exchange(head(line="GET /before HTTP/1.1") + data + behind)


def test_names_stay_right_however_many_there_are(usual: Pair) -> None:
    for start in (*range(0, 1600, 80), 0):
        fields = [f"X-{number}: {number}" for number in range(start, start + 80)]
        variables = told(usual.lean(head(*fields)))
        assert [variables[f"HTTP_X_{n}"] for n in range(start, start + 80)] == [
            str(n) for n in range(start, start + 80)
        ]


def test_names_with_an_underscore_are_dropped(usual: Pair) -> None:
    variables = told(usual.exchange(head("X_A: forged", "X-A: true")))
    assert variables["HTTP_X_A"] == "true"


def test_names_with_an_underscore_are_refused_if_so_set() -> None:
    with pair("--header-map", "refuse", application=APPLICATION) as strict:
        assert status(strict.exchange(head("X_A: forged"))) == 400
        assert status(strict.lean(head("X-A: true"))) == 200


def test_names_with_an_underscore_are_taken_if_so_set() -> None:
    with pair("--header-map", "dangerous", application=APPLICATION) as trusting:
        variables = told(trusting.exchange(head("X_A: forged", "X-A: true")))
        assert variables["HTTP_X_A"] == "forged,true"


def test_a_trusted_proxy_may_set_what_forwarder_headers_names(usual: Pair, wary: Pair) -> None:
    moved = head("SCRIPT_NAME: /mount", line="GET /mount/b HTTP/1.1")
    assert told(usual.exchange(moved))["PATH_INFO"] == "/b"
    assert told(wary.exchange(moved))["PATH_INFO"] == "/mount/b"
    assert status(usual.exchange(head("SCRIPT_NAME: /elsewhere"))) == 500
    with pair("--forwarder-headers", "REMOTE_USER", application=APPLICATION) as other:
        variables = told(other.exchange(head("REMOTE_USER: somebody", "SCRIPT_NAME: /mount")))
        assert variables["HTTP_REMOTE_USER"] == "somebody"
        assert variables["SCRIPT_NAME"] == ""


@pytest.mark.parametrize(
    ("fields", "scheme"),
    [
        (["X-Forwarded-Proto: https"], "https"),
        (["X-Forwarded-Proto: http"], "http"),
        (["X-Forwarded-Proto: HTTPS"], "http"),
        (["X-Forwarded-Proto:  https\t"], "https"),
        (["X-Forwarded-Proto:"], "http"),
        (["X-Forwarded-Ssl: on"], "https"),
        (["X-Forwarded-Protocol: ssl"], "https"),
        (["X-Forwarded-Proto: https", "X-Forwarded-Ssl: on"], "https"),
        (["X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"], None),
        (["X-Forwarded-Proto: http", "X-Forwarded-Protocol: ssl"], None),
    ],
    ids=repr,
)
def test_the_scheme_is_believed_from_a_trusted_proxy_alone(
    usual: Pair, wary: Pair, fields: list[str], scheme: str | None
) -> None:
    assert told(wary.lean(head(*fields)))["wsgi.url_scheme"] == "http"
    if scheme is None:
        assert status(usual.exchange(head(*fields))) == 400
    else:
        assert told(usual.lean(head(*fields)))["wsgi.url_scheme"] == scheme


def test_a_repeated_scheme_field_has_the_verdict_of_the_parser_in_python(usual: Pair) -> None:
    same, other = ["X-Forwarded-Proto: https"] * 2, "X-Forwarded-Proto: http"
    assert told(usual.exchange(head(*same)))["wsgi.url_scheme"] == "https"
    assert status(usual.exchange(head(*same, other))) == 400


def test_other_fields_may_name_the_scheme() -> None:
    settings = {"secure_scheme_headers": {"X-SCHEME": "safe"}, "forwarded_allow_ips": "127.0.0.0/8"}
    with pair(files=as_file(settings), application=APPLICATION) as other:
        assert told(other.lean(head("X-Scheme: safe")))["wsgi.url_scheme"] == "https"
        assert told(other.lean(head("X-Scheme: http")))["wsgi.url_scheme"] == "http"
        assert told(other.lean(head("X-Forwarded-Proto: https")))["wsgi.url_scheme"] == "http"
