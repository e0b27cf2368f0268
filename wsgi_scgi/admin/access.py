"""Who may come in: a token, or a user whom the application around the gateway has let in.

A browser sends what it was once told (Basic, cookies) with the forms of foreign pages too.  A
change therefore needs a form of this page, known by a value that stands in the form and in a
cookie, unless it comes with a Bearer token, which no browser adds by itself.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus

from ..errors import RequestError
from ..gateway.request import Request

COOKIE = "wsgi_scgi_form"
CHALLENGES = ('Bearer realm="wsgi-scgi"', 'Basic realm="wsgi-scgi", charset="UTF-8"')

_OWN = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who was let in: ``name`` is for the log."""

    name: str
    needs_form: bool


@dataclass(frozen=True, slots=True)
class Access:
    """``token`` opens, unless it is empty; so does a REMOTE_USER among ``users`` ("*": any)."""

    token: str = field(default="", repr=False)
    users: frozenset[str] = frozenset()

    def visitor(self, request: Request) -> Visitor | None:
        """Return who asks, None for a stranger."""
        user = str(request.environ.get("REMOTE_USER") or "")
        if user and (user in self.users or "*" in self.users):
            return Visitor(user, needs_form=True)
        scheme, _, credentials = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        match scheme.lower():
            case "bearer" if self._is_token(credentials.strip(" ")):
                return Visitor("token", needs_form=False)
            case "basic":
                name, password = _basic(credentials)
                if self._is_token(password):
                    return Visitor(name or "token", needs_form=True)
        return None

    def _is_token(self, text: str) -> bool:
        given = text.encode("utf-8", "surrogateescape")
        return bool(self.token) and hmac.compare_digest(given, self.token.encode())


def refuse_foreign_page(request: Request) -> None:
    """Raise RequestError (403) for a change that a page of another site asks for."""
    site = request.environ.get("HTTP_SEC_FETCH_SITE", "none")
    origin = request.environ.get("HTTP_ORIGIN")
    own = "https" if request.is_https else "http"
    if site not in _OWN or (origin is not None and origin != f"{own}://{request.host}"):
        raise _refused("a page of another site asked for a change")


def refuse_foreign_form(request: Request, given: str) -> None:
    """Raise RequestError (403) where a form was not made by the page of this browser."""
    known = form_value(request)
    if not known or not hmac.compare_digest(known.encode(), given.encode()):
        raise _refused("the form is not of this page, or too old")


def form_value(request: Request) -> str:
    """Return the value that proves a form to be of this page; empty before the first page."""
    for pair in request.environ.get("HTTP_COOKIE", "").split(";"):
        name, _, value = pair.strip(" ").partition("=")
        if name == COOKIE and value.isascii():
            return str(value)
    return ""


def new_form_value() -> str:
    """Return a value for a browser that has none."""
    return secrets.token_urlsafe(24)


def _refused(cause: str) -> RequestError:
    return RequestError(
        cause, status=HTTPStatus.FORBIDDEN, public="Open the page anew and try once more."
    )


def _basic(credentials: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    name, _, password = text.partition(":")
    return name, password
