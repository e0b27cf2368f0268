"""Run scenarios: start the gateways side by side, give them the same load in turns."""

import contextlib
import resource
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from .backend import Backend, find_compiler, start_backend
from .gateways import GATEWAYS, Gateway
from .loads import Plan, Target
from .measurement import Row, Sample, Table, WrongResponse
from .processes import Cores, StartError
from .scenarios import Scenario
from .site import Site

Say = Callable[[str], None]
_STREAMS = 8000
_RESERVED_DESCRIPTORS = 512
_PER_STREAM = 2
"""Descriptors that an open response takes in a gateway: the client's and the backend's."""


def usual_plan(cores: Cores) -> Plan:
    """Return a plan whose numbers mean something: a quarter of an hour for all scenarios."""
    return Plan(
        rounds=5,
        seconds=2.0,
        warm_up=0.5,
        transfers=3,
        streams=min(_STREAMS, _most_streams()),
        core=cores.load,
    )


def quick_plan(cores: Cores) -> Plan:
    """Return a plan that shows whether everything works, and nothing else."""
    return Plan(rounds=1, seconds=0.2, warm_up=0.1, transfers=1, streams=24, core=cores.load)


def _most_streams() -> int:
    """Raise the limit of descriptors as far as it goes; return how many streams that allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return (hard - _RESERVED_DESCRIPTORS) // _PER_STREAM


@dataclass(frozen=True, slots=True)
class Bench:
    """What all scenarios share: where things run, and the backend."""

    directory: Path
    cores: Cores
    plan: Plan
    backend: Backend
    say: Say


@contextlib.contextmanager
def open_bench(cores: Cores, plan: Plan, say: Say) -> Iterator[Bench]:
    """Start the backend in a directory of its own; stop and remove both in the end."""
    directory = Path(tempfile.mkdtemp(prefix="benchmarks-"))
    try:
        # Apache and its like change their user.
        directory.chmod(0o755)
        backend = start_backend(directory, core=cores.load, compiler=find_compiler())
        try:
            yield Bench(directory, cores, plan, backend, say)
        finally:
            backend.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Entrant:
    """One gateway in one scenario; once something failed it takes no further part."""

    def __init__(self, bench: Bench, scenario: Scenario, gateway: Gateway) -> None:
        self._bench = bench
        self._scenario = scenario
        self._gateway = gateway
        self._target: Target | None = None
        self._samples: list[Sample] = []
        self._failure = ""

    def start(self, site: Site) -> None:
        """Start the gateway in a directory of its own."""
        directory = self._bench.directory / f"{self._scenario.name}-{self._gateway.name}"
        directory.mkdir()
        directory.chmod(0o777)
        with self._noting_failure():
            server = self._gateway.start(site, directory)
            self._target = Target(server, site)

    def warm_up(self) -> None:
        """Look at its answers before anything is measured."""
        if self._target is not None:
            with self._noting_failure():
                self._target.expect_right_answer()
                self._target.server.pin(self._bench.cores.gateway)
                self._scenario.load.warm_up(self._target, self._bench.plan)
                self._target = replace(self._target, idle_memory=self._target.server.memory_bytes())

    def measure(self) -> None:
        """Do one round."""
        if self._target is not None and not self._failure:
            with self._noting_failure():
                self._samples.append(self._scenario.load.measure(self._target, self._bench.plan))

    def stop(self) -> None:
        """Stop the gateway."""
        if self._target is not None:
            self._target.server.stop()

    @contextlib.contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except (StartError, WrongResponse, OSError) as error:
            log = self._target.server.log() if self._target is not None else ""
            self._failure = f"{type(error).__name__}: {error}"
            self._bench.say(f"{self._gateway.title}: {self._failure}\n{log[-2000:]}")

    def row(self) -> Row:
        """Return what was found."""
        if self._failure:
            return Row(self._gateway.name, self._gateway.title, note=self._failure, failed=True)
        return Row(self._gateway.name, self._gateway.title, self._samples)


def run_scenario(bench: Bench, scenario: Scenario, only: Collection[str] | None = None) -> Table:
    """Measure the gateways that can take part; say why of those that cannot."""
    streams = bench.plan.streams if scenario.opens_streams else 0
    site = Site(
        bench.backend.address, scenario.transport, scenario.routes, streams, scenario.features
    )
    rows: dict[str, Row] = {}
    entrants = []
    for gateway in GATEWAYS:
        if only and gateway.name not in only:
            continue
        note = _reason_against(gateway, scenario, site)
        if note:
            rows[gateway.name] = Row(gateway.name, gateway.title, note=note)
        else:
            entrants.append(_Entrant(bench, scenario, gateway))
    try:
        with ThreadPoolExecutor(len(entrants)) as pool:
            list(pool.map(lambda entrant: entrant.start(site), entrants))
        for entrant in entrants:
            entrant.warm_up()
        for number in range(bench.plan.rounds):
            bench.say(f"{scenario.name}: round {number + 1} of {bench.plan.rounds}")
            # Nobody is always the first, or always behind the same neighbour's leftovers.
            first = number % len(entrants)
            for entrant in entrants[first:] + entrants[:first]:
                entrant.measure()
    finally:
        with ThreadPoolExecutor(len(entrants)) as pool:
            list(pool.map(_Entrant.stop, entrants))
    for entrant in entrants:
        row = entrant.row()
        rows[row.gateway] = row
    ordered = [rows[gateway.name] for gateway in GATEWAYS if gateway.name in rows]
    return Table(scenario.name, scenario.title, scenario.load.metrics, ordered)


def _reason_against(gateway: Gateway, scenario: Scenario, site: Site) -> str:
    lacking = [feature.value for feature in scenario.needs - gateway.features]
    return min(lacking, default="") or gateway.missing(site)
