"""From the backends of a configuration to balancers, each with its place on the board.

A route's own backend is a balancer with one member, shared by all routes to its address.
"""

import logging
import os
from collections.abc import Sequence

from .address import BackendURL, BalancerURL, address_url
from .balancer.balancer import Balancer
from .balancer.hash_key import key_reader
from .balancer.methods import METHODS
from .balancer.rules import AttemptRules, BalancerRules, RestRules
from .balancer.steering import lbfactor
from .balancer.sticky import Signature, StickySession
from .config.balancer_options import HealthOptions, StickyCookieOptions
from .config.configuration import Balancer as ConfiguredBalancer
from .config.configuration import Configuration
from .health.check import CheckMethod, HealthRules
from .health.monitor import Checked, Monitor
from .proxy.upstream import StickyCookie
from .scoreboard.board import Board
from .scoreboard.configured import ConfiguredMember, configure, move
from .scoreboard.pool import MemberText, Pool
from .transport.names import Resolver

logger = logging.getLogger("wsgi_scgi")

SPARE_PLACES = 4
"""How many more places a balancer has at least, for members that a later file adds."""

_METHOD_NUMBERS = {method.name: number for number, method in enumerate(METHODS)}


class Upstreams:
    """The balancers of one configuration, and the task that watches over them.

    ``board`` is what the workers of this host share (``make_board``).
    """

    def __init__(self, configuration: Configuration, board: Board, resolver: Resolver) -> None:
        self._board = board
        self._named = {
            name: _named(configured, board.pool(name))
            for name, configured in configuration.balancers.items()
        }
        self._cookies = {
            name: _sticky_cookie(configured, configured.sticky_cookie)
            for name, configured in configuration.balancers.items()
            if configured.sticky_cookie is not None
        }
        self._lone = {
            pool.name: Balancer(pool.name, pool)
            for pool in board.pools
            if pool.name not in self._named
        }
        checked = [
            Checked(self._named[name], _health_rules(configured.health))
            for name, configured in configuration.balancers.items()
            if configured.health is not None
        ]
        self._monitor = Monitor(board, checked, resolver)
        self._started_in = 0
        self._is_watched = board.shared or bool(checked)
        self._ought_to_share = configuration.share == "workers" and bool(self._named)

    @property
    def balancers(self) -> Sequence[Balancer]:
        """All of them, those with names first."""
        return [*self._named.values(), *self._lone.values()]

    def of(self, backend: BackendURL | BalancerURL) -> Balancer:
        """Return the balancer of a route's backend."""
        if isinstance(backend, BalancerURL):
            return self._named[backend.name]
        return self._lone[str(backend.address)]

    def cookie_of(self, backend: BackendURL | BalancerURL) -> StickyCookie | None:
        """Return the cookie that the gateway sets for a route's backend, if it does."""
        return self._cookies.get(backend.name) if isinstance(backend, BalancerURL) else None

    def start(self) -> None:
        """Start what runs beside the requests, once in each process and after the last fork.

        Raises RuntimeError where no thread can be started; it may be called again then.
        """
        if self._started_in == os.getpid():
            return
        if self._is_watched:
            self._monitor.start()
        self._started_in = os.getpid()
        if self._ought_to_share and not self._board.is_shared:
            logger.warning(
                "this process alone knows the state of its balancers, since it was not forked after"
                " the gateway was made: use wsgi-scgi serve or gunicorn --preload, or say"
                ' share = "none" in [state]'
            )


def make_board(
    configuration: Configuration, *, shared: bool | None = None, older: Board | None = None
) -> Board:
    """Return a board with a place for every backend of a configuration.

    Processes forked from now on share it if ``shared``, by default if the configuration says so
    and there is anything to agree on.  What ``older``, the board of the configuration before,
    has is taken over, and is the same for those who still use that one; but where a balancer has
    too few places now, or sharing has changed, only what is known so far is copied.
    """
    members = _members(configuration)
    balancers = configuration.balancers
    growth = {name: one.options.growth for name, one in balancers.items()}
    if shared is None:
        shared = configuration.share == "workers" and bool(
            balancers or configuration.admin is not None
        )
    places = [
        (name, _capacity(older.find(name) if older else None, len(those), growth.get(name)))
        for name, those in members.items()
    ]
    board = Board(places, shared=shared, older=older)
    for pool in board.pools:
        old = older.find(pool.name) if older else None
        if old is not None and old is not pool:
            _move(old, pool)
        method = balancers[pool.name].options.method if pool.name in balancers else "byrequests"
        left_out = configure(
            pool,
            members[pool.name],
            method=_METHOD_NUMBERS[method],
            growth=growth.get(pool.name, 0),
            is_checked=pool.name in balancers and balancers[pool.name].health is not None,
        )
        for url in left_out:
            logger.warning("balancer %s: there is no place for %s any more", pool.name, url)
    return board


def _capacity(old: Pool | None, members: int, growth: int | None) -> int:
    """Return for how many members to make room: all those of the pool before, if they suffice.

    Balancers have some to spare for members that the file gets later.
    """
    if growth is None:
        return members
    needed = members + growth
    if old is not None and needed <= old.capacity:
        return old.capacity
    return needed + max(SPARE_PLACES, needed // 4)


def _members(configuration: Configuration) -> dict[str, list[ConfiguredMember]]:
    """Return the members of all pools: first of the balancers, then of backends by themselves."""
    members = {
        name: [
            ConfiguredMember(
                MemberText(member.name, member.route, member.redirect),
                member.status,
                lbfactor(member.weight),
                member.lbset,
                member.max_connections,
            )
            for member in one.members
        ]
        for name, one in configuration.balancers.items()
    }
    lone = [
        route.backend for route in configuration.routes if isinstance(route.backend, BackendURL)
    ]
    for backend in lone:
        address = backend.address
        members[str(address)] = [ConfiguredMember(MemberText(address_url(address)))]
    return members


def _move(old: Pool, pool: Pool) -> None:
    move(old, pool)
    if pool.capacity > old.capacity:
        logger.warning(
            "balancer %s: more members than there was room for (%d): until the workers before have"
            " ended, neither they nor those after see the others' requests",
            pool.name,
            old.capacity,
        )


def _named(configured: ConfiguredBalancer, pool: Pool) -> Balancer:
    options = configured.options
    return Balancer(
        configured.name,
        pool,
        BalancerRules(
            rest=RestRules(
                retry=options.retry,
                retry_max=options.retry_max,
                max_fails=options.max_fails,
                fail_timeout=options.fail_timeout,
                fail_on_status=options.fail_on_status,
                fail_on_timeout=options.fail_on_timeout,
            ),
            attempts=AttemptRules(
                max_attempts=options.max_attempts,
                next_upstream=options.next_upstream,
                next_upstream_timeout=options.next_upstream_timeout,
                non_idempotent=options.non_idempotent,
                retry_budget=options.retry_budget,
                wait=options.wait,
            ),
            force_recovery=options.force_recovery,
            no_failover=options.no_failover,
            slow_start=options.slow_start,
            is_checked=configured.health is not None,
        ),
        sticky=_sticky_session(configured),
        key_of=key_reader(options.hash_key) if options.hash_key else None,
        is_named=True,
    )


def _sticky_session(configured: ConfiguredBalancer) -> StickySession | None:
    options, cookie = configured.options, configured.sticky_cookie
    if not options.sticky_session:
        return None
    return StickySession.parse(
        options.sticky_session,
        separator=options.sticky_separator,
        path_delimiter=options.scolon_path_delim,
        signature=Signature(cookie.secret) if cookie is not None else None,
    )


def _sticky_cookie(configured: ConfiguredBalancer, options: StickyCookieOptions) -> StickyCookie:
    return StickyCookie(
        name=configured.options.sticky_session.partition("|")[0],
        signature=Signature(options.secret),
        attributes=options.attributes(),
    )


def _health_rules(options: HealthOptions) -> HealthRules:
    return HealthRules(
        method=CheckMethod(options.method),
        uri=options.uri,
        interval=options.interval,
        timeout=options.timeout,
        passes=options.passes,
        fails=options.fails,
        expect=options.expect,
        match=options.match,
        variables=options.variables,
    )
