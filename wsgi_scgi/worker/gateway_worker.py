"""``gunicorn -k wsgi_scgi.worker.GatewayWorker``: the gevent worker, with a lean path.

The lean path takes connections without TLS, HTTP/2 and the PROXY protocol, and on them requests
whose head is plain (see ``plain_head``).  The first request that is not, and all behind it on
the same connection, are gunicorn's own: its parser, its limits, its answers to what is wrong.
"""

import gc
from typing import Any

from gevent import get_hub
from gunicorn.workers.ggevent import GeventWorker

from ..transport.pacing import accept_without_pacing
from ..transport.waiting import CooperativeWaiter
from .acceptor import Acceptor
from .client_socket import ClientSocket
from .connection import PlainConnection
from .lean_path import LeanPath, is_lean


class GatewayWorker(GeventWorker):
    """gunicorn's gevent worker, with a lean path for plain HTTP/1.1 requests."""

    def load_wsgi(self) -> None:
        """Load the application; what lives as long as the worker is no garbage to look for."""
        super().load_wsgi()
        for listener in self.sockets:
            accept_without_pacing(listener)
        self._is_lean = is_lean(self.cfg)
        self.lean_path = LeanPath(self.cfg, self.log)
        if self._is_lean:
            self.server_class = self._acceptor  # type: ignore[assignment, misc]  # it is called
        gc.collect()
        gc.freeze()

    def _acceptor(self, listener: Any, *, spawn: Any, **_: Any) -> Acceptor:
        """Take what gunicorn gives to a WSGI server, of which only this is left to be told."""
        reuses_greenlets = bool(getattr(self.wsgi, "leaves_greenlets_clean", False))
        return Acceptor(self, listener, spawn.size, reuses_greenlets=reuses_greenlets)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection, until it ends or gunicorn's own path has to take it."""
        if not self._is_lean:
            super().handle(listener, client, addr)
            return
        socket = ClientSocket(client, CooperativeWaiter(get_hub()))
        try:
            base = self.lean_path.base(listener, client, addr)
            rest = PlainConnection(self, socket, base=base, address=addr).serve()
        except BaseException:
            socket.release()
            client.close()
            raise
        socket.release()
        if rest is None:
            client.close()
        else:
            client.settimeout(None)
            replayed: Any = _Replayed(client, rest)
            super().handle(listener, replayed, addr)

    def count_request(self) -> bool:
        """Count a request against ``max_requests``; tell whether the worker goes on after it."""
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        return bool(self.alive)


class _Replayed:
    """A client's socket that gives what was already received once more.

    What is behind the head comes with the end of it, however little was asked for.  After that
    ``plain_socket`` is the socket itself, until then None: who waits on the descriptor would never
    hear of what is held here.
    """

    plain_socket: Any = None

    def __init__(self, client: Any, data: bytes) -> None:
        self._client = client
        self._data = data
        end = data.find(b"\r\n\r\n")
        self._left_of_head = len(data) if end < 0 else end + 4

    def recv(self, size: int, *flags: int) -> bytes:
        """Return what was received before, then what comes."""
        if not self._data:
            return bytes(self._client.recv(size, *flags))
        if size >= self._left_of_head:
            self.plain_socket = self._client
            size = len(self._data)
        self._left_of_head -= size
        data, self._data = self._data[:size], self._data[size:]
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
