"""What is told about the member that served: to it, to the client and to the access log."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.balancer.pools import Site
from tests.proxy.steps import answer
from wsgi_scgi.balancer.sticky import CookieAttributes, Session, Signature
from wsgi_scgi.errors import ConnectError, TruncatedResponse
from wsgi_scgi.proxy.upstream import (
    ADDRESS,
    ATTEMPTS,
    CONNECT_TIME,
    HEADER_TIME,
    RESPONSE_TIME,
    StickyCookie,
    Upstream,
    balancer_variables,
)


def exchange(sent: int = 0, received: int = 0, failure: object = None) -> Any:
    """Return what a record looks at of an exchange that has ended."""
    return SimpleNamespace(sent=sent, received=received, failure=failure)


def test_the_attempts_at_a_request_are_told_in_order() -> None:
    site = Site("", "")
    environ: dict[str, Any] = {}
    first = site.lease_of("b")
    site.clock.now += 0.25
    first.failed(ConnectError("refused"))
    Upstream(environ, first).close()
    assert environ == {ADDRESS: "scgi://b", ATTEMPTS: 1, RESPONSE_TIME: 0.25}

    second = site.lease_of("a")
    record = Upstream(environ, second)
    record.exchange = exchange(120, 3000)
    site.clock.now += 0.5
    second.connected()
    site.clock.now += 0.5
    second.answered(200)
    site.clock.now += 1
    record.close()

    assert environ == {
        ADDRESS: "scgi://b, scgi://a",
        ATTEMPTS: 2,
        CONNECT_TIME: 0.5,
        HEADER_TIME: 1.0,
        RESPONSE_TIME: 2.0,
    }
    assert (site.pool.totals("sent")[0], site.pool.totals("received")[0]) == (120, 3000)
    assert site.busy() == [0, 0]
    assert record.exchange is None


def test_times_of_an_earlier_attempt_are_not_those_of_a_later_one() -> None:
    site = Site("", "")
    environ: dict[str, Any] = {}
    first = site.lease_of("a")
    first.connected()
    first.answered(404)
    Upstream(environ, first).close()
    Upstream(environ, site.lease_of("b")).close()
    assert environ.keys() == {ADDRESS, ATTEMPTS, RESPONSE_TIME}


def test_a_body_that_the_backend_breaks_off_is_its_fault() -> None:
    site = Site("", "")
    for _ in range(3):
        lease = site.lease_of("a")
        lease.connected()
        lease.answered(200)
        record = Upstream({}, lease)
        record.exchange = exchange(failure=TruncatedResponse("cut"))
        record.close()
    assert site.letters("a") == "E"
    assert site.pool.totals("failed") == [3, 0]


@pytest.mark.parametrize(
    ("sticky", "session", "expected"),
    [
        ("", None, {}),
        ("sid", None, {"BALANCER_ROUTE_CHANGED": "1"}),
        (
            "sid",
            Session("sid", "ra"),
            {"BALANCER_SESSION_STICKY": "sid", "BALANCER_SESSION_ROUTE": "ra"},
        ),
        (
            "sid",
            Session("SID", "rb"),
            {
                "BALANCER_SESSION_STICKY": "SID",
                "BALANCER_SESSION_ROUTE": "rb",
                "BALANCER_ROUTE_CHANGED": "1",
            },
        ),
    ],
)
def test_the_member_is_told_why_it_was_chosen(
    sticky: str, session: Session | None, expected: dict[str, str]
) -> None:
    # T171
    site = Site("", "", sticky=sticky)
    member = site.balancer.members()[0]
    assert balancer_variables(site.balancer, member, session) == {
        "BALANCER_NAME": "balancer://pool",
        "BALANCER_WORKER_NAME": "scgi://a",
        "BALANCER_WORKER_ROUTE": "ra",
        **expected,
    }


def test_a_cookie_leads_back_unless_the_client_has_come_by_it() -> None:
    signature = Signature("secret")
    cookie = StickyCookie("sid", signature, CookieAttributes())
    member = Site("").balancer.members()[0]
    value = f"sid={signature.sign('ra')}; Path=/; HttpOnly; SameSite=Lax"
    for session in (None, Session("sid", "rb")):
        response = answer()
        cookie.add_to(response, session, member)
        assert response.fields == [("Set-Cookie", value)]
    response = answer()
    cookie.add_to(response, Session("sid", "ra"), member)
    assert response.fields == []


def test_a_member_without_a_route_sets_no_cookie() -> None:
    site = Site("")
    site.pool.set_text(0, site.pool.text(0).__class__("scgi://a"))
    site.pool.bump()
    response = answer()
    cookie = StickyCookie("sid", Signature("secret"), CookieAttributes())
    cookie.add_to(response, None, site.balancer.members()[0])
    assert response.fields == []
