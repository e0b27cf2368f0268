"""Kinds of options for the steps around forwarding: fields, files, cookies, proxies, conditions."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..gateway.conditions import ATTRIBUTES, Condition, header_reader
from ..semantics.forwarded import UNIX, Network
from ..semantics.path import Prefix, decode_path, resolve_dot_segments
from .kinds import Text, VariableMistakes, Variables, bytes_as_str, describe, show, str_as_text

_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Shown:
    """The spelling on the command line and in TOML that most kinds share."""

    def parse_text(self, text: str) -> object:
        """Return ``text`` itself."""
        return text

    def show(self, value: object) -> str:
        """Return ``value`` as TOML has it."""
        return show_value(value)


def show_value(value: object) -> str:
    """Return a value made of strings, numbers, arrays and tables as TOML has it."""
    if isinstance(value, str):
        return show(str_as_text(value))
    if isinstance(value, tuple):
        return "[" + ", ".join(show_value(item) for item in value) + "]"
    if isinstance(value, frozenset):
        return show_value(tuple(sorted(value)))
    if isinstance(value, Mapping):
        items = ", ".join(f"{show(str(name))} = {show_value(item)}" for name, item in value.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, Condition):
        return "{ ... }"
    return show(value) if isinstance(value, bool | int | float) else show(str(value))


@dataclass(frozen=True, slots=True)
class FieldSwitch(Shown):
    """false, true for the usual field, or the name of another one; the value is lower case."""

    usual: str

    @property
    def allowed(self) -> str:
        """Return the choices."""
        return f"false, true (for {self.usual}), or the name of a header field"

    def parse(self, raw: object) -> str:
        """Return the field's name in lower case, empty for false."""
        if isinstance(raw, bool):
            return self.usual.lower() if raw else ""
        if isinstance(raw, str) and _FIELD_NAME.fullmatch(raw):
            return raw.lower()
        raise ValueError(f"{describe(raw)} is not the name of a field")

    def parse_text(self, text: str) -> object:
        """Read true and false, on and off."""
        return {"true": True, "on": True, "false": False, "off": False}.get(text.lower(), text)

    def show(self, value: object) -> str:
        """Return the switch, or the name."""
        return show({"": False, self.usual.lower(): True}.get(str(value), str(value)))


@dataclass(frozen=True, slots=True)
class FieldNames(Shown):
    """An array of field names; the values are lower case."""

    allowed: str = "an array of names of header fields"

    def parse(self, raw: object) -> frozenset[str]:
        """Return the names in lower case."""
        names = array(raw)
        for name in names:
            if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
                raise ValueError(f"{describe(name)} is not the name of a field")
        return frozenset(str(name).lower() for name in names)


@dataclass(frozen=True, slots=True)
class Directories(Shown):
    """An array of absolute paths of directories."""

    allowed: str = "an array of absolute paths of directories"

    def parse(self, raw: object) -> tuple[str, ...]:
        """Return the paths."""
        return tuple(_directory(path) for path in array(raw))

    def parse_text(self, text: str) -> object:
        """Return an array of one."""
        return [text]


@dataclass(frozen=True, slots=True)
class FilePath(Shown):
    """The path of a file; the value is absolute, relative ones are below the current directory."""

    allowed: str = "the path of a file"

    def parse(self, raw: object) -> str:
        """Return the absolute path as "bytes as str"; empty for none."""
        if raw == "":
            return ""
        path = str_as_text(Text().parse(raw))
        return bytes_as_str(os.path.abspath(path))


_METHODS = re.compile(r"[A-Za-z*][A-Za-z0-9_.*]*")


@dataclass(frozen=True, slots=True)
class MethodPatterns(Shown):
    """An array of names of methods; ``*`` stands for anything."""

    allowed: str = 'an array of names of methods, like "d.directory.set" or "network.*"'

    def parse(self, raw: object) -> tuple[str, ...]:
        """Return the names."""
        for name in array(raw):
            if not isinstance(name, str) or not _METHODS.fullmatch(name):
                raise ValueError(f"{describe(name)} is not the name of a method")
        return tuple(map(str, array(raw)))


@dataclass(frozen=True, slots=True)
class Aliases(Shown):
    """A table from URL prefixes to directories."""

    allowed: str = 'a table of "/prefix/" = "/absolute/directory/"'

    def parse(self, raw: object) -> Mapping[str, str]:
        """Return the table."""
        table = _table(raw)
        for prefix in table:
            Prefix(Text().parse(prefix))
        return MappingProxyType(
            {Text().parse(prefix): _directory(path) for prefix, path in table.items()}
        )


@dataclass(frozen=True, slots=True)
class Pairs(Shown):
    """An array of pairs: the backend's word and the client's."""

    allowed: str = 'an array of pairs ["internal", "public"]'

    def parse(self, raw: object) -> tuple[tuple[str, str], ...]:
        """Return the pairs."""
        pairs = [array(pair) for pair in array(raw)]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("an array in it is not a pair")
        text = Text()
        parsed = tuple((text.parse(internal), text.parse(public)) for internal, public in pairs)
        if any(";" in word for pair in parsed for word in pair):
            raise ValueError("a word contains ; which ends an attribute of a cookie")
        return parsed


@dataclass(frozen=True, slots=True)
class Networks(Shown):
    """An array of IP addresses and networks; "unix:" is every peer on a Unix socket."""

    allowed: str = (
        'an array of IP addresses and networks, like "10.0.0.0/8", and "unix:" for all who come'
        " by a Unix socket"
    )

    def parse(self, raw: object) -> tuple[Network, ...]:
        """Return the networks."""
        networks: list[Network] = []
        for item in array(raw):
            if not isinstance(item, str):
                raise ValueError(f"{describe(item)} is not a string")
            networks.append(UNIX if item == UNIX else ipaddress.ip_network(item))
        return tuple(networks)


@dataclass(frozen=True, slots=True)
class Statuses(Shown):
    """false, true for every error, or an array of statuses from 400 to 599."""

    allowed: str = "false, true (for every status from 400 on), or an array of such statuses"

    def parse(self, raw: object) -> bool | frozenset[int]:
        """Return the boolean, or the set."""
        if isinstance(raw, bool):
            return raw
        for status in array(raw):
            if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
                raise ValueError(f"{describe(status)} is not a status from 400 to 599")
        return frozenset(int(str(status)) for status in array(raw))


@dataclass(frozen=True, slots=True)
class Documents(Shown):
    """A table from statuses to a path of this server, or to a text."""

    allowed: str = 'a table of 404 = "/path" or 404 = "text"'

    def parse(self, raw: object) -> Mapping[int, str]:
        """Return the table."""
        documents: dict[int, str] = {}
        for status, document in _table(raw).items():
            if not re.fullmatch(r"[45][0-9][0-9]", str(status)):
                raise ValueError(f"{describe(status)} is not a status from 400 to 599")
            if not isinstance(document, str):
                raise ValueError(f"{describe(document)} is not a string")
            documents[int(str(status))] = _document(document)
        return MappingProxyType(documents)

    def show(self, value: object) -> str:
        """Return the table."""
        documents = value if isinstance(value, Mapping) else {}
        return show_value(
            {
                str(status): document if document.startswith("/") else bytes_as_str(document)
                for status, document in documents.items()
            }
        )


def _document(text: str) -> str:
    """Return a path as bytes, since it is sent, but a text as it is: it becomes part of a page."""
    if not text.startswith("/"):
        text.encode()  # a surrogate is no character
        return text
    path = Text().parse(text)
    resolve_dot_segments(decode_path(path.partition("?")[0]))
    return path


_SET_IF_KEYS = frozenset({"attribute", "header", "matches", "ignore_case", "set"})


@dataclass(frozen=True, slots=True)
class Conditions(Shown):
    """An array of tables: where to look, what to find, what to set."""

    allowed: str = (
        'tables with attribute = "path", "query", "method", "protocol", "host" or "address", or'
        ' header = "Name"; matches = "expression"; ignore_case; set = { NAME = "value" }'
    )

    def parse(self, raw: object) -> tuple[Condition, ...]:
        """Return the conditions."""
        return tuple(_condition(_table(table)) for table in array(raw))


def _condition(table: Mapping[object, object]) -> Condition:
    for key in table:
        if key not in _SET_IF_KEYS:
            raise ValueError(f"{describe(key)} is not a key of a condition")
    attribute, header = table.get("attribute"), table.get("header")
    if (attribute is None) == (header is None):
        raise ValueError("a condition has either an attribute or a header")
    if attribute is not None and attribute not in ATTRIBUTES:
        raise ValueError(f"{describe(attribute)} is not an attribute")
    if header is not None and (not isinstance(header, str) or not _FIELD_NAME.fullmatch(header)):
        raise ValueError(f"{describe(header)} is not the name of a field")
    matches, ignore_case = table.get("matches"), table.get("ignore_case", False)
    if not isinstance(matches, str) or not isinstance(ignore_case, bool):
        raise ValueError("matches is a string, ignore_case true or false")
    try:
        expression = re.compile(bytes_as_str(matches), re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{describe(matches)} is not a regular expression: {error}") from error
    try:
        variables = Variables().parse(table.get("set"))
    except VariableMistakes as error:
        raise ValueError(str(error)) from error
    read = header_reader(str(header)) if header is not None else ATTRIBUTES[str(attribute)]
    return Condition(read, expression, variables)


def array(raw: object) -> list[object] | tuple[object, ...]:
    """Return an array; raise ValueError for what is none."""
    if isinstance(raw, list | tuple):
        return raw
    raise ValueError(f"{describe(raw)} is not an array")


def _table(raw: object) -> Mapping[object, object]:
    if isinstance(raw, Mapping):
        return raw
    raise ValueError(f"{describe(raw)} is not a table")


def _directory(raw: object) -> str:
    path = Text().parse(raw)
    if not path.startswith("/"):
        raise ValueError(f"{describe(raw)} is not an absolute path")
    return path
