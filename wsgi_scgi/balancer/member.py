"""A member of a balancer: a backend with a place on the board."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..address import BackendURL


@dataclass(frozen=True, slots=True)
class Member:
    """What does not change from request to request; its numbers are on the board, at ``slot``.

    ``name`` is the URL as it was written, ``route`` the end of the session identifiers that
    belong here, ``redirect`` the route that takes them while this member cannot.  ``variables``
    are those that tell the member which one it is: BALANCER_* of mod_proxy_balancer.
    """

    slot: int
    name: str
    url: BackendURL
    route: str = ""
    redirect: str = ""
    variables: Mapping[str, str] = field(default_factory=dict, compare=False)
