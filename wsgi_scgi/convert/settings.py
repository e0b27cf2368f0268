"""The options of a route from the directives that apply to it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from .definitions import is_unresolved
from .directive import Certainty, Directive, Place
from .ledger import Ledger
from .region import PathPrefix, Region, covers, overlaps, path_prefix
from .server_block import Section, SectionKind
from .variables import KEYS as VARIABLES
from .variables import VariableTable, variables_for

_NO_EFFECT = "without effect for SCGI in Apache; here it works"
_TIME = re.compile(r"(\d{1,9})(ms|us|s|mi|m|h|d)?[a-z]*", re.IGNORECASE)
_SECONDS = MappingProxyType(
    {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "mi": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
)


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of an option, and where it comes from."""

    value: object
    places: tuple[Place, ...] = ()


@dataclass(slots=True)
class Settings:
    """Options by name; ``variables`` is what goes into two of them."""

    options: dict[str, Setting] = field(default_factory=dict)
    variables: VariableTable = field(default_factory=VariableTable)


def seconds(text: str) -> int | float | None:
    """Return a duration of Apache's (``5``, ``500ms``, ``2h``) in seconds; None if it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    value = int(match[1]) * _SECONDS[(match[2] or "").lower()]
    return int(value) if value.is_integer() else round(value, 6)


def _switch_or_header(directive: Directive) -> dict[str, object]:
    """Read On, Off or the name of a header field."""
    word = directive.argument
    name = "sendfile" if directive.key == "proxyscgisendfile" else "internal_redirect"
    return {name: {"on": True, "off": False}.get(word.lower(), word)}


def _seconds_of(directive: Directive, *names: str) -> dict[str, object]:
    value = seconds(directive.argument)
    return {} if value is None else dict.fromkeys(names, value)


def _body_limit(directive: Directive) -> dict[str, object]:
    return {"max_body": int(directive.argument)} if directive.argument.isdecimal() else {}


def _encoded_slash(directive: Directive) -> dict[str, object]:
    words = {"on": "decode", "off": "refuse", "nodecode": "keep"}
    word = words.get(directive.argument.lower())
    return {"encoded_slash": word} if word else {}


def _switch(directive: Directive, name: str) -> dict[str, object]:
    word = directive.argument.lower()
    return {name: word == "on"} if word in ("on", "off") else {}


def _error_override(directive: Directive) -> dict[str, object]:
    codes = directive.words[1:]
    if directive.argument.lower() == "on" and codes and all(map(str.isdecimal, codes)):
        return {"error_override": [int(code) for code in codes]}
    return {} if codes else _switch(directive, "error_override")


_READERS: Mapping[str, Callable[[Directive], dict[str, object]]] = MappingProxyType(
    {
        "proxyscgiinternalredirect": _switch_or_header,
        "proxyscgisendfile": _switch_or_header,
        "limitrequestbody": _body_limit,
        "cgipassauth": lambda one: _switch(one, "pass_authorization"),
        "timeout": lambda one: _seconds_of(one, "client_timeout", "timeout"),
        "proxytimeout": lambda one: _seconds_of(one, "timeout"),
        "allowencodedslashes": _encoded_slash,
        "proxyerroroverride": _error_override,
    }
)
_PAIRS = MappingProxyType(
    {"proxypassreversecookiepath": "cookie_path", "proxypassreversecookiedomain": "cookie_domain"}
)
# Apache gives a virtual host its own, whatever the main server has.
_NOT_INHERITED = frozenset({"allowencodedslashes"})
_PARAMETERS = MappingProxyType({"timeout": "timeout", "connectiontimeout": "connect_timeout"})
_IDLE_PARAMETERS_NAMES = """
    acquire addressttl disablereuse enablereuse flushpackets flushwait growth iobuffersize
    keepalive max min ping receivebuffersize responsefieldsize retry secret smax ttl upgrade
    loadfactor lbset route redirect status mapping
"""
IDLE_PARAMETERS = frozenset(_IDLE_PARAMETERS_NAMES.split())
"""Parameters of a backend that mean nothing to a gateway, or nothing for a single backend."""


def settings_for(sections: Sequence[Section], target: Region, ledger: Ledger) -> Settings:
    """Return the options for requests in ``target``; sections are in the order of merging.

    What applies to a part of the target only, or is in doubt, counts if it makes the route
    stricter; otherwise it is left out.
    """
    settings = Settings()
    options = settings.options
    whole = [*_whole(sections, target)]
    # ProxyTimeout is above Timeout wherever the two stand.
    for one in sorted(whole, key=lambda one: one.key != "timeout"):
        if one.certainty is not Certainty.DOUBTED:
            _take(one, options, ledger)
    _take_reverse(whole, target, options, ledger)
    partly = [
        one
        for section in sections
        if _applies_to_part(section, target)
        for one in section.directives
    ]
    settings.variables = variables_for(whole, target, ledger, partly=partly)
    tightening = [one for one in whole if one.certainty is Certainty.DOUBTED] + partly
    for one in tightening:
        _tighten(one, options, ledger)
    return settings


def _whole(sections: Sequence[Section], target: Region) -> Iterator[Directive]:
    """Yield the directives that apply to all of ``target``."""
    last_server = [one for one in sections if one.kind is SectionKind.SERVER][-1:]
    for section in sections:
        if section.kind is SectionKind.DIRECTORY or not covers(section.region, target):
            continue
        for one in section.directives:
            if one.key not in _NOT_INHERITED or section in last_server:
                yield one


def _applies_to_part(section: Section, target: Region) -> bool:
    """Tell whether a section applies to a part that cannot be a route of its own."""
    if section.kind is SectionKind.DIRECTORY or covers(section.region, target):
        return False
    both_paths = isinstance(section.region, PathPrefix) and isinstance(target, PathPrefix)
    return not both_paths and overlaps(section.region, target)


def _take(one: Directive, options: dict[str, Setting], ledger: Ledger) -> None:
    read = _READERS.get(one.key)
    if read is None:
        return
    if is_unresolved(one.text):
        ledger.remark(one, "the ${NAME} in it has no certain value")
        return
    values = read(one) if one.words else {}
    if not values:
        ledger.remark(one, "its value is not understood")
    for name, value in values.items():
        ledger.use(one)
        options[name] = Setting(value, (one.place,))
    if one.key == "proxyerroroverride":
        ledger.remark(one, _NO_EFFECT)


def _take_reverse(
    directives: Iterable[Directive],
    target: Region,
    options: dict[str, Setting],
    ledger: Ledger,
) -> None:
    """Read ProxyPassReverse and its family, which do nothing for SCGI in Apache."""
    for one in directives:
        name = _PAIRS.get(one.key, "location_reverse" if one.key == "proxypassreverse" else "")
        if not name or one.certainty is Certainty.DOUBTED or is_unresolved(one.text):
            continue
        value: object = True
        places: tuple[Place, ...] = (one.place,)
        if name != "location_reverse":
            earlier = options.get(name, Setting([]))
            known = earlier.value if isinstance(earlier.value, list) else []
            value = [*known, list(one.words[:2])]
            places = (*earlier.places, one.place)
        elif len(one.words) > 1 and not _is_below(one.argument, target):
            continue
        options[name] = Setting(value, places)
        ledger.use(one)
        ledger.remark(one, _NO_EFFECT)


def _is_below(path: str, target: Region) -> bool:
    region = path_prefix(path)
    return region is not None and covers(region, target)


def _tighten(one: Directive, options: dict[str, Setting], ledger: Ledger) -> None:
    """Apply what makes a route stricter, though it is for some of its requests only."""
    off = one.argument.lower() == "off"
    if one.key == "cgipassauth" and off:
        options["pass_authorization"] = Setting(False, (one.place,))
    elif one.key == "proxyscgisendfile" and off:
        options["sendfile"] = Setting(False, (one.place,))
    elif one.key == "limitrequestbody" and one.argument.isdecimal() and int(one.argument):
        limit = options.get("max_body", Setting(0)).value
        if isinstance(limit, int) and 0 < limit <= int(one.argument):
            return
        options["max_body"] = Setting(int(one.argument), (one.place,))
    else:
        if one.key in _READERS or one.key in _PAIRS or one.key in VARIABLES:
            ledger.remark(one, "not carried over: it is for some requests of a route only")
        return
    ledger.use(one)
    ledger.remark(one, "cannot be set for some requests of a route only: set for all of them")


def apply_parameters(
    parameters: Mapping[str, str], directive: Directive, settings: Settings, ledger: Ledger
) -> None:
    """Read ``key=value`` of a ProxyPass or a ProxySet for one backend."""
    idle = []
    for key, text in parameters.items():
        name = _PARAMETERS.get(key)
        value = seconds(text)
        if name is not None and value is not None:
            settings.options[name] = Setting(value, (directive.place,))
        elif key in IDLE_PARAMETERS:
            idle.append(key)
        else:
            ledger.remark(directive, f"{key}={text} is not understood")
    if idle:
        ledger.remark(directive, f"not carried over for a single backend: {', '.join(idle)}")
