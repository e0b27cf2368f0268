"""From SCGI variables to a WSGI environ (PEP 3333, "environ Variables").

Servers differ in what they send.  What PEP 3333 guarantees is put right here: SCRIPT_NAME and
PATH_INFO are present, their concatenation is the path, neither lacks its leading slash.
"""

import sys
from collections.abc import Mapping
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

from ..errors import ProtocolError

VARIABLES_KEY = "wsgi_scgi.variables"
"""The environ key of the variables as they were received, for applications that show them."""

_DROPPED = frozenset(
    {
        "HTTP_PROXY",  # httpoxy: libraries take it for the address of a proxy
        "HTTP_CONTENT_LENGTH",  # nginx sends copies of the two; wsgiref.validate forbids them
        "HTTP_CONTENT_TYPE",
    }
)


def build_environ(variables: Mapping[str, str], body: BinaryIO) -> dict[str, Any]:
    """Build the environ of a request with ``variables`` (as parsed) and ``body``.

    A name with a dot is dropped: such keys are the server's own, and a header named
    ``wsgi.input_terminated`` must not become one.  Raises ProtocolError if there is no
    REQUEST_METHOD.
    """
    if not variables.get("REQUEST_METHOD"):
        raise ProtocolError("there is no REQUEST_METHOD")
    environ: dict[str, Any] = {
        name: value for name, value in variables.items() if name not in _DROPPED and "." not in name
    }
    script_name, path_info = _split_path(variables)
    secure = variables.get("HTTPS", "").lower() not in ("", "off", "0")
    environ.update(
        {
            "CONTENT_LENGTH": str(int(variables["CONTENT_LENGTH"])),
            "SCRIPT_NAME": script_name,
            "PATH_INFO": path_info,
            "QUERY_STRING": variables.get("QUERY_STRING", ""),
            "SERVER_NAME": variables.get("SERVER_NAME") or "localhost",
            "SERVER_PORT": variables.get("SERVER_PORT") or ("443" if secure else "80"),
            "SERVER_PROTOCOL": variables.get("SERVER_PROTOCOL") or "HTTP/1.0",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if secure else "http",
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            # Greenlets take turns inside the application, which matters to it like threads do.
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            VARIABLES_KEY: variables,
        }
    )
    return environ


def _split_path(variables: Mapping[str, str]) -> tuple[str, str]:
    """Return SCRIPT_NAME and PATH_INFO as PEP 3333 wants them."""
    script_name = variables.get("SCRIPT_NAME")
    path_info = variables.get("PATH_INFO")
    if script_name is None and path_info is None:
        # nginx's own scgi_params name neither; the application has the whole path then.
        path_info = _path_of(variables.get("REQUEST_URI", ""))
    script_name = script_name or ""
    path_info = path_info or ""
    if script_name.endswith("/"):
        # A mount has no slash at its end: the slash is the start of the rest.
        script_name = script_name.rstrip("/")
        path_info = path_info if path_info.startswith("/") else f"/{path_info}"
    return _absolute(script_name), _absolute(path_info)


def _path_of(request_uri: str) -> str:
    path = request_uri.partition("?")[0]
    return unquote_to_bytes(path.encode("latin-1")).decode("latin-1")


def _absolute(path: str) -> str:
    return f"/{path}" if path and not path.startswith("/") else path
