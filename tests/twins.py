"""Both forms of what is compiled."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from wsgi_scgi.compiled import PURE, TWINS


def both(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the reference and the compiled form, or skip the test and say why."""
    twins = TWINS[name]
    if twins.compiled is None:
        if os.environ.get("CI", "").lower() == "true" and not os.environ.get(PURE):
            pytest.fail(f"{name}: {twins.missing}", pytrace=False)
        pytest.skip(f"{name}: {twins.missing}")
    return twins.reference, twins.compiled
