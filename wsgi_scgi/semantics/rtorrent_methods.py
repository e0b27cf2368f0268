"""Which of rTorrent's methods a stranger may call.

Whoever may call them all runs programs as rTorrent's user: ``execute`` does it at once,
``method.insert``, ``schedule2`` and ``view.filter`` later, ``d.directory.set`` by writing a file
where the user's shell reads it.  So methods are allowed by name.  load and the multicalls take
strings that are commands; what stands in them is held to the same list.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .remote_calls import Call

ALLOWED = (
    *("d.*", "f.*", "p.*", "t.*", "load.*", "download_list", "add_peer"),
    *("system.listMethods", "system.methodExist", "system.methodSignature", "system.methodHelp"),
    *("system.getCapabilities", "system.multicall", "system.*_version", "system.hostname"),
    *("system.pid", "system.time", "system.time_seconds", "system.time_usec"),
    *("throttle.*", "pieces.*", "view.list", "view.size", "view.size_not_visible"),
    *("network.port_*", "network.listen.port", "network.http.max_open", "network.max_open_*"),
    *("dht.mode", "dht.port", "dht.statistics", "directory.default", "session.name"),
    *("cat", "math.*", "convert.*", "to_*", "true", "false"),
)
"""Patterns of what is allowed without a word."""

DENIED = (
    *("d.directory*.set", "d.set_*", "f.set_*", "d.tied_to_file.set", "d.delete_tied"),
    *(
        "?.call*",
        "d.create_link",
        "d.delete_link",
        "d.initialize_logs",
        "network.*.set",
        "pieces.*.set",
    ),
)
"""What of ALLOWED is not: it says where files are written or removed, or how the server runs."""

_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_NAME = r"([A-Za-z][A-Za-z0-9_.]*)"
# A command in a string: name=..., or (name, ...) where a value may begin.
_COMMAND = re.compile(rf"{_NAME}[ \t]*=|(?:^|(?<=[=,({{$;\n]))\s*\(\s*{_NAME}")
_EVALUATES = re.compile(r"load\..*|.*multicall.*")
_SUBSTITUTED = re.compile(r"\$|(?:^|[=,({;\n])\s*\(")


@dataclass(frozen=True, slots=True)
class MethodRules:
    """``allow`` adds patterns to the methods that are allowed, ``deny`` takes away from all."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def refused(self, call: Call) -> str:
        """Return the name of what may not be called, empty if all of it may.

        Raises ValueError for what cannot be the name of a method.
        """
        if not _METHOD.fullmatch(call.method):
            raise ValueError("the name of a method has a character that no method has")
        if not self._allows(call.method):
            return call.method
        if call.method == "system.multicall" or not _EVALUATES.fullmatch(call.method):
            return ""
        parameters = call.parameters
        if call.method.startswith("load.") and parameters[:1] == [""]:
            parameters = parameters[2:]  # no target, and what is to be loaded
        return next(filter(None, map(self._refused_within, parameters)), "")

    def _allows(self, method: str) -> bool:
        if _is_any(method, self.deny):
            return False
        return _is_any(method, self.allow) or (
            _is_any(method, ALLOWED) and not _is_any(method, DENIED)
        )

    def _refused_within(self, value: Any) -> str:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return next(filter(None, map(self._refused_within, value)), "")
        return self._refused_in_text(value) if isinstance(value, str) else ""

    def _refused_in_text(self, text: str) -> str:
        # rTorrent joins quoted and escaped pieces to one word.
        text = text.replace('"', "").replace("\\", "")
        names = [match[1] or match[2] for match in _COMMAND.finditer(text)]
        for name in names:
            if name == "system.multicall" or not self._allows(name):
                return name
        evaluating = [name for name in names if _EVALUATES.fullmatch(name)]
        if evaluating:
            # A substituted value could be any command, and be run.
            fixed = text.replace(f"${evaluating[0]}", "", 1) if len(evaluating) == 1 else text
            if _SUBSTITUTED.search(fixed):
                return evaluating[0]
        return ""


def _is_any(method: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(method, pattern) for pattern in patterns)
