"""Members, and gateways that end together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.backends.process import end_together
from tests.integration.balancer.members import Member
from tests.integration.balancer.sites import Lines, Site, write_file
from tests.kit.gateways import Gateway, new_directory, remove_directory

NewMember = Callable[..., Member]
Start = Callable[..., Site]
USUAL = Lines()


@pytest.fixture
def new_member() -> Iterator[NewMember]:
    """Make a member by its name; down with ``up=False``."""
    with contextlib.ExitStack() as stack:

        def make(name: str, *, up: bool = True) -> Member:
            member = Member(name, up=up)
            stack.callback(member.close)
            return member

        yield make


@pytest.fixture
def abc(new_member: NewMember) -> list[Member]:
    """Three members that serve."""
    return [new_member(name) for name in "abc"]


@pytest.fixture(scope="package")
def ending() -> Iterator[list[Gateway]]:
    """Gateways that were told to end; they take a second, for which no test waits."""
    gateways: list[Gateway] = []
    yield gateways
    for gateway in gateways:
        gateway.stop()


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory of the test's own."""
    path = new_directory()
    yield path
    remove_directory(path)


@pytest.fixture
def start(directory: Path, ending: list[Gateway]) -> Iterator[Start]:
    """Start ``serve`` with these members."""
    started: list[Gateway] = []

    def start_it(members: Sequence[Member], lines: Lines = USUAL) -> Site:
        site = Site(write_file(directory, members, lines), lines.workers)
        started.append(site.gateway)
        return site

    yield start_it
    end_together(started)
    ending += started
