"""Several workers choose as one, and one that is killed takes nothing with it."""

import pytest

from tests.scoreboard.test_workers import output_of


@pytest.mark.parametrize("pure", ["", "1"])
@pytest.mark.parametrize(
    "scene",
    [
        "turns_are_exact",
        "bytes_are_shared_by_weight",
        "killed_at_any_moment",
        "killed_before_it_could_tell",
        "limits_hold_among_workers",
        "one_probe_among_workers",
        "a_child_of_a_worker_has_no_leases",
    ],
)
def test_this_holds_among_workers(scene: str, pure: str) -> None:
    """See the scene of that name in ``workers``."""
    output, errors = output_of("tests.balancer.workers", scene, pure=pure)
    assert output == "fine\n", errors
