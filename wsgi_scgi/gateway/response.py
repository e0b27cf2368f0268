"""A response on its way to the client, and the one type of every step of the proxy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .request import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class ResponseBody(Protocol):
    """Pieces of a body.  Whoever received it last closes it; closing twice is harmless."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Response:
    """``status`` with its reason, fields in order, and the body: whole, or in pieces."""

    status: str
    fields: list[tuple[str, str]]
    body: bytes | ResponseBody = b""

    def close(self) -> None:
        """Let go of the body: closing twice is harmless."""
        if not isinstance(self.body, bytes):
            self.body.close()


@dataclass(frozen=True, slots=True)
class Foreign:
    """An answer that a WSGI application gives itself.

    It is called at the edge with the client's own environ and start_response, so that what it
    returns reaches the server as it is: ``wsgi.file_wrapper`` goes by identity.
    """

    application: "WSGIApplication"
    environ: dict[str, Any] = field(repr=False)


Handler = Callable[[Request], Response | Foreign]
