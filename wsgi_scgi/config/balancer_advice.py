"""What is said of balancers and of [admin] that is allowed and can hardly be meant."""

from collections.abc import Iterator, Mapping, Sequence

from ..address import BalancerURL
from ..errors import ConfigurationError
from ..scoreboard.status import Status
from .advice import Advice, start_of
from .balancer_options import AdminOptions, BalancerOptions, HealthOptions, MemberOptions
from .configuration import Balancer, Route
from .declaring import declared
from .lines import KeyPath

_OUT = Status.DISABLED | Status.STOPPED | Status.DRAIN
_NOT_NORMAL = Status.HOT_SPARE | Status.HOT_STANDBY
_NEED_STICKINESS = ("no_failover", "sticky_separator")


def advice_on_balancers(
    balancers: Mapping[str, Balancer], routes: Sequence[tuple[KeyPath, Route]]
) -> Advice:
    """Yield the key and what is to be thought about, for balancers and their members."""
    backends = [route.backend for _, route in routes]
    used = {backend.name for backend in backends if isinstance(backend, BalancerURL)}
    for name, balancer in balancers.items():
        at = ("balancer", name)
        if name not in used:
            yield at, f"no route has the backend balancer://{name}/"
        if not _can_serve(balancer):
            text = "no member can serve, by their states, until somebody or something changes that"
            yield (*at, "member"), text
        yield from _on_stickiness(at, balancer)
        yield from _on_weights(at, balancer.options, balancer.members)
        if balancer.health is not None:
            yield from _on_health((*at, "health"), balancer.health)


def _can_serve(balancer: Balancer) -> bool:
    """Tell whether a request without a session would find a member, by the states they begin in."""
    out = _OUT if balancer.health is not None else _OUT | Status.HEALTH_FAILED
    sets: dict[int, list[Status]] = {}
    for member in balancer.members:
        sets.setdefault(member.lbset, []).append(member.status)
    for states in sets.values():
        fit = [state for state in states if not state & out]
        # Spares stand in for normal members that are out, standbys for all.
        is_missing = any(state & out and not state & _NOT_NORMAL for state in states)
        for state in fit:
            if not state & Status.HOT_SPARE or is_missing:
                return True
    return False


def _on_stickiness(at: KeyPath, balancer: Balancer) -> Advice:
    options, members = balancer.options, balancer.members
    names = {member.route for member in members}
    if not options.sticky_session:
        for name in _NEED_STICKINESS:
            if getattr(options, name) != declared(BalancerOptions)[name].default:
                yield (*at, name), "does nothing without sticky_session"
    elif not any(names):
        text = "no member has a route, so no session comes back to its member"
        yield (*at, "sticky_session"), text
    for number, member in enumerate(members):
        path = (*at, "member", number)
        if member.redirect and member.redirect not in names:
            yield (*path, "redirect"), f"no member has the route {member.redirect}"
        if balancer.sticky_cookie is not None and not member.route and any(names):
            yield path, "without a route its sessions do not come back to it"


def _on_weights(at: KeyPath, options: BalancerOptions, members: Sequence[MemberOptions]) -> Advice:
    """Find weights without a counterpart, and those of a method that hardly heeds them."""
    for number, member in enumerate(members):
        path = (*at, "member", number, "weight")
        if member.weight == 1.0:
            continue
        others = [one for one in members if one is not member and one.lbset == member.lbset]
        if not others:
            yield path, "does nothing: there is no other member in the same lbset"
        elif options.method == "bybusyness":
            yield (
                path,
                (
                    "counts only between members with equally many requests in progress;"
                    ' method = "leastconn" divides by it'
                ),
            )


def _on_health(at: KeyPath, health: HealthOptions) -> Advice:
    default = declared(HealthOptions)["timeout"].default
    if health.interval < health.timeout != default:
        yield (
            (*at, "timeout"),
            f"longer than interval: a member that is silent is checked every {health.timeout:g}"
            f" seconds, not every {health.interval:g}",
        )


def advice_on_admin(admin: AdminOptions | None, routes: Sequence[tuple[KeyPath, Route]]) -> Advice:
    """Yield the key and what is to be thought about, for [admin] and the routes that it hides."""
    if admin is None:
        return
    yield from _on_token(admin)
    for at, route in routes:
        # A path stands for whole segments, an expression for whatever it begins with.
        start = start_of(route) if route.match else f"{start_of(route)}/"
        # Of an excluded route nothing is lost.
        if route.backend is not None and start.startswith(admin.path):
            key = "match" if route.match else "path"
            yield (*at, key), f"never matches: [admin] has all requests below {admin.path}"


def _on_token(admin: AdminOptions) -> Iterator[tuple[KeyPath, str]]:
    try:
        admin.secret()
    except ConfigurationError as error:
        yield ("admin", "token_file"), str(error)
