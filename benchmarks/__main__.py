"""``python -m benchmarks``: run them and print, see README.md."""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import syscalls, wrk
from .environment import environment
from .gateways import GATEWAYS
from .macro import open_bench, quick_plan, run_scenario, usual_plan
from .micro import CASES
from .picture import as_svg
from .processes import Cores
from .report import Results, as_json, as_text
from .scenarios import SCENARIOS
from .site import Site, Transport

_KINDS = ("macro", "micro", "syscalls")


def _parser() -> argparse.ArgumentParser:
    scenarios = ", ".join(scenario.name for scenario in SCENARIOS)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare the gateway with its peers (macro), time its parts (micro), or count "
        "the system calls of a request (syscalls).",
        epilog=f"macro scenarios: {scenarios}; micro scenarios: {', '.join(CASES)}",
        allow_abbrev=False,
    )
    parser.add_argument("kind", nargs="?", choices=_KINDS, default="macro")
    parser.add_argument("--quick", action="store_true", help="only show that everything works")
    parser.add_argument(
        "--scenario", metavar="NAME", nargs="+", action="extend", help="only these (default: all)"
    )
    parser.add_argument(
        "--gateway", metavar="NAME", nargs="+", action="extend", help="only these (default: all)"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all samples to FILE")
    parser.add_argument("--svg", metavar="FILE", type=Path, help="draw the CPU times (macro)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return 1 if a gateway failed."""
    parser = _parser()
    options = parser.parse_args(arguments)
    known = list(CASES) if options.kind == "micro" else [scenario.name for scenario in SCENARIOS]
    for name in options.scenario or ():
        if name not in known:
            parser.error(f"no {options.kind} scenario {name!r}; there are: {', '.join(known)}")
    names = [gateway.name for gateway in GATEWAYS]
    for name in options.gateway or ():
        if name not in names:
            parser.error(f"no gateway {name!r}; there are: {', '.join(names)}")
    if options.kind == "syscalls":
        if not syscalls.is_installed():
            parser.error("strace is not installed; it counts the calls")
        return _syscalls(options)
    if options.kind == "micro":
        if options.svg:
            parser.error("--svg draws macro scenarios only")
        return _micro(options)
    if not wrk.is_installed():
        parser.error("wrk is not installed; it makes the load")
    return _macro(options)


def _syscalls(options: argparse.Namespace) -> int:
    cores = Cores.available()
    with open_bench(cores, quick_plan(cores), _progress) as bench:
        for transport in Transport:
            print(f"System calls for one small GET, backend on {transport.name}")
            site = Site(bench.backend.address, transport)
            for gateway in GATEWAYS:
                if options.gateway and gateway.name not in options.gateway:
                    continue
                if missing := gateway.missing(site):
                    print(f"{gateway.title:38} {missing}")
                    continue
                directory = bench.directory / f"{transport.name}-{gateway.name}"
                directory.mkdir()
                directory.chmod(0o777)
                counts = syscalls.count(gateway, site, directory)
                print(*syscalls.as_lines(gateway.title, counts), sep="\n", flush=True)
    return 0


def _macro(options: argparse.Namespace) -> int:
    # What was started is stopped on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cores = Cores.available()
    plan = quick_plan(cores) if options.quick else usual_plan(cores)
    found = environment()
    tables = []
    with open_bench(cores, plan, _progress) as bench:
        found["backend"] = bench.backend.kind
        found["pinned"] = str(cores)
        found["plan"] = str(plan)
        for name, value in found.items():
            print(f"{name:14} {value}")
        for scenario in SCENARIOS:
            if options.scenario and scenario.name not in options.scenario:
                continue
            tables.append(run_scenario(bench, scenario, options.gateway))
            print("", *as_text(tables[-1]), sep="\n", flush=True)
    results = Results(found, tables)
    if options.json:
        options.json.write_text(json.dumps(as_json(results), indent=1) + "\n")
    if options.svg:
        options.svg.write_text(as_svg(results), encoding="utf-8")
    return int(any(row.failed for table in tables for row in table.rows))


def _micro(options: argparse.Namespace) -> int:
    # pyperf starts the module anew for each of its processes.
    command = [sys.executable, "-m", "benchmarks.micro"]
    if options.quick:
        command.append("--debug-single-value")
    if options.json:
        command += ["--output", str(options.json.resolve())]
    for name in options.scenario or ():
        command += ["--scenario", name]
    checkout = Path(__file__).resolve().parents[1]
    return subprocess.run(command, cwd=checkout, check=False).returncode


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
