"""Hooks are called and requests are logged as by gunicorn's own worker."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.kit.gateways import Gateway
from tests.worker.serving import (
    BOUND,
    OURS,
    STOCK,
    Pair,
    ask,
    exchange,
    pair,
    request,
    serving,
    wait_until,
)

# Times and process ids differ; that they are there, and in which form, does not.
_VARYING = (
    (re.compile(r"\[\d+/\w+/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"), "[time]"),
    (re.compile(r"^\[[^]]*\] \[\d+\] "), ""),
    (re.compile(r"T=\d+ D=\d+ M=\d+ L=\d+\.\d{6} p=<\d+>"), "T= D= M= L= p="),
)

ATOMS = (
    'LOG %(h)s %(l)s %(u)s %(t)s "%(r)s" s=%(s)s m=%(m)s U=%(U)s q=%(q)s H=%(H)s b=%(b)s B=%(B)s '
    "f=%(f)s a=%(a)s T=%(T)s D=%(D)s M=%(M)s L=%(L)s p=%(p)s "
    "i=%({X-Name}i)s,%({host}i)s,%({content-length}i)s,%({content-type}i)s,%({nothing}i)s "
    "o=%({content-length}o)s,%({Content-Type}o)s,%({connection}o)s,%({nothing}o)s "
    "e=%({http_x_name}e)s,%({wsgi.url_scheme}e)s,%({query_string}e)s,%({nothing}e)s"
)

REQUESTS = (
    request("/unread?a=1&b", "X-Name: value", "User-Agent: a b/1", "Referer: http://c/"),
    request("/pieces", "Authorization: Basic c29tZWJvZHk6c2VjcmV0"),
    request("/pieces", "Authorization: Basic ???"),
    request("/unread", method="HEAD"),
    request("/pieces", method="HEAD"),
    request("/echo", "Content-Type: a/b", method="POST", body=b"12345"),
    request("/written"),
    request("/empty"),
    request("/a%20b%C3%BC%22%0a", 'X-Name: "quoted\\"\xe9'),
    request("/breaks"),
    request("/raises"),
    request("/bad-field"),
    request("/unread", "X-Name: a", "X-Name: b"),
    b"GET /unread HTTP/1.0\r\nX-Name: old\r\n\r\n",
    b"GET /unread HTTP/1.1\r\nHost: a\r\nX-Name: a\r\n folded\r\n\r\n",
)


def lines(gateway: Gateway, marks: str) -> list[str]:
    """Return the lines of the log that `marks` (a regular expression) finds."""
    found = []
    for line in gateway.log().splitlines():
        if re.search(marks, line):
            for varying, instead in _VARYING:
                line = varying.sub(instead, line)
            found.append(line)
    return found


def compare_logs(both: Pair, marks: str, *requests: bytes) -> list[str]:
    """Send requests to both workers; return the lines that they log, which must be the same."""
    before = {gateway: len(lines(gateway, marks)) for gateway in (both.stock, both.ours)}
    for data in requests:
        both.exchange(data)
    both.exchange(request("/last", "User-Agent: the last"))

    def logged(gateway: Gateway) -> list[str]:
        found = lines(gateway, marks)[before[gateway] :]
        return found if found and "/last" in found[-1] else []

    return both.logged(logged)


def test_the_access_log_has_gunicorns_own_lines() -> None:
    with pair("--access-logfile", "-") as both:
        found = compare_logs(both, '" [1-5]\\d\\d ', *REQUESTS)
    assert len(found) == len(REQUESTS)  # a folded head is not logged, the last request is
    assert found[0] == (
        '127.0.0.1 - - [time] "GET /unread?a=1&b HTTP/1.1" 200 6 "http://c/" "a b/1"'
    )
    assert found[1].startswith("127.0.0.1 - somebody [time]")


def test_every_atom_of_the_access_log_is_gunicorns() -> None:
    with pair(files=f"accesslog = '-'\naccess_log_format = {ATOMS!r}\n") as both:
        found = compare_logs(both, "^LOG", *REQUESTS)
    assert len(found) == len(REQUESTS)  # a folded head is not logged, the last request is
    assert "i=value,site.test,-,-,- o=6,text/plain,-,- e=value,http,a=1&b,-" in found[0]
    assert "T= D= M= L= p=" in found[0]


@pytest.fixture(scope="module")
def hooked() -> Iterator[Pair]:
    """Both workers with hooks that tell the order of things and what they are given."""
    with pair(files=HOOKS) as started:
        yield started


HOOKS = """
accesslog = "-"
access_log_format = "EVENT access %(U)s %(s)s"

def post_request(worker, req, environ, resp):
    told = [type(worker.cfg).__name__, worker.alive, req.method, req.uri, req.path, req.query,
            req.fragment, req.version, req.scheme, sorted(req.headers), list(req.trailers),
            req.remote_addr[0], req.peer_addr[0], req.proxy_protocol_info or None,
            req.should_close(), type(req.body).__name__, environ["PATH_INFO"],
            environ["wsgi.url_scheme"]]
    answer = [resp.status, sorted(resp.headers), resp.sent, resp.response_length, resp.chunked,
              resp.headers_sent, resp.upgrade, resp.should_close() if resp.status else None]
    worker.log.info("EVENT post_request %s %s", told, answer)
    if req.query == "raise":
        raise ValueError("EVENT in the hook")
"""


@pytest.mark.parametrize(
    "data",
    [
        request("/unread?a=1", "X-Name: value", "Content-Type: a/b"),
        request("/pieces", "Connection: close"),
        request("/unread", method="HEAD"),
        request("/echo", method="POST", body=b"12345"),
        request("/unread", method="POST", body=b"12345"),
        request("/no-file"),
        request("/empty"),
        request("/hop-by-hop"),
        request("/", "X-Forwarded-Proto: https"),
        b"GET /unread HTTP/1.0\r\n\r\n",
    ],
    ids=lambda data: repr(data[:60]),
)
def test_a_hook_behind_requests_is_given_the_same(hooked: Pair, data: bytes) -> None:
    found = compare_logs(hooked, "EVENT", data, data + data)
    assert len([line for line in found if "post_request" in line]) >= 3


def test_the_bytes_of_a_file_are_counted() -> None:
    # gunicorn's own worker counts none of those that it sends with sendfile.
    with serving(files="accesslog = '-'\naccess_log_format = 'LOG %(U)s %(B)s'\n") as gateway:
        exchange(gateway, request("/file"))
        assert lines(gateway, "LOG /file") == ["LOG /file 2000000"]


def test_a_hook_that_raises_is_logged_and_no_more(hooked: Pair) -> None:
    found = compare_logs(hooked, "EVENT|post_request hook", request("/unread?raise") * 2)
    assert found.count("[ERROR] Exception in post_request hook") == 2
    assert hooked.exchange(request("/unread?raise") * 2).count(b"200 OK") == 2


def test_events_of_a_request_that_fails_come_in_the_same_order(hooked: Pair) -> None:
    failing = (request("/breaks"), request("/written"), request("/lists"))
    compare_logs(hooked, "EVENT|Error handling", *failing)


def test_a_hook_before_requests_may_refuse_them() -> None:
    files = """
def pre_request(worker, req):
    worker.log.info("EVENT pre_request %s %s", type(req).__name__, req.uri)
    if req.query == "refuse":
        raise ValueError("EVENT refused")

def post_request(worker, req, environ, resp):
    worker.log.info("EVENT post_request %s %s %s", req.uri, sorted(environ)[:1], resp and 1)
"""
    with pair(files=files) as both:
        assert both.exchange(request("/unread?refuse")).startswith(b"HTTP/1.1 500 ")
        found = compare_logs(both, "EVENT", request("/unread?refuse"), request("/unread"))
    assert "EVENT pre_request Request /unread?refuse" in found[0]


def test_a_logger_of_ones_own_sees_every_request() -> None:
    files = """
from gunicorn.glogging import Logger

class Own(Logger):
    def access(self, resp, req, environ, request_time):
        self.info("OWN %s %s %s", req.method, req.uri, resp.status)

logger_class = Own
"""
    with pair(files=files) as both:
        both.exchange(request("/unread?x"))
        assert lines(both.stock, "OWN") == ["[INFO] OWN GET /unread?x 200 OK"]
        assert lines(both.ours, "OWN") == lines(both.stock, "OWN")


def test_at_level_debug_each_request_is_a_line() -> None:
    with pair("--log-level", "debug") as both:
        both.exchange(request("/unread?x"))
        assert lines(both.stock, "/unread") == ["[DEBUG] GET /unread"]
        assert lines(both.ours, "/unread") == lines(both.stock, "/unread")


def test_what_an_application_changes_is_logged_as_ever() -> None:
    files = f"accesslog = '-'\naccess_log_format = {ATOMS!r}\n" + (
        "def post_request(worker, req, environ, resp):\n"
        "    worker.log.info('LOG %s %s %s', req.method, req.uri, sorted(req.headers))\n"
    )
    with pair(files=files) as both:
        changed = request("/changed?q", "X-Name: value", "User-Agent: agent")
        found = compare_logs(both, "LOG", changed)
    assert "i=value," in found[0] and "e=another," in found[0]


def test_statsd_gets_the_same_metrics() -> None:
    requests = (request("/unread"), request("/raises"), request("/pieces") * 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(BOUND)
        counted = [metrics(statsd, worker, *requests) for worker in (STOCK, OURS)]
    assert counted[0] == counted[1]
    assert counted[0].count("test.gunicorn.request.status.200:1|c|@1.0") == 3
    assert counted[0].count("test.gunicorn.request.status.500:1|c|@1.0") == 1
    assert counted[0].count("test.gunicorn.request.duration:|ms") == 5


def metrics(statsd: socket.socket, worker: str, *requests: bytes) -> list[str]:
    """Return what a worker says about requests, up to a last one."""
    host = f"127.0.0.1:{statsd.getsockname()[1]}"
    found: list[str] = []
    with serving("--statsd-host", host, "--statsd-prefix", "test", worker=worker) as gateway:
        for data in (*requests, request("/empty")):
            exchange(gateway, data)
        while not found or ".status.204:" not in found[-1]:
            metric = statsd.recv(1000).decode()
            if "gunicorn.request" in metric:
                found.append(re.sub(r"duration:[\d.e-]+\|", "duration:|", metric))
    return found


def test_logs_may_be_rotated() -> None:
    with pair("--error-log", "errors.log") as both:
        for gateway in (both.stock, both.ours):
            assert ask(gateway, request("/complains")).body == b"complained"
            log = gateway.directory / "errors.log"
            log.rename(gateway.directory / "errors.old")
            os.kill(gateway.pid, signal.SIGUSR1)
            wait_until(log.exists, gateway)
            told = wait_until(partial(complaint, gateway, log), gateway)
            assert told == "the application complains\n"


def complaint(gateway: Gateway, log: Path) -> str:
    """Complain once more: the arbiter makes the new file before the worker hears."""
    ask(gateway, request("/complains"))
    return log.read_text()
