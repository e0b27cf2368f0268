"""Basic authentication (RFC 7617): AuthType Basic of Apache."""

from http import HTTPStatus

from ..gateway.error_page import error_response, new_request_id
from ..gateway.request import Request
from ..gateway.response import Handler, Outcome, Response
from ..semantics.basic_credentials import BasicCredentials, parse_basic_credentials
from .password_file import Verify

_CHALLENGE = 'Basic realm="{}", charset="UTF-8"'


class Authenticate:
    """A step of one route: let in whom ``verify`` knows, and say who it is."""

    def __init__(self, inner: Handler, verify: Verify, *, realm: str) -> None:
        self._inner = inner
        self._verify = verify
        self._challenge = _CHALLENGE.format(realm.replace("\\", "").replace('"', ""))

    def __call__(self, request: Request) -> Outcome:
        """Return 401 for anybody else."""
        credentials = _credentials_of(request)
        if credentials is None or not self._verify(credentials):
            return self._refusal(request)
        user = credentials.user.encode().decode("latin-1")
        request.environ = {**request.environ, "REMOTE_USER": user, "AUTH_TYPE": "Basic"}
        return self._inner(request)

    def _refusal(self, request: Request) -> Response:
        page = error_response(
            HTTPStatus.UNAUTHORIZED,
            "A user name and a password are needed here.",
            request_id=request.request_id or new_request_id(),
            accept=request.environ.get("HTTP_ACCEPT", ""),
            route=request.route,
        )
        page.fields.append(("WWW-Authenticate", self._challenge))
        if request.method == "HEAD":
            page.body = b""
        return page


def _credentials_of(request: Request) -> BasicCredentials | None:
    try:
        return parse_basic_credentials(str(request.environ.get("HTTP_AUTHORIZATION", "")))
    except ValueError:
        return None
