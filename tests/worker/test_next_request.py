"""Waiting for the next request, where waiting itself fails: nobody else may notice."""

from __future__ import annotations

import contextlib
import gc
from typing import Any

import gevent
import gevent.socket
import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from tests.transports import Transport
from tests.twins import both
from wsgi_scgi.transport.waiting import CooperativeWaiter
from wsgi_scgi.worker.client_socket import ClientSocket
from wsgi_scgi.worker.lean_path import LeanPath


class Worker:
    """As much of one as a connection without requests needs."""

    def __init__(self) -> None:
        self.lean_path = LeanPath(Config(), Logger(Config()))


class WithoutTimers:
    """A loop that has no memory left for timers."""

    def __init__(self, loop: Any) -> None:
        self.io = loop.io

    def timer(self, *_: object) -> Any:
        raise MemoryError


def test_a_client_for_whom_there_is_no_timer_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    _, connection_type = both("PlainConnection")
    worker = Worker()

    def serve() -> None:
        hub: Any = gevent.get_hub()
        near, far = gevent.socket.socketpair()
        far.close()
        client = ClientSocket(near, CooperativeWaiter(hub))
        with near, contextlib.ExitStack() as stack:
            stack.callback(client.release)
            arguments = {"base": {"SERVER_PORT": "80"}, "address": ("192.0.2.1", 1)}
            first = connection_type(worker, client, **arguments)
            with monkeypatch.context() as patch:
                patch.setattr(hub, "loop", WithoutTimers(hub.loop))
                with pytest.raises(MemoryError):
                    first.serve()
            del first
            gc.collect()
            # What takes the place of the first one in memory must stay what it is.
            others = [bytes(bytearray(b"\xee" * 79)) for _ in range(100_000)]
            assert connection_type(worker, client, **arguments).serve() is None
            assert all(other == b"\xee" * 79 for other in others)

    Transport.COOPERATIVE.call(serve)
