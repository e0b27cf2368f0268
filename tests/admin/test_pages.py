"""The pages: everything escaped, each form with what it needs, numbers for people."""

import pytest

from tests.admin.balancers import make_balancer
from tests.admin.visiting import Page
from wsgi_scgi.admin.pages import STATIC, member_page, static_file, status_page
from wsgi_scgi.admin.view import view
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.scoreboard.status import Status

VALUE = "v" * 32


def status(*balancers: Balancer, error: str = "") -> Page:
    return Page(status_page(view(balancers), VALUE, error))


def member(balancer: Balancer, slot: int = 0) -> Page:
    (picture,) = view([balancer])
    return Page(member_page(picture, picture.members[slot], VALUE))


HOSTILE = "scgi://a/<script>alert(1)</script>\"'&amp;"


def test_what_others_wrote_is_text() -> None:
    balancer = make_balancer(urls=[HOSTILE])
    lone = make_balancer(HOSTILE, [HOSTILE], is_named=False)
    for page in (status(balancer, lone, error=HOSTILE), member(balancer)):
        assert HOSTILE in page.text
        assert page.all("script") in ([], [{"src": "status.js", "defer": None}])
        assert page.forms[0].values["member"] == HOSTILE


@pytest.mark.parametrize("name", ["status", "member"])
def test_nothing_is_inline(name: str) -> None:
    balancer = make_balancer()
    page = status(balancer) if name == "status" else member(balancer)
    assert not any(
        attribute == "style" or attribute.startswith("on")
        for _, attributes in page.elements
        for attribute in attributes
    )
    assert "style" not in {tag for tag, _ in page.elements}
    places = [attributes.get(name) for _, attributes in page.elements for name in ("href", "src")]
    # Relative, so that it does not matter where a proxy has put the pages.
    assert not any((place or "").startswith(("/", "http")) for place in places)


def test_every_form_proves_where_it_is_from() -> None:
    balancer = make_balancer()
    for page in (status(balancer), member(balancer)):
        assert page.forms
        for form in page.forms:
            assert form.values["form"] == VALUE and form.values["balancer"] == "app"
            assert form.actions
        sent = {(form["method"], form["action"]) for form in page.all("form")}
        assert sent == {("post", "change")}


def test_buttons_are_those_that_change_something() -> None:
    balancer = make_balancer()
    balancer.pool.status[1] |= Status.DISABLED
    first, second, *_ = status(balancer).forms
    assert (first.values["member"], first.actions) == ("scgi://a", ["drain", "disable"])
    assert (second.values["member"], second.actions) == ("scgi://b", ["enable"])


def test_a_backend_without_a_balancer_has_nothing_to_change() -> None:
    page = status(make_balancer("scgi://x", ["scgi://x"], is_named=False))
    assert page.forms == [] and "scgi://x" in page.text


def test_the_settings_are_filled_in_with_what_the_member_has() -> None:
    balancer = make_balancer()
    balancer.pool.weight[0], balancer.pool.lbset[0] = 250, 3
    balancer.pool.status[0] |= Status.HOT_STANDBY
    (settings,) = (form for form in member(balancer).forms if form.actions == ["set"])
    assert settings.values == {
        "form": VALUE,
        "balancer": "app",
        "member": "scgi://a",
        "weight": "2.5",
        "route": "0",
        "redirect": "",
        "lbset": "3",
        "max_connections": "0",
        "ignore_errors": "no",
        "spare": "no",
        "standby": "yes",
    }


def test_charts_have_words() -> None:
    balancer = make_balancer()
    for passed in (True, True, False):
        balancer.health_result(0, passed, 0.002, passes=2, fails=3)
    balancer.pool.row.statuses[1][0] = balancer.pool.row.buckets[3][0] = 4
    page = status(balancer)
    labels = [str(chart["aria-label"]) for chart in page.all("svg")]
    assert labels[0].replace("\xa0", " ") == ("Response times: half ≤ 10 ms, 95 of 100 ≤ 10 ms")
    assert labels[1] == "2 of the last 3 checks passed"
    assert "5 ms to 10 ms: 4" in page.text
    strokes = [path["d"] for path in page.all("path")]
    assert strokes == ["M0 0h2v20h-2zM3 0h2v20h-2z", "M6 10h2v10h-2z"]


def test_states_are_told_by_words_and_letters() -> None:
    balancer = make_balancer()
    balancer.pool.status[0] |= Status.DRAIN
    page = status(balancer)
    assert "draining" in page.text and "ready" in page.text
    balancer.pool.status[1] |= Status.STOPPED
    balancer.pool.bump()
    assert "nobody can serve" in status(balancer).text


def test_large_numbers_are_readable() -> None:
    balancer = make_balancer(urls=["scgi://a"])
    row = balancer.pool.row
    row.elected[0], row.sent[0], row.received[0] = 1234567, 999, 5 * 2**40
    text = status(balancer).text
    assert "1,234,567" in text and "999 B" in text and "5 TiB" in text


def test_there_may_be_nothing_at_all() -> None:
    assert "No route has a backend." in status().text
    balancer = make_balancer(urls=["scgi://a"])
    with balancer.pool.lock:
        balancer.pool.remove(0)
        balancer.pool.bump()
    assert "There is no member." in status(balancer).text


def test_a_name_with_bytes_that_are_no_utf_8_can_be_shown() -> None:
    balancer = make_balancer(urls=["unix:/run/\udcff|scgi://x"])
    assert r"unix:/run/\udcff|scgi://x" in status(balancer).text


@pytest.mark.parametrize("name", STATIC)
def test_the_files_are_there(name: str) -> None:
    assert static_file(name)
