"""What can go wrong, and what may be done next.

The tree answers three questions: whose fault it is (the client's, the backend's, the
administrator's), which status code the client is told, and whether the request may be tried
elsewhere.  Nothing here derives from OSError: gunicorn answers an OSError with silence.
"""

from http import HTTPStatus


class Error(Exception):
    """Base of every exception that this package raises on purpose."""


class ConfigurationError(Error):
    """The administrator's fault: an option, a file or an address that cannot work."""


class AddressError(ConfigurationError, ValueError):
    """A backend URL that cannot be understood."""


class ProtocolError(Error):
    """Bytes that break the SCGI specification or the CGI response grammar (RFC 3875 6)."""


class GatewayError(Error):
    """A request that cannot be answered as asked.

    ``status`` is the code for the client.  ``str(error)`` is the whole cause, for the log; only
    ``public`` may be shown to the client: it names no address, no path and no value.
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    public = "The gateway could not handle this request."
    retry_after: int | None = None
    """Seconds after which it may be tried again, where that is known (RFC 9110 10.2.3)."""


class RequestError(GatewayError):
    """The client's fault; never blamed on a backend."""

    status = HTTPStatus.BAD_REQUEST
    public = "The request is malformed."

    def __init__(
        self, cause: str, *, status: HTTPStatus | None = None, public: str | None = None
    ) -> None:
        super().__init__(cause)
        if status is not None:
            self.status = status
        self.public = public or f"{cause[:1].upper()}{cause[1:]}."


class ClientDisconnected(RequestError):
    """The client left, or sent less of the body than it had declared."""


class RequestTimeout(RequestError):
    """The client was silent for ``client_timeout`` seconds in the middle of its body."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause, status=HTTPStatus.REQUEST_TIMEOUT)


class BackendError(GatewayError):
    """The backend's fault, or the network's between the two."""

    status = HTTPStatus.BAD_GATEWAY
    public = "The backend gave no usable answer."


class ConnectError(BackendError):
    """No connection was made, so not one byte was sent: always safe to try elsewhere."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    public = "The backend is not available."


class ConnectTimeout(ConnectError):
    """No connection within ``connect_timeout`` seconds."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    public = "The backend did not accept the connection in time."


class ResolveError(ConnectError):
    """The name of the backend does not resolve."""

    status = HTTPStatus.BAD_GATEWAY
    public = "The backend cannot be found."


class OutOfResources(ConnectError):
    """The gateway itself has no descriptors, ports or memory left; no backend is to blame."""

    public = "The gateway is too busy."


class NoMember(ConnectError):
    """No member of the balancer may serve the request now; ``retry_after`` says when one might."""

    def __init__(self, cause: str, *, retry_after: int | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class BackendTimeout(BackendError):
    """A read or write took longer than ``timeout``, or the exchange longer than ``deadline``."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    public = "The backend did not answer in time."


class DeadlineExceeded(BackendTimeout):
    """The exchange took longer than ``deadline``, mostly not because of the backend.

    No backend is to blame then; where it was waited for most of the time, BackendTimeout is raised.
    """

    public = "The request took too long."


class ResponseError(BackendError):
    """The backend closed before a whole response head, or sent an invalid one."""


class TruncatedResponse(BackendError):
    """The backend failed after its response head had gone out; the client must see a cut."""
