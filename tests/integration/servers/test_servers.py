"""The gateway inside every server: the same cases, but for what the server makes impossible."""

from __future__ import annotations

import dataclasses

import pytest

from tests.conformance.case import Case, judge
from tests.conformance.run import names_of, run
from tests.integration.servers.cases import CASES
from tests.integration.servers.fronts import SERVERS
from tests.integration.servers.limits import LIMITS
from tests.integration.servers.rig import Rig

BOUND = 10.0  # seconds for each single wait


def as_limited(server: str, case: Case) -> Case | None:
    """Return what `server` lets the gateway promise for `case`, None if it cannot be run."""
    limit = LIMITS.get(server, {}).get(case.name)
    if limit is None:
        return case
    if limit.answers is None:
        return None
    send = case.send if limit.send is None else limit.send
    return dataclasses.replace(case, send=send, answers=limit.answers, seen=limit.seen)


ROWS = [
    pytest.param(server, expected, id=f"{server}-{case.name}")
    for server in SERVERS
    for case in CASES
    if (expected := as_limited(server, case)) is not None
]


@pytest.mark.parametrize(("server", "case"), ROWS)
def test_inside_a_server(rig: Rig, server: str, case: Case) -> None:
    gateway = rig.server(server)
    outcome = run(case, gateway.address, rig.backend, bound=BOUND)
    wrong = judge(case, outcome, ours=True)
    print(gateway.log()[-4000:])  # shown if the test fails
    assert not wrong, "\n".join(wrong)


def test_every_limit_names_a_case_and_a_server_that_exist() -> None:
    assert set(LIMITS) <= set(SERVERS)
    for limits in LIMITS.values():
        assert set(limits) <= names_of(CASES)
