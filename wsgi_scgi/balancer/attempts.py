"""The attempts at one request: which members it is given to, one after another.

Another member may be asked as long as the client has got nothing of an answer and nothing can
happen twice: after a connection that was never made always, after that only for methods that are
idempotent (RFC 9110 9.2.2), and only with a body that is untouched or can be sent again.
Every member is asked at most once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import BackendError, ConnectError, NoMember
from ..gateway.body import BodyState
from ..gateway.request import Request
from .lease import Lease
from .sticky import Session

if TYPE_CHECKING:
    from .balancer import Balancer

IDEMPOTENT = frozenset(
    {
        "ACL",
        "BIND",
        "CHECKIN",
        "CHECKOUT",
        "COPY",
        "DELETE",
        "GET",
        "HEAD",
        "LABEL",
        "LINK",
        "MERGE",
        "MKACTIVITY",
        "MKCALENDAR",
        "MKCOL",
        "MKREDIRECTREF",
        "MKWORKSPACE",
        "MOVE",
        "OPTIONS",
        "ORDERPATCH",
        "PROPFIND",
        "PROPPATCH",
        "PUT",
        "REBIND",
        "REPORT",
        "SEARCH",
        "TRACE",
        "UNBIND",
        "UNCHECKOUT",
        "UNLINK",
        "UNLOCK",
        "UPDATE",
        "UPDATEREDIRECTREF",
        "VERSION-CONTROL",
    }
)
"""The methods that IANA's registry calls idempotent; any other may have happened already."""

LONGEST_PAUSE = 0.1
"""Seconds between two looks for a usable member, where something other than time may free one."""


class OnlyAttempt:
    """Stands for ``Attempts`` where there is one member, and nothing to know of a session."""

    __slots__ = ("session", "spoke_to_client")

    def __init__(self) -> None:
        self.session: Session | None = None
        self.spoke_to_client = False

    def may_go_on(self, _error: BackendError) -> bool:
        """Tell that nobody else can be asked."""
        return False

    def may_refuse(self, _status: int) -> bool:
        """Tell that every answer is taken."""
        return False


class Attempts:
    """One request on its way through the members of a balancer."""

    __slots__ = (
        "session",
        "spoke_to_client",
        "_balancer",
        "_bound",
        "_budget",
        "_elected",
        "_pause",
        "_request",
        "_started",
        "_tried",
    )

    def __init__(
        self,
        balancer: "Balancer",
        request: Request,
        pause: Callable[[float], None],
        bound: Callable[[float], float],
    ) -> None:
        """``pause`` lets seconds pass for this request and not for others.

        ``bound`` shortens a span of seconds to what the request has left.
        """
        self._balancer = balancer
        self._budget = balancer.budget
        self._request = request
        self._pause = pause
        self._bound = bound
        self._tried: tuple[int, ...] = ()
        self._started = 0.0
        self._elected: Lease | None = None
        self.session: Session | None = None
        if balancer.sticky is not None:
            self.session = balancer.session_of(request)
        self.spoke_to_client = False
        """Whether an interim answer was passed on: then there is no other member."""

    @property
    def number(self) -> int:
        """How many attempts have been begun."""
        return len(self._tried)

    def begin(self) -> Lease:
        """Elect a member for the next attempt.

        Raises NoMember if there is none; before the first attempt only after ``wait`` seconds.
        """
        if self._elected is not None:
            lease, self._elected = self._elected, None
        elif self._tried:
            lease = self._another(recovers=True)
        else:
            self._budget.add()
            lease = self._first()
            self._started = lease.started
        self._tried += (lease.member.slot,)
        return lease

    def _another(self, *, recovers: bool) -> Lease:
        balancer = self._balancer
        key = balancer.key_of(self._request)
        return balancer.elect(self.session, key, without=self._tried, recovers=recovers)

    def _first(self) -> Lease:
        balancer = self._balancer
        if self.session is None and (lease := balancer.usual.lend(balancer)) is not None:
            return lease
        key = balancer.key_of(self._request)
        until = 0.0
        while True:
            try:
                return balancer.elect(self.session, key)
            except NoMember:
                wait = balancer.rules.attempts.wait
                now = balancer.clock()
                until = until or now + self._bound(wait)
                if now >= until:
                    raise
            self._pause(min(LONGEST_PAUSE, wait / 20, until - now))

    def may_go_on(self, error: BackendError) -> bool:
        """Tell whether another member may be asked after ``error``; the body is ready then."""
        if not self._is_left():
            return False
        if isinstance(error, ConnectError):
            return self._body_is_whole()
        return self._may_happen_twice() and self._budget.take()

    def may_refuse(self, status: int) -> bool:
        """Tell whether another member is to be asked for another answer (``next_upstream``).

        It is elected then, so that the answer with ``status`` is not dropped for nothing, nor for
        a member that is at rest.
        """
        if not (
            status in self._balancer.refused
            and self._is_left()
            and self._may_happen_twice()
            and self._balancer.has_candidates(self._tried, recovers=False)
            and self._budget.take()
        ):
            return False
        try:
            self._elected = self._another(recovers=False)
        except NoMember:
            return False
        return True

    def _is_left(self) -> bool:
        """Tell whether number and time of the attempts allow another."""
        balancer = self._balancer
        rules = balancer.rules.attempts
        most = balancer.size - 1 if rules.max_attempts is None else rules.max_attempts
        if len(self._tried) > most:
            return False
        span = rules.next_upstream_timeout
        return not span or balancer.clock() - self._started < span

    def _may_happen_twice(self) -> bool:
        if self.spoke_to_client:
            return False
        rules = self._balancer.rules.attempts
        return (
            self._request.method in IDEMPOTENT or rules.non_idempotent
        ) and self._body_is_whole()

    def _body_is_whole(self) -> bool:
        body = self._request.body
        if body is None or body.state is BodyState.UNTOUCHED:
            return True
        if body.state is BodyState.GONE:
            return False
        body.rewind()
        return True
