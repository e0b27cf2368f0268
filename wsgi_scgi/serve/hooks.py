"""What the gateway does in gunicorn's hooks, beside what the administrator's hooks do."""

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.config import Config
    from gunicorn.http.message import Request
    from gunicorn.workers.base import Worker


ENDING_SIGNALS = frozenset({signal.SIGTERM, signal.SIGQUIT, signal.SIGINT})
"""The arbiter blocks them while it forks, ``post_fork`` lets them through again."""


def add_hooks(config: "Config") -> None:
    """Add ours to those that ``config`` has."""
    config.set("pre_request", _joining(config.pre_request))
    config.set("post_fork", _ending_while_it_boots(config.post_fork))
    config.set("post_worker_init", _leaving_interrupts_to_master(config.post_worker_init))


def join_repeated(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join repeated fields: Cookie with "; " (RFC 6265 5.4), others with ", " (RFC 9110 5.3).

    gunicorn would join all of them with a bare comma, which ends no cookie.  Connection is left
    alone, because gunicorn itself still has to understand it.
    """
    if len({name for name, _ in fields}) == len(fields):
        return fields
    values: dict[str, list[str]] = {}
    joined: list[tuple[str, str]] = []
    for name, value in fields:
        if name == "CONNECTION":
            joined.append((name, value))
        else:
            values.setdefault(name, []).append(value)
    for name, several in values.items():
        if name == "COOKIE":
            # An empty member is no cookie-pair (RFC 6265 4.2.1).
            joined.append((name, "; ".join(value for value in several if value)))
        else:
            joined.append((name, ", ".join(several)))
    return joined


def _joining(
    before: Callable[["Worker", "Request"], object],
) -> Callable[["Worker", "Request"], None]:
    def pre_request(worker: "Worker", req: "Request") -> None:
        before(worker, req)
        req.headers = join_repeated(req.headers)

    return pre_request


def _ending_while_it_boots(
    before: Callable[["Arbiter", "Worker"], object],
) -> Callable[["Arbiter", "Worker"], None]:
    def post_fork(server: "Arbiter", worker: "Worker") -> None:
        # Until it has handlers of its own a worker would do with signals what the arbiter does:
        # put them into a queue that nobody reads, and run on until it is killed.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
        before(server, worker)

    return post_fork


def _leaving_interrupts_to_master(
    before: Callable[["Worker"], object],
) -> Callable[["Worker"], None]:
    def post_worker_init(worker: "Worker") -> None:
        # A terminal sends Ctrl-C to every process; gunicorn's workers would drop their requests.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        before(worker)

    return post_worker_init
