"""The client half alone: send one request to an SCGI server from any Python program.

>>> answer = request("scgi+unix:///run/app.sock", "POST", "/RPC2", body=b"...")  # doctest: +SKIP
>>> answer.status, answer.read()  # doctest: +SKIP

It works with and without gevent, checks what it receives as strictly as the gateway does, and
has time limits.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPMessage
from types import TracebackType
from typing import IO, Self

from ..address import BackendURL, parse_backend_url
from ..errors import ProtocolError, RequestError
from ..gateway.body import SpooledBody
from ..gateway.own_request import own_variables
from ..scgi.request_head import encode_request_head
from ..scgi.response_head import ResponseHead
from ..transport.connecting import connect
from ..transport.exchange import Exchange, Limits
from ..transport.names import Resolver
from ..transport.relay import BackendBody
from ..transport.waiting import current_waiter

_resolver = Resolver()

Fields = Mapping[str, str] | Iterable[tuple[str, str]]


class AnswerBody:
    """The body of a response: iterate over it for pieces as they arrive, or read it."""

    __slots__ = ("_pieces", "_unread")

    def __init__(self, pieces: BackendBody | None) -> None:
        self._pieces = pieces
        self._unread = b""

    def __iter__(self) -> Iterator[bytes]:
        """Yield pieces of any size but none empty; raise as ``read`` does."""
        if self._unread:
            unread, self._unread = self._unread, b""
            yield unread
        if self._pieces is not None:
            yield from (piece for piece in self._pieces if piece)

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, fewer only at the end; all that is left if negative.

        Raises TruncatedResponse if the backend breaks off, BackendTimeout if it is silent.
        """
        if size == 0:
            return b""
        collected = io.BytesIO()
        for piece in self:
            collected.write(piece)
            if 0 < size <= collected.tell():
                break
        data = collected.getvalue()
        if size < 0:
            return data
        self._unread = data[size:]
        return data[:size]

    def close(self) -> None:
        """Close the connection.  Harmless when repeated."""
        if self._pieces is not None:
            self._pieces.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.  Close it, or use it as a context manager.

    ``headers`` is a mapping that ignores case; ``get_all`` has every value of a repeated field.
    ``raw_head`` is the head as it came, interim ones before it.  Iterating over the answer and
    its ``read`` are those of its ``body``.
    """

    status: int
    reason: str
    headers: HTTPMessage
    raw_head: bytes = field(repr=False)
    body: AnswerBody = field(repr=False)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.body)

    def read(self, size: int = -1) -> bytes:
        """Read the body; see AnswerBody."""
        return self.body.read(size)

    def close(self) -> None:
        """Close the connection.  Harmless when repeated."""
        self.body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def request(  # noqa: PLR0913  # a request has these parts
    url: str,
    method: str = "GET",
    path: str = "/",
    *,
    headers: Fields = (),
    body: bytes | IO[bytes] = b"",
    variables: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> Answer:
    """Send one request to the SCGI server at ``url`` and return its response.

    ``path`` is a request target, percent-encoded, with its query; it becomes SCRIPT_NAME (empty)
    and PATH_INFO below the base path of ``url``.  ``headers`` become CONTENT_TYPE and HTTP_*.
    ``variables`` are added last and win.  ``body`` is bytes or a seekable file.  ``timeout`` is
    in seconds, for connecting and for each read and write.  Raises AddressError, RequestError
    for a request that cannot be sent, ConnectError, BackendTimeout or ResponseError.
    """
    backend = parse_backend_url(url)
    source = io.BytesIO(body) if isinstance(body, bytes) else body
    spooled = SpooledBody(source, source.seek(0, io.SEEK_END))
    try:
        block = request_variables(backend, method, path, headers=headers, variables=variables)
        head = encode_request_head(spooled.length, block)
    except (ValueError, ProtocolError) as error:
        raise RequestError(str(error)) from error
    connection = connect(backend.address, _resolver, current_waiter(), timeout=timeout)
    exchange = Exchange(connection, head, body=spooled, limits=Limits(timeout=timeout))
    try:
        answer = exchange.receive_head()
        return _answer(method, exchange, answer)
    except BaseException:
        exchange.close()
        raise


def request_variables(
    backend: BackendURL,
    method: str,
    path: str,
    *,
    headers: Fields = (),
    variables: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the variables that ``request`` sends, but for CONTENT_LENGTH and SCGI.

    Raises ValueError for a path that is none.
    """
    block = own_variables(backend, method, path)
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        name = name.upper().replace("-", "_")
        if name == "CONTENT_LENGTH":
            continue  # the length of the body decides
        if name != "CONTENT_TYPE":
            name = f"HTTP_{name}"
        repeated = name in block and name != "HTTP_HOST"
        separator = "; " if name == "HTTP_COOKIE" else ", "
        block[name] = f"{block[name]}{separator}{value}" if repeated else value
    block.update(variables or {})
    return block


def _answer(method: str, exchange: Exchange, head: ResponseHead) -> Answer:
    headers = HTTPMessage()
    for name, value in head.fields:
        headers[name] = value  # adds, and keeps what is there
    if method == "HEAD" or head.status in (204, 304):
        exchange.close()
        body = AnswerBody(None)
    else:
        body = AnswerBody(BackendBody(exchange, head))
    return Answer(head.status, head.reason, headers, exchange.raw_head, body)
