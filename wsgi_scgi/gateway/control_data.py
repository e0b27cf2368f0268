"""What a request asks for: its control data (RFC 9110 6.2), checked and normalised once.

It is read from what WSGI says (PEP 3333), with the target as the client wrote it where the server
below tells.  Strings are "bytes as str".
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

from ..compiled import compiled_in
from ..errors import RequestError
from ..semantics.host import parse_host
from ..semantics.path import decode_path, merge_slashes, resolve_dot_segments
from ..semantics.target import Target, parse_target
from .framing import declared_length, may_have_body

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# What PATH_INFO of a bare environ may keep when it is written as a path again (RFC 3986 3.3).
_PATH_SAFE = "/!$&'()*+,;=:@~"


class ControlData(NamedTuple):
    """The method, the target and the host of a request."""

    method: str
    target: str
    """Path and query as received: the REQUEST_URI of CGI."""
    query: str
    host: str | None
    """The effective Host field, None where HTTP/1.0 sent none."""
    server_name: str
    server_port: str
    mount: str
    """The SCRIPT_NAME under which the application around the gateway called it."""
    raw_path: str
    """What follows the mount, not decoded."""
    path: str
    """The same decoded, its dot segments resolved, its slash runs kept."""
    may_have_body: bool
    """Whether there could be a body, whatever its framing is worth."""


@compiled_in("wsgi_scgi.gateway._control_data")
def control_data(environ: Mapping[str, Any]) -> ControlData:
    """Raise RequestError for whatever the status table of the manual calls malformed."""
    method = environ["REQUEST_METHOD"]
    _check_method(method)
    if "HTTP_" in environ:
        raise RequestError("a header field has no name")
    target = _target_of(environ)
    query = environ.get("QUERY_STRING") or ""
    # RFC 9112 3.2.2: the authority of an absolute-form target replaces the Host field.
    host = environ.get("HTTP_HOST") if target.authority is None else target.authority
    server_name, server_port = _server_of(environ, host)
    mount = environ.get("SCRIPT_NAME") or ""
    raw_path = _path_below_mount(environ, mount, target.path)
    path = normalised_path(raw_path)
    return ControlData(
        method=method,
        target=str(target),
        query=query,
        host=host,
        server_name=server_name,
        server_port=server_port,
        mount=mount,
        raw_path=raw_path,
        path=path,
        may_have_body=may_have_body(environ),
    )


def check_about_server(environ: dict[str, Any]) -> None:
    """Raise RequestError for a malformed ``OPTIONS *``, which is about no resource.

    Its Host and the framing of its body are judged as those of any request.
    """
    _server_of(environ, environ.get("HTTP_HOST"))
    declared_length(environ)


def _check_method(method: str) -> None:
    if method in ("GET", "POST", "HEAD"):
        return
    if method in ("CONNECT", "TRACE"):
        raise RequestError(
            f"the method {method} is not allowed here", status=HTTPStatus.METHOD_NOT_ALLOWED
        )
    if not _METHOD.fullmatch(method):
        raise RequestError("the method is not a token")


def _target_of(environ: Mapping[str, Any]) -> Target:
    # gunicorn and gevent call it RAW_URI; waitress, uWSGI, mod_wsgi and cheroot REQUEST_URI.
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None:
        raw = _quoted((environ.get("SCRIPT_NAME") or "") + (environ.get("PATH_INFO") or ""))
        query = environ.get("QUERY_STRING")
        raw = f"{raw or '/'}?{query}" if query else raw or "/"
    try:
        return parse_target(str(raw))
    except ValueError as error:
        raise RequestError(str(error)) from error


def _server_of(environ: Mapping[str, Any], host: str | None) -> tuple[str, str]:
    """Return the name and the port that the client means."""
    if host is None:
        if environ.get("SERVER_PROTOCOL") not in ("HTTP/1.0", "HTTP/0.9"):
            raise RequestError("the Host is missing or invalid")
        if not environ["SERVER_PORT"]:  # of a Unix socket gunicorn tells the path alone
            return "localhost", _default_port(environ)
        return str(environ["SERVER_NAME"]), str(environ["SERVER_PORT"])
    try:
        parsed = parse_host(host)
    except ValueError as error:
        raise RequestError(str(error)) from error
    return parsed.name, _default_port(environ) if parsed.port is None else str(parsed.port)


def _default_port(environ: Mapping[str, Any]) -> str:
    return "443" if environ["wsgi.url_scheme"] == "https" else "80"


def _path_below_mount(environ: Mapping[str, Any], mount: str, raw: str) -> str:
    """Return the undecoded path below the mount.

    PATH_INFO decides, since applications around the gateway may have changed it, but only the
    target tells ``%2F`` from ``/``: it is used where both agree.  Servers differ in what they
    merge (mod_wsgi: slashes) and leave encoded (cheroot: ``%2F``).
    """
    path_info = str(environ.get("PATH_INFO") or "")
    if raw == path_info and not mount:
        return raw or "/"
    if raw.startswith(mount):
        below = raw[len(mount) :]
        with_slash = decode_or_none(below)
        if with_slash is None:
            return below  # whoever normalises it says what is wrong
        if merge_slashes(path_info) in (
            merge_slashes(with_slash),
            merge_slashes(decode_or_none(below, keep_encoded_slash=True) or ""),
        ):
            return below or ("" if mount else "/")
    return _quoted(path_info) or ("" if mount else "/")


def _quoted(path: str) -> str:
    try:
        return quote(path, safe=_PATH_SAFE, encoding="latin-1")
    except UnicodeEncodeError as error:
        raise RequestError("the path is not made of bytes (PEP 3333)") from error


def decode_or_none(raw: str, *, keep_encoded_slash: bool = False) -> str | None:
    """Decode a path, or return None where it cannot be."""
    try:
        return decode_path(raw, keep_encoded_slash=keep_encoded_slash)
    except ValueError:
        return None


def normalised_path(raw: str, *, keep_encoded_slash: bool = False) -> str:
    """Decode a path and resolve its dot segments; raise RequestError where that cannot be done."""
    try:
        path = decode_path(raw, keep_encoded_slash=keep_encoded_slash)
        if path and not path.startswith("/"):
            raise ValueError("the path does not start with a slash")
        return resolve_dot_segments(path)
    except ValueError as error:
        raise RequestError(str(error)) from error
