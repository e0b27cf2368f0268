"""The handler of ``[admin] path``: pages, JSON, metrics, probes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qsl

from ..balancer.balancer import Balancer
from ..errors import RequestError
from ..gateway.request import Request
from ..gateway.response import Handler, Outcome, Response
from ..semantics.path import merge_slashes
from .access import (
    Access,
    Visitor,
    authorization,
    form_cookie,
    form_value,
    new_form_value,
    place_of,
    printable,
    refuse_foreign_form,
    refuse_foreign_page,
    remote_user,
)
from .answers import HTML, TEXT, answer, json_answer, moved, not_allowed, stranger
from .changes import apply_change, find_member
from .metrics import exposition
from .order import FORM, media_type, read_order
from .pages import STATIC, member_page, static_file, status_page
from .view import BalancerView, is_ready, view

logger = logging.getLogger("wsgi_scgi")

_READING = ("GET", "HEAD")


class Admin:
    """A step that answers everything below ``path`` itself; the rest goes on to ``inner``.

    ``path`` starts and ends with a slash.  It is looked at as the client sent it, before any
    route and outside of what follows redirects, so nothing leads here but a request.
    """

    def __init__(
        self, inner: Handler, *, path: str, balancers: Sequence[Balancer], access: Access
    ) -> None:
        self._inner = inner
        self.path = path
        self._balancers = balancers
        self._access = access
        self._probes: Mapping[str, Callable[[], Response]] = {
            "healthz": self._alive,
            "readyz": self._ready,
        }
        self._pages: Mapping[str, Callable[[Request], Response]] = {
            "": self._status,
            "member": self._member,
            "status.json": self._json,
            "metrics": self._metrics,
            **{name: partial(_static, name) for name in STATIC},
        }

    def __call__(self, request: Request) -> Outcome:
        """Raise RequestError for what there is not, or not for everybody."""
        path = merge_slashes(request.path)  # as routes see it: there is no way around
        if path == self.path[:-1]:
            response = moved(f"./{self.path.split('/')[-2]}/")
        elif path.startswith(self.path):
            response = self._answer(request, request.path.removeprefix(self.path))
        else:
            return self._inner(request)
        if request.method == "HEAD":
            response.body = b""
        return response

    def _answer(self, request: Request, name: str) -> Response:
        if name in self._probes:
            is_reading = request.method in _READING
            return self._probes[name]() if is_reading else not_allowed("GET, HEAD")
        visitor = self._access.visitor(request)
        if visitor is None:
            return self._refuse(request)
        if name == "change":
            is_change = request.method == "POST"
            return self._change(request, visitor) if is_change else not_allowed("POST")
        page = self._pages.get(name)
        if page is None:
            raise _nothing("there is no such page of the gateway")
        return page(request) if request.method in _READING else not_allowed("GET, HEAD")

    def _refuse(self, request: Request) -> Response:
        user = remote_user(request)
        # A browser asks once without any, before it asks its user.
        if user or authorization(request):
            who = f"the user {printable(user)}" if user else "a wrong token"
            logger.warning("[admin] lets nobody in with %s, from %s", who, place_of(request))
        return stranger(self._access.challenges)

    def _alive(self) -> Response:
        return answer(b"ok\n", TEXT)

    def _ready(self) -> Response:
        if all(map(is_ready, self._balancers)):
            return answer(b"ready\n", TEXT)
        return answer(b"not ready\n", TEXT, HTTPStatus.SERVICE_UNAVAILABLE)

    def _status(self, request: Request, error: str = "") -> Response:
        value = form_value(request) or new_form_value()
        status = HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK
        body = status_page(self._view(), value, error)
        return answer(body, HTML, status, Set_Cookie=form_cookie(request, value))

    def _member(self, request: Request) -> Response:
        try:
            names = dict(parse_qsl(request.query, max_num_fields=2))
            balancer, member = find_member(self._balancers, names)
        except ValueError as error:
            raise _nothing(str(error)) from error
        value = form_value(request) or new_form_value()
        (picture,) = view([balancer])
        seen = next((one for one in picture.members if one.url == member.name), None)
        if seen is None:
            raise _nothing("it was removed a moment ago")
        body = member_page(picture, seen, value)
        return answer(body, HTML, Set_Cookie=form_cookie(request, value))

    def _json(self, _: Request) -> Response:
        return json_answer({"balancers": [asdict(one) for one in self._view()]})

    def _metrics(self, request: Request) -> Response:
        return answer(*exposition(self._view(), request.environ.get("HTTP_ACCEPT", "")))

    def _change(self, request: Request, visitor: Visitor) -> Response:
        refuse_foreign_page(request)
        is_form = media_type(request) == FORM
        try:
            order = read_order(request)
            given = order.pop("form", "")
            if visitor.needs_form:
                refuse_foreign_form(request, given)
            who = f"{printable(visitor.name)} from {place_of(request)}"
            done = apply_change(self._balancers, order, who)
        except ValueError as error:
            if is_form:
                return self._status(request, str(error))
            return json_answer({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        return moved(f"./#balancer-{order['balancer']}") if is_form else json_answer({"done": done})

    def _view(self) -> list[BalancerView]:
        return view(self._balancers)


def _static(name: str, _: Request) -> Response:
    return answer(static_file(name), STATIC[name])


def _nothing(cause: str) -> RequestError:
    return RequestError(
        cause, status=HTTPStatus.NOT_FOUND, public="Nothing is served at this address."
    )
