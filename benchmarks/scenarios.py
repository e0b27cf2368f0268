"""The scenarios: what is asked, how the backend is reached, how many routes there are."""

from dataclasses import dataclass

from .loads import Body, Load, LongBodies, OpenStreams, SmallRequests
from .settings import CONNECTIONS
from .site import Feature, Transport
from .wrk import Wrk

_LONG = 64 << 20
_USUAL = 32
"""Connections, where their number is not the question."""

BROWSER_FIELDS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.8,de;q=0.5",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Referer: http://localhost/application/overview",
    "Cookie: session=0f9a6c1be2d84a6e9c55e0a1d7b3f264; theme=dark; seen=1730812345",
    "DNT: 1",
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Priority: u=0, i",
)
"""With Host they are 13, as a browser sends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One table.  ``features`` are those that have to be switched on."""

    name: str
    title: str
    load: Load
    transport: Transport = Transport.TCP
    routes: int = 1
    features: frozenset[Feature] = frozenset()

    @property
    def needs(self) -> frozenset[Feature]:
        """Return what a gateway must be able to do to take part."""
        needs = set(self.features)
        if self.routes > 1:
            needs.add(Feature.ROUTES)
        if not isinstance(self.load, SmallRequests):
            needs.add(Feature.FORWARDING)  # an application that only says hello has no part in it
        return frozenset(needs)

    @property
    def opens_streams(self) -> bool:
        """Tell whether gateways must be able to hold many responses open."""
        return isinstance(self.load, OpenStreams)


SCENARIOS = (
    Scenario(
        name="small-tcp",
        title="Small GET, backend over TCP, 32 connections",
        load=SmallRequests(Wrk(_USUAL)),
    ),
    Scenario(
        name="small-unix",
        title="Small GET, backend over a Unix socket, 32 connections",
        load=SmallRequests(Wrk(_USUAL)),
        transport=Transport.UNIX,
    ),
    Scenario(
        name="browser-fields",
        title="Small GET with the 13 header fields of a browser, TCP, 32 connections",
        load=SmallRequests(Wrk(_USUAL, BROWSER_FIELDS)),
    ),
    Scenario(
        name="one-connection",
        title="Small GET, TCP, 1 connection",
        load=SmallRequests(Wrk(1)),
    ),
    Scenario(
        name="many-connections",
        title=f"Small GET, TCP, {CONNECTIONS} connections",
        load=SmallRequests(Wrk(CONNECTIONS)),
    ),
    Scenario(
        name="new-connections",
        title="Small GET, TCP, 32 connections, a new one for each request",
        load=SmallRequests(Wrk(_USUAL, ("Connection: close",))),
    ),
    Scenario(
        name="routes-10",
        title="Small GET through the last of 10 routes, TCP, 32 connections",
        load=SmallRequests(Wrk(_USUAL)),
        routes=10,
    ),
    Scenario(
        name="routes-100",
        title="Small GET through the last of 100 routes, TCP, 32 connections",
        load=SmallRequests(Wrk(_USUAL)),
        routes=100,
    ),
    Scenario(
        name="response-64m",
        title="Response of 64 MiB, TCP, one after another",
        load=LongBodies(_LONG, Body.RESPONSE),
    ),
    Scenario(
        name="upload-64m",
        title="Upload of 64 MiB, TCP, one after another",
        load=LongBodies(_LONG, Body.UPLOAD),
    ),
    Scenario(
        name="file-64m",
        title="File of 64 MiB that the backend names (X-Sendfile, X-Accel-Redirect), one by one",
        load=LongBodies(_LONG, Body.FILE),
        features=frozenset({Feature.FILES}),
    ),
    Scenario(
        name="access-log",
        title="Small GET with an access log, TCP, 32 connections",
        load=SmallRequests(Wrk(_USUAL)),
        features=frozenset({Feature.ACCESS_LOG}),
    ),
    Scenario(
        name="error-page",
        title="The gateway's own page for what no route takes, 32 connections",
        load=SmallRequests(Wrk(_USUAL, status=404), "/missing"),
        features=frozenset({Feature.ERROR_PAGES}),
    ),
    Scenario(
        name="balancer",
        title="Small GET by a balancer with 3 members, TCP, 32 connections",
        load=SmallRequests(Wrk(_USUAL)),
        features=frozenset({Feature.BALANCER}),
    ),
    Scenario(
        name="open-streams",
        title="Small GET beside streaming responses that are open and idle, TCP, 32 connections",
        load=OpenStreams(SmallRequests(Wrk(_USUAL))),
    ),
)
