"""The access log: a line for each request in the common log format, and the seconds it took.

It goes to the logger ``wsgi_scgi.server.access`` at level INFO; while nobody listens there, no
line is built.
"""

import logging
import re
import time
from typing import TYPE_CHECKING

from .response import Response

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_log = logging.getLogger("wsgi_scgi.server.access")
_UNSAFE = re.compile(r"[^ !#-\[\]-~]")


class AccessLogEntry:
    """What is known of a request before the application, which may change its environ, runs."""

    __slots__ = ("_request", "_started", "_who")

    def __init__(self, environ: "WSGIEnvironment") -> None:
        """Note who asks for what, and when."""
        self._started = time.monotonic()
        who = (environ.get("REMOTE_ADDR"), None, environ.get("REMOTE_USER"))
        self._who = " ".join(_shown(value or "-").replace(" ", "\\x20") for value in who)
        method, protocol = environ["REQUEST_METHOD"], environ["SERVER_PROTOCOL"]
        self._request = _shown(f"{method} {_target(environ)} {protocol}")

    def write(self, response: Response) -> None:
        """Write the line, with the status that was sent and the bytes of the body."""
        now = time.strftime("%d/%b/%Y:%H:%M:%S %z")
        status = response.status[:3] if response.head_sent else "-"
        took = time.monotonic() - self._started
        _log.info(
            '%s [%s] "%s" %s %d %.6f',
            *(self._who, now, self._request, status, response.body_sent, took),
        )


def start_entry(environ: "WSGIEnvironment") -> AccessLogEntry | None:
    """Return the entry for a request, or None while nobody listens."""
    return AccessLogEntry(environ) if _log.isEnabledFor(logging.INFO) else None


def _target(environ: "WSGIEnvironment") -> str:
    if "REQUEST_URI" in environ:
        return str(environ["REQUEST_URI"])
    query = environ["QUERY_STRING"]
    return f"{environ['SCRIPT_NAME']}{environ['PATH_INFO']}" + (f"?{query}" if query else "")


def _shown(value: str) -> str:
    """Escape what would end a quoted value or steer a terminal."""
    return _UNSAFE.sub(lambda match: f"\\x{ord(match[0]):02x}", value)
