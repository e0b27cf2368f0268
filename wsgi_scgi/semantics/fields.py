"""Header fields: which travel through the gateway, and which end here.

Request fields are looked at under their CGI names (``HTTP_ACCEPT``), response fields under
their own.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_VARIABLE = re.compile(r"HTTP_[A-Z0-9_]+")

# RFC 9110 7.6.1, and what would otherwise contradict the variables that the gateway computes.
_STOPS_HERE = frozenset(
    {
        "HTTP_CONNECTION",
        "HTTP_KEEP_ALIVE",
        "HTTP_TE",
        "HTTP_TRAILER",
        "HTTP_TRANSFER_ENCODING",
        "HTTP_UPGRADE",
        "HTTP_HTTP2_SETTINGS",
        "HTTP_EXPECT",  # answered by the server below
        "HTTP_PROXY",  # httpoxy, CVE-2016-5385 and its like
        "HTTP_CONTENT_LENGTH",
        "HTTP_CONTENT_TYPE",
        "HTTP_SCRIPT_NAME",  # trusted peers of gunicorn can send these two
        "HTTP_PATH_INFO",
        "HTTP_X_SENDFILE_TYPE",  # CVE-2025-61780: they map files for Rack's applications
        "HTTP_X_ACCEL_MAPPING",
    }
)

# CVE-2022-31813: a client must not be able to take these from the backend.
_NOT_NOMINABLE = ("HTTP_X_FORWARDED_", "HTTP_CONTENT_")
_NOT_NOMINABLE_NAMES = frozenset({"HTTP_HOST", "HTTP_FORWARDED", "HTTP_X_REAL_IP"})

_RESPONSE_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-authentication-info",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    }
)

# Orders to a gateway, not words to a client: nginx's and lighttpd's, and the common X-Sendfile.
_CONTROL_FIELDS = frozenset(
    {
        "x-accel-redirect",
        "x-accel-expires",
        "x-accel-limit-rate",
        "x-accel-buffering",
        "x-accel-charset",
        "x-sendfile",
        "x-sendfile2",
        "x-lighttpd-send-file",
        "x-lighttpd-send-tempfile",
    }
)

NO_ORDERS: Final[Mapping[str, str]] = MappingProxyType({})
"""The orders of nearly all answers."""

_known: dict[str, bool] = {}
_KNOWN_LIMIT = 1024  # names that are remembered; clients choose names, so not all are


def is_forwarded(name: str) -> bool:
    """Tell whether the backend receives the ``HTTP_*`` variable of this name.

    Names with anything but letters, digits and ``-`` in the field's name are dropped: two of
    them could otherwise meet in one variable (CVE-2015-0219).
    """
    verdict = _known.get(name)
    if verdict is None:
        verdict = (
            _VARIABLE.fullmatch(name) is not None
            and name not in _STOPS_HERE
            and not name.startswith("HTTP_PROXY_")
        )
        if len(_known) < _KNOWN_LIMIT:
            _known[name] = verdict
    return verdict


def forwarded_fields(environ: Mapping[str, object]) -> dict[str, str]:
    """Return the ``HTTP_*`` variables of a WSGI environ that the backend receives.

    Fields named by Connection are hop-by-hop too (RFC 9110 7.6.1), but for those that a client
    has no business removing.
    """
    fields = {
        name: str(value)
        for name, value in environ.items()
        if name[:5] == "HTTP_" and is_forwarded(name)
    }
    connection = environ.get("HTTP_CONNECTION")
    if connection:
        for option in str(connection).split(","):
            name = "HTTP_" + option.strip(" \t").upper().replace("-", "_")
            if name in fields and not (
                name.startswith(_NOT_NOMINABLE) or name in _NOT_NOMINABLE_NAMES
            ):
                del fields[name]
    return fields


@dataclass(frozen=True, slots=True)
class FieldRules:
    """What a route says about response fields; all names in lower case.

    ``control`` are orders to a step of the route, ``hidden`` and ``passed`` change what clients
    see beyond the defaults.  A Location that is an order is no less a word to the client where
    the step does not follow it.
    """

    control: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    removed: frozenset[str] = field(init=False)
    """What clients do not get; computed."""
    _verdicts: dict[str, bool] = field(init=False, default_factory=dict, compare=False, repr=False)
    """Whether clients get a field, by its name as backends write it; of most that they write."""

    def __post_init__(self) -> None:
        orders = (_CONTROL_FIELDS - self.passed) | (self.control - {"location"})
        object.__setattr__(self, "removed", _RESPONSE_HOP_BY_HOP | orders | self.hidden)

    def is_plain(self, name: str) -> bool | None:
        """Tell whether clients get a field whatever its value; None where more is to be asked."""
        lower = name.lower()
        if lower == "connection" or lower in self.control:
            return None
        verdict = lower not in self.removed
        if len(self._verdicts) < _KNOWN_LIMIT:
            self._verdicts[name] = verdict
        return verdict


Fields = Iterable[tuple[str, str]]


def answer_fields(
    fields: Fields, status: int, rules: FieldRules
) -> tuple[list[tuple[str, str]], Mapping[str, str]]:
    """Return the fields of a backend's response that the client receives, and the orders in it.

    The same as ``end_to_end_fields`` and ``control_values``, with less to do for fields that
    nothing is special about.
    """
    verdicts = rules._verdicts
    kept = []
    for each in fields:
        verdict = verdicts.get(each[0])
        if verdict is None:
            verdict = rules.is_plain(each[0])
        if verdict:
            kept.append(each)
        elif verdict is None:
            break
    else:
        if status not in (204, 304):
            return kept, NO_ORDERS
    return end_to_end_fields(fields, status, rules), control_values(fields, rules.control)


def control_values(fields: Iterable[tuple[str, str]], names: frozenset[str]) -> dict[str, str]:
    """Return the values of the fields called ``names``, repeated ones joined as Apache does."""
    values: dict[str, str] = {}
    for name, value in fields:
        lower = name.lower()
        if lower in names:
            values[lower] = f"{values[lower]}, {value}" if lower in values else value
    return values


def end_to_end_fields(
    fields: Iterable[tuple[str, str]], status: int, rules: FieldRules = FieldRules()
) -> list[tuple[str, str]]:
    """Return the fields of a backend's response that the client receives, in their order.

    Hop-by-hop fields, those that Connection names and orders to a gateway are removed; so are
    Content-Length and Content-Type where ``status`` allows no content (RFC 9110 8.6, 15.4.5).
    """
    fields = list(fields)
    names = [name.lower() for name, _ in fields]
    removed = rules.removed
    nominated = {
        option.strip(" \t").lower()
        for name, (_, value) in zip(names, fields, strict=True)
        if name == "connection"
        for option in value.split(",")
    }
    if nominated:
        # Framing and cookies are never hop-by-hop, whatever a confused backend says.
        removed |= {name for name in nominated if not name.startswith(("content-", "set-cookie"))}
    if status == 204:
        removed |= {"content-length", "content-type"}
    elif status == 304:
        removed |= {"content-type"}
    return [field for name, field in zip(names, fields, strict=True) if name not in removed]


# What describes the first body, or where it was to be found, and is void with it.
_OF_FIRST_ONLY = frozenset(
    {"location", "content-length", "content-range", "content-encoding", "etag", "last-modified"}
)
# Joined with a comma these would say nothing, or something else.
_ONE_VALUE = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-origin",
        "access-control-max-age",
        "age",
        "content-disposition",
        "content-location",
        "content-type",
        "date",
        "expires",
        "retry-after",
        "server",
        "strict-transport-security",
        "x-request-id",
    }
)


def merge_fields(
    first: Iterable[tuple[str, str]], second: Iterable[tuple[str, str]], *, status: int = 200
) -> list[tuple[str, str]]:
    """Return the fields of an answer of ``status`` that another one had redirected to.

    As Apache merges them: those that both have are joined with a comma, cookies stay apart, and
    a Content-Type of the first counts only if the second has none.  Unlike there, the second
    decides about fields of one value.
    """
    second = list(second)
    names = {name.lower() for name, _ in second}
    dropped = _OF_FIRST_ONLY | (_ONE_VALUE & names)
    if status in (204, 304):
        dropped |= {"content-type"}
    kept = [field for field in first if field[0].lower() not in dropped]
    to_join = {name.lower() for name, _ in kept} & (names - {"set-cookie"})
    joined = control_values(kept + second, frozenset(to_join))
    merged: list[tuple[str, str]] = []
    for name, value in kept + second:
        lower = name.lower()
        if lower not in to_join:
            merged.append((name, value))
        elif lower in joined:
            merged.append((name, joined.pop(lower)))
    return merged
