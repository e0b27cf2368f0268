"""A response on its way to the client, and the one type of every step of the proxy."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..semantics.fields import NO_ORDERS, merge_fields
from .request import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Fields = list[tuple[str, str]]


class ResponseBody(Protocol):
    """Pieces of a body.  Whoever received it last closes it; closing twice is harmless."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None: ...


class Response:
    """Status, reason, fields in order, and the body: whole, or in pieces.

    ``control`` has the values of the fields that are orders to a step of this route
    (X-Sendfile), by lower-case name; they are not among ``fields``.  ``explicit_status`` tells a
    Status of 200 that the backend wrote from one that it left to CGI.
    """

    __slots__ = ("body", "control", "explicit_status", "fields", "reason", "status")

    def __init__(  # an answer, part by part
        self,
        status: int,
        reason: str,
        fields: Fields,
        body: bytes | ResponseBody = b"",
        control: Mapping[str, str] = NO_ORDERS,
        explicit_status: bool = True,
    ) -> None:
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = body
        self.control = control
        self.explicit_status = explicit_status

    def close(self) -> None:
        """Let go of the body: this response is not the one that the client gets."""
        if not isinstance(self.body, bytes):
            self.body.close()
        self.body = b""


@dataclass(frozen=True, slots=True)
class Foreign:
    """An answer that a WSGI application gives itself.

    It is called at the edge with the client's own environ and start_response, so that what it
    returns reaches the server as it is: ``wsgi.file_wrapper`` goes by identity.  ``fields`` and
    ``keep_status`` are of an answer that redirected here (LocalRedirect).
    """

    application: "WSGIApplication"
    environ: dict[str, Any] = field(repr=False)
    fields: Fields = field(default_factory=list)
    keep_status: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class LocalRedirect:
    """An answer that is to be replaced by that for another path (RFC 3875 6.2.2).

    ``fields`` are those of the first that are kept, ``keep_status`` its status and reason where
    the other answer is only its body (ErrorDocument).
    """

    target: str
    fields: Fields
    keep_status: tuple[int, str] | None = None


def merged_head(
    head: tuple[int, str, Fields], earlier: Fields, keep_status: tuple[int, str] | None
) -> tuple[int, str, Fields]:
    """Return status, reason and fields of an answer that others had redirected to.

    ``earlier`` are their fields.  An answer that is only the page for an error has the status of
    that error, but for one that sends the client elsewhere: to log in, for instance.
    """
    status, reason, fields = head
    if earlier:
        fields = merge_fields(earlier, fields, status=status)
    if keep_status is not None and not 300 <= status < 400:
        status, reason = keep_status
    return status, reason, fields


Outcome = Response | Foreign | LocalRedirect

Handler = Callable[[Request], Outcome]
