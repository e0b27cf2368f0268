"""The manager while three workers serve: what is changed holds everywhere at once, or nowhere."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from tests.integration.balancer.asking import Answer, ask
from tests.integration.balancer.conftest import NewMember, Start
from tests.integration.balancer.members import Member
from tests.integration.balancer.sites import ADMIN, TOKEN, Lines, Site


def order(action: str, member: Member, **more: Any) -> dict[str, Any]:
    return {"action": action, "balancer": "pool", "member": member.url, **more}


def seen_by_all(site: Site) -> list[dict[str, str]]:
    """Return the states of the members as each worker shows them."""
    seen = []
    for number in range(3):
        with site.workers.only(number):
            seen.append(site.states())
    return seen


def test_every_worker_knows_a_change_at_once_and_after_a_reload(
    start: Start, abc: list[Member]
) -> None:
    a, b, c = abc
    site = start(abc, Lines(rest=ADMIN))
    for action, letters in (("drain", "N"), ("disable", "DN"), ("enable", "")):
        with site.workers.only(0):
            assert site.manage("POST", "change", order(action, a)).status == 200
        assert seen_by_all(site) == [{"a": letters, "b": "", "c": ""}] * 3
    site.manage("POST", "change", order("drain", a))
    site.reload()
    assert seen_by_all(site) == [{"a": "N", "b": "", "c": ""}] * 3
    site.manage("POST", "change", order("enable", a))
    site.manage("POST", "change", order("stop", b))
    site.manage("POST", "change", order("disable", c))
    for number in range(3):
        with site.workers.only(number):
            assert [site.get(), site.get()] == ["a", "a"]


def test_weights_and_methods_change_while_requests_come(start: Start, abc: list[Member]) -> None:
    site = start(abc[:2], Lines(rest=ADMIN))
    assert [site.get() for _ in range(4)] == ["a", "b", "a", "b"]
    assert site.manage("POST", "change", order("weigh", abc[0], weight=3)).status == 200
    served = [site.get() for _ in range(8)]
    assert (served.count("a"), served.count("b")) == (6, 2)
    change = {"action": "method", "balancer": "pool", "method": "leastconn"}
    assert site.manage("POST", "change", change).status == 200
    answer = site.manage("GET", "status.json")
    assert answer.response is not None
    assert json.loads(answer.response.body)["balancers"][0]["method"] == "leastconn"


def test_members_are_added_once_and_disabled_at_first(
    start: Start, abc: list[Member], new_member: NewMember
) -> None:
    added = new_member("d")
    site = start(abc[:1], Lines(rest=ADMIN))
    assert site.manage("POST", "change", order("add", added, route="d")).status == 200
    assert site.manage("POST", "change", order("add", added)).status == 400
    assert seen_by_all(site) == [{"a": "", "d": "D"}] * 3
    assert [site.get() for _ in range(2)] == ["a", "a"]
    assert site.manage("POST", "change", order("enable", added)).status == 200
    assert sorted(site.get() for _ in range(4)) == ["a", "a", "d", "d"]
    assert site.manage("POST", "change", order("remove", abc[0])).status == 200
    assert [site.get() for _ in range(3)] == ["d"] * 3
    assert seen_by_all(site) == [{"d": ""}] * 3


def _form(site: Site, *fields: str, user: str = "Basic") -> Answer:
    """Send the form of a browser that knows the password."""
    text = urlencode({"action": "disable", "balancer": "pool", "member": "-", "form": "x"})
    media_type = "Content-Type: application/x-www-form-urlencoded"
    return ask(
        site.gateway.address,
        "POST",
        "/_gateway/change",
        fields=[f"Authorization: {user}", media_type, *fields],
        body=text.encode(),
    )


BROWSER = "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()


def test_nobody_else_changes_anything(start: Start, abc: list[Member]) -> None:
    site = start(abc, Lines(rest=ADMIN, workers=1))
    refused = {
        "no token": _form(site, user="").status,
        "a wrong token": _form(site, user="Bearer x").status,
        "a form of no page": _form(site, user=BROWSER).status,
        "a foreign page": _form(site, "Origin: http://evil.test", user=BROWSER).status,
        "another site": _form(site, "Sec-Fetch-Site: cross-site", user=BROWSER).status,
        "GET": site.manage("GET", "change?action=disable&balancer=pool").status,
    }
    assert refused == {
        "no token": 401,
        "a wrong token": 401,
        "a form of no page": 403,
        "a foreign page": 403,
        "another site": 403,
        "GET": 405,
    }
    assert site.states() == {"a": "", "b": "", "c": ""}
    # Nor is a member asked for what is about the gateway itself.
    assert site.ask("OPTIONS", "*").status == 200
    assert site.ask("TRACE").status == 405
    assert site.ask("CONNECT", "localhost:1").status == 405
    assert [member.requests for member in abc] == [[], [], []]
