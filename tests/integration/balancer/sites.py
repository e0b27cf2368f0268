"""A gateway with one balancer, from the lines of its file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.backends.process import wait_for
from tests.integration.balancer.asking import Answer, ask
from tests.integration.balancer.members import BOUND, Member
from tests.integration.balancer.workers import Workers
from tests.integration.serving import hang_up, wait_ended
from tests.kit.gateways import Gateway, start_serve

TOKEN = "0123456789abcdef0123456789abcdef"
ADMIN = f'[admin]\npath = "/_gateway/"\ntoken = "{TOKEN}"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Further lines of the file: of its tables, of all members or each, and at its end."""

    workers: int = 3
    server: str = "graceful_timeout = 2"
    route: str = ""
    balancer: str = ""
    member: str | Sequence[str] = ""
    rest: str = ""


def write_file(directory: Path, members: Sequence[Member], lines: Lines) -> Path:
    """Write gateway.toml with one balancer, ``pool``, whose members have their names as routes."""
    own = [lines.member] * len(members) if isinstance(lines.member, str) else lines.member
    text = ["[server]", 'bind = "127.0.0.1:0"', f"workers = {lines.workers}"]
    text += [lines.server]
    text += ["[[route]]", 'path = "/"', 'backend = "balancer://pool/"', lines.route]
    text += ["[balancer.pool]", lines.balancer]
    for one, more in zip(members, own, strict=True):
        text += ["[[balancer.pool.member]]", f'url = "{one.url}"', f'route = "{one.name}"', more]
    path = directory / "gateway.toml"
    path.write_text("\n".join([*text, lines.rest, ""]))
    return path


class Site:
    """``serve`` with a file that has one balancer, ``pool``."""

    def __init__(self, path: Path, workers: int) -> None:
        self.path = path
        self.gateway: Gateway = start_serve(path.parent, ("-c", str(path)))
        self.workers = Workers(self.gateway, workers)

    def get(self, do: str = "") -> str:
        """Return who serves a plain request that tells the members to ``do`` something."""
        return self.ask("GET", do=do).word

    def ask(
        self,
        method: str,
        target: str = "/",
        *,
        do: str = "",
        body: bytes = b"",
        chunked: bool = False,
    ) -> Answer:
        """Send a request."""
        fields = [f"X-Do: {do}"] if do else []
        return ask(self.gateway.address, method, target, fields=fields, body=body, chunked=chunked)

    def reload(self) -> None:
        """Let the gateway read its file, and wait until as many other workers are there."""
        before = self.workers.pids
        hang_up(self.gateway)
        for pid in before:
            wait_ended(pid)
        wait_for(lambda: len(self.workers.pids) >= len(before), "the new workers", BOUND)

    def told(self) -> str:
        """Return what the workers are doing, and the end of the log."""
        return f"{self.workers.told()}\n{self.gateway.log()[-4000:]}"

    def states(self) -> dict[str, str]:
        """Return the letters of the members' states by their routes, as the manager shows them."""
        return {route: member["status"] for route, member in self.members().items()}

    def members(self) -> dict[str, dict[str, Any]]:
        """Return what the manager shows of the members, by their routes."""
        answer = self.manage("GET", "status.json")
        assert answer.response is not None
        (pool,) = json.loads(answer.response.body)["balancers"]
        return {member["route"]: member for member in pool["members"]}

    def manage(self, method: str, name: str, order: dict[str, Any] | None = None) -> Answer:
        """Ask the manager for something, as somebody who knows the token."""
        fields = [f"Authorization: Bearer {TOKEN}", "Content-Type: application/json"]
        body = b"" if order is None else json.dumps(order).encode()
        return ask(self.gateway.address, method, f"/_gateway/{name}", fields=fields, body=body)
