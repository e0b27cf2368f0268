"""Define, UnDefine and ``${NAME}``: what Apache knows by name while it reads its files."""

import re
from collections.abc import Collection, Mapping

from .directive import Certainty

_REFERENCE = re.compile(r"\$\{([^}]*)\}")


class Definitions:
    """Names with and without a value.

    ``given`` are the names of Apache's command line (``-D NAME``), None if nobody knows them: then
    a name that no file mentions may or may not be defined.  Values come from Define, whatever the
    case of the name, then from ``environment``.
    """

    def __init__(self, given: Collection[str] | None, environment: Mapping[str, str]) -> None:
        self._states = dict.fromkeys(given or (), (True, True))
        self._all_known = given is not None
        self._environment = environment
        self._values: dict[str, str] = {}
        self._ambiguous: set[str] = set()
        self.used_environment: dict[str, str] = {}
        """What came from the environment, for a comment."""

    def define(self, name: str, value: str | None, certainty: Certainty) -> None:
        """Take note of a Define."""
        if certainty is Certainty.DOUBTED:
            holds, _ = self.is_defined(name)
            self._states[name] = holds, False
            self._ambiguous.add(name.lower())
            return
        self._states[name] = True, certainty is Certainty.CERTAIN
        if certainty is Certainty.CERTAIN:
            self._ambiguous.discard(name.lower())
        if value is not None:
            self._values[name.lower()] = value

    def undefine(self, name: str, certainty: Certainty) -> None:
        """Take note of an UnDefine."""
        if certainty is Certainty.CERTAIN:
            self._states[name] = False, True
            self._values.pop(name.lower(), None)
        else:
            holds, _ = self.is_defined(name)
            self._states[name] = holds, False
            self._ambiguous.add(name.lower())

    def is_defined(self, name: str) -> tuple[bool, bool]:
        """Return whether ``name`` is taken as defined, and whether that is certain."""
        return self._states.get(name, (False, self._all_known))

    def substitute(self, text: str) -> str:
        """Replace ``${NAME}`` by its value; a name without one certain value stays as it is."""
        return _REFERENCE.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        name = match[1]
        if name.lower() in self._ambiguous:
            return match[0]
        value = self._values.get(name.lower())
        if value is None and name in self._environment:
            value = self.used_environment[name] = self._environment[name]
        return match[0] if value is None else value


def is_unresolved(text: str) -> bool:
    """Tell whether a ``${NAME}`` was left in ``text``."""
    return _REFERENCE.search(text) is not None
