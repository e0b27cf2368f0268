"""The usual election: what it lends, and when it has to be held the long way."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.balancer.pools import NAMES, Site
from wsgi_scgi.balancer import lease, usual
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.lease import Lease
from wsgi_scgi.balancer.steering import Change, change_member, change_method
from wsgi_scgi.balancer.usual import UsualElections
from wsgi_scgi.compiled import TWINS
from wsgi_scgi.scoreboard.memory import Lock
from wsgi_scgi.scoreboard.status import Status


def lent(site: Site) -> str:
    """Return who is lent, nothing where the election is not a usual one."""
    found = site.balancer.usual.lend(site.balancer)
    return "" if found is None else NAMES[found.member.slot]


def test_turns_are_taken_as_in_an_election() -> None:
    site = Site("", "", "")
    assert lent(site) == ""  # nothing is known yet
    assert site.name() == "a"
    assert [lent(site) for _ in range(3)] == ["b", "c", "a"]
    assert site.names(2) == "bc"


def test_a_lease_counts_as_every_other() -> None:
    site = Site("", "")
    site.name()
    found = site.balancer.usual.lend(site.balancer)
    assert found is not None
    assert (found.started, found.is_probe, site.busy()) == (site.clock.now, False, [0, 1])
    found.release()
    assert site.busy() == [0, 0]


@pytest.mark.parametrize(
    "change",
    [
        lambda site: site.steer("a", on="D"),
        lambda site: site.steer("a", on="D") or site.steer("b", on="D"),
        lambda site: site.fail("a"),
        lambda site: change_member(site.balancer, 0, Change(weight=3)),
        lambda site: change_member(site.balancer, 0, Change(max_connections=3)),
        lambda site: change_method(site.balancer, "leastconn"),
    ],
)
def test_after_a_change_the_next_election_is_no_usual_one(change: Callable[[Site], object]) -> None:
    site = Site("", "", "")
    site.name()
    assert lent(site)
    change(site)
    assert lent(site) == ""


@pytest.mark.parametrize(
    ("change", "is_usual"),
    [
        (lambda site: change_member(site.balancer, 0, Change(weight=3)), True),
        (lambda site: site.steer("a", on="D"), True),
        (lambda site: change_member(site.balancer, 0, Change(max_connections=3)), False),
        (lambda site: change_method(site.balancer, "leastconn"), False),
        # An error that is ignored goes with the next good answer.
        (lambda site: site.steer("a", on="I") or site.balancer.rests.begin(0), False),
    ],
)
def test_further_ones_are_as_far_as_nothing_but_turns_matters(
    change: Callable[[Site], object], is_usual: bool
) -> None:
    site = Site("", "", "")
    change(site)
    site.name()
    assert bool(lent(site)) is is_usual


def test_a_member_after_its_rest_is_probed_the_long_way() -> None:
    site = Site("", "")
    site.fail("a")
    site.name()
    assert lent(site) == "b"
    site.clock.now += 5
    assert lent(site) == ""
    lease = site.elect()
    assert (NAMES[lease.member.slot], lease.is_probe) == ("a", True)


def test_nobody_is_lent_where_nobody_may_serve() -> None:
    site = Site("E", "E")
    site.pool.rest_until[0] = site.pool.rest_until[1] = site.clock.now + 5
    assert site.name() == "a"  # the last resort
    assert lent(site) == ""


def test_a_lone_member_is_lent_without_a_turn() -> None:
    site = Site("")
    site.name()
    assert [lent(site) for _ in range(3)] == ["a", "a", "a"]
    assert site.pool.lbstatus[0] == 0
    site.steer("a", on="D")
    assert lent(site) == ""


def test_what_changes_while_the_lock_is_waited_for_is_seen() -> None:
    site = Site("", "", "")
    site.name()

    class Waiting:
        """The lock, which another has held in the meantime."""

        def __enter__(self) -> None:
            site.pool.bump()

        def __exit__(self, *_: object) -> None:
            pass

    site.pool.lock = Waiting()  # type: ignore[assignment]  # as much of a lock as is called
    site.balancer.usual = UsualElections(site.pool, site.clock)
    site.balancer.usual.prepare(
        candidates(site.pool, site.clock.now), {one.slot: one for one in site.balancer.members()}
    )
    assert lent(site) == ""


def test_without_a_compiled_lock_elections_are_held_the_long_way() -> None:
    site = Site("", "")
    reference = TWINS["Lock"].reference
    assert isinstance(site.pool.lock, Lock)
    site.pool.lock = reference(-1, 0)  # type: ignore[assignment]  # the form of PURE
    site.balancer.usual = UsualElections(site.pool, site.clock)
    assert site.names(4) == "abab"


def references(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    """Let a balancer have the Python of leases and usual elections, whatever is compiled."""
    for module in (lease, usual):
        monkeypatch.setattr(module, "Lease", TWINS["Lease"].reference)
    monkeypatch.setattr("wsgi_scgi.balancer.balancer.Lease", TWINS["Lease"].reference)
    made: Any = TWINS["UsualElections"].reference(site.pool, site.clock)
    site.balancer.usual = made


def test_both_forms_lend_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    if TWINS["UsualElections"].compiled is None:
        pytest.skip(TWINS["UsualElections"].missing)
    outcomes = []
    for is_reference in (False, True):
        chance = random.Random(5)
        site = Site("", "H", "R", "", rest=None, slow_start=20)
        if is_reference:
            references(monkeypatch, site)
        outcomes.append([_step(site, chance) for _ in range(3000)])
        assert site.busy() == [0] * 4
    assert outcomes[0] == outcomes[1]


def _step(site: Site, chance: random.Random) -> object:
    """Do something; return who was lent, and what is known of turns then."""
    site.clock.now += chance.random()
    match chance.randrange(30):
        case 0:
            site.steer(chance.choice("abcd"), on=chance.choice("DNI"))
        case 1 | 2:
            site.steer(chance.choice("abcd"), off="DNI")
        case 3:
            change_member(site.balancer, chance.randrange(4), Change(weight=chance.choice((1, 5))))
        case 4:
            site.pool.bump()
            site.pool.status[chance.randrange(4)] |= Status.ERROR
    found: Lease | None = site.balancer.usual.lend(site.balancer)
    who = None if found is None else found.member.slot
    if found is not None:
        found.connected()
        site.clock.now += chance.random()
        found.answered(chance.choice((200, 404, 503)))
        found.release(3, 4)
    elected = _elected(site) if chance.randrange(3) == 0 else ""
    return who, elected, site.pool.lbstatus.tolist(), site.pool.totals("elected")


def _elected(site: Site) -> str:
    try:
        return site.name()
    except Exception as error:
        return str(error)
