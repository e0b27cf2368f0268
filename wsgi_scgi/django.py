"""A Django view that calls a WSGI application (PEP 3333): Django has none of its own.

>>> urlpatterns = [re_path(r"^legacy/(?P<path>.*)$", login_required(view(application)))]

What the URL pattern captures as ``path`` becomes PATH_INFO, and what stands before it goes to the
end of SCRIPT_NAME.  Both bodies stream.  REMOTE_USER is the user of the site, if one has logged
in, and nothing else: neither the server's nor a client's.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.http.request import RawPostDataException

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def view(
    application: "WSGIApplication", *, csrf_exempt: bool = True
) -> Callable[..., HttpResponseBase]:
    """Return a view that answers with what ``application`` answers.

    The forms of ``application`` know nothing of Django's CSRF token, so the view is exempt from it
    unless ``csrf_exempt`` is False.  It raises ImproperlyConfigured under ASGI, where there is no
    environ, and for a URL pattern that does not say where the path below it begins.
    """

    def forward(request: HttpRequest, path: str = "") -> HttpResponseBase:
        if not isinstance(request, WSGIRequest):
            raise ImproperlyConfigured(
                "wsgi_scgi.django.view needs Django's WSGI handler (get_wsgi_application): "
                "an ASGI request has no WSGI environ"
            )
        environ = _environ_below(request, path)
        return _answer(_Result(application, environ))

    # The attribute that django.views.decorators.csrf.csrf_exempt sets, which may also be False.
    setattr(forward, "csrf_exempt", csrf_exempt)  # noqa: B010 - functions declare no attributes
    return forward


def _environ_below(request: WSGIRequest, path: str) -> dict[str, Any]:
    """Return the environ of ``request`` as an application mounted at its URL pattern sees it."""
    environ: dict[str, Any] = dict(request.environ)
    mount, below = _split(request, path)
    # Django has decoded both in its copy of the environ; PEP 3333 wants bytes as latin-1.
    environ["SCRIPT_NAME"] = _wsgi_text(str(environ.get("SCRIPT_NAME") or "") + mount)
    environ["PATH_INFO"] = _wsgi_text(below)
    environ["wsgi.input"] = _unread_input(request)
    # Of a view's answer Django passes on the bytes alone, never what the server made of a file.
    environ.pop("wsgi.file_wrapper", None)
    for name in ("REMOTE_USER", "AUTH_TYPE"):
        environ.pop(name, None)
    user = getattr(request, "user", None)  # set by AuthenticationMiddleware
    if user is not None and user.is_authenticated:
        environ["REMOTE_USER"] = _wsgi_text(user.get_username())
    return environ


def _split(request: WSGIRequest, path: str) -> tuple[str, str]:
    """Return what of the request's path belongs to the mount, and what is below it."""
    whole = request.path_info
    if not whole.endswith(path):
        raise ImproperlyConfigured("the `path` of the URL pattern is not the end of the path")
    if not path and _leaves_a_rest(request):
        raise ImproperlyConfigured(
            "the URL pattern takes paths below it without capturing them: "
            r're_path(r"^legacy/(?P<path>.*)$", ...) says where they begin'
        )
    mount = whole[: len(whole) - len(path)]
    if mount.endswith("/"):
        return mount[:-1], "/" + path
    if path and not path.startswith("/"):
        raise ImproperlyConfigured("the `path` of the URL pattern does not start at a slash")
    return mount, path


def _leaves_a_rest(request: WSGIRequest) -> bool:
    """Tell whether the pattern is a ``re_path`` that matched only the first part of the path."""
    if request.resolver_match is None:  # called without URL patterns
        return False
    try:
        match = re.match(request.resolver_match.route.replace("^", ""), request.path_info[1:])
    except re.error:  # the route of a path() need not be an expression
        return False
    return match is not None and match.end() < len(request.path_info) - 1


def _unread_input(request: WSGIRequest) -> Any:
    """Return the server's own stream, or a body that somebody has read before, once more."""
    # Django's stream around it ends at once where a chunked body has no CONTENT_LENGTH.
    if not getattr(request, "_read_started", False):
        return request.environ["wsgi.input"]
    try:
        return io.BytesIO(request.body)
    except RawPostDataException as error:
        raise ImproperlyConfigured(
            "a middleware or decorator has read the body of the request as a form, so that "
            "nothing is left to forward"
        ) from error


def _wsgi_text(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


class _Result:
    """The answer of a WSGI application, from its first piece on, when its head is known."""

    __slots__ = ("_first", "_iterable", "_pieces", "_written", "fields", "status")

    def __init__(self, application: "WSGIApplication", environ: dict[str, Any]) -> None:
        self.status = ""
        self.fields: list[tuple[str, str]] = []
        self._written: list[bytes] = []
        self._iterable: Iterable[bytes] = application(environ, self._start_response)
        try:
            self._pieces = iter(self._iterable)
            # PEP 3333: a generator calls start_response when it is asked for the first piece.
            self._first = [] if self.status else [next(self._pieces, b"")]
            if not self.status:
                raise RuntimeError("the WSGI application did not call start_response")
        except BaseException:
            self.close()
            raise

    def _start_response(
        self, status: str, fields: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        if self.status and exc_info is None:
            raise RuntimeError("the WSGI application called start_response twice")
        self.status, self.fields = status, fields
        return self._written.append

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        for ready in (self._written, self._first):
            if ready:
                return ready.pop(0)
        return next(self._pieces)

    def close(self) -> None:
        """Close the application's iterable; Django calls it at the end of the response."""
        close = getattr(self._iterable, "close", None)
        if close is not None:
            close()


class _Answer(StreamingHttpResponse):
    """A streaming response that can hold several Set-Cookie fields as they are."""

    foreign_cookies: tuple[str, ...] = ()

    def items(self) -> Any:
        """Return the fields that Django's handler sends, besides those of ``cookies``."""
        return [*super().items(), *(("Set-Cookie", line) for line in self.foreign_cookies)]


def _answer(result: _Result) -> HttpResponseBase:
    try:
        number, _, reason = result.status.partition(" ")
        response = _Answer(result, status=int(number), reason=reason)
        # Without one of its own, an answer has no Content-Type: a 304, say.
        del response.headers["Content-Type"]
        for name, value in result.fields:
            if name.lower() == "set-cookie":
                response.foreign_cookies += (value,)
            elif name in response.headers:  # RFC 9110 5.3
                response.headers[name] += f", {value}"
            else:
                response.headers[name] = value
    except BaseException:
        result.close()
        raise
    return response
