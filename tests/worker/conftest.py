"""What the tests of the worker share."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.worker import corpus


@pytest.fixture(scope="session")
def cases(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Sequence[corpus.Case]:
    """gunicorn's own requests, downloaded once for a checkout."""
    cache = getattr(pytestconfig, "cache", None)  # tests may run without its plugin
    if cache is None:
        return corpus.require(tmp_path_factory.mktemp("gunicorn-corpus"))
    return corpus.require(cache.mkdir("gunicorn-corpus"))
