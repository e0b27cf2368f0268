"""Error pages of the backend replaced by ours: ProxyErrorOverride and ErrorDocument."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..gateway.error_page import error_response, new_request_id
from ..gateway.request import Request
from ..gateway.response import Handler, LocalRedirect, Outcome, Response

# Without these a client cannot act on the status (RFC 9110 10.2.1, 10.2.3, 11.6.1).
_KEPT = frozenset({"www-authenticate", "allow", "retry-after"})


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
        # A page for an error that fails itself is replaced where the first one was sought.
        if request.is_error_document or not isinstance(response, Response):
            return response
        status, statuses = response.status, self._rules.statuses
        if status < 400 or (statuses is not None and status not in statuses):
            return response
        response.close()
        kept = [field for field in response.fields if field[0].lower() in _KEPT]
        document = self._rules.documents.get(status, "")
        if document.startswith("/"):
            return LocalRedirect(document, kept, (status, response.reason))
        page = own_page(request, status, response.reason, document)
        page.fields += kept
        return page


def with_page(request: Request, answer: Response, text: str) -> Response:
    """Return an error answer of the gateway itself with the page that it lacks."""
    page = own_page(request, answer.status, answer.reason, text)
    names = {name.lower() for name, _ in page.fields}
    page.fields += [field for field in answer.fields if field[0].lower() not in names]
    return page


def own_page(request: Request, status: int, reason: str, text: str = "") -> Response:
    """Return the gateway's page for an error of the backend, without a body for HEAD."""
    page = error_response(
        status,
        text or "The application could not handle this request.",
        request_id=request.request_id or new_request_id(),
        accept=request.environ.get("HTTP_ACCEPT", ""),
        route=request.route,
        reason=reason,
    )
    # Which methods are allowed is the backend's to say.
    page.fields = [field for field in page.fields if field[0] != "Allow"]
    if request.method == "HEAD":
        page.body = b""
    return page
