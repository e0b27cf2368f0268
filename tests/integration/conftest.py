"""``wsgi-scgi serve`` as a process, and two backends for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.backends.process import end_of, end_together
from tests.integration.serving import Served, Start
from tests.kit.backend import Backend
from tests.kit.gateways import Gateway, start_serve


@pytest.fixture
def first() -> Iterator[Served]:
    """A backend that answers "first"."""
    with Backend() as backend:
        yield Served(backend, "first")


@pytest.fixture
def second() -> Iterator[Served]:
    """A backend that answers "second"."""
    with Backend() as backend:
        yield Served(backend, "second")


@pytest.fixture(scope="module")
def ending() -> Iterator[list[Gateway]]:
    """Gateways that were told to end; they take a second, for which no test waits."""
    gateways: list[Gateway] = []
    yield gateways
    statuses = [(end_of(gateway), gateway.log()) for gateway in gateways]
    assert [told for told in statuses if told[0] != 0] == []


@pytest.fixture
def start(tmp_path: Path, ending: list[Gateway]) -> Iterator[Start]:
    """Start ``serve`` with the arguments on a port of the system's choice."""
    started: list[Gateway] = []

    def start_it(*arguments: str) -> Gateway:
        gateway = start_serve(tmp_path, [*arguments])
        started.append(gateway)
        return gateway

    yield start_it
    end_together(started)
    ending += started
