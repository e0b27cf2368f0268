"""Find the programs and modules that a test talks to, or say what to install.

A missing peer skips the test on a developer's machine and fails it where ``CI=true`` says that
the machine was prepared for the whole suite: there a silent skip would hide that nothing ran.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from typing import NoReturn

import pytest

# Debian keeps servers where an ordinary user's PATH does not look.
_EXTRA_DIRECTORIES = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def find(name: str) -> str | None:
    """Return the path of the program or module ``name``, or None if this machine has neither."""
    # An environment need not be activated for its interpreter to run the tests.
    beside = os.path.dirname(sys.executable)
    path = os.pathsep.join((beside, os.environ.get("PATH", os.defpath), *_EXTRA_DIRECTORIES))
    program = shutil.which(name, path=path)
    if program is not None:
        return program
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return None if found is None else (found.origin or name)


def require(name: str, install_hint: str) -> str:
    """Return the path of the program or module ``name``, or skip the test with the hint.

    With ``CI=true`` in the environment a missing peer fails the test instead.
    """
    path = find(name)
    if path is None:
        give_up(f"{name} is not installed; {install_hint}")
    return path


def give_up(reason: str) -> NoReturn:
    """Skip the test for a peer that is missing; with ``CI=true`` fail it."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
