"""Run the table: all of it through ours, a part through other servers, and once through the peers.

What a peer does is information; that the harness obtains it is asserted, because a table whose
other columns are wrong would teach the wrong thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.conformance.case import DEFAULT_REPLY, Case, judge
from tests.conformance.fronts import (
    IMPOSSIBLE,
    OURS,
    PEERS,
    SERVERS,
    Front,
    Start,
    cases_of,
    installed_peers,
    require_peer,
    started,
)
from tests.conformance.run import in_short
from tests.conformance.site import FORWARDING, SITES, Site
from tests.conformance.verdicts import OUR_BOUND, Verdict, verdicts_of, verdicts_of_all
from tests.kit.backend import Script
from tests.kit.script import Drip, ReadBody, ReadHead, Reply, play

# All of a site, then the next: one gateway at a time has work to do.
_ROWS = [(site, case) for site in SITES for case in site.cases]
_SMOKE = [case for case in FORWARDING.cases if case.smoke]
# So many pauses of a machine in a row, each in the wrong moment, are none.
_TRIES = 5


def _says_all_at_once(script: Script) -> bool:
    """Tell whether a backend says all that it says at once, and not too much of it."""
    return isinstance(script, Reply) and script is not DEFAULT_REPLY and len(script.data) < 1000


_SPLIT = [case for case in FORWARDING.cases if all(map(_says_all_at_once, case.scripts))]


class Fronts:
    """One of our gateways, started for a site when that is first asked for."""

    def __init__(self, start: Start, stack: ExitStack) -> None:
        self._start = start
        self._stack = stack
        self._started: dict[str, Front] = {}

    def at(self, site: Site) -> Front:
        """Return the gateway that runs for ``site``."""
        if site.name not in self._started:
            self._started[site.name] = self._stack.enter_context(started(self._start, site))
        return self._started[site.name]


@pytest.fixture(scope="module", params=OURS)
def ours(request: pytest.FixtureRequest) -> Iterator[Fronts]:
    """The gateway as a user runs it, in one of gunicorn's workers."""
    with ExitStack() as stack:
        yield Fronts(OURS[request.param], stack)


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Front]]:
    """The application in another WSGI server, with the name of that server."""
    with started(SERVERS[request.param], FORWARDING) as front:
        yield request.param, front


@pytest.fixture(scope="module")
def peer_verdicts() -> dict[str, dict[str, Verdict]]:
    """What each installed peer did in each case."""
    return verdicts_of_all({name: PEERS[name] for name in installed_peers()}, ours=())


def _assert_as_demanded(front: Front, case: Case) -> None:
    wrong: list[str] = []
    for _ in range(_TRIES if case.timed else 1):
        log_before = len(front.gateway.log())
        outcome = front.run(case, bound=OUR_BOUND)
        wrong = judge(case, outcome, ours=True)
        if not wrong:
            return
        wrong += [f"seen: {in_short(case, outcome)}", front.gateway.log()[log_before:]]
    raise AssertionError("\n".join(wrong))


@pytest.mark.parametrize(("site", "case"), _ROWS, ids=[case.name for _, case in _ROWS])
def test_our_gateway_does_what_the_case_demands(ours: Fronts, site: Site, case: Case) -> None:
    _assert_as_demanded(ours.at(site), case)


def _bytewise(script: Script) -> Script:
    """Return the script with its answer sent byte by byte."""
    assert isinstance(script, Reply)
    return play(ReadHead(), ReadBody(), Drip(script.data, pause=0.0002, may_be_cut=True))


@pytest.mark.parametrize("case", _SPLIT, ids=[case.name for case in _SPLIT])
def test_our_gateway_does_so_if_the_answer_comes_byte_by_byte(ours: Fronts, case: Case) -> None:
    slow = replace(case, backend=[_bytewise(script) for script in case.scripts])
    _assert_as_demanded(ours.at(FORWARDING), slow)


@pytest.mark.parametrize("case", _SMOKE, ids=[case.name for case in _SMOKE])
def test_the_application_does_so_in_other_servers(server: tuple[str, Front], case: Case) -> None:
    name, front = server
    reason = IMPOSSIBLE.get(name, {}).get(case.name)
    if reason is None:
        _assert_as_demanded(front, case)
        return
    outcome = front.run(case, bound=OUR_BOUND)
    assert judge(case, outcome, ours=True), f"this is possible by now: {reason}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("peer", PEERS)
def test_every_installed_peer_gives_a_verdict_on_every_case(
    peer: str, peer_verdicts: dict[str, dict[str, Verdict]]
) -> None:
    require_peer(peer)
    verdicts = peer_verdicts[peer]
    asked = [case.name for site in SITES for case in cases_of(peer, site)]
    assert list(verdicts) == asked
    assert all(verdict.in_short for verdict in verdicts.values())
    fine = [name for name, verdict in verdicts.items() if not verdict.wrong]
    # Peers agree with us on most plain matters: far fewer would mean a broken harness.
    assert len(fine) > len(asked) / 3, f"{peer} is as demanded in {fine} only"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("peer", PEERS)
def test_whatever_a_peer_does_otherwise_has_its_reason(
    peer: str, peer_verdicts: dict[str, dict[str, Verdict]]
) -> None:
    require_peer(peer)
    reasons = {case.name: case.differs for _, case in _ROWS}
    unexplained = {
        name: (verdict.wrong, verdict.in_short)
        for name, verdict in peer_verdicts[peer].items()
        if verdict.wrong and not reasons[name]
    }
    # A peer may have been late for want of a core, and lighttpd then leaves its backend alone: once
    # more, each case by itself.
    doubtful = [
        (site, case) for site in SITES for case in cases_of(peer, site) if case.name in unexplained
    ]
    for site, case in doubtful:
        for _ in range(_TRIES):
            verdict = verdicts_of(PEERS[peer], site, [case], ours=False)[case.name]
            if not verdict.wrong:
                del unexplained[case.name]
                break
    assert not unexplained
