"""Byte ranges: the Range field of RFC 9110 sections 14.1 and 14.2, and what it selects.

A field that breaks the grammar is ignored, one that selects nothing is an error (416): the
two must not be confused.
"""

import re
from dataclasses import dataclass

MAX_RANGES = 64
"""Ranges that one field may ask for; no honest client comes near (RFC 9110 17.15)."""

# Blanks may follow the "=", as in the example of 14.1.2 (erratum 7306).
_FIELD = re.compile(r"(?i:bytes)=(.*)", re.DOTALL)
# The bound on digits keeps int() cheap; no file has a size of a thousand digits.
_SPEC = re.compile(r"([0-9]{0,1000})-([0-9]{0,1000})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Positions ``first`` to ``last``, both included, counted from 0."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Return the number of bytes."""
        return self.last - self.first + 1

    def content_range(self, size: int) -> str:
        """Return the value of Content-Range in a representation of ``size`` bytes."""
        return f"bytes {self.first}-{self.last}/{size}"


def select_ranges(value: str, size: int, *, limit: int = MAX_RANGES) -> list[ByteRange] | None:
    """Return the ranges of a representation of ``size`` bytes that a Range field selects.

    The order is that of the field; ranges that overlap or touch are joined at the place of the
    first of them, so that no byte is ever sent twice.  An empty list means that nothing can be
    selected (416), None that the field is ignored: it is invalid, has another unit than bytes,
    asks for more than ``limit`` ranges, or for the end of something empty, for which no
    Content-Range could be written.
    """
    match = _FIELD.fullmatch(value)
    if match is None:
        return None
    specs = [spec for member in match[1].split(",") if (spec := member.strip(" \t"))]
    if not specs or len(specs) > limit:
        return None
    ranges: list[ByteRange] = []
    for spec in specs:
        parsed = _SPEC.fullmatch(spec)
        if parsed is None or spec == "-":
            return None
        first, last = parsed.groups()
        if first and last and int(last) < int(first):
            return None
        selected = _selected(first, last, size)
        if selected is not None:
            ranges.append(selected)
    if not size and ranges:
        return None
    return _joined(ranges)


def _selected(first: str, last: str, size: int) -> ByteRange | None:
    """Return the bytes of one range-spec, None if it is unsatisfiable."""
    if not first:
        suffix = int(last)
        return ByteRange(max(size - suffix, 0), size - 1) if suffix else None
    if int(first) >= size:
        return None
    return ByteRange(int(first), min(int(last), size - 1) if last else size - 1)


def _joined(ranges: list[ByteRange]) -> list[ByteRange]:
    groups: list[tuple[int, ByteRange]] = []  # with the place of the first member in the field
    for place, range_ in sorted(enumerate(ranges), key=lambda item: item[1].first):
        if groups and range_.first <= groups[-1][1].last + 1:
            before, group = groups[-1]
            joined = ByteRange(group.first, max(group.last, range_.last))
            groups[-1] = (min(before, place), joined)
        else:
            groups.append((place, range_))
    return [range_ for _, range_ in sorted(groups, key=lambda item: item[0])]
