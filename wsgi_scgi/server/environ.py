"""From SCGI variables to a WSGI environ (PEP 3333, "environ Variables").

Servers differ in what they send, most of all in how they split the path.  What PEP 3333
guarantees is put right here: SCRIPT_NAME is the mount of the application and PATH_INFO the rest,
their concatenation is the path, neither lacks its leading slash.
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


def build_environ(
    variables: Mapping[str, str], body: BinaryIO, *, script_name: str = ""
) -> dict[str, Any]:
    """Build the environ of a request with ``variables`` (as parsed) and ``body``.

    ``script_name`` is where the application is mounted, whatever the peer says of it.  A name
    with a dot is dropped: such keys are the server's own, and a header named
    ``wsgi.input_terminated`` must not become one.  Raises ProtocolError if there is no
    REQUEST_METHOD.
    """
    if not variables.get("REQUEST_METHOD"):
        raise ProtocolError("there is no REQUEST_METHOD")
    environ: dict[str, Any] = {
        name: value for name, value in variables.items() if name not in _DROPPED and "." not in name
    }
    mount, path_info = _split_path(variables, script_name)
    secure = variables.get("HTTPS", "").lower() not in ("", "off", "0")
    environ.update(
        {
            "CONTENT_LENGTH": str(int(variables["CONTENT_LENGTH"])),
            "SCRIPT_NAME": mount,
            "PATH_INFO": path_info,
            "QUERY_STRING": variables.get("QUERY_STRING", ""),
            "SERVER_NAME": variables.get("SERVER_NAME") or "localhost",
            "SERVER_PORT": variables.get("SERVER_PORT") or ("443" if secure else "80"),
            "SERVER_PROTOCOL": variables.get("SERVER_PROTOCOL") or "HTTP/1.0",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if secure else "http",
            "wsgi.input": body,
            # The input ends at CONTENT_LENGTH by itself, so frameworks need not count.
            "wsgi.input_terminated": True,
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


def _split_path(variables: Mapping[str, str], mount: str) -> tuple[str, str]:
    """Return SCRIPT_NAME and PATH_INFO.

    A peer that sends PATH_INFO knows the mount.  One that does not (Apache without
    proxy-scgi-pathinfo, nginx with the variables of its scgi_params) tells the path alone, and
    the application must find its pages by it.
    """
    script_name, path_info = "", variables.get("PATH_INFO")
    if path_info is None:
        path_info = _whole_path(variables)
    else:
        script_name = variables.get("SCRIPT_NAME", "")
    if script_name.endswith("/"):
        # A mount has no slash at its end: the slash is the start of the rest.
        script_name = script_name.rstrip("/")
        path_info = path_info if path_info.startswith("/") else f"/{path_info}"
    script_name, path_info = _absolute(script_name), _absolute(path_info)
    whole = script_name + path_info
    if mount and f"{whole}/".startswith(f"{mount}/"):
        return mount, whole[len(mount) :]
    return script_name, path_info


def _whole_path(variables: Mapping[str, str]) -> str:
    """Return the decoded path of the request.

    REQUEST_URI comes last: it is what the client wrote, where the others are what the peer chose
    this application by, without dot segments and after rewriting.
    """
    for name in ("SCRIPT_NAME", "DOCUMENT_URI"):  # the latter is nginx's
        if path := variables.get(name):
            return path
    path = variables.get("REQUEST_URI", "").partition("?")[0]
    return unquote_to_bytes(path.encode("latin-1")).decode("latin-1")


def _absolute(path: str) -> str:
    return f"/{path}" if path and not path.startswith("/") else path
