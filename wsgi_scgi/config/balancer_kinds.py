"""Kinds of options for balancers: counts, weights, states, routes, cookies, health checks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..address import BackendURL, parse_backend_url
from ..balancer.hash_key import WORDS, key_reader
from ..balancer.sticky import CookieAttributes, StickySession
from ..errors import AddressError
from ..scoreboard.layout import ROUTE_SIZE, URL_SIZE
from ..scoreboard.status import Status
from ..semantics.target import parse_target
from .kinds import VariableMistakes, Variables, describe, show
from .proxy_kinds import Shown, array


@dataclass(frozen=True, slots=True)
class Count(Shown):
    """A whole number; ``zero`` says what 0 means, ``absent`` what none does."""

    minimum: int = 0
    maximum: int = 10**9
    zero: str = ""
    absent: str = ""

    @property
    def allowed(self) -> str:
        """Return the range and the meaning of 0."""
        meaning = f"; 0 for {self.zero}" if self.zero else ""
        return f"a whole number from {self.minimum} to {self.maximum}{meaning}"

    def parse(self, raw: object) -> int:
        """Return the number."""
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise ValueError(f"{describe(raw)} is not a whole number")
        if not self.minimum <= raw <= self.maximum:
            raise ValueError(f"{raw} is too {'small' if raw < self.minimum else 'large'}")
        return raw

    def show(self, value: object) -> str:
        """Return the number, or the words for none."""
        return self.absent if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Number(Shown):
    """A number of at most two decimals."""

    minimum: int
    maximum: int

    @property
    def allowed(self) -> str:
        """Return the range."""
        return f"a number from {self.minimum} to {self.maximum} with at most two decimals"

    def parse(self, raw: object) -> float:
        """Return the number as a float."""
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            raise ValueError(f"{describe(raw)} is not a number")
        # NaN is within no range.
        if not self.minimum <= raw <= self.maximum:
            raise ValueError(f"{describe(raw)} is out of range")
        if round(raw, 2) != raw:
            raise ValueError(f"{describe(raw)} has more than two decimals")
        return float(raw)

    def show(self, value: object) -> str:
        """Return the number."""
        return f"{value:.15g}"


_CLASS = re.compile(r"[1-5]xx")


@dataclass(frozen=True, slots=True)
class StatusList(Shown):
    """An array of HTTP statuses, from ``lowest`` on, which is a whole hundred."""

    lowest: int = 400

    @property
    def allowed(self) -> str:
        """Return the range."""
        return f'an array of statuses from {self.lowest} to 599, "5xx" for all from 500 to 599'

    def parse(self, raw: object) -> frozenset[int]:
        """Return the set."""
        statuses: set[int] = set()
        for word in array(raw):
            statuses.update(self._statuses(word))
        return frozenset(statuses)

    def _statuses(self, word: object) -> range:
        if isinstance(word, str) and _CLASS.fullmatch(word):
            found = range(int(word[0]) * 100, int(word[0]) * 100 + 100)
        elif isinstance(word, int) and not isinstance(word, bool):
            found = range(word, word + 1)
        else:
            raise ValueError(f"{describe(word)} is not a status")
        if not self.lowest <= found.start <= 599:
            raise ValueError(f"{word} is not a status from {self.lowest} to 599")
        return found

    def show(self, value: object) -> str:
        """Return the array, a whole hundred as one word."""
        left = set(value) if isinstance(value, frozenset) else set()
        words: dict[int, str] = {}
        for first in range(self.lowest, 600, 100):
            if left.issuperset(range(first, first + 100)):
                left.difference_update(range(first, first + 100))
                words[first] = show(f"{first // 100}xx")
        words |= {status: str(status) for status in left}
        return f"[{', '.join(words[status] for status in sorted(words))}]"


@dataclass(frozen=True, slots=True)
class States(Shown):
    """The letters of mod_proxy_balancer for the states of a member."""

    allowed: str = (
        "letters, each after + or -: D disabled, S stopped, I ignore errors, R hot spare,"
        " H hot standby, E in error, N draining, C failed its health check"
    )

    def parse(self, raw: object) -> Status:
        """Return the states."""
        letters = _string(raw)
        try:
            return Status.parse(letters)
        except ValueError as error:
            raise ValueError(f"{describe(raw)} has a letter of no state") from error

    def show(self, value: object) -> str:
        """Return the letters."""
        return show(value.letters() if isinstance(value, Status) else "")


@dataclass(frozen=True, slots=True)
class WrittenURL(BackendURL):
    """A backend URL with the ``text`` that it was read from."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class MemberURL(Shown):
    """The URL of a backend."""

    allowed: str = "a URL like scgi://host:port/ or scgi+unix:///path/to/socket"

    def parse(self, raw: object) -> WrittenURL:
        """Return the URL with its text."""
        text = _string(raw)
        try:
            url = parse_backend_url(text)
        except AddressError as error:
            raise ValueError(str(error)) from error
        if len(text.encode("utf-8", "surrogateescape")) > URL_SIZE:
            raise ValueError(f"the URL is longer than {URL_SIZE} bytes")
        return WrittenURL(url.address, url.path, text)

    def show(self, value: object) -> str:
        """Return the text."""
        return show(value.text if isinstance(value, WrittenURL) else "")


_ROUTE = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class RouteName(Shown):
    """The end of the session identifiers that belong to a member."""

    allowed: str = f"a word of at most {ROUTE_SIZE} ASCII characters"

    def parse(self, raw: object) -> str:
        """Return the word; empty for none."""
        route = _string(raw)
        if len(route) > ROUTE_SIZE or not _ROUTE.fullmatch(route):
            raise ValueError(f"{describe(raw)} is not a route")
        return route


@dataclass(frozen=True, slots=True)
class SessionNames(Shown):
    """The names of the cookie and of the parameter that have the session identifier."""

    allowed: str = '"COOKIE|parameter", or one name for both'

    def parse(self, raw: object) -> str:
        """Return the names; empty for no stickiness."""
        names = _string(raw)
        if names:
            StickySession.parse(names)
        return names


@dataclass(frozen=True, slots=True)
class Separator(Shown):
    """What stands between the session's own identifier and the route."""

    allowed: str = 'one printable ASCII character, or "" where the whole value is the route'

    def parse(self, raw: object) -> str:
        """Return the character, or nothing."""
        separator = _string(raw)
        if len(separator) > 1 or not _ROUTE.fullmatch(separator):
            raise ValueError(f"{describe(raw)} is not a separator")
        return separator


@dataclass(frozen=True, slots=True)
class HashKey(Shown):
    """What of a request the method hash goes by."""

    allowed: str = WORDS

    def parse(self, raw: object) -> str:
        """Return the word; empty for none."""
        key = _string(raw)
        try:
            if key:
                key_reader(key)
        except ValueError as error:
            raise ValueError(f"{describe(raw)} is not a key") from error
        return key


SECRET_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Secret(Shown):
    """A string that nobody can guess; it is never shown."""

    allowed: str = f"a string of at least {SECRET_LENGTH} characters that nobody can guess"

    def parse(self, raw: object) -> str:
        """Return the string.  No message repeats it."""
        if not isinstance(raw, str):
            raise ValueError("it is not a string")
        if len(raw) < SECRET_LENGTH:
            raise ValueError(f"{len(raw)} characters are too few")
        return raw

    def show(self, value: object) -> str:
        """Hide the string."""
        return '"..."' if value else '""'


@dataclass(frozen=True, slots=True)
class CookiePath(Shown):
    """The Path attribute of a cookie."""

    allowed: str = 'a path like "/", or "" for that of the request'

    def parse(self, raw: object) -> str:
        """Return the path."""
        return CookieAttributes(path=_string(raw)).path


@dataclass(frozen=True, slots=True)
class CookieDomain(Shown):
    """The Domain attribute of a cookie."""

    allowed: str = 'a domain like "example.org", or "" for the host of the request alone'

    def parse(self, raw: object) -> str:
        """Return the domain."""
        return CookieAttributes(domain=_string(raw)).domain


@dataclass(frozen=True, slots=True)
class CheckURI(Shown):
    """The path that a health check asks for."""

    allowed: str = 'a path like "/health", with a query if need be'

    def parse(self, raw: object) -> str:
        """Return the path as it is written."""
        uri = _string(raw)
        if not uri.startswith("/"):
            raise ValueError(f"{describe(raw)} does not start with /")
        return str(parse_target(uri))


@dataclass(frozen=True, slots=True)
class Expression(Shown):
    """A regular expression that is looked for in a body."""

    allowed: str = 'a regular expression like "^ready", or "" for none'

    def parse(self, raw: object) -> re.Pattern[str] | None:
        """Return the compiled expression, None for an empty one."""
        try:
            return re.compile(_string(raw)) if raw != "" else None
        except (re.error, OverflowError, RecursionError) as error:
            text = f"{describe(raw)} is not a regular expression: {error}"
            raise ValueError(text) from error

    def show(self, value: object) -> str:
        """Return the expression as text."""
        return show(value.pattern if isinstance(value, re.Pattern) else "")


@dataclass(frozen=True, slots=True)
class AddedVariables(Shown):
    """A table of variables that a health check sends besides its own."""

    allowed: str = 'a table of NAME = "value"'

    def parse(self, raw: object) -> Mapping[str, str]:
        """Return the table, frozen, its values as "bytes as str".

        Raises VariableMistakes, a ValueError, with one text for each wrong name.
        """
        variables: dict[str, str] = {}
        wrong: dict[str, str] = {}
        for name, value in Variables().parse(raw).items():
            if isinstance(value, str):
                variables[name] = value
            else:
                wrong[name] = "false removes, and there is nothing to remove"
        if wrong:
            raise VariableMistakes(wrong)
        return MappingProxyType(variables)


# What the router sees: nothing encoded, no segments that are empty or of dots.
_ADMIN_PATH = re.compile(r"(/(?!\.\.?/)[A-Za-z0-9._~-]+)+/")


@dataclass(frozen=True, slots=True)
class AdminPath(Shown):
    """Where the pages of the administrator are."""

    allowed: str = 'a path that starts and ends with a slash, like "/gateway-status/", and not "/"'

    def parse(self, raw: object) -> str:
        """Return the path."""
        path = _string(raw)
        if not _ADMIN_PATH.fullmatch(path):
            raise ValueError(f"{describe(raw)} is not such a path")
        return path


@dataclass(frozen=True, slots=True)
class UserNames(Shown):
    """Names of users, or "*" for any."""

    allowed: str = 'an array of names, "*" for any user'

    def parse(self, raw: object) -> frozenset[str]:
        """Return the names."""
        names = set(map(_string, array(raw)))
        if "" in names:
            raise ValueError("an empty name is nobody")
        return frozenset(names)


def _string(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    raise ValueError(f"{describe(raw)} is not a string")
