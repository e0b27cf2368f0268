"""What the gateway does in gunicorn's hooks, beside what the administrator's hooks do."""

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from gunicorn.config import PreRequest

from ..edge import Edge
from ..worker.repeated_fields import join_repeated_fields

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.config import Config
    from gunicorn.http.message import Request
    from gunicorn.workers.base import Worker


ENDING_SIGNALS = frozenset({signal.SIGTERM, signal.SIGQUIT, signal.SIGINT})
"""The arbiter blocks them while it forks, ``post_fork`` lets them through again."""


def add_hooks(config: "Config") -> None:
    """Add ours to those that ``config`` has."""
    own = config.pre_request is PreRequest.pre_request
    config.set("pre_request", join_repeated_fields if own else _joining(config.pre_request))
    config.set("post_fork", _ending_while_it_boots(config.post_fork))
    config.set("post_worker_init", _serving(config.post_worker_init))


def _joining(
    before: Callable[["Worker", "Request"], object],
) -> Callable[["Worker", "Request"], None]:
    def pre_request(worker: "Worker", req: "Request") -> None:
        before(worker, req)
        join_repeated_fields(worker, req)

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


def _serving(before: Callable[["Worker"], object]) -> Callable[["Worker"], None]:
    def post_worker_init(worker: "Worker") -> None:
        # A terminal sends Ctrl-C to every process; gunicorn's workers would drop their requests.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        application: object = worker.wsgi
        if isinstance(application, Edge):
            application.start()  # no health check waits for the first request
        before(worker)

    return post_worker_init
