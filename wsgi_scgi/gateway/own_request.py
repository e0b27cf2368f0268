"""Requests that nobody sent to the gateway: those of its client half, and health checks."""

from ..address import BackendURL
from ..semantics.path import decode_path
from ..semantics.target import parse_target


def own_variables(backend: BackendURL, method: str, path: str) -> dict[str, str]:
    """Return CGI's variables for ``path``, below the base path of ``backend``.

    They say that the request comes from the machine itself, and asks for the host ``localhost``.
    Raises ValueError for a path that is none.
    """
    target = parse_target(path)
    return {
        "REQUEST_METHOD": method,
        "REQUEST_URI": str(target),
        "QUERY_STRING": target.query or "",
        "SCRIPT_NAME": "",
        "PATH_INFO": backend.path.rstrip("/") + decode_path(target.path),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "wsgi-scgi",
        "REQUEST_SCHEME": "http",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
    }
