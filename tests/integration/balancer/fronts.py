"""What plays the cases: the gateway with three workers, and Apache, from the same description."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.integration.backends.process import wait_for
from tests.integration.balancer.asking import ask
from tests.integration.balancer.case import (
    PATIENCE,
    Ask,
    Case,
    Hold,
    Options,
    Release,
    Rise,
    Step,
    Until,
    Value,
)
from tests.integration.balancer.members import BOUND, Member
from tests.integration.balancer.workers import Workers
from tests.kit.gateways import Gateway, start_apache, start_serve
from wsgi_scgi.config.balancer_options import BalancerOptions, MemberOptions
from wsgi_scgi.config.declaring import declared

WORKERS = 3
MODULES = (
    *("proxy_balancer", "slotmem_shm", "lbmethod_byrequests"),
    *("lbmethod_bybusyness", "lbmethod_bytraffic"),
)


class Front:
    """A running front and the members of all its cases."""

    def __init__(
        self, gateway: Gateway, members: dict[str, dict[str, Member]], workers: Workers | None
    ) -> None:
        """``workers`` take turns at the requests; None where they cannot be told apart."""
        self.gateway = gateway
        self._members = members
        self._workers = workers

    def members(self, case: Case) -> dict[str, Member]:
        """Return the members of a case by name."""
        return self._members[case.name]

    def close(self) -> None:
        """Let all members go."""
        for members in self._members.values():
            for member in members.values():
                member.close()

    def play(self, case: Case) -> None:
        """Play a case; an assertion fails at the first step that goes otherwise."""
        members = self.members(case)
        for who in case.members:
            if who.up:
                members[who.name].rise()
        try:
            _Play(self.gateway, case, members, self._workers).run()
        finally:
            if self._workers is not None:
                self._workers.run_all()
            for member in members.values():
                member.close()


class _Play:
    def __init__(
        self,
        gateway: Gateway,
        case: Case,
        members: dict[str, Member],
        workers: Workers | None,
    ) -> None:
        self._gateway = gateway
        self._case = case
        self._members = members
        self._workers = workers
        self._began = time.monotonic()
        self._held: list[tuple[str, list[str], threading.Thread]] = []

    def run(self) -> None:
        for step in self._case.steps:
            self._take(Ask(wins=step) if isinstance(step, str) else step)
        for name, times in self._case.asks.items():
            asked = len(self._members[name].requests)
            assert asked == times, self._told(f"{name} was asked {asked} times, not {times}")

    def _take(self, step: Step) -> None:
        match step:
            case Ask():
                self._ask(step)
            case Hold():
                for name in step.wins.split():
                    self._hold(name)
            case Release():
                self._release()
            case Rise():
                self._members[step.name].rise()
            case Until():
                self._until(step)

    def _send(self, step: Ask) -> str:
        if self._workers is not None:
            self._workers.next_alone()
        target = f"/{self._case.name}/{step.path}"
        fields = [f"Cookie: {step.cookie}"] if step.cookie else []
        fields += [f"X-Do: {step.do}"] if step.do else []
        return ask(self._gateway.address, step.method, target, fields=fields, body=step.body).word

    def _ask(self, step: Ask) -> None:
        wins = step.apache if step.apache and self._workers is None else step.wins
        got = [self._send(step) for _ in wins.split()]
        assert " ".join(got) == wins, self._told(f"{' '.join(got)}, not {wins}")
        assert time.monotonic() - self._began >= step.not_before, "it came too early"
        if step.sees:
            variables = self._members[got[-1]].variables()
            seen = {name: variables.get(name) for name in step.sees}
            assert seen == step.sees, f"{seen}, not {step.sees}"

    def _hold(self, name: str) -> None:
        """Send a request that every member holds, and wait until one has it."""
        before = {one.name: len(one.requests) for one in self._members.values()}
        step = Ask(wins=name, do=", ".join(f"{member}=hold" for member in self._members))
        got: list[str] = []
        thread = threading.Thread(target=lambda: got.append(self._send(step)))
        thread.start()

        def taken() -> list[str]:
            now = self._members.values()
            return [one.name for one in now if len(one.requests) > before[one.name]] or got

        wait_for(lambda: bool(taken()), "somebody who takes the request", BOUND)
        self._held.append((name, got, thread))
        assert taken() == [name], self._told(f"{taken()} took it, not {name}")

    def _told(self, what: str) -> str:
        return f"{self._case.name}: {what}\n{self._gateway.log()[-3000:]}"

    def _release(self) -> None:
        if self._workers is not None:
            self._workers.run_all()
        for member in self._members.values():
            member.release()
        for name, got, thread in self._held:
            thread.join(BOUND)
            assert got == [name], self._told(f"{got} after the release, not {name}")
        self._held.clear()

    def _until(self, step: Until) -> None:
        others = {step.meanwhile} if step.meanwhile else {*self._members}
        end = time.monotonic() + BOUND
        while (word := self._send(Ask(wins=step.name))) != step.name:
            assert word in others, self._told(f"{word} served")
            assert time.monotonic() < end, self._told(f"{step.name} does not serve")
            time.sleep(0.02)
        assert time.monotonic() - self._began >= step.not_before, "it came too early"


def new_members(cases: Sequence[Case]) -> dict[str, dict[str, Member]]:
    """Return the members of all cases, down, each with a port."""
    return {
        case.name: {who.name: Member(who.name, up=False) for who in case.members} for case in cases
    }


def start_gateway(directory: Path, cases: Sequence[Case]) -> Front:
    """Start ``wsgi-scgi serve`` with three workers and a balancer for each case."""
    members = new_members(cases)
    lines = ["[server]", 'bind = "127.0.0.1:0"', f"workers = {WORKERS}", "graceful_timeout = 2"]
    for case in cases:
        lines += gateway_lines(case, members[case.name])
    path = directory / "gateway.toml"
    path.write_text("\n".join(lines) + "\n")
    gateway = start_serve(directory, ("-c", str(path)))
    return Front(gateway, members, Workers(gateway, WORKERS))


def gateway_lines(case: Case, members: dict[str, Member]) -> list[str]:
    """Return a case as lines of gateway.toml."""
    backend = f'backend = "balancer://{case.name}{case.base}"'
    lines = []
    if case.quick:
        lines += ["[[route]]", f'path = "/{case.name}/quick/"', backend, f"timeout = {case.quick}"]
    lines += ["[[route]]", f'path = "/{case.name}/"', backend, *_toml(case.route)]
    lines += [f"[balancer.{case.name}]", *_toml(case.options)]
    for who in case.members:
        lines += [f"[[balancer.{case.name}.member]]"]
        lines += [f'url = "{members[who.name].url}{who.path}"', *_toml(who.options)]
    return lines


def _toml(options: Options) -> list[str]:
    return [f"{name} = {json.dumps(value)}" for name, value in options.items()]


def start_apache_beside(directory: Path, cases: Sequence[Case]) -> Front:
    """Start Apache with what the cases say in its words."""
    members = new_members(cases)
    lines = ["Timeout 30", "SetEnvIf Request_URI . proxy-scgi-pathinfo"]
    for case in cases:
        lines += _apache_lines(case, members[case.name])
    gateway = start_apache(directory, "\n".join(lines), modules=MODULES)
    return Front(gateway, members, None)


def _apache_lines(case: Case, members: dict[str, Member]) -> list[str]:
    everybody = {name: case.options[name] for name in ("retry",) if name in case.options}
    lines = [f"<Proxy balancer://{case.name}>"]
    for who in case.members:
        words = _apache_words(MemberOptions, {**who.options, **everybody})
        if case.quick:
            words.append(f"timeout={PATIENCE}")
        url = f"{members[who.name].url}{who.path}"
        lines.append(f"  BalancerMember {url} {' '.join(words)}")
    rest = {name: value for name, value in case.options.items() if name not in everybody}
    if rest:
        lines.append(f"  ProxySet {' '.join(_apache_words(BalancerOptions, rest))}")
    return [*lines, "</Proxy>", f"ProxyPass /{case.name}/ balancer://{case.name}{case.base}"]


def _apache_words(options: type, values: Options) -> list[str]:
    names = {"retry": "retry", **{n: option.apache for n, option in declared(options).items()}}
    return [f"{names[name]}={_apache_value(value)}" for name, value in values.items()]


def _apache_value(value: Value) -> str:
    match value:
        case bool():
            return "On" if value else "Off"
        case list():
            return ",".join(map(str, value))
        case "":
            return "Off"
    # Its milliseconds are not to be relied on (2.4.71 takes retry=500ms for 500 seconds).
    return str(math.ceil(value)) if isinstance(value, float) else str(value)
