"""Run the table through several gateways at once and collect what each did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.conformance.case import Case, judge
from tests.conformance.fronts import Start, started
from tests.conformance.run import in_short

# Seconds that a single wait may take. Peers hang in some cases, and their time limits are whole
# seconds, of which lighttpd takes up to two more.
PEER_BOUND = 4.0
OUR_BOUND = 20.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one gateway did in one case, and in what that is not what the case demands."""

    in_short: str
    wrong: tuple[str, ...]


def verdicts_of(start: Start, cases: Sequence[Case], *, ours: bool) -> dict[str, Verdict]:
    """Start one gateway, run the cases in order and return the verdicts by case name."""
    bound = OUR_BOUND if ours else PEER_BOUND
    found = {}
    with started(start) as front:
        for case in cases:
            outcome = front.run(case, bound=bound)
            wrong = tuple(judge(case, outcome, ours=ours))
            found[case.name] = Verdict(in_short(case, outcome), wrong)
            if not front.gateway.running:
                raise RuntimeError(f"{front.gateway.name} ended:\n{front.gateway.log()}")
    return found


def verdicts_of_all(
    gateways: Mapping[str, Start], cases: Sequence[Case], ours: Iterable[str]
) -> dict[str, dict[str, Verdict]]:
    """Run several gateways side by side; return the verdicts by gateway and case."""
    with ThreadPoolExecutor(max(len(gateways), 1)) as pool:
        running = {
            name: pool.submit(verdicts_of, start, cases, ours=name in ours)
            for name, start in gateways.items()
        }
        return {name: future.result() for name, future in running.items()}
