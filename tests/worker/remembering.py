"""Applications that count the requests which their greenlet has served: two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent.local

_own = gevent.local.local()


def application(_: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Leave a number in the greenlet, as many applications do."""
    _own.served = getattr(_own, "served", 0) + 1
    body = str(_own.served).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class _Clean:
    leaves_greenlets_clean = True

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        return application(environ, start_response)


clean = _Clean()
"""It says that it leaves nothing, which is not so: that is how one sees who served it."""
