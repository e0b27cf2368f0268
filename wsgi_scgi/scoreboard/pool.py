"""The part of a board that belongs to one balancer: columns of its members, rows of processes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..transport.waiting import original
from .layout import (
    BUCKETS,
    MEMBER_COLUMNS,
    ROUTE_SIZE,
    ROW_COLUMNS,
    STATUS_CLASSES,
    TEXT_SIZE,
    URL_SIZE,
    WORD,
    WORDS,
    row_size,
)
from .memory import Lock
from .status import NO_STATUS, Status

_EPOCH, _ROSTER, _METHOD, _ROWS_USED, _MOST = range(len(WORDS))

ALONE: Final = 1 << 32
"""The number of a row that only its own process can see."""

NO_PROBE: Final = -1


@dataclass(frozen=True, slots=True)
class MemberText:
    """What a board knows of a member in words: its URL, its route and where that leads else.

    Raises ValueError for what is too long, or contains NUL.
    """

    url: str
    route: str = ""
    redirect: str = ""

    def __post_init__(self) -> None:
        for name, limit in (("url", URL_SIZE), ("route", ROUTE_SIZE), ("redirect", ROUTE_SIZE)):
            text: str = getattr(self, name)
            if len(text.encode("utf-8", "surrogateescape")) > limit:
                raise ValueError(f"the {name} is longer than {limit} bytes")
            if "\0" in text:
                raise ValueError(f"the {name} contains NUL")


class _Compiled(Protocol):
    def look_at(self, row: "Row") -> None:
        """Take the columns of a row."""


class Row:
    """What one process has counted, a column for each kind.  Write it with ``lock`` held.

    The lock is for the threads of the process; the garbage collector may take it a second time.
    ``number`` is ALONE for a process that found no free row and counts for itself.
    """

    busy: "memoryview[int]"
    elected: "memoryview[int]"
    sent: "memoryview[int]"
    received: "memoryview[int]"
    failed: "memoryview[int]"
    seconds: "memoryview[float]"
    connect_seconds: "memoryview[float]"
    first_byte_seconds: "memoryview[float]"

    def __init__(self, memory: "memoryview[int]", capacity: int, number: int) -> None:
        self.number = number
        self.lock = original("_thread", "RLock")()
        self.compiled: _Compiled | None = None
        """What compiled code keeps of the columns."""
        self._count_in(memory, capacity)

    def _count_in(self, memory: "memoryview[int]", capacity: int) -> None:
        columns = _columns(memory, ROW_COLUMNS, capacity)
        self.statuses = [columns[f"status_{n}xx"] for n in range(1, STATUS_CLASSES + 1)]
        self.buckets = [columns[f"bucket_{n}"] for n in range(len(BUCKETS) + 1)]
        self.columns = columns
        for name in Row.__annotations__:
            setattr(self, name, columns[name])
        if self.compiled is not None:
            self.compiled.look_at(self)

    def leave(self, capacity: int) -> None:
        """In a child of the process whose row it is: count where nobody looks from now on.

        The child has copies of the leases that its parent held, and may drop them.
        """
        self.lock = original("_thread", "RLock")()
        self._count_in(memoryview(bytearray(row_size(capacity))), capacity)


class Pool:
    """The members of one balancer.

    A column is a memoryview with one word for each place.  Columns of members are written with
    ``lock`` held, after ``bump``; those who cache anything made of them compare ``epoch``, and
    ``roster`` what is made of texts.  Times are of ``time.monotonic``, which is the same in all
    processes of a host.
    """

    status: "memoryview[int]"
    configured: "memoryview[int]"
    """The status that the configuration gave; 0 for a member that was added by hand."""
    weight: "memoryview[int]"
    lbset: "memoryview[int]"
    max_connections: "memoryview[int]"
    lbstatus: "memoryview[int]"
    load: "memoryview[float]"
    seen: "memoryview[int]"
    rest_until: "memoryview[float]"
    rests: "memoryview[int]"
    faults: "memoryview[int]"
    fault_at: "memoryview[float]"
    probe_at: "memoryview[float]"
    probe_row: "memoryview[int]"
    up_since: "memoryview[float]"
    passes: "memoryview[int]"
    fails: "memoryview[int]"
    checked_at: "memoryview[float]"
    check_seconds: "memoryview[float]"
    history: "memoryview[int]"

    def __init__(
        self,
        name: str,
        capacity: int,
        memory: "memoryview[int]",
        lock: Lock,
        *,
        claim: Callable[[], int],
    ) -> None:
        """``claim`` returns the number of this process's row, -1 if there is none left."""
        self.name = name
        self.capacity = capacity
        self.lock = lock
        self._claim = claim
        self.own_row: Row | None = None
        """The row of this process, as soon as it has taken one."""
        head = len(WORDS) * WORD
        self.words = memory[:head].cast("q")
        """The numbers of the pool itself, as ``layout.WORDS``."""
        size = len(MEMBER_COLUMNS) * capacity * WORD
        self.columns = _columns(memory[head : head + size], MEMBER_COLUMNS, capacity)
        for column, values in self.columns.items():
            setattr(self, column, values)
        at = head + size
        self._texts = memory[at : at + capacity * TEXT_SIZE]
        at += capacity * TEXT_SIZE
        self._row_memory = memory[at:]
        self._rows: dict[int, Row] = {}
        self._known: tuple[int, dict[int, MemberText]] = (-1, {})
        self.most = capacity

    @property
    def epoch(self) -> int:
        """The number of changes so far; whatever was made of the columns before is stale."""
        return self.words[_EPOCH]

    def bump(self) -> None:
        """Tell all processes that columns change.  Call it with the lock held, before they do."""
        self.words[_EPOCH] += 1

    @property
    def roster(self) -> int:
        """The number of changes of texts, and of who is a member, so far."""
        return self.words[_ROSTER]

    @property
    def method(self) -> int:
        """The number of the method of choice."""
        return self.words[_METHOD]

    @method.setter
    def method(self, number: int) -> None:
        self.words[_METHOD] = number

    @property
    def most(self) -> int:
        """How many members there may be, at most ``capacity``: further places are for reloads."""
        return self.words[_MOST]

    @most.setter
    def most(self, number: int) -> None:
        if number > self.capacity:
            raise ValueError(f"{self.name} has only {self.capacity} places")
        self.words[_MOST] = number

    @property
    def slots(self) -> list[int]:
        """The places of the members, in order."""
        return [slot for slot, status in enumerate(self.status) if status & Status.IN_USE]

    @property
    def row(self) -> Row:
        """The row of this process."""
        return self.own_row or self._take_row()

    def _take_row(self) -> Row:
        number = self._claim()
        if number < 0:
            memory = memoryview(bytearray(row_size(self.capacity)))
            # Threads that come here together get the same row, with the same lock.
            self.own_row = self._rows.setdefault(ALONE, Row(memory, self.capacity, ALONE))
        else:
            with self.lock:
                self.words[_ROWS_USED] = max(self.words[_ROWS_USED], number + 1)
            self.own_row = self.row_of(number)
        return self.own_row

    @property
    def rows_used(self) -> int:
        """How many rows were ever used: those with the lowest numbers."""
        return self.words[_ROWS_USED]

    def row_of(self, number: int) -> Row:
        """Return the row with that number, whoever has it."""
        row = self._rows.get(number)
        if row is None:
            step = row_size(self.capacity)
            memory = self._row_memory[number * step : (number + 1) * step]
            row = self._rows.setdefault(number, Row(memory, self.capacity, number))
        return row

    def forget_row(self) -> None:
        """In a child of the process that has the row: it is not the child's."""
        if self.own_row is not None:
            self.own_row.leave(self.capacity)
        self.own_row = None
        self._rows = {}
        self.lock.renew()

    @property
    def rows(self) -> list[Row]:
        """The rows that were ever used, and this process's own."""
        rows = [self.row_of(number) for number in range(self.words[_ROWS_USED])]
        if self.own_row is not None and self.own_row.number == ALONE:
            rows.append(self.own_row)
        return rows

    def totals(self, column: str) -> list[Any]:
        """Return the sums of a column over all rows, for each place."""
        columns = [row.columns[column] for row in self.rows]
        if len(columns) == 1:
            return columns[0].tolist()
        return [sum(values) for values in zip(*columns, strict=True)] or [0] * self.capacity

    def free_row(self, number: int) -> bool:
        """Let nobody be busy for a process that is gone, and tell whether anybody was.

        What it has counted stays.
        """
        row = self.row_of(number)
        if not any(row.busy) and number not in self.probe_row:
            return False
        with self.lock:
            was_busy = any(row.busy)
            row.busy[:] = memoryview(bytes(self.capacity * WORD)).cast("q")
            lost = [slot for slot in range(self.capacity) if self.probe_row[slot] == number]
            if lost:
                self.bump()
            for slot in lost:
                self.probe_row[slot] = NO_PROBE
        return was_busy

    def text(self, slot: int) -> MemberText:
        """Return the texts of a member."""
        roster, known = self._known
        if roster != self.roster:
            known = {}
            self._known = (self.roster, known)
        text = known.get(slot)
        if text is None:
            at = slot * TEXT_SIZE
            parts = bytes(self._texts[at : at + TEXT_SIZE]).split(b"\0", 3)[:3]
            text = MemberText(*(part.decode("utf-8", "surrogateescape") for part in parts))
            known[slot] = text
        return text

    def set_text(self, slot: int, text: MemberText) -> None:
        """Write the texts of a member.  Call it with the lock held."""
        self.words[_ROSTER] += 1
        parts = (text.url, text.route, text.redirect, "")
        data = b"\0".join(part.encode("utf-8", "surrogateescape") for part in parts)
        at = slot * TEXT_SIZE
        self._texts[at : at + TEXT_SIZE] = data.ljust(TEXT_SIZE, b"\0")

    def enrol(  # a member, thing by thing
        self,
        text: MemberText,
        *,
        status: Status = NO_STATUS,
        weight: int = 100,
        lbset: int = 0,
        max_connections: int = 0,
    ) -> int:
        """Give a member a free place and return it.  Call it with the lock held.

        It is the first where no request of an earlier member is in flight, if there is one.
        Raises ValueError where all are taken.
        """
        free = [slot for slot in range(self.capacity) if not self.status[slot] & Status.IN_USE]
        if self.capacity - len(free) >= self.most:
            raise ValueError(f"all {self.most} places of {self.name} are taken")
        busy = self.totals("busy")
        slot = min(free, key=lambda place: bool(busy[place]))
        for name in MEMBER_COLUMNS:
            self.columns[name][slot] = 0
        for row in self.rows:
            for name, column in row.columns.items():
                if name != "busy":
                    column[slot] = 0
        self.set_text(slot, text)
        self.weight[slot] = weight
        self.lbset[slot] = lbset
        self.max_connections[slot] = max_connections
        self.probe_row[slot] = NO_PROBE
        self.status[slot] = status | Status.IN_USE
        return slot

    def forget_turns(self) -> None:
        """Let all turns start again, as Apache does with a weight.  Call it with the lock held."""
        self.lbstatus[:] = memoryview(bytes(self.capacity * WORD)).cast("q")

    def remove(self, slot: int) -> None:
        """Free a place.  Call it with the lock held."""
        self.words[_ROSTER] += 1
        self.status[slot] = 0
        self.max_connections[slot] = 0


def _columns(
    memory: "memoryview[int]", kinds: dict[str, str], capacity: int
) -> dict[str, "memoryview[Any]"]:
    size = capacity * WORD
    return {
        name: memory[number * size : (number + 1) * size].cast(kind)  # type: ignore[call-overload]  # "q" or "d"
        for number, (name, kind) in enumerate(kinds.items())
    }
