"""The handler below ``[admin] path``, called as a server calls it."""

import logging

import pytest

from tests.admin.balancers import letters, make_application
from tests.admin.visiting import BASIC, BEARER, Visitor
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.scoreboard.status import Status

PAGES = ("", "member?balancer=app&member=scgi%3A%2F%2Fa", "status.json", "metrics", "style.css")


# Who is let in, and to what.


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("credentials", [BEARER, BASIC], ids=["bearer", "basic"])
def test_the_token_opens_every_page(
    stranger: Visitor, page: str, credentials: dict[str, str]
) -> None:
    answer = stranger.ask(f"/_gateway/{page}", **credentials)
    assert answer.status == 200 and answer.body
    head = stranger.ask(f"/_gateway/{page}", "HEAD", **credentials)
    assert (head.status, head.body) == (200, b"")
    assert head["Content-Length"] == answer["Content-Length"]


@pytest.mark.parametrize("page", [*PAGES, "change", "nothing", "../_gateway/", "%6detrics"])
def test_a_stranger_learns_nothing(stranger: Visitor, page: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
        answer = stranger.ask(f"/_gateway/{page}", method)
        assert answer.status == 401
        assert answer.body == (b"" if method == "HEAD" else b"A token is needed.\n")
        challenges = answer.all("WWW-Authenticate")
        assert [challenge.split()[0] for challenge in challenges] == ["Bearer", "Basic"]


def test_without_a_token_nobody_is_asked_for_one(balancer: Balancer) -> None:
    visitor = Visitor(make_application(balancer, token="", users=["me"]))
    refused = visitor.ask("/_gateway/", **BEARER)
    assert refused.status == 403 and refused.all("WWW-Authenticate") == []
    assert visitor.ask("/_gateway/", HTTP_REMOTE_USER="me").status == 403
    assert visitor.ask("/_gateway/", REMOTE_USER="you").status == 403
    assert visitor.ask("/_gateway/", REMOTE_USER="me").status == 200


def test_who_is_refused_is_logged_without_the_token(
    stranger: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    stranger.ask("/_gateway/")
    assert caplog.messages == []  # as a browser asks first
    stranger.ask("/_gateway/", HTTP_AUTHORIZATION="Bearer wrong", REMOTE_ADDR="192.0.2.1")
    stranger.ask("/_gateway/", REMOTE_USER="eve\n", REMOTE_ADDR="")
    assert caplog.messages == [
        "[admin] lets nobody in with a wrong token, from 192.0.2.1",
        r"[admin] lets nobody in with the user eve\n, from a Unix socket",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_the_probes_are_open_and_tell_one_word(stranger: Visitor, balancer: Balancer) -> None:
    assert stranger.ask("/_gateway/healthz").body == b"ok\n"
    assert stranger.ask("/_gateway/readyz").body == b"ready\n"
    for slot in range(2):
        balancer.pool.status[slot] |= Status.DISABLED
    balancer.pool.bump()
    assert stranger.ask("/_gateway/healthz").body == b"ok\n"
    answer = stranger.ask("/_gateway/readyz")
    assert (answer.status, answer.body) == (503, b"not ready\n")
    head = stranger.ask("/_gateway/readyz", "HEAD")
    assert (head.status, head.body, head["Content-Length"]) == (503, b"", "10")


@pytest.mark.parametrize("page", [*PAGES, "healthz", "readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_pages_are_only_read(program: Visitor, page: str, method: str) -> None:
    answer = program.ask(f"/_gateway/{page}", method)
    assert (answer.status, answer["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_change_is_only_posted(program: Visitor, balancer: Balancer, method: str) -> None:
    answer = program.ask("/_gateway/change?action=drain&balancer=app&member=scgi://a", method)
    assert (answer.status, answer["Allow"]) == (405, "POST")
    assert letters(balancer) == ""


@pytest.mark.parametrize(
    "page",
    [
        "nothing",
        "/",
        "/metrics",
        "style.css/",
        "Metrics",
        "status.html",
        "templates/status.html",
        "static/style.css",
        "..%2faccess.py",
        "member",
        "member?balancer=app",
        "member?balancer=app&member=x",
        "member?balancer=x&member=scgi://a",
        "member?a=1&b=2&c=3&balancer=app",
    ],
)
def test_there_is_nothing_else(program: Visitor, page: str) -> None:
    answer = program.ask(f"/_gateway/{page}")
    # What goes up by dots has left these pages.
    assert (answer.status, answer.body[:5]) == (
        (200, b"inner") if page.startswith("..") else (404, b"<!doc")
    )


@pytest.mark.parametrize("page", [*PAGES, "healthz", "change"])
@pytest.mark.parametrize("credentials", [{}, BEARER], ids=["stranger", "program"])
def test_browsers_are_kept_in_bounds(
    stranger: Visitor, page: str, credentials: dict[str, str]
) -> None:
    answer = stranger.ask(f"/_gateway/{page}", **credentials)
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "form-action 'self'" in policy


@pytest.mark.parametrize(
    "path",
    ["/", "/_gatewayx", "/_gatewa/", "/x/_gateway/", "/_GATEWAY/", "/_gateway/.."],
)
def test_what_is_elsewhere_goes_on(stranger: Visitor, path: str) -> None:
    assert stranger.ask(path).body == b"inner"


@pytest.mark.parametrize(
    "path", ["//_gateway/", "//_gateway/status.json", "/%2F/_gateway//metrics"]
)
def test_more_slashes_are_no_way_around(stranger: Visitor, program: Visitor, path: str) -> None:
    assert stranger.ask(path).status == 401
    assert program.ask(path).status == 404


@pytest.mark.parametrize("path", ["/_gateway", "//_gateway", "/x/../_gateway", "/%5Fgateway"])
def test_the_last_slash_is_added(stranger: Visitor, path: str) -> None:
    answer = stranger.ask(path)
    assert (answer.status, answer["Location"]) == (303, "./_gateway/")


def test_the_path_may_be_deeper_and_below_a_hostile_mount(balancer: Balancer) -> None:
    visitor = Visitor(
        make_application(balancer, path="/a/b/"),
        RAW_URI=None,
        SCRIPT_NAME="//evil.example/;x\r\nSet-Cookie: a=b",
    )
    answer = visitor.ask("/a/b")
    assert (answer.status, answer["Location"]) == (303, "./b/")
    answer = visitor.ask("/a/b/", **BEARER)
    assert answer.status == 200
    assert not any("\n" in value or "evil" in value for _, value in answer.fields)


# What is seen.


def test_the_status_is_json(program: Visitor, balancer: Balancer) -> None:
    balancer.pool.status[1] |= Status.DRAIN
    (seen,) = program.ask("/_gateway/status.json").json["balancers"]
    assert (seen["name"], seen["method"], seen["is_ready"]) == ("app", "byrequests", True)
    first, second = seen["members"]
    assert (first["url"], first["state"], second["state"]) == ("scgi://a", "ok", "draining")
    assert (second["status"], second["is_usable"]) == ("N", False)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("*/*", "text/plain"), ("application/openmetrics-text;version=1.0.0", "application/openm")],
)
def test_the_metrics_have_a_format_that_is_asked_for(
    program: Visitor, accept: str, media_type: str
) -> None:
    answer = program.ask("/_gateway/metrics", HTTP_ACCEPT=accept)
    assert answer["Content-Type"].startswith(media_type)
    assert b'wsgi_scgi_requests_total{balancer="app",member="scgi://a"} 0.0' in answer.body
