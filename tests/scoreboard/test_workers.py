"""Processes that share a board, forked for real: locks, rows and duties."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wsgi_scgi.compiled import PURE

ROOT = Path(__file__).parents[2]


def output_of(module: str, scene: str, *, pure: str = "") -> tuple[str, str]:
    """Run a scene of a module, without twins if ``pure``, and return what it wrote and logged."""
    program = subprocess.Popen(
        [sys.executable, "-m", module, scene],
        cwd=ROOT,
        env=os.environ | ({PURE: pure} if pure else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        return program.communicate(timeout=100)
    finally:
        with contextlib.suppress(ProcessLookupError):  # all have ended by themselves
            os.killpg(program.pid, signal.SIGKILL)


@pytest.mark.parametrize("pure", ["", "1"])
@pytest.mark.parametrize(
    "scene",
    [
        "lock_dies_with_its_process",
        "lock_excludes_threads_and_processes",
        "threads_are_no_circle",
        "rows_of_the_dead_are_freed",
        "a_row_that_is_claimed_again_is_free",
        "every_row_is_seen_by_all",
        "more_processes_than_rows",
        "claims_and_searches_at_once",
        "duty",
        "a_newer_board",
        "a_copy_is_nobody_else_s",
        "fork_while_a_thread_has_the_lock",
    ],
)
def test_this_holds_among_processes(scene: str, pure: str) -> None:
    """See the scene of that name in ``workers``."""
    output, errors = output_of("tests.scoreboard.workers", scene, pure=pure)
    assert output == "fine\n", errors
