"""Balancers to look at and to steer, and the pages in front of them as a WSGI application."""

from collections.abc import Sequence

from wsgi_scgi.admin import Access, Admin
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.balancer.sticky import Signature, StickySession
from wsgi_scgi.edge import Edge
from wsgi_scgi.errors import RequestError
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Outcome, Response
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText
from wsgi_scgi.scoreboard.status import Status

TOKEN = "0123456789abcdef"
NOW = 1000.0


def make_balancer(
    name: str = "app",
    urls: Sequence[str] = ("scgi://a", "scgi://b"),
    *,
    is_named: bool = True,
    secret: str = "",
    spare: int = 2,
    shared: bool = False,
) -> Balancer:
    """Return a balancer of members with the routes 0, 1...; ``secret`` signs its cookies."""
    pool = Board([(name, len(urls) + spare)], shared=shared).pool(name)
    with pool.lock:
        for number, url in enumerate(urls):
            pool.enrol(MemberText(url, str(number)))
        pool.bump()
    sticky = StickySession.parse("ROUTE", signature=Signature(secret)) if secret else None
    return Balancer(name, pool, is_named=is_named, sticky=sticky, clock=lambda: NOW)


def letters(balancer: Balancer, slot: int = 0) -> str:
    """Return the states of a member as letters."""
    return Status(balancer.pool.status[slot]).letters()


def answer_all(request: Request) -> Outcome:
    """Answer what is not the administrator's."""
    if request.path == "/malformed":
        raise RequestError("malformed")
    return Response(200, "OK", [("Content-Length", "5")], b"inner")


def make_application(
    *balancers: Balancer, token: str = TOKEN, users: Sequence[str] = (), path: str = "/_gateway/"
) -> Edge:
    """Return the pages at ``path``, and an answer to everything else."""
    access = Access(token, frozenset(users))
    return Edge(Admin(answer_all, path=path, balancers=balancers, access=access))
