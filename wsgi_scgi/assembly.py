"""From configuration to objects: the one place that knows both, run once at start-up.

What a route does not use is not in its chain.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .address import BackendURL, TCPAddress
from .config.configuration import Configuration
from .config.configuration import Route as ConfiguredRoute
from .config.kinds import str_as_text
from .config.options import RouteOptions
from .config.presets import RTORRENT
from .edge import Edge
from .files.aliases import Aliases
from .files.root import Roots
from .gateway.request import Request
from .gateway.response import Foreign, Handler
from .gateway.variables import VariableRules
from .proxy.authenticate import Authenticate
from .proxy.conditional import AnswerConditions
from .proxy.error_override import OverrideErrors, OverrideRules
from .proxy.forward import Forwarder, ForwardRules
from .proxy.password_file import PasswordFile
from .proxy.redirect import FollowRedirects, RecogniseRedirect
from .proxy.rewrite import RewriteFields, RewriteRules
from .proxy.router import Route, Router
from .proxy.rtorrent import SENT, InspectCalls, RefuseForeignPages
from .proxy.sendfile import ACCEL_FIELD, SendFile
from .semantics.fields import FieldRules
from .semantics.path import Pattern, Prefix
from .semantics.rtorrent_methods import MethodRules
from .transport.exchange import Limits
from .scoreboard.board import Board
from .transport.names import Resolver
from .upstreams import Upstreams, make_board

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_resolver = Resolver()
"""One cache of names for the process: routes share backends."""


def build(configuration: Configuration, fallback: "WSGIApplication | None" = None) -> Edge:
    """Return the WSGI application for a configuration."""
    return Edge(handler(configuration, fallback))


def handler(
    configuration: Configuration,
    fallback: "WSGIApplication | None" = None,
    *,
    board: Board | None = None,
) -> Handler:
    """Return the handler for all routes of a configuration.

    ``board`` is what the workers of this host share; without one the process makes its own.
    """
    upstreams = Upstreams(configuration, board or make_board(configuration))
    routes = [_route(route, upstreams) for route in configuration.routes]
    router: Handler = Router(routes, None if fallback is None else _foreign(fallback))
    redirecting = any(
        route.options.internal_redirect or route.options.error_override
        for route in configuration.routes
        if route.backend is not None
    )
    return FollowRedirects(router) if redirecting else router


def _route(route: ConfiguredRoute, upstreams: Upstreams) -> Route:
    matcher: Prefix | Pattern
    if route.match:
        matcher = Pattern(route.match, route.backend.path if route.backend else "/")
    else:
        matcher = Prefix(route.path)
    return Route(
        name=str_as_text(route.match or route.path),
        matcher=matcher,
        handler=_chain(route, route.backend, upstreams) if route.backend is not None else None,
        hosts=frozenset(route.host),
        encoded_slash=route.options.encoded_slash,
    )


def _chain(route: ConfiguredRoute, backend: BackendURL, upstreams: Upstreams) -> Handler:
    """Return the steps of a route, the innermost first."""
    options = route.options
    chain: Handler = _forwarder(backend, options, upstreams)
    if options.sendfile or options.accel:
        chain = SendFile(
            chain,
            field=options.sendfile,
            roots=Roots(map(_as_bytes, options.sendfile_roots)) if options.sendfile else None,
            aliases=_aliases(options.accel) if options.accel else None,
        )
    if options.internal_redirect:
        chain = RecogniseRedirect(chain, options.internal_redirect)
    if options.conditional_requests:
        chain = AnswerConditions(chain)
    if options.error_override:
        chain = OverrideErrors(chain, _override_rules(options))
    rules = _rewrite_rules(route, backend)
    if rules.authority or rules.base != "/" or rules.cookie_path or rules.cookie_domain:
        chain = RewriteFields(chain, rules)
    return _guarded(chain, route)


def _guarded(chain: Handler, route: ConfiguredRoute) -> Handler:
    """Return a route's chain behind what keeps requests away from it, the cheapest outermost."""
    options = route.options
    if options.preset == RTORRENT:
        chain = InspectCalls(
            chain,
            MethodRules(options.methods_allow, options.methods_deny),
            timeout=options.client_timeout,
            max_body=options.max_body,
        )
    if options.auth_file:
        path = str_as_text(options.auth_file)
        chain = Authenticate(chain, PasswordFile(path).verify, realm=route.name)
    if options.preset == RTORRENT:
        chain = RefuseForeignPages(chain, frozenset(route.host))
    return chain


def _aliases(accel: Mapping[str, str]) -> Aliases:
    return Aliases({prefix: _as_bytes(directory) for prefix, directory in accel.items()})


def _as_bytes(path: str) -> bytes:
    return path.encode("latin-1")


def _forwarder(backend: BackendURL, options: RouteOptions, upstreams: Upstreams) -> Forwarder:
    return Forwarder(
        upstreams.of(backend),
        VariableRules(
            base=backend.path,
            path_info=options.path_info,
            document_root=options.document_root,
            pass_authorization=options.pass_authorization,
            forwarded=options.add_forwarded,
            trusted_proxies=options.trusted_proxies,
            conditions=options.set_if,
            configured=_configured_variables(options),
            sent=SENT if options.preset == RTORRENT else None,
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
            fields=FieldRules(
                control=_control_fields(options),
                hidden=options.hide_headers,
                passed=options.pass_headers,
            ),
        ),
        resolver=_resolver,
    )


def _configured_variables(options: RouteOptions) -> Mapping[str, str | bool]:
    if options.preset == RTORRENT and not options.trusted:
        return {**options.variables, "UNTRUSTED_CONNECTION": "1"}
    return options.variables


def _control_fields(options: RouteOptions) -> frozenset[str]:
    accel = ACCEL_FIELD if options.accel else ""
    return frozenset({options.internal_redirect, options.sendfile, accel} - {""})


def _override_rules(options: RouteOptions) -> OverrideRules:
    statuses = options.error_override
    return OverrideRules(None if isinstance(statuses, bool) else statuses, options.error_document)


def _rewrite_rules(route: ConfiguredRoute, backend: BackendURL) -> RewriteRules:
    options, address = route.options, backend.address
    authority = ""
    # An expression has no one base path that could be replaced.
    reverse = options.location_reverse and not route.match
    if reverse and isinstance(address, TCPAddress):
        authority = str(address).removeprefix("scgi://")
    return RewriteRules(
        mount=route.path,
        base=backend.path if reverse else "/",
        authority=authority,
        cookie_path=options.cookie_path,
        cookie_domain=options.cookie_domain,
    )


def _foreign(application: "WSGIApplication") -> Handler:
    def handle(request: Request) -> Foreign:
        return Foreign(application, request.environ)

    return handle
