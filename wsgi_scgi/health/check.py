"""One health check of one member (Apache: mod_proxy_hcheck).

``tcp`` asks only whether somebody takes the connection.  ``scgi`` sends a real request; Apache
would send HTTP to the SCGI port.
"""

import enum
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..address import BackendURL, TCPAddress
from ..errors import BackendError, OutOfResources, ProtocolError, ResponseError
from ..gateway.own_request import own_variables
from ..scgi.request_head import encode_request_head
from ..scgi.response_head import ResponseHead
from ..semantics.target import parse_target
from ..transport.connecting import connect
from ..transport.exchange import Exchange, Limits
from ..transport.names import Resolver
from ..transport.waiting import BlockingWaiter, Deadline

MATCH_LIMIT = 65536
"""Bytes of a body that ``match`` is searched in."""

USER_AGENT = "wsgi-scgi health check"


class CheckMethod(enum.Enum):
    """How a member is asked."""

    TCP = "tcp"
    SCGI = "scgi"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRules:
    """What is asked of the members of a balancer, how often, and which answers are good.

    ``interval`` and ``timeout`` are seconds, the latter for a whole check.  ``passes`` good
    results in a row bring a member back, ``fails`` bad ones take it out.  Without ``expect`` all
    statuses from 200 to 399 are good.  ``match`` must be found in the body, read as UTF-8.
    ``variables`` are added to the request last and win.
    """

    method: CheckMethod = CheckMethod.SCGI
    uri: str = "/"
    interval: float = 10.0
    timeout: float = 5.0
    passes: int = 1
    fails: int = 1
    expect: frozenset[int] = frozenset()
    match: re.Pattern[str] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for what no check can be made of."""
        if self.interval <= 0 or self.timeout <= 0:
            raise ValueError("interval and timeout of a health check are longer than 0 seconds")
        if self.passes < 1 or self.fails < 1:
            raise ValueError("passes and fails of a health check are 1 or more")
        if parse_target(self.uri).authority is not None:
            raise ValueError(f"the uri {self.uri!r} of a health check is more than a path")
        try:
            request_head(BackendURL(TCPAddress("localhost")), self)
        except ProtocolError as error:
            raise ValueError(f"a health check cannot be sent: {error}") from error

    def expects(self, status: int) -> bool:
        """Tell whether a status is a good one."""
        return status in self.expect if self.expect else 200 <= status <= 399


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to, in how many seconds; ``cause`` is why it failed, else empty."""

    passed: bool
    seconds: float
    cause: str = ""


def check(member: BackendURL, rules: HealthRules, resolver: Resolver) -> Verdict:
    """Check ``member`` once.  Blocks the thread for ``timeout`` seconds at most.

    Raises OutOfResources, which says nothing about the member.
    """
    began = time.monotonic()
    try:
        cause = _cause_against(member, rules, resolver)
    except OutOfResources:
        raise
    except (BackendError, ProtocolError) as error:
        cause = str(error)
    return Verdict(not cause, time.monotonic() - began, cause)


def request_head(member: BackendURL, rules: HealthRules) -> bytes:
    """Return the request: a GET of ``uri`` below the base path of the member.

    Raises ProtocolError for variables that cannot be sent.
    """
    variables = own_variables(member, "GET", rules.uri)
    variables["HTTP_USER_AGENT"] = USER_AGENT
    return encode_request_head(0, variables | dict(rules.variables))


def _cause_against(member: BackendURL, rules: HealthRules, resolver: Resolver) -> str:
    """Return what speaks against ``member``, empty if nothing does."""
    deadline = Deadline(rules.timeout)
    connection = connect(member.address, resolver, BlockingWaiter(), timeout=rules.timeout)
    if rules.method is CheckMethod.TCP:
        connection.close()
        return ""
    exchange = Exchange(
        connection,
        request_head(member, rules),
        limits=Limits(timeout=rules.timeout),
        deadline=deadline,
    )
    try:
        head = exchange.receive_head()
        if not rules.expects(head.status):
            return f"it answered {head.status} {head.reason}"
        if rules.match is None:
            return ""
        body = _start_of_body(exchange, head)
    finally:
        exchange.close()
    if rules.match.search(body.decode("utf-8", "replace")):
        return ""
    return f"{rules.match.pattern!r} is not in its answer"


def _start_of_body(exchange: Exchange, head: ResponseHead) -> bytearray:
    """Receive what ``match`` may look at; raise ResponseError if the body breaks off before."""
    length = head.content_length
    wanted = MATCH_LIMIT if length is None else min(length, MATCH_LIMIT)
    body = bytearray(exchange.surplus)
    while len(body) < wanted:
        piece = exchange.receive()
        if not piece:
            if length is not None:
                raise ResponseError(f"it sent {len(body)} bytes of a body of {length}")
            break
        body += piece
    return body[:wanted]
