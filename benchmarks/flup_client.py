"""flup's SCGI client (``flup.client.scgi_app``), as it is, behind gunicorn.

Run as a program it makes one request to a port and says why that fails: flup 1.0.3 uses a name that
Python 3 does not have.  With patches it would no longer be flup.
"""

import importlib
import io
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def tcp(port: int) -> "WSGIApplication":
    """Return flup's application for a port of this machine."""
    return _application(("127.0.0.1", port))


def unix(path: str) -> "WSGIApplication":
    """Return flup's application for a Unix socket."""
    return _application(path)


def _application(address: tuple[str, int] | str) -> "WSGIApplication":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # It has no static types.
        client = importlib.import_module("flup.client.scgi_app")
    application: WSGIApplication = client.SCGIApp(connect=address)
    return application


def _check(port: int) -> str:
    """Make one request; return what is wrong with the answer, "" if nothing."""
    statuses: list[object] = []

    def start_response(status: object, _headers: object, _error: object = None) -> None:
        statuses.append(status)

    environ = {
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": "/small",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/small",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(),
    }
    try:
        tcp(port)(environ, start_response)  # type: ignore[arg-type]  # returns no write function
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if not isinstance(statuses[0], str):
        return f"its status is {statuses[0]!r}, which is no str (PEP 3333)"
    return ""


if __name__ == "__main__":
    print(_check(int(sys.argv[1])))
