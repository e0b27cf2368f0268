"""From configuration to objects: the one place that knows both, run once at start-up.

What a route does not use is not in its chain.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .address import BackendURL, BalancerURL, TCPAddress
from .config.balancer_options import AdminOptions
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
from .proxy.rewrite import Place, RewriteFields, RewriteRules
from .proxy.router import Route, Router
from .proxy.rtorrent import SENT, InspectCalls, RefuseForeignPages
from .proxy.sendfile import ACCEL_FIELD, SendFile
from .scoreboard.board import Board
from .semantics.fields import FieldRules
from .semantics.path import Pattern, Prefix, join_base
from .semantics.rtorrent_methods import MethodRules
from .transport.exchange import Limits
from .transport.names import Resolver
from .upstreams import Upstreams, make_board

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_resolver = Resolver()
"""One cache of names for the process: routes share backends."""


class Assembled:
    """The handler for all routes of a configuration, and what runs beside it.

    ``board`` is what the workers of this host share; without one the process makes its own.
    """

    def __init__(
        self,
        configuration: Configuration,
        fallback: "WSGIApplication | None" = None,
        *,
        board: Board | None = None,
    ) -> None:
        if board is None:
            board = make_board(configuration)
        self._upstreams = Upstreams(configuration, board, _resolver)
        routes = [_route(route, self._upstreams) for route in configuration.routes]
        handler: Handler = Router(routes, None if fallback is None else _foreign(fallback))
        if _redirects(configuration):
            handler = FollowRedirects(handler)
        if configuration.admin is not None:
            handler = _admin(handler, configuration.admin, self._upstreams)
        self.handler = handler
        self.leaves_greenlets_clean = fallback is None
        """See Edge: all but a fallback is ours."""

    def start(self) -> None:
        """Start health checks, in this process; else its first request does."""
        self._upstreams.start()


def build(
    configuration: Configuration,
    fallback: "WSGIApplication | None" = None,
    *,
    board: Board | None = None,
) -> Edge:
    """Return the WSGI application for a configuration."""
    assembled = Assembled(configuration, fallback, board=board)
    return Edge(
        assembled.handler,
        start=assembled.start,
        leaves_greenlets_clean=assembled.leaves_greenlets_clean,
    )


def _redirects(configuration: Configuration) -> bool:
    return any(
        route.options.internal_redirect or route.options.error_override
        for route in configuration.routes
        if route.backend is not None
    )


def _admin(inner: Handler, options: AdminOptions, upstreams: Upstreams) -> Handler:
    # Its libraries are an extra, which a configuration without [admin] does not need.
    from .admin import Access, Admin

    # Outside of what follows redirects: no backend leads anybody here.
    access = Access(options.secret(), options.users)
    return Admin(inner, path=options.path, balancers=upstreams.balancers, access=access)


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


def _chain(
    route: ConfiguredRoute, backend: BackendURL | BalancerURL, upstreams: Upstreams
) -> Handler:
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
    rules = _rewrite_rules(route, backend, upstreams)
    if rules.places or rules.cookie_path or rules.cookie_domain:
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


def _forwarder(
    backend: BackendURL | BalancerURL, options: RouteOptions, upstreams: Upstreams
) -> Forwarder:
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
        cookie=upstreams.cookie_of(backend),
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


def _rewrite_rules(
    route: ConfiguredRoute, backend: BackendURL | BalancerURL, upstreams: Upstreams
) -> RewriteRules:
    options = route.options
    # An expression has no one base path that could be replaced.
    reverse = options.location_reverse and not route.match
    places = dict.fromkeys(_places(backend, upstreams)) if reverse else ()
    return RewriteRules(
        mount=route.path,
        places=tuple(place for place in places if place.authority or place.base != "/"),
        cookie_path=options.cookie_path,
        cookie_domain=options.cookie_domain,
    )


def _places(backend: BackendURL | BalancerURL, upstreams: Upstreams) -> Iterator[Place]:
    """Yield what the backend, or any member of the balancer, may call itself."""
    if isinstance(backend, BackendURL):
        yield _place(backend, backend.path)
    else:
        for member in upstreams.of(backend).members():
            yield _place(member.url, join_base(member.url.path, backend.path))


def _place(url: BackendURL, base: str) -> Place:
    address = url.address
    authority = str(address).removeprefix("scgi://") if isinstance(address, TCPAddress) else ""
    return Place(authority, base)


def _foreign(application: "WSGIApplication") -> Handler:
    def handle(request: Request) -> Foreign:
        return Foreign(application, request.environ)

    return handle
