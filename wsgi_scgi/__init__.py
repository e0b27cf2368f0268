"""wsgi-scgi: a WSGI application that forwards HTTP requests to SCGI backends."""

from . import compiled  # noqa: F401  # first: it chooses the form of the others
from .application import Gateway, SCGIApplication, from_toml
from .client import Answer, AnswerBody, XMLRPCTransport, request
from .errors import (
    BackendError,
    BackendTimeout,
    ClientDisconnected,
    ConfigurationError,
    ConnectError,
    ConnectTimeout,
    Error,
    GatewayError,
    RequestError,
    RequestTimeout,
    ResolveError,
    ResponseError,
    TruncatedResponse,
)

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "AnswerBody",
    "BackendError",
    "BackendTimeout",
    "ClientDisconnected",
    "ConfigurationError",
    "ConnectError",
    "ConnectTimeout",
    "Error",
    "Gateway",
    "GatewayError",
    "RequestError",
    "RequestTimeout",
    "ResolveError",
    "ResponseError",
    "SCGIApplication",
    "TruncatedResponse",
    "XMLRPCTransport",
    "from_toml",
    "request",
]
