"""The states of a member, with the letters of mod_proxy_balancer."""

import enum
from typing import Final


class Status(enum.IntFlag):
    """A member's states; any may come together.  IN_USE has no letter: the place is taken."""

    IN_USE = 1
    DISABLED = 2
    STOPPED = 4
    IGNORE_ERRORS = 8
    HOT_SPARE = 16
    HOT_STANDBY = 32
    ERROR = 64
    DRAIN = 128
    HEALTH_FAILED = 256

    @classmethod
    def parse(cls, letters: str) -> "Status":
        """Return the states of letters like ``"+H-E"``: each ``-`` takes away what follows it.

        Raises ValueError for any other letter.
        """
        status = cls(0)
        adding = True
        for letter in letters:
            if letter in "+-":
                adding = letter == "+"
                continue
            flag = _BY_LETTER.get(letter.upper())
            if flag is None:
                raise ValueError(f"{letter!r} is no state; allowed: {' '.join(_BY_LETTER)}")
            status = status | flag if adding else status & ~flag
        return status

    def letters(self) -> str:
        """Return the letters, in Apache's order of the flags."""
        return "".join(letter for letter, flag in _BY_LETTER.items() if self & flag)


NO_STATUS: Final = Status(0)
"""A member that nothing is special about."""

_BY_LETTER: Final = {
    "D": Status.DISABLED,
    "S": Status.STOPPED,
    "I": Status.IGNORE_ERRORS,
    "R": Status.HOT_SPARE,
    "H": Status.HOT_STANDBY,
    "E": Status.ERROR,
    "N": Status.DRAIN,
    "C": Status.HEALTH_FAILED,
}
