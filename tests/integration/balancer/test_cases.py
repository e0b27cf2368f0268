"""The gateway and Apache play the same cases: every election and every failure, word for word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.balancer import cases, cases_limits, cases_sticky
from tests.integration.balancer.case import Case
from tests.integration.balancer.fronts import Front, start_apache_beside, start_gateway
from tests.kit.gateways import new_directory, remove_directory

ALL = (*cases.CASES, *cases_sticky.CASES, *cases_limits.CASES)
BESIDE_APACHE = (*cases.CASES, *cases_sticky.CASES)


@contextmanager
def started(start: Callable[[Path, Sequence[Case]], Front], of: Sequence[Case]) -> Iterator[Front]:
    """Start a front for all cases, and stop it."""
    directory = new_directory()
    try:
        front = start(directory, of)
        with front.gateway:
            yield front
        front.close()
    finally:
        remove_directory(directory)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Front]:
    """The gateway with a balancer for each case."""
    with started(start_gateway, ALL) as front:
        yield front


@pytest.fixture(scope="module")
def apache() -> Iterator[Front]:
    """Apache with a balancer for each case that it knows."""
    with started(start_apache_beside, BESIDE_APACHE) as front:
        yield front


@pytest.mark.parametrize("case", ALL, ids=lambda case: str(case.name))
def test_the_gateway_serves_as_the_case_says(gateway: Front, case: Case) -> None:
    gateway.play(case)


@pytest.mark.parametrize("case", BESIDE_APACHE, ids=lambda case: str(case.name))
def test_apache_serves_as_the_case_says(apache: Front, case: Case) -> None:
    apache.play(case)
