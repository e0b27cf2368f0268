"""Micro benchmarks by pyperf: the steps of a request that do no I/O, one at a time.

    python -m benchmarks micro

pyperf calibrates, starts several processes and says how far apart they are.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import METHODS, Method
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Response
from wsgi_scgi.gateway.variables import VariableRules, cgi_variables
from wsgi_scgi.proxy.router import Route, Router
from wsgi_scgi.scgi.request_head import encode_request_head
from wsgi_scgi.scgi.response_head import ResponseHeadParser
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText, Pool
from wsgi_scgi.semantics.path import Prefix

from .scenarios import BROWSER_FIELDS

_RESPONSE_HEAD = (
    b"Status: 200 OK\r\n"
    b"Date: Mon, 03 Nov 2025 10:00:00 GMT\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n"
    b"Content-Length: 13\r\n"
    b"Cache-Control: private, max-age=60\r\n"
    b'ETag: "5f3c-61a0"\r\n'
    b"Vary: Accept-Encoding, Cookie\r\n"
    b"Set-Cookie: session=0f9a6c1be2d84a6e; Path=/; HttpOnly; SameSite=Lax\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
    b"\r\n"
    b"Hello, world\n"
)


def _environ(path: str) -> dict[str, Any]:
    """Return an environ as gunicorn makes it of a browser's request."""
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "SERVER_SOFTWARE": "gunicorn/27.0.1",
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": "page=2&sort=name",
        "RAW_URI": f"{path}?page=2&sort=name",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:8000",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
    }
    for field in BROWSER_FIELDS:
        name, _, value = field.partition(": ")
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


def _encode() -> Callable[[], object]:
    variables = cgi_variables(Request(_environ("/application/page")), VariableRules())
    return partial(encode_request_head, 0, variables)


def _parse_head() -> Callable[[], object]:
    return lambda: ResponseHeadParser().receive(_RESPONSE_HEAD)


def _variables() -> Callable[[], object]:
    return partial(cgi_variables, Request(_environ("/application/page")), VariableRules())


def _request() -> Callable[[], object]:
    return partial(Request, _environ("/application/page"))


def _route(number: int) -> Callable[[], object]:
    """Return a choice of the last of ``number`` routes."""
    response = Response(200, "OK", [])
    paths = [f"/application{each}/" for each in range(number)]
    router = Router([Route(path, Prefix(path), lambda _request: response) for path in paths])
    return partial(router, Request(_environ(f"{paths[-1]}page")))


def _pool(members: int) -> Pool:
    """Return a shared pool, with the lock that keeps processes apart."""
    pool = Board([("pool", members)], rows=1).pool("pool")
    for number in range(members):
        slot = pool.enrol(MemberText(f"scgi://member{number}"), weight=100 * (1 + number % 3))
        pool.row.busy[slot] = number % 5
    return pool


def _choose(method: Method, members: int) -> Callable[[], object]:
    """Return a choice among ``members``, the lock included."""
    pool = _pool(members)
    found = candidates(pool, 0.0)

    def choose() -> int:
        with pool.lock:
            return method.choose(found, pool, b"192.0.2.1")

    return choose


def _filter(members: int) -> Callable[[], object]:
    """Return a search for the candidates among ``members``, none of them out."""
    return partial(candidates, _pool(members), 0.0)


CASES: Mapping[str, Callable[[], Callable[[], object]]] = {
    "encode_request_head": _encode,
    "response_head": _parse_head,
    "cgi_variables": _variables,
    "request": _request,
    "route-1": partial(_route, 1),
    "route-10": partial(_route, 10),
    "route-100": partial(_route, 100),
    **{
        f"{method.name}-{members}": partial(_choose, method, members)
        for method in METHODS
        for members in (2, 1000)
    },
    **{f"candidates-{members}": partial(_filter, members) for members in (2, 1000)},
}
"""What makes the call to be timed, by the name of the benchmark."""


def _pass_on(command: list[str], options: Any) -> None:
    for name in options.scenario or ():
        command += ["--scenario", name]


def main() -> int:
    """Run all cases, or those that --scenario names."""
    try:
        # No static types: it has none, and need not be installed where types are checked.
        pyperf = importlib.import_module("pyperf")
    except ModuleNotFoundError:
        print("pyperf is not installed: pip install 'wsgi-scgi[bench]'", file=sys.stderr)
        return 1
    runner = pyperf.Runner(
        program_args=("-m", "benchmarks.micro"), add_cmdline_args=_pass_on, _argparser=None
    )
    runner.argparser.add_argument("--scenario", action="append", choices=list(CASES))
    options = runner.parse_args()
    for name, prepare in CASES.items():
        if not options.scenario or name in options.scenario:
            runner.bench_func(name, prepare())
    return 0


if __name__ == "__main__":
    sys.exit(main())
