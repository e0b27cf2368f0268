"""What tests of the proxy's steps share: requests, answers, and bodies that count their end."""

from typing import Any

from tests.gateway.environs import server_environ
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Fields, Handler, Outcome, Response


class Body:
    """A body in pieces that counts how often it is closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.closed = 0
        self._pieces = iter(pieces)

    def __iter__(self) -> "Body":
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        self.closed += 1


def request(target: str = "/", **others: Any) -> Request:
    """Return a request, routed to the route of the name ``/app/``."""
    made = Request(server_environ(target, **others))
    made.route = "/app/"
    return made


def answer(
    status: int = 200,
    fields: Fields | None = None,
    *,
    control: dict[str, str] | None = None,
    explicit: bool = True,
    reason: str = "As the Backend Says",
) -> Response:
    """Return a response of a backend whose body has to be closed by whoever drops it."""
    return Response(status, reason, list(fields or ()), Body(b"body"), control or {}, explicit)


def answering(outcome: Outcome) -> Handler:
    """Return a handler that always gives ``outcome``."""
    return lambda _: outcome


def closed(response: Response) -> int:
    """Return how often the body that ``answer`` made was closed."""
    assert isinstance(response.body, Body)
    return response.body.closed


def is_dropped(body: object) -> bool:
    """Tell whether a body that ``answer`` made has been let go of."""
    assert isinstance(body, Body)
    return body.closed > 0
