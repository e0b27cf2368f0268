"""The one declaration of a route's options.

Name, type, default, text, the words of Apache and nginx, the flag of the command line: the
checks, the flags, the reference page and the typed keywords are all made from here.  An option
exists only together with its feature.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final, Literal, Self, TypedDict

from ..gateway.conditions import Condition
from ..semantics.forwarded import Network, Style
from ..semantics.path import EncodedSlash, PathInfo
from .declaring import Option, Table, declare, declared, parse
from .kinds import WHY_COMPUTED, Choice, Duration, Size, Switch, Text, Variables
from .mistakes import InvalidConfiguration, Mistake
from .presets import PRESETS, RTORRENT
from .proxy_kinds import (
    Aliases,
    Conditions,
    Directories,
    Documents,
    FieldNames,
    FieldSwitch,
    FilePath,
    MethodPatterns,
    Networks,
    Pairs,
    Statuses,
)

_NO_VARIABLES: Final[Mapping[str, str | bool]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOptions(Table):
    """The options of a route, checked.  Seconds are floats, sizes are bytes.

    Strings that reach the backend are "bytes as str", as in a WSGI environ.
    """

    path_info: PathInfo = declare(
        Option(
            default=PathInfo.OFF,
            kind=Choice({False: PathInfo.OFF, True: PathInfo.ON, "apache": PathInfo.APACHE}),
            text="How the path is divided. `false`: SCRIPT_NAME is the whole path and PATH_INFO is"
            " not sent, as mod_proxy_scgi does it. `true`: SCRIPT_NAME is the route's path,"
            " PATH_INFO the rest. `apache`: what mod_proxy_scgi guesses where proxy-scgi-pathinfo"
            " is set.",
            apache="proxy-scgi-pathinfo",
            flag="--path-info",
        )
    )
    encoded_slash: EncodedSlash = declare(
        Option(
            default=EncodedSlash.REFUSE,
            kind=Choice({word.value: word for word in EncodedSlash}),
            text="What happens to `%2F` in the path: `refuse` answers 404, `decode` makes it a"
            " slash, `keep` leaves it as it is.",
            apache="AllowEncodedSlashes",
        )
    )
    document_root: str = declare(
        Option(
            default="",
            kind=Text(),
            text="The variable DOCUMENT_ROOT; not sent if empty.",
            apache="DocumentRoot",
            nginx="root",
        )
    )
    variables: Mapping[str, str | Literal[False]] = declare(
        Option(
            default=_NO_VARIABLES,
            kind=Variables(),
            text="Variables to set, in addition to or instead of what the gateway sends; an empty"
            " string is sent empty, `false` removes.",
            apache="SetEnv",
            nginx="scgi_param",
        )
    )
    pass_authorization: bool = declare(
        Option(
            default=True,
            kind=Switch(),
            text="Whether the backend sees the Authorization field; by default not where"
            " `auth_file` is set.",
            apache="CGIPassAuth",
        )
    )
    auth_file: str = declare(
        Option(
            default="",
            kind=FilePath(),
            text="The htpasswd file of those who are let in, by Basic authentication; the backend"
            " gets REMOTE_USER and AUTH_TYPE. Needs `pip install 'wsgi-scgi[auth]'`. Hashes may be"
            " bcrypt, apr1, SHA, SHA-256 and SHA-512. The file is read again when it changes.",
            apache="AuthUserFile",
            nginx="auth_basic_user_file",
            flag="--auth-file",
        )
    )
    methods_allow: tuple[str, ...] = declare(
        Option(
            default=(),
            kind=MethodPatterns(),
            text="Methods of rTorrent that are allowed beside those that the preset `rtorrent`"
            " allows.",
        )
    )
    methods_deny: tuple[str, ...] = declare(
        Option(
            default=(),
            kind=MethodPatterns(),
            text="Methods of rTorrent that are refused, whatever else allows them.",
        )
    )
    trusted: bool = declare(
        Option(
            default=False,
            kind=Switch(),
            text="Whether rTorrent is not told that its client is a stranger"
            " (UNTRUSTED_CONNECTION, which it heeds from 0.16.10 on).",
        )
    )
    preset: str = declare(
        Option(
            default="",
            kind=Choice({"": "", **{name: name for name in PRESETS}}),
            text="The kind of backend: defaults that other keys of the route override.",
            flag="--preset",
        )
    )
    max_body: int = declare(
        Option(
            default=1 << 30,
            kind=Size(zero="no limit"),
            text="The longest request body; 413 beyond, before the backend is contacted.",
            apache="LimitRequestBody",
            nginx="client_max_body_size",
            flag="--max-body",
        )
    )
    buffer_request: bool = declare(
        Option(
            default=False,
            kind=Switch(),
            text="Whether a request body is received whole before the backend is contacted. A body"
            " of unknown length always is: SCGI wants the length first.",
            nginx="scgi_request_buffering",
        )
    )
    connect_timeout: float = declare(
        Option(
            default=5.0,
            kind=Duration(),
            text="Seconds for connecting to the backend, all its addresses together; 504 beyond.",
            apache="connectiontimeout",
            nginx="scgi_connect_timeout",
            flag="--connect-timeout",
        )
    )
    timeout: float = declare(
        Option(
            default=60.0,
            kind=Duration(),
            text="Seconds for each read from and each write to the backend; 504 beyond.",
            apache="timeout",
            nginx="scgi_read_timeout",
            flag="--backend-timeout",
        )
    )
    client_timeout: float = declare(
        Option(
            default=60.0,
            kind=Duration(),
            text="Seconds for each read from the client; 408 beyond.",
            apache="TimeOut",
            nginx="client_body_timeout",
        )
    )
    client_gone_grace: float = declare(
        Option(
            default=1.0,
            kind=Duration(zero="never"),
            text="Seconds after which a client that closed its side of the connection counts as"
            " gone and the backend is released; one that resets the connection is gone at once.",
            nginx="scgi_ignore_client_abort",
        )
    )
    deadline: float = declare(
        Option(
            default=0.0,
            kind=Duration(zero="no limit"),
            text="Seconds for the whole exchange with the backend; 504 beyond, or the connection is"
            " cut where the response has begun.",
        )
    )
    max_request_head: int = declare(
        Option(
            default=64 << 10,
            kind=Size(minimum=1024),
            text="The longest block of variables that is sent to the backend; 431 beyond.",
            apache="LimitRequestFieldSize",
            nginx="large_client_header_buffers",
        )
    )

    internal_redirect: str = declare(
        Option(
            default="location",
            kind=FieldSwitch("Location"),
            text="Whether an answer of status 200 whose field has a path of this server is"
            " replaced by the answer for that path, through all routes and the fallback: `true`"
            " for Location, or the name of the field. `false`: such a Location goes to the client.",
            apache="ProxySCGIInternalRedirect",
            flag="--internal-redirect",
        )
    )
    sendfile: str = declare(
        Option(
            default="",
            kind=FieldSwitch("X-Sendfile"),
            text="Whether an answer whose field names a file is given the file's content: `true`"
            " for X-Sendfile, or the name of the field. Needs `sendfile_roots`.",
            apache="ProxySCGISendfile",
            flag="--sendfile",
        )
    )
    sendfile_roots: tuple[str, ...] = declare(
        Option(
            default=(),
            kind=Directories(),
            text="The directories below which `sendfile` may send files; no path and no link leads"
            " out of them.",
            flag="--sendfile-root",
        )
    )
    accel: Mapping[str, str] = declare(
        Option(
            default=MappingProxyType({}),
            kind=Aliases(),
            text="Directories for the URIs of X-Accel-Redirect, by their beginning.",
            nginx="alias",
        )
    )
    hide_headers: frozenset[str] = declare(
        Option(
            default=frozenset(),
            kind=FieldNames(),
            text="Header fields of the backend that clients do not get.",
            nginx="scgi_hide_header",
        )
    )
    pass_headers: frozenset[str] = declare(
        Option(
            default=frozenset(),
            kind=FieldNames(),
            text="Header fields that are orders to a gateway (X-Sendfile, X-Accel-*) and that"
            " clients get all the same.",
            nginx="scgi_pass_header",
        )
    )
    error_override: bool | frozenset[int] = declare(
        Option(
            default=False,
            kind=Statuses(),
            text="Which error answers of the backend are replaced by the gateway's own, or by"
            " what `error_document` says.",
            apache="ProxyErrorOverride",
            nginx="scgi_intercept_errors",
        )
    )
    error_document: Mapping[int, str] = declare(
        Option(
            default=MappingProxyType({}),
            kind=Documents(),
            text="What replaces an error answer that `error_override` names: a path of this"
            " server, answered through the routes and the fallback, or a text for the gateway's"
            " page.",
            apache="ErrorDocument",
            nginx="error_page",
        )
    )
    location_reverse: bool = declare(
        Option(
            default=True,
            kind=Switch(),
            text="Whether the backend's own address or base path in Location, Content-Location"
            " and URI is replaced by the route's.",
            apache="ProxyPassReverse",
        )
    )
    cookie_path: tuple[tuple[str, str], ...] = declare(
        Option(
            default=(),
            kind=Pairs(),
            text="Beginnings of the Path of cookies, the backend's and the client's.",
            apache="ProxyPassReverseCookiePath",
        )
    )
    cookie_domain: tuple[tuple[str, str], ...] = declare(
        Option(
            default=(),
            kind=Pairs(),
            text="Domains of cookies, the backend's and the client's.",
            apache="ProxyPassReverseCookieDomain",
        )
    )
    add_forwarded: Style = declare(
        Option(
            default=Style.OFF,
            kind=Choice({False: Style.OFF, **{s.value: s for s in Style if s is not Style.OFF}}),
            text="What the backend is told of the client: `x-forwarded` adds X-Forwarded-For,"
            " -Host and -Proto, `forwarded` adds Forwarded (RFC 7239). What others than"
            " `trusted_proxies` have said in X-Forwarded-*, Forwarded and X-Real-IP is removed.",
            apache="ProxyAddHeaders",
        )
    )
    trusted_proxies: tuple[Network, ...] = declare(
        Option(
            default=(),
            kind=Networks(),
            text="The proxies whose X-Forwarded-*, Forwarded, X-Real-IP and X-Request-ID are"
            " believed. With any, these fields of other clients are removed.",
            apache="RemoteIPTrustedProxy",
            nginx="set_real_ip_from",
        )
    )
    conditional_requests: bool = declare(
        Option(
            default=False,
            kind=Switch(),
            text="Whether If-None-Match and its like are compared with the ETag and Last-Modified"
            " of a backend that sent no Status, as Apache does; 304 or 412 then.",
        )
    )
    set_if: tuple[Condition, ...] = declare(
        Option(
            default=(),
            kind=Conditions(),
            text="Variables to set or remove where a part of the request matches a regular"
            " expression; `variables` come after and win.",
            apache="SetEnvIf",
        )
    )

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> Self:
        """Check raw values, as from TOML or Python keywords; the preset's come below them.

        Raises InvalidConfiguration with every mistake.
        """
        mistakes: list[Mistake] = []
        parsed = parse(values, OPTIONS, mistakes)
        preset = PRESETS.get(str(parsed.get("preset", "")))
        defaults = parse(preset.values, OPTIONS, mistakes) if preset else {}
        if parsed.get("auth_file"):
            defaults = {"pass_authorization": False, **defaults}
        options = cls(**{**defaults, **parsed})
        mistakes.extend(options.contradictions())
        if mistakes:
            raise InvalidConfiguration(mistakes)
        return options

    def contradictions(self) -> Iterator[Mistake]:
        """Yield what is wrong among options that are right one by one."""
        if self.path_info is not PathInfo.OFF:
            text = f"may be neither set nor removed where path_info is on; {WHY_COMPUTED}"
            if "PATH_INFO" in self.variables:
                yield Mistake("variables.PATH_INFO", text)
            if any("PATH_INFO" in condition.variables for condition in self.set_if):
                yield Mistake("set_if", f"PATH_INFO {text}")
        if self.sendfile and not self.sendfile_roots:
            text = "is needed with sendfile; allowed: an array of at least one absolute directory"
            yield Mistake("sendfile_roots", text)
        if self.sendfile_roots and not self.sendfile:
            yield Mistake("sendfile_roots", "does nothing without sendfile")
        if self.sendfile in ("location", self.internal_redirect) and self.sendfile:
            yield Mistake("sendfile", "names the field of redirects; allowed: any other field")
        if self.auth_file and not all(map(find_spec, ("passlib", "bcrypt"))):
            text = "needs libpass and bcrypt: pip install 'wsgi-scgi[auth]'"
            yield Mistake("auth_file", text)
        if self.preset != RTORRENT:
            for name in ("methods_allow", "methods_deny", "trusted"):
                if getattr(self, name):
                    yield Mistake(name, f'does nothing without preset = "{RTORRENT}"')
        if self.error_document and not self.error_override:
            yield Mistake("error_document", "does nothing without error_override")


OPTIONS: Final[Mapping[str, Option]] = declared(RouteOptions)
"""Every option of a route by its name, in the order of the reference page."""


class RouteKeywords(TypedDict, total=False):
    """The raw values of RouteOptions, as keyword arguments of SCGIApplication."""

    path_info: bool | Literal["apache"]
    encoded_slash: Literal["refuse", "decode", "keep"]
    document_root: str
    variables: Mapping[str, str | Literal[False]]
    pass_authorization: bool
    auth_file: str
    methods_allow: Sequence[str]
    methods_deny: Sequence[str]
    trusted: bool
    preset: Literal["", "wsgi", "fossil", "rtorrent"]
    max_body: int | str
    buffer_request: bool
    connect_timeout: float
    timeout: float
    client_timeout: float
    client_gone_grace: float
    deadline: float
    max_request_head: int | str
    internal_redirect: bool | str
    sendfile: bool | str
    sendfile_roots: Sequence[str]
    accel: Mapping[str, str]
    hide_headers: Sequence[str]
    pass_headers: Sequence[str]
    error_override: bool | Sequence[int]
    error_document: Mapping[Any, str]  # numbers in Python, strings in TOML
    location_reverse: bool
    cookie_path: Sequence[tuple[str, str]] | Sequence[list[str]]
    cookie_domain: Sequence[tuple[str, str]] | Sequence[list[str]]
    add_forwarded: Literal[False, "x-forwarded", "forwarded"]
    trusted_proxies: Sequence[str]
    conditional_requests: bool
    set_if: Sequence[Mapping[str, object]]
