"""Who may come in: a token, or a user whom the application around the gateway has let in.

A browser sends what it was once told (Basic, cookies) with the forms of foreign pages too.  A
change therefore needs a form of this page, known by a value that stands in the form and in a
cookie, unless it comes with a Bearer token, which no browser adds by itself.  A name that is
made to point here (DNS rebinding) gains a page nothing: a browser has neither password nor
cookie for that name, and without them nobody is let in.

Wrong tokens are logged and nobody is locked out: 16 characters that nobody can guess are 2**64
tries at the least, and a lock would be a way to keep the administrator out.
"""

import base64
import binascii
import hmac
import re
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus

from ..errors import RequestError
from ..gateway.request import Request

COOKIE = "wsgi_scgi_form"
CHALLENGES = ('Bearer realm="wsgi-scgi"', 'Basic realm="wsgi-scgi", charset="UTF-8"')

_OWN = frozenset({"same-origin", "none"})
_FORM_VALUE = re.compile(r"[A-Za-z0-9_-]{32}")
_LONGEST_NOTE = 200


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

    @property
    def challenges(self) -> tuple[str, ...]:
        """What a stranger may answer with; nothing where no token would help."""
        return CHALLENGES if self.token else ()

    def visitor(self, request: Request) -> Visitor | None:
        """Return who asks, None for a stranger."""
        scheme, _, credentials = authorization(request).partition(" ")
        if scheme.lower() == "bearer" and self._is_token(_bytes(credentials.strip(" "))):
            return Visitor("token", needs_form=False)
        user = remote_user(request)
        if user and (user in self.users or "*" in self.users):
            return Visitor(user, needs_form=True)
        if scheme.lower() == "basic":
            name, password = _basic(credentials.strip(" "))
            if self._is_token(password):
                return Visitor(name.decode("utf-8", "replace") or "token", needs_form=True)
        return None

    def _is_token(self, given: bytes) -> bool:
        # Takes as long for a wrong first character as for a wrong last one.
        return bool(self.token) and hmac.compare_digest(given, self.token.encode())


def authorization(request: Request) -> str:
    """Return the Authorization field, empty without one."""
    return str(request.environ.get("HTTP_AUTHORIZATION", ""))


def remote_user(request: Request) -> str:
    """Return whom the application around the gateway has authenticated, empty for nobody.

    REMOTE_USER comes from nowhere else: the field ``Remote-User`` of a request is HTTP_REMOTE_USER.
    """
    user = str(request.environ.get("REMOTE_USER") or "")
    try:
        return user.encode("latin-1").decode()  # "bytes as str", as PEP 3333 has it
    except UnicodeError:
        return user


def place_of(request: Request) -> str:
    """Return for the log where a request comes from; what proxies say of it is not verified."""
    place = str(request.environ.get("REMOTE_ADDR") or "") or "a Unix socket"
    others = str(request.environ.get("HTTP_X_FORWARDED_FOR", ""))[:_LONGEST_NOTE]
    return f"{place} (X-Forwarded-For: {printable(others)})" if others else place


def printable(text: str) -> str:
    """Return a text that cannot forge lines of the log."""
    return ascii(text)[1:-1]


def refuse_foreign_page(request: Request) -> None:
    """Raise RequestError (403) for a change that a page of another site asks for.

    Where a browser says itself whose page asks (Sec-Fetch-Site), that decides: it holds behind
    proxies that change the Host too.  Older ones send the Origin; programs send neither.
    """
    site = request.environ.get("HTTP_SEC_FETCH_SITE")
    origin = request.environ.get("HTTP_ORIGIN")
    is_own = site in _OWN if site is not None else origin is None or _is_own(request, origin)
    if not is_own:
        raise _refused("a page of another site asked for a change")


def _is_own(request: Request, origin: str) -> bool:
    # A proxy in front may speak TLS without telling: https is never the weaker one.
    schemes = ("https",) if request.is_https else ("http", "https")
    return origin.lower() in {f"{scheme}://{request.host}".lower() for scheme in schemes}


def refuse_foreign_form(request: Request, given: str) -> None:
    """Raise RequestError (403) where a form was not made by the page of this browser."""
    known = form_value(request)
    if not known or not hmac.compare_digest(known.encode(), given.encode()):
        raise _refused("the form is not of this page, or too old")


def form_value(request: Request) -> str:
    """Return the value that proves a form to be of this page; empty before the first page."""
    for pair in request.environ.get("HTTP_COOKIE", "").split(";"):
        name, _, value = pair.strip(" ").partition("=")
        # It is sent back in a field: nothing but what was made here.
        if name == COOKIE and _FORM_VALUE.fullmatch(value):
            return str(value)
    return ""


def new_form_value() -> str:
    """Return a value for a browser that has none."""
    return secrets.token_urlsafe(24)


def form_cookie(request: Request, value: str) -> str:
    """Return the Set-Cookie field for a form's value.

    It has no Path: browsers take that of the page, wherever a proxy has put it.
    """
    secure = "; Secure" if request.is_https else ""
    return f"{COOKIE}={value}; HttpOnly; SameSite=Strict{secure}"


def _refused(cause: str) -> RequestError:
    return RequestError(
        cause, status=HTTPStatus.FORBIDDEN, public="Open the page anew and try once more."
    )


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")  # "bytes as str"
    except UnicodeEncodeError:
        return b""


def _basic(credentials: str) -> tuple[bytes, bytes]:
    """Return name and password; the name may be empty, as ``curl -u :TOKEN`` sends it."""
    try:
        decoded = base64.b64decode(credentials, validate=True)
    except (binascii.Error, ValueError):
        return b"", b""
    name, _, password = decoded.partition(b":")
    return name, password
