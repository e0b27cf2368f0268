"""The last step: forward a request to a backend and make its answer ours."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ..address import BackendURL
from ..errors import ProtocolError, RequestError
from ..gateway.body import BodyState, buffer_body
from ..gateway.error_page import options_response
from ..gateway.framing import check_length, declared_length, max_forwards
from ..gateway.request import Request
from ..gateway.response import Response
from ..gateway.variables import VariableRules, cgi_variables
from ..scgi.request_head import RequestHeadTooLarge, encode_request_head
from ..scgi.response_head import ResponseHead
from ..semantics.fields import FieldRules, control_values, end_to_end_fields
from ..transport.connecting import connect
from ..transport.exchange import Exchange, Limits
from ..transport.names import Resolver
from ..transport.relay import BackendBody
from ..transport.waiting import NO_DEADLINE, Deadline, current_waiter


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
    """A Handler for one route: the request goes to a backend, its answer comes back."""

    def __init__(
        self,
        backend: BackendURL,
        variables: VariableRules,
        rules: ForwardRules,
        *,
        resolver: Resolver,
    ) -> None:
        self._backend = backend
        self._variables = variables
        self._rules = rules
        self._resolver = resolver

    def __call__(self, request: Request) -> Response:
        """Raise RequestError before the backend is contacted, BackendError after."""
        if "HTTP_MAX_FORWARDS" in request.environ and max_forwards(request.environ) == 0:
            return _last_recipient(request)
        rules = self._rules
        deadline = Deadline(rules.deadline) if rules.deadline else NO_DEADLINE
        self._open_body(request)
        head = self._encode_head(request)
        exchange = self._connect(request, head, deadline)
        try:
            return self._respond(request, exchange)
        except BaseException:
            exchange.close()
            raise

    def _open_body(self, request: Request) -> None:
        rules = self._rules
        length = declared_length(request.environ)
        if length:
            check_length(length, rules.max_body)
        request.open_body(timeout=rules.limits.client_timeout, max_body=rules.max_body)
        body = request.body
        if rules.buffer_request and body is not None and body.state is BodyState.UNTOUCHED:
            request.replace_body(buffer_body(body))

    def _encode_head(self, request: Request) -> bytes:
        length = request.body.length if request.body is not None else 0
        variables = request.variables = cgi_variables(request, self._variables)
        try:
            return encode_request_head(length, variables, limit=self._rules.max_request_head)
        except RequestHeadTooLarge as error:
            # What was sent before a local redirect may not cost the request itself.
            if request.shorten_history():
                return self._encode_head(request)
            raise RequestError(
                str(error),
                status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                public="The header fields are too large.",
            ) from error
        except ProtocolError as error:
            raise RequestError(str(error), public="The request is malformed.") from error

    def _connect(self, request: Request, head: bytes, deadline: Deadline) -> Exchange:
        connection = connect(
            self._backend.address,
            self._resolver,
            current_waiter(),
            timeout=deadline.bound(self._rules.connect_timeout),
        )
        return Exchange(
            connection,
            head,
            body=request.body,
            client=request.client,
            limits=self._rules.limits,
            deadline=deadline,
        )

    def _respond(self, request: Request, exchange: Exchange) -> Response:
        head = exchange.receive_head(_hints_sender(request.environ))
        response = Response(
            head.status,
            head.reason,
            end_to_end_fields(head.fields, head.status, self._rules.fields),
            control=control_values(head.fields, self._rules.fields.control),
            explicit_status=head.explicit_status,
        )
        if request.method == "HEAD" or head.status in (204, 304):
            exchange.close()
        else:
            body = BackendBody(exchange, head, splice=request.environ.get("wsgi_scgi.splice"))
            whole = body.whole()
            response.body = body if whole is None else whole
        return response


def _last_recipient(request: Request) -> Response:
    """Answer what may not go any further: OPTIONS is about the gateway then (RFC 9110 7.6.2)."""
    if request.method == "OPTIONS":
        return options_response()
    raise RequestError("Max-Forwards is 0: the request may not be forwarded")


def _hints_sender(environ: dict[str, Any]) -> Callable[[ResponseHead], None] | None:
    """Return what passes a 103 on (RFC 8297), where the server below can."""
    send = environ.get("wsgi.early_hints")
    if send is None:
        return None

    def pass_on(head: ResponseHead) -> None:
        links = [field for field in head.fields if field[0].lower() == "link"]
        if head.status == HTTPStatus.EARLY_HINTS and links:
            with contextlib.suppress(OSError):  # a client that left is noticed elsewhere
                send(links)

    return pass_on
