"""Local redirects: ProxySCGIInternalRedirect, and CGI's own (RFC 3875 6.2.2).

A backend that answers 200 with ``Location: /path`` does not mean the client.  Its answer is
dropped and the path goes through all routes and the fallback again, access rules included: a
backend leads to nothing that a client could not ask for itself (CVE-2024-38476).
"""

import logging
from dataclasses import replace
from urllib.parse import quote

from ..errors import ClientDisconnected, GatewayError, RequestError
from ..gateway.request import Request, path_below
from ..gateway.response import (
    Fields,
    Foreign,
    Handler,
    LocalRedirect,
    Outcome,
    Response,
    merged_head,
)
from ..semantics.fields import merge_fields
from ..semantics.target import Target
from .error_override import own_page

logger = logging.getLogger("wsgi_scgi")

LIMIT = 10
"""Redirects in a row, as Apache's LimitInternalRecursion."""

# Backends write blanks and bytes over 0x7e as they are, and Apache takes them so.
_AS_WRITTEN = "".join(map(chr, range(0x21, 0x7F)))


class RecogniseRedirect:
    """A step of one route: tell a local redirect from an ordinary answer.

    ``field`` is Location, or the name of the field that the backend uses instead.
    """

    def __init__(self, inner: Handler, field: str) -> None:
        self._inner = inner
        self._field = field.lower()

    def __call__(self, request: Request) -> Outcome:
        """Return a LocalRedirect for status 200, written or not, with a path of this gateway."""
        response = self._inner(request)
        if not isinstance(response, Response):
            return response
        value = response.control.get(self._field)
        # Without a Status, a Location has already made it 302: the client is to follow it then.
        if value is None or (response.explicit_status and response.status != 200):
            return response
        if not _is_local(value, request.mount):
            if self._field != "location":
                logger.warning(
                    "%s: %s is no path of this gateway: ignored", self._field, ascii(value)
                )
            return response
        response.close()
        return LocalRedirect(value, response.fields)


def _is_local(value: str, mount: str) -> bool:
    """Tell whether ``value`` is a path below ``mount``.

    Outside of it another application answers: that is a way for the client to go.
    """
    path, _ = _split(value)
    if not path.startswith("/") or path.startswith("//"):
        return False
    return path_below(mount, path) is not None


class FollowRedirects:
    """The step around all routes: give each local redirect to them again."""

    def __init__(self, inner: Handler) -> None:
        self._inner = inner

    def __call__(self, request: Request) -> Outcome:
        """Raise GatewayError (500) after more than ``LIMIT`` redirects in a row."""
        outcome = self._inner(request)
        if isinstance(outcome, LocalRedirect):
            return self._follow(request, outcome)
        return outcome

    def _follow(self, request: Request, outcome: Outcome) -> Outcome:
        current = request
        fields: Fields = []
        status: tuple[int, str] | None = None
        chain = [request.path]
        try:
            while isinstance(outcome, LocalRedirect):
                request.inherited_fields = fields = merge_fields(fields, outcome.fields)
                status = status or outcome.keep_status
                chain.append(outcome.target)
                current = _redirected(current, outcome.target, status)
                if len(chain) > LIMIT + 1:
                    way = " -> ".join(map(_shown, chain))
                    raise GatewayError(f"more than {LIMIT} local redirects: {way}")
                outcome = self._inner(current)
            return _merged(current, outcome, fields, status)
        except GatewayError as error:
            if status is None or isinstance(error, ClientDisconnected):
                raise
            logger.error("no page for status %d at %s: %s", status[0], _shown(chain[-1]), error)
            return _merged(current, own_page(current, *status), fields, status)
        finally:
            request.route = current.route


def _redirected(request: Request, target: str, status: tuple[int, str] | None) -> Request:
    path, query = _split(target)
    try:
        return request.redirected(
            Target(quote(path, safe=_AS_WRITTEN, encoding="latin-1"), query),
            status=200 if status is None else status[0],
        )
    except RequestError as error:
        raise RequestError(
            f"the local redirect to {_shown(target)}: {error}",
            public="The application leads to an address that cannot be.",
        ) from error


def _split(target: str) -> tuple[str, str | None]:
    """Return path and query; the fragment is for clients only."""
    path, mark, query = target.partition("#")[0].partition("?")
    return path, query if mark else None


def _merged(
    request: Request,
    outcome: Response | Foreign,
    fields: Fields,
    status: tuple[int, str] | None,
) -> Outcome:
    """Return the answer that redirects have led to, with what they left to it."""
    if isinstance(outcome, Foreign):
        return replace(outcome, fields=fields, keep_status=status)
    if status is not None and outcome.status >= 400:
        # It may well be what the first answer was not to show.
        outcome.close()
        outcome = own_page(request, *status)
    outcome.status, outcome.reason, outcome.fields = merged_head(
        (outcome.status, outcome.reason, outcome.fields), fields, status
    )
    return outcome


def _shown(text: str) -> str:
    """Return what a backend wrote for the log, in which it must not forge lines."""
    return ascii(text)[1:-1]
