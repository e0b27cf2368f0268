"""What is told about the member that served: to it, to the client and to the access log.

The names of the log's fields are nginx's ($upstream_addr and its like).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..balancer.balancer import Balancer
from ..balancer.lease import Lease
from ..balancer.member import Member
from ..balancer.sticky import CookieAttributes, Session, Signature, set_cookie
from ..gateway.response import Response
from ..transport.exchange import Exchange

IS_LOGGED = "wsgi_scgi.is_logged"
"""False where the server says that nobody will look at the fields that follow."""

ADDRESS = "wsgi_scgi.upstream_addr"
"""The members that were asked, in order, with ", " between."""
ATTEMPTS = "wsgi_scgi.upstream_attempts"
CONNECT_TIME = "wsgi_scgi.upstream_connect_time"
"""Seconds until the last of them had taken the connection; absent where none was made."""
HEADER_TIME = "wsgi_scgi.upstream_header_time"
"""Seconds until its response head was there."""
RESPONSE_TIME = "wsgi_scgi.upstream_response_time"
"""Seconds until the connection to it was closed."""


class Upstream:
    """The record of one attempt: ends its lease, and writes what it took into the environ.

    gunicorn's access log shows environ keys as ``%({wsgi_scgi.upstream_addr}e)s``.
    """

    __slots__ = ("_environ", "_lease", "exchange")

    def __init__(self, environ: dict[str, Any], lease: Lease) -> None:
        self._environ = environ
        self._lease = lease
        self.exchange: Exchange | None = None

    def close(self) -> None:
        """End the attempt; called once, when its connection is closed or could not be made."""
        exchange, sent, received = self.exchange, 0, 0
        if exchange is not None:
            self.exchange = None  # it refers to this record
            if exchange.failure is not None:
                self._lease.failed(exchange.failure)
            sent, received = exchange.sent, exchange.received
        end_attempt(self._environ, self._lease, sent, received)


def end_attempt(environ: dict[str, Any], lease: Lease, sent: int, received: int) -> None:
    """End a lease, and note what the attempt was where anybody looks at it."""
    lease.release(sent, received)
    if not environ.get(IS_LOGGED, True):
        return
    before = environ.get(ADDRESS)
    environ[ADDRESS] = f"{before}, {lease.member.name}" if before else lease.member.name
    environ[ATTEMPTS] = environ.get(ATTEMPTS, 0) + 1
    for name, moment in (
        (CONNECT_TIME, lease.connected_at),
        (HEADER_TIME, lease.answered_at),
        (RESPONSE_TIME, lease.ended_at),
    ):
        if moment:
            # To the microsecond; round() would take much longer.
            environ[name] = int((moment - lease.started) * 1e6 + 0.5) / 1e6
        else:
            environ.pop(name, None)


def balancer_variables(
    balancer: Balancer, member: Member, session: Session | None
) -> Mapping[str, str]:
    """Return the BALANCER_* variables of mod_proxy_balancer."""
    if balancer.sticky is None:
        return member.variables
    variables = dict(member.variables)
    if session is not None:
        variables["BALANCER_SESSION_STICKY"] = session.name
        variables["BALANCER_SESSION_ROUTE"] = session.route
    if session is None or session.route != member.route:
        variables["BALANCER_ROUTE_CHANGED"] = "1"
    return variables


@dataclass(frozen=True, slots=True)
class StickyCookie:
    """The cookie with which the gateway itself leads a client back to its member."""

    name: str
    signature: Signature
    attributes: CookieAttributes

    def add_to(self, response: Response, session: Session | None, member: Member) -> None:
        """Set it, unless the request has come by the same route already."""
        if member.route and (session is None or session.route != member.route):
            value = self.signature.sign(member.route)
            response.fields.append(("Set-Cookie", set_cookie(self.name, value, self.attributes)))
