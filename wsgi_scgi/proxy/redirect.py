"""Local redirects: ProxySCGIInternalRedirect, and CGI's own (RFC 3875 6.2.2).

A backend that answers 200 with ``Location: /path`` does not mean the client.  Its answer is
dropped and the path goes through all routes and the fallback again, access rules included: a
backend leads to nothing that a client could not ask for itself (CVE-2024-38476).
"""

from ..errors import GatewayError, RequestError
from ..gateway.request import Request
from ..gateway.response import Fields, Foreign, Handler, LocalRedirect, Outcome, Response
from ..semantics.fields import merge_fields
from ..semantics.target import parse_target

LIMIT = 10
"""Redirects in a row, as Apache's LimitInternalRecursion."""


class RecogniseRedirect:
    """A step of one route: tell a local redirect from an ordinary answer.

    ``field`` is Location, or the name of the field that the backend uses instead.
    """

    def __init__(self, inner: Handler, field: str) -> None:
        self._inner = inner
        self._field = field.lower()

    def __call__(self, request: Request) -> Outcome:
        """Return a LocalRedirect for status 200, written or not, with a path of this server."""
        response = self._inner(request)
        if not isinstance(response, Response):
            return response
        target = self._target(request, response)
        if target is None:
            return response
        response.close()
        return LocalRedirect(target, response.fields)

    def _target(self, request: Request, response: Response) -> str | None:
        # Without a Status, a Location has already made it 302: the client is to follow it then.
        if response.explicit_status and response.status != 200:
            return None
        value = response.control.get(self._field)
        if value is None and self._field == "location":
            value = next((v for name, v in response.fields if name.lower() == "location"), None)
        if value is None or not value.startswith("/") or value.startswith("//"):
            return None
        # Outside the mount another application answers: that is a way for the client to go.
        if request.mount and not value.startswith(f"{request.mount}/"):
            return None
        return value.partition("#")[0]


class FollowRedirects:
    """The step around all routes: give each local redirect to them again."""

    def __init__(self, inner: Handler) -> None:
        self._inner = inner

    def __call__(self, request: Request) -> Outcome:
        """Raise GatewayError (500) after more than ``LIMIT`` redirects in a row."""
        current = request
        fields: Fields = []
        status: tuple[int, str] | None = None
        chain = [request.path]
        try:
            for _ in range(LIMIT + 1):
                outcome = self._inner(current)
                if not isinstance(outcome, LocalRedirect):
                    return _merged(outcome, fields, status)
                fields = merge_fields(fields, outcome.fields)
                chain.append(outcome.target)
                status = status or outcome.keep_status
                current = _redirected(current, outcome)
        finally:
            request.route = current.route
        raise GatewayError(f"more than {LIMIT} local redirects: {' -> '.join(chain)}")


def _redirected(request: Request, redirect: LocalRedirect) -> Request:
    try:
        target = parse_target(redirect.target)
    except ValueError as error:
        raise RequestError(f"the local redirect {redirect.target!r}: {error}") from error
    status, _ = redirect.keep_status or (200, "")
    return request.redirected(target, status=status)


def _merged(outcome: Response | Foreign, fields: Fields, status: tuple[int, str] | None) -> Outcome:
    if isinstance(outcome, Foreign):
        return Foreign(outcome.application, outcome.environ, fields, status)
    if fields:
        outcome.fields = merge_fields(fields, outcome.fields)
    if status is not None:
        outcome.status, outcome.reason = status
    return outcome
