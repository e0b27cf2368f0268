"""The handler of ``[admin] path``: pages, JSON, metrics, probes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import parse_qsl, quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..balancer.balancer import Balancer
from ..balancer.methods import METHODS
from ..errors import AddressError, RequestError
from ..gateway.request import Request
from ..gateway.response import Handler, Outcome, Response
from .access import (
    CHALLENGES,
    COOKIE,
    Access,
    Visitor,
    form_value,
    new_form_value,
    refuse_foreign_form,
    refuse_foreign_page,
)
from .changes import apply_change
from .metrics import exposition
from .view import BalancerView, is_ready, view

LONGEST_ORDER = 65536
"""Bytes of a form or of JSON."""

ORDER_TIMEOUT = 10.0

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_STATIC = {"style.css": "text/css; charset=utf-8", "status.js": "text/javascript; charset=utf-8"}
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Admin:
    """A step that answers everything below ``path`` itself; the rest goes on to ``inner``.

    ``path`` starts and ends with a slash.
    """

    def __init__(
        self, inner: Handler, *, path: str, balancers: Sequence[Balancer], access: Access
    ) -> None:
        self._inner = inner
        self.path = path
        self._balancers = balancers
        self._access = access
        self._open: Mapping[str, Callable[[], Response]] = {
            "healthz": self._alive,
            "readyz": self._ready,
        }
        self._pages: Mapping[str, Callable[[Request], Response]] = {
            "": self._page,
            "status.json": self._json,
            "metrics": self._metrics,
        }

    def __call__(self, request: Request) -> Outcome:
        """Raise RequestError for what there is not, or not for everybody."""
        if not request.path.startswith(self.path):
            if request.path != self.path[:-1]:
                return self._inner(request)
            return _moved(request.mount + self.path)
        name = request.path[len(self.path) :]
        if name in self._open:
            response = self._open[name]()
        else:
            visitor = self._access.visitor(request)
            response = self._for_visitor(request, visitor, name) if visitor else _stranger()
        if request.method == "HEAD":
            response.body = b""
        return response

    def _for_visitor(self, request: Request, visitor: Visitor, name: str) -> Response:
        if name == "change":
            return self._change(request, visitor)
        if request.method not in ("GET", "HEAD"):
            return _not_allowed("GET, HEAD")
        if name in _STATIC:
            return _answer(files(__package__).joinpath("static", name).read_bytes(), _STATIC[name])
        page = self._pages.get(name)
        if page is None:
            raise _nothing()
        return page(request)

    def _alive(self) -> Response:
        return _answer(b"ok\n", "text/plain")

    def _ready(self) -> Response:
        if all(map(is_ready, self._balancers)):
            return _answer(b"ready\n", "text/plain")
        return _answer(b"not ready\n", "text/plain", HTTPStatus.SERVICE_UNAVAILABLE)

    def _page(self, request: Request, error: str = "") -> Response:
        value = form_value(request) or new_form_value()
        text = self._templates.get_template("status.html").render(
            balancers=self._view(),
            methods=[method.name for method in METHODS],
            form_value=value,
            error=error,
        )
        status = HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK
        response = _answer(text.encode(), _HTML, status)
        secure = "; Secure" if request.is_https else ""
        place = request.mount + self.path
        cookie = f"{COOKIE}={value}; Path={place}; HttpOnly; SameSite=Strict{secure}"
        response.fields.append(("Set-Cookie", cookie))
        return response

    def _json(self, _: Request) -> Response:
        return _json_answer({"balancers": [asdict(one) for one in self._view()]})

    def _metrics(self, request: Request) -> Response:
        return _answer(*exposition(self._view(), request.environ.get("HTTP_ACCEPT", "")))

    def _change(self, request: Request, visitor: Visitor) -> Response:
        if request.method != "POST":
            return _not_allowed("POST")
        refuse_foreign_page(request)
        order, is_form = _order(request)
        if is_form or visitor.needs_form:
            refuse_foreign_form(request, order.pop("form", ""))
        try:
            done = apply_change(self._balancers, order, visitor.name)
        except (ValueError, AddressError) as error:
            if is_form:
                return self._page(request, str(error))
            return _json_answer({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        if not is_form:
            return _json_answer({"done": done})
        return _moved(request.mount + self.path)

    def _view(self) -> list[BalancerView]:
        return view(self._balancers)

    @cached_property
    def _templates(self) -> Environment:
        loader = PackageLoader(__package__)
        return Environment(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )


def _order(request: Request) -> tuple[dict[str, str], bool]:
    """Return what is to be done, and whether a form says it.  Raises RequestError."""
    media_type = request.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    request.open_body(timeout=ORDER_TIMEOUT, max_body=LONGEST_ORDER)
    body, data = request.body, b""
    while body is not None and body.remaining:
        data += body.read(body.remaining)
    try:
        if media_type == _FORM:
            return dict(parse_qsl(data.decode(), keep_blank_values=True, strict_parsing=True)), True
        if media_type == _JSON:
            order = json.loads(data)
            if isinstance(order, dict):
                return {str(key): str(value) for key, value in order.items()}, False
        raise ValueError("a form or an object in JSON is needed")
    except ValueError as error:
        raise RequestError(f"the order cannot be read: {error}") from error


def _answer(body: bytes, media_type: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    fields = [
        ("Content-Type", media_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Content-Security-Policy", _POLICY),
    ]
    return Response(status.value, status.phrase, fields, body)


def _json_answer(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return _answer(json.dumps(value).encode() + b"\n", _JSON, status)


def _moved(place: str) -> Response:
    """Send the client to ``place``, by GET."""
    response = _answer(b"", _HTML, HTTPStatus.SEE_OTHER)
    response.fields.append(("Location", quote(place, encoding="latin-1")))
    return response


def _stranger() -> Response:
    response = _answer(b"A token is needed.\n", "text/plain", HTTPStatus.UNAUTHORIZED)
    response.fields += [("WWW-Authenticate", challenge) for challenge in CHALLENGES]
    return response


def _not_allowed(methods: str) -> Response:
    response = _answer(b"", "text/plain", HTTPStatus.METHOD_NOT_ALLOWED)
    response.fields.append(("Allow", methods))
    return response


def _nothing() -> RequestError:
    return RequestError(
        "there is no such page of the gateway",
        status=HTTPStatus.NOT_FOUND,
        public="Nothing is served at this address.",
    )
