"""From a request to the variables that the backend receives: RFC 3875 section 4.1."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..compiled import compiled_in
from ..scgi.request_head import encode_request_head
from ..semantics.fields import forwarded_fields
from ..semantics.forwarded import (
    Network,
    Style,
    forwarding_fields,
    is_about_the_way,
    is_trusted,
)
from ..semantics.path import (
    PathInfo,
    apache_path_info,
    apache_script_name,
    join_base,
    merge_slashes,
)
from .conditions import Condition
from .framing import max_forwards
from .request import Request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_AUTHORIZATION = re.compile(r"(?:REDIRECT_)*HTTP_AUTHORIZATION")


@dataclass(frozen=True, slots=True)
class VariableRules:
    """What a route says about the variables of its backend."""

    base: str = "/"
    front: str = ""
    """The base path of a balancer's member, which goes before the route's; empty for "/"."""
    path_info: PathInfo = PathInfo.OFF
    document_root: str = ""
    pass_authorization: bool = True
    forwarded: Style = Style.OFF
    trusted_proxies: tuple[Network, ...] = ()
    conditions: tuple[Condition, ...] = ()
    configured: Mapping[str, str | bool] = field(default_factory=dict)
    """Set last of all; False removes."""
    sent: frozenset[str] | None = None
    """What is sent beside ``configured``; None: all."""
    is_plain: bool = field(init=False)
    """Whether the request alone makes the variables; computed."""

    def __post_init__(self) -> None:
        special = (
            self.forwarded is not Style.OFF,
            self.trusted_proxies,
            not self.pass_authorization,
            self.conditions,
            self.configured,
            self.sent is not None,
        )
        object.__setattr__(self, "is_plain", not any(special))


def cgi_variables(request: Request, rules: VariableRules) -> dict[str, str]:
    """Return the variables for ``request``, CGI's own first, then the header fields.

    Nothing comes from the process's environment, REMOTE_USER and AUTH_TYPE only from the server
    or the application around the gateway, never from a field.
    """
    variables = variables_of_request(request, rules)
    if rules.forwarded is not Style.OFF or rules.trusted_proxies:
        _tell_the_way(request, variables, rules)
    if "HTTP_MAX_FORWARDS" in variables:
        variables["HTTP_MAX_FORWARDS"] = str(max_forwards(request.environ) - 1)
    if request.inherited:
        variables.update(request.inherited)
    if not rules.pass_authorization:
        _remove_authorization(variables)
    for condition in rules.conditions:
        condition.apply(request, variables)
    if rules.sent is not None:
        variables = {name: variables[name] for name in rules.sent & variables.keys()}
    for name, configured in rules.configured.items():
        if isinstance(configured, str):
            variables[name] = configured
        else:
            variables.pop(name, None)
    return variables


def split_path(request: Request, rules: VariableRules) -> tuple[str, str | None]:
    """Return SCRIPT_NAME and PATH_INFO, the latter None if it is not to be sent."""
    if rules.path_info is PathInfo.OFF:
        return request.mount + merge_slashes(request.path), None
    match = request.match
    if rules.path_info is PathInfo.ON:
        path_info = match.target or join_base(rules.base, match.rest)
        if rules.front:
            path_info = rules.front.rstrip("/") + path_info
        return request.mount + match.mount, path_info
    base = "" if match.target else rules.base
    path_info = apache_path_info(rules.front + base, match.unmatched)
    whole = request.mount + merge_slashes(request.path)
    return apache_script_name(whole, path_info), path_info


def variables_of_request(request: Request, rules: VariableRules) -> dict[str, str]:
    """Return what the request itself says, whatever the route adds or takes away."""
    environ = request.environ
    script_name, path_info = split_path(request, rules)
    variables = {
        "REQUEST_METHOD": request.method,
        "REQUEST_URI": request.target,
        "QUERY_STRING": request.query,
        "SCRIPT_NAME": script_name,
    }
    if path_info is not None:
        variables["PATH_INFO"] = path_info
    variables["SERVER_NAME"] = request.server_name
    variables["SERVER_PORT"] = request.server_port
    server_address = environ.get("SERVER_ADDR")
    if server_address is None and request.client is not None:
        server_address = request.client.server_address()
    if server_address:
        variables["SERVER_ADDR"] = server_address
    variables["SERVER_PROTOCOL"] = environ["SERVER_PROTOCOL"]
    variables["SERVER_SOFTWARE"] = environ.get("SERVER_SOFTWARE") or "wsgi-scgi"
    variables["REQUEST_SCHEME"] = environ["wsgi.url_scheme"]
    if request.is_https:
        variables["HTTPS"] = "on"
    for name in ("REMOTE_ADDR", "REMOTE_PORT", "REMOTE_USER", "AUTH_TYPE", "CONTENT_TYPE"):
        value = environ.get(name)
        if value:
            variables[name] = str(value)  # werkzeug's REMOTE_PORT is a number
    if rules.document_root:
        variables["DOCUMENT_ROOT"] = rules.document_root
    if request.host is not None:
        variables["HTTP_HOST"] = request.host
    fields = forwarded_fields(environ)
    fields.pop("HTTP_HOST", None)
    variables.update(fields)
    return variables


@compiled_in("wsgi_scgi.gateway._variables")
def request_head(
    request: Request, rules: VariableRules, added: Mapping[str, str] | None, limit: int
) -> bytes:
    """Return the head of a request, with variables ``added`` to those of ``rules``.

    Raises RequestError (400), and ProtocolError as ``encode_request_head`` does.
    """
    variables = cgi_variables(request, rules)
    if added is not None:
        variables.update(added)
    length = request.body.length if request.body is not None else 0
    return encode_request_head(length, variables, limit=limit)


def _remove_authorization(variables: dict[str, str]) -> None:
    # The route that took the request before a local redirect may have passed it.
    for name in list(filter(_AUTHORIZATION.fullmatch, variables)):
        del variables[name]


def _tell_the_way(request: Request, variables: dict[str, str], rules: VariableRules) -> None:
    """Replace or complete what fields say about the way that the request has come."""
    peer = str(request.environ.get("REMOTE_ADDR") or "")
    if is_trusted(peer, rules.trusted_proxies):
        request_id = variables.get("HTTP_X_REQUEST_ID", "")
        if _REQUEST_ID.fullmatch(request_id):
            request.request_id = request_id
    else:
        for name in list(filter(is_about_the_way, variables)):
            del variables[name]
        if rules.trusted_proxies:
            variables.pop("HTTP_X_REQUEST_ID", None)
    variables.update(
        forwarding_fields(
            rules.forwarded,
            peer=peer,
            host=request.host or request.server_name,
            scheme=request.environ["wsgi.url_scheme"],
            before=variables,
        )
    )
