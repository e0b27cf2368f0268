"""Conditional requests: validators and preconditions, RFC 9110 sections 8.8 and 13.

The same rules serve files and backends that send validators of their own.  Request fields are
looked at under their CGI names (``HTTP_IF_MATCH``).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from .dates import parse_http_date

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_SEPARATOR = re.compile(r"[ \t]*(?:,[ \t]*)*")

STRONG_DATE_AGE = 1.0
"""Seconds after which a modification date counts as strong (RFC 9110 8.8.2.2)."""


@dataclass(frozen=True, slots=True)
class EntityTag:
    """An entity tag; ``opaque`` is what stands between the quotes."""

    opaque: str
    weak: bool = False

    def __str__(self) -> str:
        """Return the tag as it stands in a field."""
        return f'W/"{self.opaque}"' if self.weak else f'"{self.opaque}"'

    def matches_strongly(self, other: "EntityTag") -> bool:
        """Compare for use in If-Match and If-Range (RFC 9110 8.8.3.2): weak tags never match."""
        return not self.weak and not other.weak and self.opaque == other.opaque

    def matches_weakly(self, other: "EntityTag") -> bool:
        """Compare for use in If-None-Match."""
        return self.opaque == other.opaque


@dataclass(frozen=True, slots=True)
class Validators:
    """What is known of the current representation; ``last_modified`` in seconds since 1970."""

    etag: EntityTag | None = None
    last_modified: int | None = None


def validators_of(fields: Iterable[tuple[str, str]], *, now: float) -> Validators:
    """Read the validators of a response from its fields; what is malformed does not count."""
    found = {name.lower(): value for name, value in reversed(list(fields))}
    last_modified = found.get("last-modified")
    return Validators(
        parse_entity_tag(found.get("etag", "")),
        None if last_modified is None else parse_http_date(last_modified, now=now),
    )


def parse_entity_tag(value: str) -> EntityTag | None:
    """Return the entity tag that ``value`` is, or None."""
    match = _TAG.fullmatch(value)
    return None if match is None else EntityTag(match[2], weak=match[1] is not None)


def parse_entity_tags(value: str) -> list[EntityTag]:
    """Return the members of a list of entity tags, nothing if it breaks the grammar.

    A list that matches nothing is the safe reading of a malformed one: If-Match then fails and
    If-None-Match lets the request pass.
    """
    tags: list[EntityTag] = []
    value = value.strip(" \t,")
    position = 0
    while position < len(value):
        match = _TAG.match(value, position)
        if match is None:
            return []
        tags.append(EntityTag(match[2], weak=match[1] is not None))
        separator = _SEPARATOR.match(value, match.end())
        assert separator is not None  # it matches the empty string too
        position = separator.end()
        if position < len(value) and "," not in separator[0]:
            return []
    return tags


def evaluate(
    method: str, fields: Mapping[str, object], validators: Validators, *, now: float
) -> HTTPStatus:
    """Evaluate the preconditions of a request in the order of RFC 9110 13.2.2.

    Return OK where the request is to be performed, NOT_MODIFIED (304) or PRECONDITION_FAILED
    (412).  There has to be a current representation, and ``method`` one that selects or changes
    it.  ``now`` is the time in seconds since 1970.  If-Range is for ``if_range_holds``.
    """
    if_match = fields.get("HTTP_IF_MATCH")
    if if_match is not None:
        if not _holds_if_match(str(if_match), validators):
            return HTTPStatus.PRECONDITION_FAILED
    elif _was_modified_since(fields.get("HTTP_IF_UNMODIFIED_SINCE"), validators, now) is True:
        return HTTPStatus.PRECONDITION_FAILED
    reads = method in ("GET", "HEAD")
    if_none_match = fields.get("HTTP_IF_NONE_MATCH")
    if if_none_match is not None:
        if not _holds_if_none_match(str(if_none_match), validators):
            return HTTPStatus.NOT_MODIFIED if reads else HTTPStatus.PRECONDITION_FAILED
    elif reads and (
        _was_modified_since(fields.get("HTTP_IF_MODIFIED_SINCE"), validators, now) is False
    ):
        return HTTPStatus.NOT_MODIFIED
    return HTTPStatus.OK


def if_range_holds(fields: Mapping[str, object], validators: Validators, *, now: float) -> bool:
    """Tell whether If-Range, if there is one, lets the Range count (RFC 9110 13.1.5).

    A date counts only if it is the modification date itself and that is strong: a second or
    more ago, since within one second a file may change twice.
    """
    value = fields.get("HTTP_IF_RANGE")
    if value is None:
        return True
    tag = parse_entity_tag(str(value))
    if tag is not None:
        return validators.etag is not None and tag.matches_strongly(validators.etag)
    date = parse_http_date(str(value), now=now)
    return date is not None and date == validators.last_modified and now - date >= STRONG_DATE_AGE


def _holds_if_match(value: str, validators: Validators) -> bool:
    if value.strip(" \t") == "*":
        return True
    etag = validators.etag
    return etag is not None and any(map(etag.matches_strongly, parse_entity_tags(value)))


def _holds_if_none_match(value: str, validators: Validators) -> bool:
    if value.strip(" \t") == "*":
        return False
    etag = validators.etag
    return etag is None or not any(map(etag.matches_weakly, parse_entity_tags(value)))


def _was_modified_since(value: object, validators: Validators, now: float) -> bool | None:
    """Return None where the field is missing or has to be ignored."""
    if value is None or validators.last_modified is None:
        return None
    date = parse_http_date(str(value), now=now)
    return None if date is None else validators.last_modified > date
