"""Print who does what: one row a case, one column a gateway.

    python -m tests.conformance [TEXT]

With TEXT only the cases whose name contains it are run. A ``~`` marks a gateway that does
otherwise than the case demands of ours; the line below says why ours does not follow it. A ``-``
stands for a gateway that lacks the feature. The exit
status is 1 if ours did otherwise than the case demands (``!``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from tests.conformance.case import Case
from tests.conformance.cases import CASES
from tests.conformance.fronts import OURS, PEERS, installed_peers
from tests.conformance.verdicts import Verdict, verdicts_of_all

_NAME_WIDTH = 44
_WIDTH = 30


def main(arguments: Sequence[str]) -> int:
    """Run the table and print it; return the exit status."""
    wanted = arguments[0] if arguments else ""
    cases = [case for case in CASES if wanted in case.name]
    gateways = {**OURS, **{name: PEERS[name] for name in installed_peers()}}
    found = verdicts_of_all(gateways, OURS, wanted=wanted)
    print(_row("case", gateways))
    for case in cases:
        _print_case(case, {name: verdicts.get(case.name) for name, verdicts in found.items()})
    print()
    for name, verdicts in found.items():
        fine = sum(not verdict.wrong for verdict in verdicts.values())
        print(f"{name}: {fine} of {len(verdicts)} as demanded of ours")
    return int(any(verdict.wrong for name in OURS for verdict in found[name].values()))


def _print_case(case: Case, verdicts: Mapping[str, Verdict | None]) -> None:
    cells = []
    for name, verdict in verdicts.items():
        if verdict is None:
            cells.append(" -")
            continue
        mark = " " if not verdict.wrong else "!" if name in OURS else "~"
        cells.append(mark + verdict.in_short)
    print(_row(case.name, cells))
    for name, verdict in verdicts.items():
        if verdict is not None and verdict.wrong and name in OURS:
            print(f"      wrong in {name}: {'; '.join(verdict.wrong)}")
    if case.differs and any(verdict is not None and verdict.wrong for verdict in verdicts.values()):
        print(f"      {case.differs}")


def _row(first: str, cells: Sequence[str] | Mapping[str, object]) -> str:
    """Return a line in columns; a cell too wide pushes the others to the right."""
    return " ".join([first.ljust(_NAME_WIDTH), *(cell.ljust(_WIDTH) for cell in cells)]).rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
