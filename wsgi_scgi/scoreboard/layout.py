"""Where each number of a board lies.

A pool is one piece of memory, made of 8-byte words: signed integers (``q``) and floats (``d``),
in the machine's own order::

    pool    = epoch, roster, method, rows used, most,
              one column of each of MEMBER_COLUMNS,
              one text of each place,
              row, row, ...                      (ROWS of them)
    row     = one column of each of ROW_COLUMNS
    column  = one word for each place
    text    = TEXT_SIZE bytes: URL, route, redirect, each ended by NUL

Columns, not records: an election reads one number of every member.  A row belongs to one process
and only that one writes it, but for a place that is given to another member while nobody is busy
there; a column of members is written with the pool's lock held.  The epoch grows before anything
else is written: a process that is killed in between leaves nobody with an older picture.
"""

from typing import Final

WORD: Final = 8
ROWS: Final = 64
"""Processes that can count at the same time."""

WORDS: Final = ("epoch", "roster", "method", "rows_used", "most")

MEMBER_COLUMNS: Final = {
    "status": "q",
    "configured": "q",
    "weight": "q",
    "lbset": "q",
    "max_connections": "q",
    "lbstatus": "q",
    "load": "d",
    "seen": "q",
    "rest_until": "d",
    "rests": "q",
    "faults": "q",
    "fault_at": "d",
    "probe_at": "d",
    "probe_row": "q",
    "up_since": "d",
    "passes": "q",
    "fails": "q",
    "checked_at": "d",
    "check_seconds": "d",
    "history": "q",
}

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram of response times, in seconds; one more bucket has the rest."""

STATUS_CLASSES: Final = 5

ROW_COLUMNS: Final = {
    "busy": "q",
    "elected": "q",
    "sent": "q",
    "received": "q",
    "failed": "q",
    "seconds": "d",
    "connect_seconds": "d",
    "first_byte_seconds": "d",
    **{f"status_{number}xx": "q" for number in range(1, STATUS_CLASSES + 1)},
    **{f"bucket_{number}": "q" for number in range(len(BUCKETS) + 1)},
}

URL_SIZE: Final = 511
ROUTE_SIZE: Final = 95
TEXT_SIZE: Final = 704
"""Three texts with their NULs, rounded up to whole words."""


def row_size(capacity: int) -> int:
    """Return the bytes of one row of a pool with ``capacity`` places."""
    return len(ROW_COLUMNS) * capacity * WORD


def pool_size(capacity: int, rows: int) -> int:
    """Return the bytes of a pool."""
    columns = len(MEMBER_COLUMNS) * capacity * WORD
    return len(WORDS) * WORD + columns + capacity * TEXT_SIZE + rows * row_size(capacity)
