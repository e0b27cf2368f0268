"""Worker processes that share a board and check one member; run as a program.

``python -m tests.health.workers URL KIND`` prints ``worker PID`` for each and then answers the
line ``busy`` with the number of requests in flight, one for each worker that lives.  It ends with
its standard input.  KIND is

- ``threads``: nothing is patched, the task is made and started in each worker;
- ``gevent``: each worker is patched, as gunicorn does it, and never lets gevent's hub run;
- ``parent``: the task is started before the fork and again in each worker, on a board that is
  not shared.
"""

import logging
import os
import signal
import sys

from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.health.check import HealthRules
from wsgi_scgi.health.monitor import Checked, Monitor
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText
from wsgi_scgi.transport.waiting import original

WORKERS = 2


def main(url: str, kind: str) -> None:
    """Start the workers, answer, and end them."""
    logging.basicConfig(level=logging.INFO, format="%(process)d %(message)s")
    board = Board([("pool", 1)], shared=kind != "parent")
    pool = board.pool("pool")
    with pool.lock:
        pool.enrol(MemberText(url))
        pool.bump()
    variables = {"HTTP_X_WORKER": str(os.getpid())}
    rules = HealthRules(interval=0.05, timeout=20.0, variables=variables)
    monitor = Monitor(board, [Checked(Balancer("app", pool), rules)])
    if kind == "parent":
        monitor.start()
    workers = []
    for _ in range(WORKERS):
        worker = os.fork()
        if not worker:
            variables["HTTP_X_WORKER"] = str(os.getpid())
            pool.row.busy[0] = 1
            _work(monitor, kind)
        workers.append(worker)
    for line in sys.stdin:
        if line == "busy\n":
            _say(f"busy {pool.totals('busy')[0]}")
    for worker in workers:
        os.kill(worker, signal.SIGKILL)


def _work(monitor: Monitor, kind: str) -> None:
    parent = os.getppid()
    if kind == "gevent":
        from gevent.monkey import patch_all

        patch_all()
    monitor.start()
    _say(f"worker {os.getpid()}")
    while os.getppid() == parent:
        original("time", "sleep")(0.1)
    os._exit(0)


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once, so that lines of two processes do not mix


if __name__ == "__main__":
    main(*sys.argv[1:])
