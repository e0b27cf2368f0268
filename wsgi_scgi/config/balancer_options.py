"""The one declaration of a balancer's options: ``[balancer.NAME]`` and the tables below it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ..balancer.methods import METHODS
from ..balancer.sticky import SAME_SITE, CookieAttributes
from ..errors import ConfigurationError
from ..scoreboard.status import Status
from .balancer_kinds import (
    AddedVariables,
    AdminPath,
    CheckURI,
    CookieDomain,
    CookiePath,
    Count,
    Expression,
    HashKey,
    MemberURL,
    Number,
    RouteName,
    Secret,
    Separator,
    SessionNames,
    States,
    StatusList,
    UserNames,
    WrittenURL,
)
from .declaring import Option, Table, declare, declared
from .kinds import Choice, Duration, Switch, str_as_text
from .mistakes import Mistake
from .proxy_kinds import FilePath

_NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerOptions(Table):
    """The options of a balancer, checked.  Spans are seconds."""

    method: str = declare(
        Option(
            default="byrequests",
            kind=Choice({method.name: method.name for method in METHODS}),
            text="Which member gets a request: by its share of the requests, by its share of the"
            " bytes, by the fewest requests in progress (`bybusyness` asks for the share only"
            " among equals, `leastconn` divides by the weight), the better of two drawn at random,"
            " or always the same for the same `hash_key`.",
            apache="lbmethod",
        )
    )
    hash_key: str = declare(
        Option(
            default="",
            kind=HashKey(),
            text="What of a request the method `hash` goes by: the address of the client, the"
            " path, a header field or a cookie.",
            nginx="hash",
        )
    )
    sticky_session: str = declare(
        Option(
            default="",
            kind=SessionNames(),
            text="The cookie and the parameter of the URL that have the identifier of the session,"
            " which ends in the `route` of the member that made it.",
            apache="stickysession",
        )
    )
    sticky_separator: str = declare(
        Option(
            default=".",
            kind=Separator(),
            text="What stands before the route in the identifier of a session.",
            apache="stickysessionsep",
        )
    )
    scolon_path_delim: bool = declare(
        Option(
            default=False,
            kind=Switch(),
            text="Whether a semicolon ends the identifier of a session in the URL.",
            apache="scolonpathdelim",
        )
    )
    max_attempts: int | None = declare(
        Option(
            default=None,
            kind=Count(zero="none", absent="one for every other member"),
            text="How many more attempts there are after the first.",
            apache="maxattempts",
            nginx="scgi_next_upstream_tries",
        )
    )
    retry: float = declare(
        Option(
            default=5.0,
            kind=Duration(zero="until the next election"),
            text="Seconds that a member rests after a fault. Each rest that follows without a good"
            " answer between lasts twice as long, up to `retry_max`; then one request probes.",
            apache="retry",
        )
    )
    retry_max: float = declare(
        Option(
            default=60.0,
            kind=Duration(),
            text="Seconds that a rest lasts at most; one of `retry` is never cut.",
        )
    )
    force_recovery: bool = declare(
        Option(
            default=True,
            kind=Switch(),
            text="Whether members that rest are asked all the same where nobody else is left: all"
            " of them rest, or the request has failed at those that do not.",
            apache="forcerecovery",
        )
    )
    fail_on_status: frozenset[int] = declare(
        Option(
            default=frozenset(),
            kind=StatusList(),
            text="Statuses of an answer that put the member to rest; the client gets it.",
            apache="failonstatus",
        )
    )
    fail_on_timeout: bool = declare(
        Option(
            default=False,
            kind=Switch(),
            text="Whether a member that answers too late rests.",
            apache="failontimeout",
        )
    )
    no_failover: bool = declare(
        Option(
            default=False,
            kind=Switch(),
            text="Whether a session gets 503 rather than a member that is not its own.",
            apache="nofailover",
        )
    )
    wait: float = declare(
        Option(
            default=0.0,
            kind=Duration(zero="not at all"),
            text="Seconds that a request waits for a member that can take it; 503 then.",
            apache="timeout",
        )
    )
    max_fails: int = declare(
        Option(
            default=3,
            kind=Count(minimum=1),
            text="How many faults put a member to rest, each within `fail_timeout` of the one"
            " before. One to which no connection can be made rests at once.",
            nginx="max_fails",
        )
    )
    fail_timeout: float = declare(
        Option(
            default=10.0,
            kind=Duration(),
            text="Seconds after which a fault is forgotten.",
            nginx="fail_timeout",
        )
    )
    next_upstream: frozenset[int] = declare(
        Option(
            default=frozenset(),
            kind=StatusList(),
            text="Statuses of an answer that is dropped and the request given to another member,"
            " if it may be done twice and there is another. 429 and all from 500 on put the member"
            " to rest too.",
            nginx="scgi_next_upstream",
        )
    )
    next_upstream_timeout: float = declare(
        Option(
            default=0.0,
            kind=Duration(zero="no limit"),
            text="Seconds after which no other member is asked any more.",
            nginx="scgi_next_upstream_timeout",
        )
    )
    non_idempotent: bool = declare(
        Option(
            default=False,
            kind=Switch(),
            text="Whether a request that may not be done twice, like a POST, goes to another"
            " member too after one may have begun to work on it.",
            nginx="scgi_next_upstream",
        )
    )
    retry_budget: float = declare(
        Option(
            default=0.2,
            kind=Number(0, 1),
            text="The share of requests that may be repeated after a member has seen them, in"
            " addition to ten a second.  Each worker counts for itself, and saves up to 100.",
        )
    )
    slow_start: float = declare(
        Option(
            default=0.0,
            kind=Duration(zero="none"),
            text="Seconds in which a member that comes in again grows to its weight.",
            nginx="slow_start",
        )
    )
    growth: int = declare(
        Option(
            default=8,
            kind=Count(maximum=1000),
            text="How many members can be added while the gateway runs.",
            apache="growth",
        )
    )

    def contradictions(self) -> Iterator[Mistake]:
        """Yield what is wrong among options that are right one by one."""
        if self.method == "hash" and not self.hash_key:
            kind = HashKey()
            yield Mistake("hash_key", f"is needed with method hash; allowed: {kind.allowed}")
        if self.hash_key and self.method != "hash":
            yield Mistake("hash_key", 'does nothing without method = "hash"')
        if self.scolon_path_delim and not self.sticky_session:
            yield Mistake("scolon_path_delim", "does nothing without sticky_session")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberOptions(Table):
    """The options of a member, checked."""

    url: WrittenURL = declare(
        Option(
            default=None,
            kind=MemberURL(),
            text="Where the member listens; its path comes before that of the request.",
            apache="BalancerMember",
            nginx="server",
            required=True,
        )
    )
    weight: float = declare(
        Option(
            default=1.0,
            kind=Number(1, 100),
            text="Its share, in relation to those of the others.",
            apache="loadfactor",
            nginx="weight",
        )
    )
    route: str = declare(
        Option(
            default="",
            kind=RouteName(),
            text="The end of the identifiers of the sessions that belong to it.",
            apache="route",
        )
    )
    redirect: str = declare(
        Option(
            default="",
            kind=RouteName(),
            text="The route of the member that takes its sessions while it cannot.",
            apache="redirect",
        )
    )
    status: Status = declare(
        Option(
            default=Status(0),
            kind=States(),
            text="The states that it starts in.",
            apache="status",
            nginx="down, backup",
        )
    )
    max_connections: int = declare(
        Option(
            default=0,
            kind=Count(zero="no limit"),
            text="How many requests it gets at the same time, from all workers together.",
            apache="max",
            nginx="max_conns",
        )
    )
    lbset: int = declare(
        Option(
            default=0,
            kind=Count(maximum=99),
            text="Its set: the members of a set get requests where none of a lower one can.",
            apache="lbset",
        )
    )

    @property
    def name(self) -> str:
        """The URL as it is written."""
        return self.url.text


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthOptions(Table):
    """What is asked of the members while they are not, checked.  Spans are seconds."""

    method: str = declare(
        Option(
            default="scgi",
            kind=Choice({"scgi": "scgi", "tcp": "tcp"}),
            text="What is done: a GET request, or a connection alone.",
            apache="hcmethod",
        )
    )
    uri: str = declare(
        Option(
            default="/",
            kind=CheckURI(),
            text="What is asked for, below the path of the member's URL.",
            apache="hcuri",
        )
    )
    interval: float = declare(
        Option(
            default=10.0,
            kind=Duration(minimum=0.1),
            text="Seconds from one check of a member to the next.",
            apache="hcinterval",
        )
    )
    timeout: float = declare(
        Option(default=5.0, kind=Duration(), text="Seconds that a check may take in all.")
    )
    passes: int = declare(
        Option(
            default=1,
            kind=Count(minimum=1),
            text="How many good checks in a row bring a member back.",
            apache="hcpasses",
        )
    )
    fails: int = declare(
        Option(
            default=1,
            kind=Count(minimum=1),
            text="How many bad checks in a row take a member out.",
            apache="hcfails",
        )
    )
    expect: frozenset[int] = declare(
        Option(
            default=frozenset(),
            kind=StatusList(lowest=200),
            text="The statuses that are good; without any, all from 200 to 399 are.",
            apache="hcexpr",
        )
    )
    match: re.Pattern[str] | None = declare(
        Option(
            default=None,
            kind=Expression(),
            text="What must be found in the first 64 KiB of the body.",
            apache="hcexpr",
        )
    )
    variables: Mapping[str, str] = declare(
        Option(
            default=_NO_VARIABLES,
            kind=AddedVariables(),
            text="Variables that the request has in addition to its own, or instead of them.",
        )
    )

    def contradictions(self) -> Iterator[Mistake]:
        """Yield what does nothing where a check is a connection alone."""
        if self.method == "tcp":
            for name in ("uri", "expect", "match", "variables"):
                if getattr(self, name) != declared(HealthOptions)[name].default:
                    yield Mistake(name, 'does nothing with method = "tcp"')


@dataclass(frozen=True, slots=True, kw_only=True)
class StickyCookieOptions(Table):
    """The cookie that the gateway sets itself, checked."""

    secret: str = declare(
        Option(
            default="",
            kind=Secret(),
            text="What the route in the cookie is signed with, so that clients cannot choose.",
            required=True,
        )
    )
    path: str = declare(
        Option(default="/", kind=CookiePath(), text="The attribute Path of the cookie.")
    )
    domain: str = declare(
        Option(default="", kind=CookieDomain(), text="The attribute Domain of the cookie.")
    )
    secure: bool = declare(
        Option(default=False, kind=Switch(), text="Whether browsers send it by https only.")
    )
    http_only: bool = declare(
        Option(default=True, kind=Switch(), text="Whether scripts of pages do not see it.")
    )
    same_site: str = declare(
        Option(
            default="lax",
            kind=Choice({word: word for word in SAME_SITE}),
            text="Whether browsers send it with requests that other sites make them send; an empty"
            " string leaves it to them.",
        )
    )
    max_age: int = declare(
        Option(
            default=0,
            kind=Count(zero="as long as the browser runs"),
            text="Seconds that the cookie lasts.",
        )
    )

    def attributes(self) -> CookieAttributes:
        """Return the attributes.  Raises ValueError for some that do not go together."""
        return CookieAttributes(
            path=self.path,
            domain=self.domain,
            secure=self.secure,
            http_only=self.http_only,
            same_site=self.same_site,
            max_age=self.max_age,
        )

    def contradictions(self) -> Iterator[Mistake]:
        """Yield what makes browsers drop the cookie."""
        if self.same_site == "none" and not self.secure:
            yield Mistake("same_site", "none needs secure = true; browsers drop the cookie")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOptions(Table):
    """What the workers of a host know together, checked."""

    share: str = declare(
        Option(
            default="workers",
            kind=Choice({"workers": "workers", "none": "none"}),
            text="Who knows the state of the members together: all workers of the host, or each"
            " worker for itself.",
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminOptions(Table):
    """The pages of the administrator, checked."""

    path: str = declare(
        Option(
            default="",
            kind=AdminPath(),
            text="Where they are; no route gets these requests.",
            apache="SetHandler balancer-manager",
            required=True,
        )
    )
    token: str = declare(
        Option(
            default="",
            kind=Secret(),
            text="Who sends this is let in: as a Bearer token, or as the password of Basic"
            " authentication with any name.",
        )
    )
    token_file: str = declare(
        Option(default="", kind=FilePath(), text="The file that has the token, instead of it.")
    )
    users: frozenset[str] = declare(
        Option(
            default=frozenset(),
            kind=UserNames(),
            text="The names of REMOTE_USER that are let in, where an application around the"
            " gateway has authenticated them.",
        )
    )

    def contradictions(self) -> Iterator[Mistake]:
        """Yield what keeps everybody out, or leaves it open who is let in."""
        if not (self.token or self.token_file or self.users):
            yield Mistake("token", "is missing; one of token, token_file and users is needed")
        if self.token and self.token_file:
            yield Mistake("token_file", "stands beside token; only one of them is allowed")
        if not all(map(find_spec, ("jinja2", "prometheus_client"))):
            text = "needs jinja2 and prometheus_client: pip install 'wsgi-scgi[admin]'"
            yield Mistake("path", text)

    def secret(self) -> str:
        """Return the token, from its file if it has one; empty if there is none.

        Raises ConfigurationError for a file that cannot be read or has no token.
        """
        if not self.token_file:
            return self.token
        name = str_as_text(self.token_file)
        try:
            return Secret().parse(Path(name).read_text("utf-8").strip())
        except OSError as error:
            raise ConfigurationError(f"cannot read {name}: {error.strerror}") from error
        except ValueError as error:
            raise ConfigurationError(f"{name}: {error}; allowed: {Secret().allowed}") from error
