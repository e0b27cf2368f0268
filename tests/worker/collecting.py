"""An application whose garbage is collected while its answer is made, and then lets others run."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from gevent.event import Event

BOUND = 10.0

_collecting, _other_answered = Event(), Event()


class _Garbage:
    """A circle with a finalizer that waits, as one that gives a connection back may."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        _collecting.set()
        _other_answered.wait(BOUND)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer ``/first`` while its garbage is collected, and ``/other`` only then."""
    name = environ["PATH_INFO"].strip("/")
    fields = [("Content-Length", "0"), *((f"X-{number}", name * 3) for number in range(20))]
    if name == "first":
        thresholds = gc.get_threshold()
        gc.disable()
        _Garbage()
        gc.set_threshold(1)
        gc.enable()  # the collector comes with the next object that it looks at
        start_response("200 OK", fields)
        gc.set_threshold(*thresholds)
    else:
        _collecting.wait(BOUND)
        start_response("200 OK", fields)
        _other_answered.set()
    return []
