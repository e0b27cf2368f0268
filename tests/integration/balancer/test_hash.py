"""The method hash under three workers: the same member for the same key, as long as it can."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.integration.backends.process import wait_for
from tests.integration.balancer.conftest import NewMember, Start
from tests.integration.balancer.members import BOUND, Member
from tests.integration.balancer.sites import Lines, Site

BY_PATH = 'method = "hash"\nhash_key = "path"\nretry = 60.0'
PATHS = [f"/{number}" for number in range(60)]
"""So many that each of three members has some, whatever their ports."""


def served(site: Site) -> dict[str, str]:
    """Return who serves each path."""
    words: dict[str, str] = {}
    for path in PATHS:
        words[path] = site.ask("GET", path).word
        assert words[path] != "nothing", f"{path}: no answer\n{site.told()}"
    return words


def test_only_the_keys_of_a_dead_member_move(start: Start, abc: list[Member]) -> None:
    site = start(abc, Lines(balancer=BY_PATH))
    before = served(site)
    assert {*before.values()} == {"a", "b", "c"}
    for number in range(3):
        with site.workers.only(number):
            assert served(site) == before
    abc[1].fall()
    after = served(site)
    assert {*after.values()} == {"a", "c"}
    moved = {path for path in PATHS if after[path] != before[path]}
    assert moved == {path for path in PATHS if before[path] == "b"}


def test_the_next_member_takes_what_is_above_the_limit(start: Start, new_member: NewMember) -> None:
    members = [new_member(name) for name in "ab"]
    site = start(members, Lines(balancer=BY_PATH, member="max_connections = 2"))
    chosen = site.ask("GET", "/x").word
    other = {"a": "b", "b": "a"}[chosen]
    with ThreadPoolExecutor(4) as clients:
        for number in range(1, 5):
            clients.submit(site.ask, "GET", "/x", do="a=hold, b=hold")
            wait_for(partial(have, members, number + 1), "the request", BOUND)
        assert site.ask("GET", "/x").word == "503"
        counts = {member.name: len(member.requests) for member in members}
        assert counts == {chosen: 3, other: 2}
        for member in members:
            member.release()
    assert site.ask("GET", "/x").word == chosen


def have(members: Sequence[Member], requests: int) -> bool:
    return sum(len(member.requests) for member in members) == requests
