"""One health check: what is sent, which answers are good, and that every failure has a cause."""

import os
import re
import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.backend import Backend, BackendConnection, Script
from tests.kit.netstring import SCGIRequest
from tests.kit.script import (
    Close,
    Drip,
    DripUntilCut,
    HalfClose,
    ReadHead,
    ReadToEnd,
    Reply,
    Reset,
    Write,
    WriteUntilCut,
    play,
)
from tests.transports import BOUND
from wsgi_scgi.address import BackendURL, TCPAddress, UnixAddress
from wsgi_scgi.errors import OutOfResources
from wsgi_scgi.health.check import CheckMethod, HealthRules, Verdict, check
from wsgi_scgi.transport.names import Resolver, SocketAddress

TCP = HealthRules(method=CheckMethod.TCP, timeout=BOUND)
SCGI = HealthRules(timeout=BOUND)
SHORT = 0.3
HEAD = b"Content-Type: text/plain\r\n"
GOOD = b"Status: 200 OK\r\n" + HEAD + b"Content-Length: 3\r\n\r\nok\n"


class Site:
    """A backend and what it is as a member."""

    def __init__(self) -> None:
        self.backend = Backend()
        self.address = TCPAddress("127.0.0.1", self.backend.listen_tcp())
        self.resolver = Resolver()

    def verdict(self, rules: HealthRules, *script: Script, path: str = "/") -> Verdict:
        """Check the member once while the backend plays ``script``."""
        self.backend.begin(play(*script), bound=BOUND)
        return check(BackendURL(self.address, path), rules, self.resolver)

    @property
    def connection(self) -> BackendConnection:
        """What the backend saw, once its script has ended."""
        self.backend.settle()
        assert self.backend.wait_done(BOUND)
        (connection,) = self.backend.connections
        return connection

    def request(self, rules: HealthRules, *, path: str = "/") -> SCGIRequest:
        """Return the request that a check sends."""
        assert self.verdict(rules, Reply(GOOD), path=path).passed
        return self.connection.request


@pytest.fixture
def site(nothing_left_open: None) -> Iterator[Site]:
    """A backend; nothing may be left open in the end."""
    del nothing_left_open
    site = Site()
    yield site
    site.backend.close()
    site.backend.wait_done(BOUND)


def body(data: bytes, *, length: int | None = None) -> Reply:
    """Return a step that answers 200 with ``data``, which may be announced as longer."""
    size = b"" if length is None else b"Content-Length: %d\r\n" % length
    return Reply(HEAD + size + b"\r\n" + data)


# tcp.


def test_a_member_that_takes_connections_passes_tcp(site: Site) -> None:
    verdict = site.verdict(TCP, ReadToEnd())
    assert (verdict.passed, verdict.cause) == (True, "")
    assert 0 < verdict.seconds < BOUND
    assert site.connection.received == b""


def test_a_member_that_takes_no_connections_fails(site: Site) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        site.address = TCPAddress("127.0.0.1", unheard.getsockname()[1])
        for rules in (TCP, SCGI):
            verdict = site.verdict(rules)
            assert not verdict.passed
            assert "Connection refused" in verdict.cause


def test_a_unix_socket_is_checked_too(site: Site, tmp_path: Path) -> None:
    path = site.backend.listen_unix(str(tmp_path / "s"))
    site.backend.begin(Reply(GOOD), bound=BOUND)
    assert check(BackendURL(UnixAddress(path)), SCGI, site.resolver).passed
    assert not check(BackendURL(UnixAddress(path + "x")), TCP, site.resolver).passed


# What scgi sends.


def test_the_check_is_a_whole_scgi_request_and_no_http(site: Site) -> None:
    request = site.request(SCGI)
    assert request.violations == ()
    assert request.body_complete
    assert request.variables == (
        (b"CONTENT_LENGTH", b"0"),
        (b"SCGI", b"1"),
        (b"REQUEST_METHOD", b"GET"),
        (b"REQUEST_URI", b"/"),
        (b"QUERY_STRING", b""),
        (b"SCRIPT_NAME", b""),
        (b"PATH_INFO", b"/"),
        (b"SERVER_NAME", b"localhost"),
        (b"SERVER_PORT", b"80"),
        (b"SERVER_PROTOCOL", b"HTTP/1.1"),
        (b"SERVER_SOFTWARE", b"wsgi-scgi"),
        (b"REQUEST_SCHEME", b"http"),
        (b"REMOTE_ADDR", b"127.0.0.1"),
        (b"HTTP_HOST", b"localhost"),
        (b"HTTP_USER_AGENT", b"wsgi-scgi health check"),
    )


@pytest.mark.parametrize(
    ("base", "path_info"),
    [("/", b"/how are/you"), ("/app", b"/app/how are/you"), ("/app/", b"/app/how are/you")],
)
def test_the_uri_is_below_the_base_path_of_the_member(
    site: Site, base: str, path_info: bytes
) -> None:
    request = site.request(HealthRules(uri="/how%20are/you?a=%20b", timeout=BOUND), path=base)
    assert request.get("PATH_INFO") == path_info
    assert request.get("REQUEST_URI") == b"/how%20are/you?a=%20b"
    assert request.get("QUERY_STRING") == b"a=%20b"


def test_configured_variables_win(site: Site) -> None:
    variables = {"HTTP_HOST": "example.org", "DOCUMENT_ROOT": "/srv"}
    request = site.request(HealthRules(variables=variables, timeout=BOUND))
    assert request.get("HTTP_HOST") == b"example.org"
    assert request.get("DOCUMENT_ROOT") == b"/srv"
    assert request.violations == ()


# Which answers are good.


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "302 Found", "399 Odd"])
def test_statuses_from_200_to_399_pass(site: Site, status: str) -> None:
    assert site.verdict(SCGI, Reply(f"Status: {status}\r\n\r\n".encode())).passed


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "503 Busy"])
def test_other_statuses_fail(site: Site, status: str) -> None:
    verdict = site.verdict(SCGI, Reply(f"Status: {status}\r\n\r\n".encode()))
    assert not verdict.passed
    assert verdict.cause == f"it answered {status}"


def test_only_the_expected_statuses_pass(site: Site) -> None:
    rules = HealthRules(expect=frozenset({404, 503}), timeout=BOUND)
    assert site.verdict(rules, Reply(b"Status: 503 Busy\r\n\r\n")).passed
    assert not site.verdict(rules, Reply(GOOD)).passed


def test_interim_answers_do_not_count(site: Site) -> None:
    assert site.verdict(SCGI, Reply(b"Status: 103 Early Hints\r\n\r\n" + GOOD)).passed


def test_without_a_match_the_body_is_not_waited_for(site: Site) -> None:
    verdict = site.verdict(SCGI, Reply(HEAD + b"Content-Length: 9\r\n\r\n"), ReadToEnd())
    assert verdict.passed


# match.


def matching(pattern: str, *, timeout: float = BOUND) -> HealthRules:
    """Return rules that search for ``pattern``."""
    return HealthRules(match=re.compile(pattern), timeout=timeout)


@pytest.mark.parametrize(
    "script",
    [
        body(b"all is well\n"),
        body(b"all is well\n", length=12),
        body("all is well in K\u00f6ln\n".encode()),
        body(b"\xff\xfe all is well"),
        play(ReadHead(), Drip(HEAD + b"\r\nall is well\n"), Close()),
    ],
)
def test_the_body_is_searched(site: Site, script: Script) -> None:
    assert site.verdict(matching("is w.ll"), script).passed
    verdict = site.verdict(matching("is ill"), script)
    assert not verdict.passed
    assert verdict.cause == "'is ill' is not in its answer"


def test_the_body_is_read_as_utf_8(site: Site) -> None:
    assert site.verdict(matching(r"^K\wln$"), body("K\u00f6ln".encode())).passed


def test_a_body_whose_length_has_come_is_not_waited_for_any_longer(site: Site) -> None:
    script = (body(b"well", length=4), ReadToEnd())
    assert site.verdict(matching("well"), *script).passed


def test_a_bad_status_is_bad_whatever_the_body_says(site: Site) -> None:
    verdict = site.verdict(matching("well"), Reply(b"Status: 500 Oh\r\n\r\nwell"))
    assert verdict.cause == "it answered 500 Oh"


def test_no_more_than_64_kibibytes_are_searched(site: Site) -> None:
    padding = b"." * (65536 - 4)
    assert site.verdict(matching("well"), body(padding + b"well" + b"!" * 9)).passed
    assert not site.verdict(matching("well"), body(padding + b".well")).passed


def test_a_body_without_end_is_not_read_to_its_end(site: Site) -> None:
    script = play(ReadHead(), Write(HEAD + b"\r\n"), WriteUntilCut(b"x" * 4096))
    assert not site.verdict(matching("well"), script).passed
    assert site.connection.notes == []


def test_a_body_that_breaks_off_fails_even_if_it_matches(site: Site) -> None:
    verdict = site.verdict(matching("well"), body(b"well", length=9))
    assert verdict.cause == "it sent 4 bytes of a body of 9"


# Failures are verdicts.


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (Reply(b"HTTP? No idea.\r\n\r\n"), "invalid"),
        (Reply(b""), "without an answer"),
        (play(ReadHead(), Write(b"Status: 2"), HalfClose()), "in the middle of the response head"),
        (play(ReadHead(), Reset()), "reset"),
        (play(ReadHead(), Close()), "without an answer"),
    ],
)
def test_an_answer_that_is_none_fails(site: Site, script: Script, cause: str) -> None:
    verdict = site.verdict(SCGI, script)
    assert not verdict.passed
    assert cause in verdict.cause


@pytest.mark.parametrize(
    "script",
    [
        ReadToEnd(),
        play(ReadHead(), DripUntilCut(b"X-A: b\r\n", 0.01)),
        play(ReadHead(), DripUntilCut(b"Status: 103 Early\r\n\r\n", 0.01)),
        play(ReadHead(), Write(HEAD + b"\r\n"), DripUntilCut(b"well", 0.01)),
    ],
)
def test_a_check_ends_with_its_time_however_the_member_dawdles(site: Site, script: Script) -> None:
    verdict = site.verdict(matching("ill", timeout=SHORT), script)
    assert not verdict.passed
    assert verdict.seconds >= SHORT
    assert re.search("silent for|longer than|in time", verdict.cause)


def test_a_name_that_does_not_resolve_fails(site: Site) -> None:
    def nobody(host: str, port: int) -> list[SocketAddress]:
        raise socket.gaierror(socket.EAI_NONAME, f"nobody knows {host} {port}")

    site.address = TCPAddress("member.example")
    site.resolver = Resolver(nobody)
    assert "nobody knows member.example 4000" in site.verdict(TCP).cause


def test_a_resolver_that_is_silent_takes_no_more_than_the_time_of_the_check(site: Site) -> None:
    over = threading.Event()

    def silent(host: str, port: int) -> list[SocketAddress]:
        over.wait(BOUND)
        return [(socket.AF_INET, (host, port))]

    site.address = TCPAddress("member.example")
    site.resolver = Resolver(silent)
    verdict = site.verdict(HealthRules(timeout=SHORT))
    over.set()
    assert "did not resolve in 0.3 seconds" in verdict.cause


def test_the_gateways_own_poverty_is_no_verdict_on_the_member(site: Site) -> None:
    assert site.verdict(TCP, ReadToEnd()).passed  # the address is known from now on
    assert site.connection.ended_at is not None  # and the backend closes nothing any more
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        with pytest.raises(OutOfResources):
            check(BackendURL(site.address), TCP, site.resolver)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# Rules.


def test_the_least_of_everything_is_allowed() -> None:
    rules = HealthRules(interval=0.001, timeout=0.001, passes=1, fails=1, uri="/")
    assert rules.expects(200) and not rules.expects(199)
    assert rules.expects(399) and not rules.expects(400)


@pytest.mark.parametrize(("interval", "timeout"), [(0, 1), (-1, 1), (1, 0), (1, -1)])
def test_times_are_positive(interval: float, timeout: float) -> None:
    with pytest.raises(ValueError, match="longer than 0 seconds"):
        HealthRules(interval=interval, timeout=timeout)


@pytest.mark.parametrize(("passes", "fails"), [(0, 1), (1, 0)])
def test_at_least_one_result_decides(passes: int, fails: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        HealthRules(passes=passes, fails=fails)


@pytest.mark.parametrize("uri", ["", "how", "/a b", "/\u00e4", "http://example.org/", "*"])
def test_a_uri_is_a_path(uri: str) -> None:
    with pytest.raises(ValueError, match=r"path|character"):
        HealthRules(uri=uri)


@pytest.mark.parametrize("name", ["", "SCGI", "CONTENT_LENGTH", "A\0B"])
def test_variables_that_cannot_be_sent_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        HealthRules(variables={name: "x"})
