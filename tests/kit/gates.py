"""Named events that the two ends of a test share, so that order never depends on the clock."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


class Gates:
    """Open and wait for events by name; a name exists from its first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[str, threading.Event] = {}
        self._all_open = False

    def open(self, name: str) -> None:
        """Let everybody through who waits for ``name`` now or later."""
        self._event(name).set()

    def open_all(self) -> None:
        """Let everybody through everywhere: the test is over, nobody may be left waiting."""
        with self._lock:
            self._all_open = True
            for event in self._events.values():
                event.set()

    def wait(self, name: str, bound: float) -> bool:
        """Wait at most ``bound`` seconds for ``name``; tell whether it was opened."""
        return self._event(name).wait(bound)

    def _event(self, name: str) -> threading.Event:
        with self._lock:
            event = self._events.get(name)
            if event is None:
                event = self._events[name] = threading.Event()
                if self._all_open:
                    event.set()
            return event


class End(Protocol):
    """Either end of a test, client or backend: what a step about gates needs of it."""

    @property
    def gates(self) -> Gates: ...
    @property
    def bound(self) -> float: ...
    def note(self, problem: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Open:
    """Step of either end: open the gate."""

    gate: str

    def __call__(self, end: End) -> None:
        """Open the gate."""
        end.gates.open(self.gate)


@dataclass(frozen=True, slots=True)
class Wait:
    """Step of either end: wait for the gate; a wait beyond the bound is noted, not fatal."""

    gate: str

    def __call__(self, end: End) -> None:
        """Wait for the gate at most ``end.bound`` seconds."""
        if not end.gates.wait(self.gate, end.bound):
            end.note(f"waited {end.bound:g} s in vain for: {self.gate}")
