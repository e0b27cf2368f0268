"""``[balancer.NAME]`` and the tables below it: from a document to balancers."""

from collections.abc import Iterator, Mapping

from ..address import BackendURL, is_balancer_name
from ..balancer.sticky import StickySession, check_route, set_cookie
from .balancer_options import (
    BalancerOptions,
    HealthOptions,
    MemberOptions,
    StickyCookieOptions,
)
from .configuration import Balancer
from .declaring import declared
from .findings import AnyTable, Findings
from .lines import KeyPath

_TABLES = ("member", "health", "sticky_cookie")


def read_balancers(raw: object, findings: Findings) -> Mapping[str, Balancer | None]:
    """Return the balancers by their names, None for those with mistakes, which are added."""
    tables = findings.table(("balancer",), raw)
    return {str(name): _balancer(str(name), one, findings) for name, one in (tables or {}).items()}


def _balancer(name: str, raw: object, findings: Findings) -> Balancer | None:
    found = len(findings.mistakes)
    at = ("balancer", name)
    if not is_balancer_name(name):
        text = "is no name for a balancer; allowed: letters, digits, dots, hyphens and underscores"
        findings.wrong(at, text)
    table = findings.table(at, raw)
    if table is None:
        return None
    options = _options(at, table, findings)
    members = list(_members(at, table, findings))
    health = _below((*at, "health"), HealthOptions, table, findings)
    cookie = _below((*at, "sticky_cookie"), StickyCookieOptions, table, findings)
    if options is not None and cookie is not None:
        _check_cookie(at, options, cookie, findings)
    if cookie is not None:
        for path, member in members:
            _check_route(path, member, findings)
    _refuse_duplicates(members, findings)
    if options is None or len(findings.mistakes) > found:
        return None
    return Balancer(
        name=name,
        options=options,
        members=tuple(member for _, member in members),
        health=health,
        sticky_cookie=cookie,
    )


def _options(
    at: KeyPath, table: Mapping[str, object], findings: Findings
) -> BalancerOptions | None:
    known = (*declared(BalancerOptions), *_TABLES)
    findings.refuse_unknown(at, table, known)
    values = {key: value for key, value in table.items() if key in declared(BalancerOptions)}
    return findings.options(at, BalancerOptions, values)


def _members(
    at: KeyPath, table: Mapping[str, object], findings: Findings
) -> Iterator[tuple[KeyPath, MemberOptions]]:
    """Yield the members that are right, each with its place."""
    if not table.get("member"):
        findings.wrong((*at, "member"), f"is missing; write [[balancer.{at[1]}.member]] with a url")
        return
    for number, values in enumerate(findings.tables((*at, "member"), table["member"]) or ()):
        path = (*at, "member", number)
        member = findings.options(path, MemberOptions, values)
        if member is not None:
            yield path, member


def _below(
    at: KeyPath,
    kind: type[AnyTable],
    table: Mapping[str, object],
    findings: Findings,
) -> AnyTable | None:
    """Return the options of the table ``at`` in ``table``, None unless there is a right one."""
    name = str(at[-1])
    if name not in table:
        return None
    values = findings.table(at, table[name])
    return None if values is None else findings.options(at, kind, values)


def _check_cookie(
    at: KeyPath, options: BalancerOptions, cookie: StickyCookieOptions, findings: Findings
) -> None:
    """Refuse a cookie that nobody reads, and one that browsers would drop."""
    if not options.sticky_session:
        text = "needs sticky_session in the balancer, which names the cookie"
        findings.wrong((*at, "sticky_cookie"), text)
        return
    try:
        name = StickySession.parse(options.sticky_session).cookie
        set_cookie(name, "", cookie.attributes())
    except ValueError as error:
        findings.wrong((*at, "sticky_cookie"), str(error))


def _check_route(at: KeyPath, member: MemberOptions, findings: Findings) -> None:
    """Refuse a route that no cookie can carry."""
    try:
        check_route(member.route)
    except ValueError as error:
        findings.wrong((*at, "route"), f"{error}; sticky_cookie puts it into one")


def _refuse_duplicates(members: list[tuple[KeyPath, MemberOptions]], findings: Findings) -> None:
    seen: set[object] = set()
    for at, member in members:
        backend = _identity(member.url)
        if backend in seen:
            findings.wrong((*at, "url"), f"{member.name} is a member already")
        seen.add(backend)


def _identity(url: BackendURL) -> tuple[object, str]:
    """Return what two URLs of one backend have in common."""
    return url.address, url.path.rstrip("/")
