"""Variables that depend on the request: SetEnvIf, SetEnvIfNoCase and BrowserMatch."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..semantics.path import merge_slashes
from .request import Request

ATTRIBUTES: Mapping[str, Callable[[Request], str]] = {
    # As routes see it: a run of slashes leads around no condition.
    "path": lambda request: request.mount + merge_slashes(request.path),
    "query": lambda request: request.query,
    "method": lambda request: request.method,
    "protocol": lambda request: str(request.environ["SERVER_PROTOCOL"]),
    "host": lambda request: request.server_name,
    "address": lambda request: str(request.environ.get("REMOTE_ADDR") or ""),
}
"""What a condition may look at beside header fields: Apache's Request_URI, Remote_Addr, ..."""

_REFERENCE = re.compile(r"\$([0-9])")


@dataclass(frozen=True, slots=True)
class Condition:
    """Variables to set or remove where a part of the request matches.

    ``read`` takes that part out of the request; ``expression`` is searched for in it; in the
    values ``$0`` to ``$9`` stand for what was matched, and False removes.
    """

    read: Callable[[Request], str]
    expression: re.Pattern[str]
    variables: Mapping[str, str | bool]

    def apply(self, request: Request, variables: dict[str, str]) -> None:
        """Change ``variables`` if the request matches."""
        match = self.expression.search(self.read(request))
        if match is None:
            return
        for name, value in self.variables.items():
            if isinstance(value, str):
                variables[name] = _REFERENCE.sub(lambda found: _group(match, found[1]), value)
            else:
                variables.pop(name, None)


def header_reader(name: str) -> Callable[[Request], str]:
    """Return what reads the field ``name``, empty where there is none."""
    variable = name.upper().replace("-", "_")
    if variable not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        variable = f"HTTP_{variable}"
    return lambda request: str(request.environ.get(variable) or "")


def _group(match: re.Match[str], digit: str) -> str:
    number = int(digit)
    return (match[number] or "") if number <= match.re.groups else ""
