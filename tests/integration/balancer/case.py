"""The cases of balancers as data: who is a member, what is asked in turn, and who must serve.

A case has a balancer of its own and is played once, so that it starts where nothing has happened.
Outcomes are words: ``a`` for a 200 of member a, ``a:404`` for another status of its own, ``503``
for an answer of the front itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

PATIENCE = 6
"""Seconds in which a member answers, whatever else the machine does."""

Value: TypeAlias = str | int | float | bool | list[int]
Options: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Who:
    """A member: its name, what its URL has after the port, and its options by our names."""

    name: str
    options: Options = field(default_factory=dict)
    path: str = ""
    up: bool = True


def up(name: str, *, path: str = "", **options: Value) -> Who:
    """Return a member that serves from the start."""
    return Who(name, options, path)


def down(name: str, **options: Value) -> Who:
    """Return a member that refuses connections at first."""
    return Who(name, options, up=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Requests one after another, as many as ``wins`` has words; ``do`` tells the members what.

    ``apache`` is what Apache does where we differ on purpose.  ``sees`` are variables of the last
    request, None for one that does not come.  The last answer comes no earlier than
    ``not_before`` seconds after the case began.
    """

    wins: str
    method: str = "GET"
    path: str = ""
    cookie: str = ""
    do: str = ""
    body: bytes = b""
    sees: Mapping[str, str | None] = field(default_factory=dict)
    apache: str = ""
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Requests that their members keep in progress until ``Release``; who got them, in order."""

    wins: str


@dataclass(frozen=True, slots=True)
class Release:
    """Let the held requests be answered, each by its member."""


@dataclass(frozen=True, slots=True)
class Rise:
    """The member listens from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class Until:
    """Ask until the member serves, no earlier than so many seconds after the case began.

    Until then others serve, or all answers are ``meanwhile``.
    """

    name: str
    not_before: float = 0.0
    meanwhile: str = ""


Step: TypeAlias = str | Ask | Hold | Release | Rise | Until
"""A text stands for plain GET requests and who wins them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A balancer and what happens to it.  ``route`` are options of the route to it.

    ``base`` is the path of the balancer's URL.  ``asks`` is how often each member was asked in
    the end, for those that it names.  Below the path ``quick/`` a member is waited for so many
    seconds; Apache, which has one time for all that it asks of a member, waits for ``PATIENCE``.
    """

    name: str
    members: tuple[Who, ...]
    steps: tuple[Step, ...]
    options: Options = field(default_factory=dict)
    route: Options = field(default_factory=dict)
    base: str = "/"
    quick: float = 0.0
    asks: Mapping[str, int] = field(default_factory=dict)
