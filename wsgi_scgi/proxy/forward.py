"""The last step: forward a request to a backend and make its answer ours.

Forwarding is a loop over attempts: a member that cannot serve is followed by another, as far as
``balancer.attempts`` allows.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from ..balancer.attempts import Attempts, OnlyAttempt
from ..balancer.balancer import Balancer
from ..balancer.lease import Lease
from ..balancer.member import Member
from ..balancer.sticky import Session
from ..errors import (
    BackendError,
    ConnectTimeout,
    DeadlineExceeded,
    NoMember,
    ProtocolError,
    RequestError,
)
from ..gateway.body import LARGE, BodyState, buffer_body
from ..gateway.error_page import options_response
from ..gateway.framing import check_length, declared_length, max_forwards
from ..gateway.request import Request
from ..gateway.response import Response
from ..gateway.variables import VariableRules, request_head
from ..scgi.request_head import RequestHeadTooLarge
from ..scgi.response_head import ResponseHead
from ..semantics.fields import FieldRules, answer_fields
from ..transport.connecting import Connection, connect
from ..transport.exchange import WATCH_AFTER, Exchange, Limits
from ..transport.names import Resolver
from ..transport.relay import BackendBody
from ..transport.waiting import NO_DEADLINE, Deadline, current_waiter
from ..transport.whole_answer import (
    NOTHING,
    WITHOUT_CONTENT,
    Answer,
    Begun,
    receive_whole_answer,
)
from .upstream import StickyCookie, Upstream, balancer_variables, end_attempt

logger = logging.getLogger("wsgi_scgi")

AnyAttempt = Attempts | OnlyAttempt


@dataclass(frozen=True, slots=True)
class ForwardRules:
    """What a route says about its exchanges: seconds and bytes, as the options of that name."""

    limits: Limits = Limits()
    connect_timeout: float = 5.0
    deadline: float = 0.0
    max_body: int = 1 << 30
    max_request_head: int = 65536
    fields: FieldRules = FieldRules()
    buffer_request: bool = False


class Forwarder:
    """A Handler for one route: the request goes to a member of a balancer, its answer comes back.

    ``base`` is the path of the route's backend URL; a lone backend's is in its member alone.
    """

    def __init__(
        self,
        balancer: Balancer,
        variables: VariableRules,
        rules: ForwardRules,
        *,
        resolver: Resolver,
        cookie: StickyCookie | None = None,
    ) -> None:
        self._balancer = balancer
        self._variables = variables
        self._rules = rules
        self._resolver = resolver
        self._cookie = cookie
        self._connect_timeout = rules.connect_timeout
        self._deadline = rules.deadline
        self._fields = rules.fields
        self._patience = min(WATCH_AFTER, rules.limits.timeout)
        self._fronts: dict[str, VariableRules] = {"/": variables}

    def __call__(self, request: Request) -> Response:
        """Raise RequestError before a backend is contacted, BackendError after."""
        if "HTTP_MAX_FORWARDS" in request.environ and max_forwards(request.environ) == 0:
            return _last_recipient(request)
        deadline = Deadline(self._deadline) if self._deadline else NO_DEADLINE
        if request.may_have_body:
            self._open_body(request)
        lease = self._balancer.lend_alone()
        if lease is not None:
            response = self._attempt(request, OnlyAttempt(), lease, deadline)
            assert response is not None  # nobody else could be asked
            return response
        return self._try_in_turn(request, deadline)

    def _try_in_turn(self, request: Request, deadline: Deadline) -> Response:
        """Give the request to one member after another, as long as that may help."""
        attempts = Attempts(self._balancer, request, _pause, deadline.bound)
        lease = attempts.begin()
        while True:
            try:
                response = self._attempt(request, attempts, lease, deadline)
                if response is not None:
                    return response
                failure: BackendError | None = None
            except BackendError as error:
                if deadline.passed or not attempts.may_go_on(error):
                    raise
                failure = error
            lease = self._next(request, attempts, lease, failure)

    def _next(
        self, request: Request, attempts: Attempts, lease: Lease, failure: BackendError | None
    ) -> Lease:
        """Elect another member, or raise what the last one failed with."""
        try:
            following = attempts.begin()
        except NoMember as error:
            raise failure or error from None
        logger.warning(
            "%s %s: attempt %d, %s: %s; trying %s",
            request.method,
            ascii(request.path)[1:-1],
            attempts.number - 1,
            lease.member.name,
            failure or f"it answered {lease.status}",
            following.member.name,
        )
        return following

    def _open_body(self, request: Request) -> None:
        rules = self._rules
        length = declared_length(request.environ)
        if length:
            check_length(length, rules.max_body)
        request.open_body(timeout=rules.limits.client_timeout, max_body=rules.max_body)
        body = request.body
        if rules.buffer_request and body is not None and body.state is BodyState.UNTOUCHED:
            request.replace_body(buffer_body(body))

    def _attempt(
        self, request: Request, attempts: AnyAttempt, lease: Lease, deadline: Deadline
    ) -> Response | None:
        """Return the member's answer, None for a status that another member is to be asked for."""
        try:
            head = request.head = self._head_of(request, lease.member, attempts.session)
            body = request.body
            connection = connect(
                lease.member.url.address,
                self._resolver,
                current_waiter(),
                timeout=deadline.bound(self._connect_timeout),
                head=head if body is None else b"",
                large=body is not None and body.length >= LARGE,
            )
        except BaseException as error:
            if isinstance(error, ConnectTimeout) and deadline.passed:
                # Less than connect_timeout was left: that tells nothing about the member.
                error = DeadlineExceeded(f"the deadline passed, and then: {error}")
            lease.failed(error)
            end_attempt(request.notes, lease, 0, 0)
            raise error
        lease.connected()
        begun: Answer | Begun = NOTHING
        try:
            if body is None:
                patience = deadline.bound(self._patience)
                is_head = request.method == "HEAD"
                begun = receive_whole_answer(connection, len(head), patience, is_head)
        except BaseException as error:
            connection.close()
            lease.failed(error)
            end_attempt(request.notes, lease, 0, 0)
            raise
        if isinstance(begun, Begun):
            exchange = self._exchange(request, connection, head, lease, (deadline, begun))
            response = self._converse(request, exchange, attempts, lease)
        else:
            connection.close()
            response = self._answer(request, attempts, lease, begun)
        if response is not None and self._cookie is not None:
            self._cookie.add_to(response, attempts.session, lease.member)
        return response

    def _answer(
        self, request: Request, attempts: AnyAttempt, lease: Lease, answer: Answer
    ) -> Response | None:
        """Do what ``_converse`` does, with an answer that is there as a whole."""
        lease.answered(answer.head.status)
        end_attempt(request.notes, lease, len(request.head), answer.received)
        if attempts.may_refuse(answer.head.status):
            return None
        return self._response(answer.head, answer.body)

    def _exchange(
        self,
        request: Request,
        connection: Connection,
        head: bytes,
        lease: Lease,
        start: tuple[Deadline, Begun],
    ) -> Exchange:
        deadline, begun = start
        record = Upstream(request.notes, lease)
        record.exchange = Exchange(
            connection,
            head,
            body=request.body,
            client=request.client,
            limits=self._rules.limits,
            deadline=deadline,
            begun=begun,
            on_close=record.close,
        )
        return record.exchange

    def _converse(
        self, request: Request, exchange: Exchange, attempts: AnyAttempt, lease: Lease
    ) -> Response | None:
        """Send the request and receive the head of the answer; its body stays to be received."""
        try:
            head = exchange.receive_head(_hints_sender(request.environ, attempts))
            lease.answered(head.status)
            if attempts.may_refuse(head.status):
                exchange.close()
                return None
            if request.method == "HEAD" or head.status in WITHOUT_CONTENT:
                exchange.close()
                return self._response(head, b"")
            body = BackendBody(exchange, head, splice=request.environ.get("wsgi_scgi.splice"))
            whole = body.whole()
            return self._response(head, body if whole is None else whole)
        except BaseException as error:
            lease.failed(error)
            exchange.close()
            raise

    def _response(self, head: ResponseHead, body: bytes | BackendBody) -> Response:
        fields, orders = answer_fields(head.fields, head.status, self._fields)
        return Response(head.status, head.reason, fields, body, orders, head.explicit_status)

    def _head_of(self, request: Request, member: Member, session: Session | None) -> bytes:
        """Return the request head.  Raises RequestError: 400 or 431."""
        added = None
        if self._balancer.is_named and self._variables.sent is None:
            added = balancer_variables(self._balancer, member, session)
        rules = self._rules_for(member)
        try:
            return request_head(request, rules, added, self._rules.max_request_head)
        except RequestHeadTooLarge as error:
            # What was sent before a local redirect may not cost the request itself.
            if request.shorten_history():
                return self._head_of(request, member, session)
            raise RequestError(
                str(error),
                status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                public="The header fields are too large.",
            ) from error
        except ProtocolError as error:
            raise RequestError(str(error), public="The request is malformed.") from error

    def _rules_for(self, member: Member) -> VariableRules:
        """Return the rules with the base path of a balancer's member in front of the route's."""
        front = member.url.path if self._balancer.is_named else "/"
        rules = self._fronts.get(front)
        if rules is None:
            rules = self._fronts[front] = replace(self._variables, front=front)
        return rules


def _pause(seconds: float) -> None:
    current_waiter().pause(seconds)


def _last_recipient(request: Request) -> Response:
    """Answer what may not go any further: OPTIONS is about the gateway then (RFC 9110 7.6.2)."""
    if request.method == "OPTIONS":
        return options_response()
    raise RequestError("Max-Forwards is 0: the request may not be forwarded")


def _hints_sender(
    environ: dict[str, Any], attempts: AnyAttempt
) -> Callable[[ResponseHead], None] | None:
    """Return what passes a 103 on (RFC 8297), where the server below can."""
    send = environ.get("wsgi.early_hints")
    if send is None:
        return None

    def pass_on(head: ResponseHead) -> None:
        links = [field for field in head.fields if field[0].lower() == "link"]
        if head.status == HTTPStatus.EARLY_HINTS and links:
            attempts.spoke_to_client = True
            with contextlib.suppress(OSError):  # a client that left is noticed elsewhere
                send(links)

    return pass_on
