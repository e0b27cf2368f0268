"""Run the table through several gateways at once and collect what each did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.conformance.case import Case, judge
from tests.conformance.fronts import Start, cases_of, started
from tests.conformance.run import in_short
from tests.conformance.site import SITES, Site

# Seconds that a single wait may take. Peers hang in some cases, and their time limits are whole
# seconds, of which lighttpd takes up to two more.
PEER_BOUND = 4.0
OUR_BOUND = 20.0
# What takes long is waiting, so several of each gateway share the cases of a site.
PARTS = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one gateway did in one case, and in what that is not what the case demands."""

    in_short: str
    wrong: tuple[str, ...]


def verdicts_of(
    start: Start, site: Site, cases: Sequence[Case], *, ours: bool
) -> dict[str, Verdict]:
    """Start one gateway, run the cases in order and return the verdicts by case name."""
    bound = OUR_BOUND if ours else PEER_BOUND
    found: dict[str, Verdict] = {}
    if not cases:
        return found
    with started(start, site) as front:
        for case in cases:
            outcome = front.run(case, bound=bound)
            wrong = tuple(judge(case, outcome, ours=ours))
            found[case.name] = Verdict(in_short(case, outcome), wrong)
            if not front.gateway.running:
                raise RuntimeError(f"{front.gateway.name} ended:\n{front.gateway.log()}")
    return found


def verdicts_of_all(
    gateways: Mapping[str, Start], ours: Iterable[str], *, wanted: str = ""
) -> dict[str, dict[str, Verdict]]:
    """Run several gateways side by side; return the verdicts by gateway and case.

    Each is asked what it has the features for, and of that the cases whose names contain
    ``wanted``.
    """
    asked = {
        name: [
            (site, [case for case in cases_of(name, site) if wanted in case.name]) for site in SITES
        ]
        for name in gateways
    }
    with ThreadPoolExecutor(max(len(gateways), 1) * PARTS) as pool:
        running = {
            name: [
                pool.submit(verdicts_of, start, site, cases[part::PARTS], ours=name in ours)
                for site, cases in asked[name]
                for part in range(PARTS)
            ]
            for name, start in gateways.items()
        }
        found = {
            name: {key: verdict for part in parts for key, verdict in part.result().items()}
            for name, parts in running.items()
        }
    return {
        name: {case.name: found[name][case.name] for _, cases in asked[name] for case in cases}
        for name in gateways
    }
