"""A member of a balancer: a backend with a place on the board."""

from dataclasses import dataclass

from ..address import BackendURL


@dataclass(frozen=True, slots=True)
class Member:
    """What does not change from request to request; its numbers are on the board, at ``slot``.

    ``name`` is the URL as it was written, ``route`` the end of the session identifiers that
    belong here, ``redirect`` the route that takes them while this member cannot.
    """

    slot: int
    name: str
    url: BackendURL
    route: str = ""
    redirect: str = ""
