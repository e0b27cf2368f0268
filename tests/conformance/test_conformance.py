"""Run the table: all of it through ours, a part through other servers, and once through the peers.

What a peer does is information; that the harness obtains it is asserted, because a table whose
other columns are wrong would teach the wrong thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.conformance.case import DEFAULT_REPLY, Case, judge
from tests.conformance.cases import CASES
from tests.conformance.fronts import (
    IMPOSSIBLE,
    OURS,
    PEERS,
    SERVERS,
    Front,
    installed_peers,
    require_peer,
    started,
)
from tests.conformance.run import in_short
from tests.conformance.verdicts import OUR_BOUND, Verdict, verdicts_of_all
from tests.kit.backend import Script
from tests.kit.script import Drip, ReadBody, ReadHead, Reply, play

_SMOKE = [case for case in CASES if case.smoke]
# Cases whose backend says all that it says at once, and not too much of it.
_SPLIT = [
    case
    for case in CASES
    if all(
        isinstance(script, Reply) and script is not DEFAULT_REPLY and len(script.data) < 1000
        for script in case.scripts
    )
]
_NAMES = [case.name for case in CASES]


@pytest.fixture(scope="module", params=OURS)
def ours(request: pytest.FixtureRequest) -> Iterator[Front]:
    """The gateway as a user runs it, in one of gunicorn's workers."""
    with started(OURS[request.param]) as front:
        yield front


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Front]]:
    """The application in another WSGI server, with the name of that server."""
    with started(SERVERS[request.param]) as front:
        yield request.param, front


@pytest.fixture(scope="module")
def peer_verdicts() -> dict[str, dict[str, Verdict]]:
    """What each installed peer did in each case."""
    return verdicts_of_all({name: PEERS[name] for name in installed_peers()}, CASES, ours=())


def _assert_as_demanded(front: Front, case: Case) -> None:
    log_before = len(front.gateway.log())
    outcome = front.run(case, bound=OUR_BOUND)
    wrong = judge(case, outcome, ours=True)
    logged = front.gateway.log()[log_before:]
    assert not wrong, "\n".join([*wrong, f"seen: {in_short(case, outcome)}", logged])


@pytest.mark.parametrize("case", CASES, ids=_NAMES)
def test_our_gateway_does_what_the_case_demands(ours: Front, case: Case) -> None:
    _assert_as_demanded(ours, case)


def _bytewise(script: Script) -> Script:
    """Return the script with its answer sent byte by byte."""
    assert isinstance(script, Reply)
    return play(ReadHead(), ReadBody(), Drip(script.data, pause=0.0002, may_be_cut=True))


@pytest.mark.parametrize("case", _SPLIT, ids=[case.name for case in _SPLIT])
def test_our_gateway_does_so_if_the_answer_comes_byte_by_byte(ours: Front, case: Case) -> None:
    _assert_as_demanded(ours, replace(case, backend=[_bytewise(s) for s in case.scripts]))


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
    assert list(verdicts) == _NAMES
    assert all(verdict.in_short for verdict in verdicts.values())
    fine = [name for name, verdict in verdicts.items() if not verdict.wrong]
    # Peers agree with us on most plain matters: far fewer would mean a broken harness.
    assert len(fine) > len(CASES) / 3, f"{peer} is as demanded in {fine} only"
