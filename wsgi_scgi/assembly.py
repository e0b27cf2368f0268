"""From configuration to objects: the one place that knows both, run once at start-up.

What a route does not use is not in its chain.
"""

from typing import TYPE_CHECKING

from .address import BackendURL
from .config.configuration import Configuration
from .config.options import RouteOptions
from .edge import Edge
from .gateway.request import Request
from .gateway.response import Foreign, Handler
from .gateway.variables import VariableRules
from .proxy.forward import Forwarder, ForwardRules
from .proxy.router import Route, Router
from .semantics.path import Prefix
from .transport.exchange import Limits
from .transport.names import Resolver

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_resolver = Resolver()
"""One cache of names for the process: routes share backends."""


def build(configuration: Configuration, fallback: "WSGIApplication | None" = None) -> Edge:
    """Return the WSGI application for a configuration."""
    return Edge(router(configuration, fallback))


def router(configuration: Configuration, fallback: "WSGIApplication | None" = None) -> Handler:
    """Return the handler for the routes of a configuration."""
    return Router(
        [
            Route(
                path=route.path,
                prefix=Prefix(route.path),
                handler=forwarder(route.backend, route.options)
                if route.backend is not None
                else None,
                encoded_slash=route.options.encoded_slash,
            )
            for route in configuration.routes
        ],
        None if fallback is None else _foreign(fallback),
    )


def forwarder(backend: BackendURL, options: RouteOptions) -> Forwarder:
    """Return the handler of one route."""
    return Forwarder(
        backend,
        VariableRules(
            base=backend.path,
            path_info=options.path_info,
            document_root=options.document_root,
            pass_authorization=options.pass_authorization,
            configured=options.variables,
        ),
        ForwardRules(
            limits=Limits(
                timeout=options.timeout,
                client_timeout=options.client_timeout,
                client_gone_grace=options.client_gone_grace,
            ),
            connect_timeout=options.connect_timeout,
            deadline=options.deadline,
            max_body=options.max_body,
            max_request_head=options.max_request_head,
            buffer_request=options.buffer_request,
        ),
        resolver=_resolver,
    )


def _foreign(application: "WSGIApplication") -> Handler:
    def handle(request: Request) -> Foreign:
        return Foreign(application, request.environ)

    return handle
