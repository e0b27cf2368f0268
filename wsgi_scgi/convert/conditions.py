"""``<IfModule>``, ``<IfDefine>`` and their kind: conditions on the server, not on the request.

What a section says is decided as httpd 2.4 with its proxy modules would decide it.  Where the
files do not tell, the answer is an assumption, and says so.
"""

import operator
import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .definitions import Definitions

# What is part of every httpd 2.4 that has a proxy module, by either name.
_BUILT_IN = ("authz_core", "so", "log_config", "logio", "unixd", "version", "watchdog")
_ALWAYS_PRESENT = frozenset(
    [
        *("core.c", "core_module", "http_core.c", "http_module"),
        *(f"mod_{name}.c" for name in _BUILT_IN),
        *(f"{name}_module" for name in _BUILT_IN),
    ]
)
_PROXY_MODULE = re.compile(r"mod_(proxy(_\w+)?|lbmethod_\w+)\.c|(proxy(_\w+)?|lbmethod_\w+)_module")
_VERSION = re.compile(r"(!?)\s*(<=|>=|==|=|<|>)?\s*(\d+)\.(\d+)(\.\d+)?")
_COMPARISONS: Mapping[str, Callable[[tuple[int, int], tuple[int, int]], bool]] = MappingProxyType(
    {
        "<": operator.lt,
        "<=": operator.le,
        "=": operator.eq,
        "==": operator.eq,
        ">": operator.gt,
        ">=": operator.ge,
    }
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a condition is taken to hold, and whether that is certain."""

    holds: bool
    certain: bool


class Conditions:
    """Decide conditions with what has been read so far."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._loaded: set[str] = set()

    def load_module(self, identifier: str, file: str) -> None:
        """Take note of a LoadModule: its identifier, and the name of its source by its file."""
        stem = os.path.basename(file).partition(".")[0]
        self._loaded |= {identifier, f"{stem}.c"}

    def decide(self, key: str, argument: str) -> Decision | None:
        """Return what is known of the section ``key``, or None if it is none of these."""
        if key == "<ifversion":
            return _decide_version(argument)
        name = argument.removeprefix("!").strip().strip("\"'")
        match key:
            case "<ifmodule":
                decision = self._module(name)
            case "<ifdefine":
                decision = self._definition(name)
            case "<iffile":
                decision = Decision(os.path.exists(name), False)
            case "<ifdirective" | "<ifsection":
                decision = Decision(True, False)
            case _:
                return None
        return Decision(decision.holds != argument.startswith("!"), decision.certain)

    def _module(self, name: str) -> Decision:
        if name in self._loaded or name in _ALWAYS_PRESENT or _PROXY_MODULE.fullmatch(name):
            return Decision(True, True)
        # Where modules are loaded in sight, the others are probably not; they may be built in.
        return Decision(not self._loaded, False)

    def _definition(self, name: str) -> Decision:
        return Decision(*self._definitions.is_defined(name))


def _decide_version(argument: str) -> Decision:
    """Compare with 2.4; what hangs on a patch level or a pattern is an assumption."""
    match = _VERSION.fullmatch(argument.replace('"', ""))
    if match is None:
        return Decision(True, False)
    wanted = int(match[3]), int(match[4])
    holds = _COMPARISONS[match[2] or "="]((2, 4), wanted)
    certain = match[5] is None or wanted != (2, 4)
    if not certain:
        holds = (match[2] or "=") in (">", ">=")
    return Decision(holds != bool(match[1]), certain)
