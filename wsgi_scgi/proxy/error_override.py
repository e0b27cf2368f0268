"""Error pages of the backend replaced by ours: ProxyErrorOverride and ErrorDocument."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..gateway.error_page import error_response, new_request_id
from ..gateway.request import Request
from ..gateway.response import Handler, LocalRedirect, Outcome, Response

# Without these a client cannot act on the status (RFC 9110 11.6.1, 10.2.1, 10.2.3).
_KEPT = frozenset({"www-authenticate", "proxy-authenticate", "allow", "retry-after"})


@dataclass(frozen=True, slots=True)
class OverrideRules:
    """``statuses`` to replace, None for all from 400 on.

    ``documents``: a path, which is answered through the routes and the fallback with the status
    of the error, or a text for the gateway's own page.
    """

    statuses: frozenset[int] | None = None
    documents: Mapping[int, str] = field(default_factory=dict)


class OverrideErrors:
    """A step of one route: replace the bodies of error answers."""

    def __init__(self, inner: Handler, rules: OverrideRules) -> None:
        self._inner = inner
        self._rules = rules

    def __call__(self, request: Request) -> Outcome:
        """Return the inner answer, or what is to be in its place."""
        response = self._inner(request)
        # An error document that fails is shown as it is: it must not replace itself.
        if request.is_error_document or not isinstance(response, Response):
            return response
        status = response.status
        if status < 400 or (self._rules.statuses and status not in self._rules.statuses):
            return response
        response.close()
        kept = [field for field in response.fields if field[0].lower() in _KEPT]
        document = self._rules.documents.get(status, "")
        if document.startswith("/"):
            return LocalRedirect(document, kept, (status, response.reason))
        page = error_response(
            status,
            document or "The application could not handle this request.",
            request_id=request.request_id or new_request_id(),
            accept=request.environ.get("HTTP_ACCEPT", ""),
            route=request.route,
            reason=response.reason,
        )
        page.fields += kept
        return page
