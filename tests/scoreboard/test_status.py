"""The letters of states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.scoreboard.status import NO_STATUS, Status

LETTERS = "DSIRHENC"


@pytest.mark.parametrize(
    ("letters", "status"),
    [
        ("", NO_STATUS),
        ("D", Status.DISABLED),
        ("+D", Status.DISABLED),
        ("dh", Status.DISABLED | Status.HOT_STANDBY),
        ("S-S", NO_STATUS),
        ("+H-E", Status.HOT_STANDBY),
        ("DS-D+N", Status.STOPPED | Status.DRAIN),
        ("-DI+R", Status.HOT_SPARE),
        ("EC", Status.ERROR | Status.HEALTH_FAILED),
        ("I", Status.IGNORE_ERRORS),
    ],
)
def test_letters_are_states(letters: str, status: Status) -> None:
    assert Status.parse(letters) == status


@pytest.mark.parametrize("letters", ["Z", "D Z", "D,H", "İ", "0"])
def test_other_letters_are_refused(letters: str) -> None:
    with pytest.raises(ValueError, match="is no state; allowed: D S I R H E N C"):
        Status.parse(letters)


@given(st.sets(st.sampled_from(LETTERS)))
def test_letters_come_back_in_one_order(letters: set[str]) -> None:
    ordered = "".join(letter for letter in LETTERS if letter in letters)
    assert (Status.parse("".join(letters)) | Status.IN_USE).letters() == ordered
