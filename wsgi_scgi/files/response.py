"""The answer that sends a file: conditions and ranges of RFC 9110 sections 13 to 15, pure.

The backend's head stays as far as it can: its status, its fields, its Content-Type and its
validators.  What it did not say is taken from the file.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from ..gateway.response import Response
from ..semantics.dates import format_http_date
from ..semantics.ranges import ByteRange, select_ranges
from ..semantics.validators import (
    EntityTag,
    evaluate,
    if_range_holds,
    validators_of,
)
from .media_types import media_type_of
from .opened import FileFacts

Fields = tuple[tuple[str, str], ...]
Piece = bytes | ByteRange
"""Bytes to send as they are, or a range of the file."""

_SECOND = 1_000_000_000  # in nanoseconds

# These describe the body that the backend sent and nobody gets.
_REPLACED = frozenset({"content-length", "content-range", "accept-ranges"})
# Digests of the whole content say nothing of a part (RFC 9530 2).
_OF_WHOLE_CONTENT = frozenset({"content-md5", "content-digest"})
# RFC 9110 15.4.5: a 304 updates what the client has, and only with fields meant for that.
_NOT_IN_304 = _OF_WHOLE_CONTENT | {
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "accept-ranges",
}
# The answers 412 and 416 are about the request; whoever caches them would keep others from the
# file (RFC 9111 3).
_NOT_IN_ERRORS = _NOT_IN_304 | {
    "content-location",
    "etag",
    "last-modified",
    "cache-control",
    "expires",
    "age",
}
_NO_CONTENT = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED})


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """Status, fields and what to send: nothing, all of the file, a range, or parts of it."""

    status: int
    reason: str
    fields: Fields
    pieces: tuple[Piece, ...] = ()


def answer_with_file(
    facts: FileFacts,
    method: str,
    request_fields: Mapping[str, object],
    backend: Response,
    *,
    now: float,
) -> FileAnswer:
    """Return what to send of a file instead of the body of the backend's response.

    ``request_fields`` are the request's under their CGI names, ``now`` is in seconds since 1970.
    The fields of ``backend`` are without orders to the gateway and hop-by-hop fields.

    Conditions and ranges count for GET and HEAD where the backend answers 200.  A 206 is taken
    for one: the backend cannot know which part the gateway sends.  Other statuses stay, and
    their file is sent whole.
    """
    status, reason = backend.status, backend.reason
    if status == HTTPStatus.PARTIAL_CONTENT:
        status, reason = HTTPStatus.OK, HTTPStatus.OK.phrase
    fields = _without(backend.fields, _REPLACED)
    if status in _NO_CONTENT:
        return FileAnswer(status, reason, fields)
    if not _has(fields, "content-type"):
        fields = (*fields, ("Content-Type", media_type_of(facts.name)))
    if status != HTTPStatus.OK or method not in ("GET", "HEAD"):
        whole = _whole(status, reason, fields, facts.size)
        return replace(whole, pieces=()) if method == "HEAD" else whole
    fields = _with_validators(fields, facts, now)
    validators = validators_of(fields, now=now)
    verdict = evaluate(method, request_fields, validators, now=now)
    if verdict is HTTPStatus.NOT_MODIFIED:
        unneeded = _NOT_IN_304 | {"last-modified"} if _has(fields, "etag") else _NOT_IN_304
        return FileAnswer(verdict.value, verdict.phrase, _without(fields, unneeded))
    if verdict is HTTPStatus.PRECONDITION_FAILED:
        return _error(verdict, fields)
    fields = (*fields, ("Accept-Ranges", "bytes"))
    wanted = request_fields.get("HTTP_RANGE")
    if method == "GET" and wanted is not None:
        ranges = select_ranges(str(wanted), facts.size)
        if ranges is not None and if_range_holds(request_fields, validators, now=now):
            return _partial(fields, ranges, facts.size)
    whole = _whole(status, reason, fields, facts.size)
    return replace(whole, pieces=()) if method == "HEAD" else whole


def entity_tag_of(facts: FileFacts, *, now: float) -> EntityTag:
    """Return the entity tag of a file's present content.

    It is weak while a further change could leave the modification time as it is: the clocks of
    file systems advance in steps, of two seconds at most where no fraction is kept and of some
    milliseconds elsewhere.
    """
    step = _SECOND // 10 if facts.mtime_ns % _SECOND else 2 * _SECOND
    return EntityTag(
        f"{facts.inode:x}-{facts.size:x}-{facts.mtime_ns:x}",
        weak=now * _SECOND - facts.mtime_ns < step,
    )


def _with_validators(fields: Fields, facts: FileFacts, now: float) -> Fields:
    if not _has(fields, "last-modified"):
        # RFC 9110 8.8.2.1: never in the future.  Some file systems keep years that no date has.
        modified = min(max(facts.mtime_ns // _SECOND, 0), int(now))
        fields = (*fields, ("Last-Modified", format_http_date(modified)))
    if not _has(fields, "etag"):
        fields = (*fields, ("ETag", str(entity_tag_of(facts, now=now))))
    return fields


def _whole(status: int, reason: str, fields: Fields, size: int) -> FileAnswer:
    fields = (*fields, ("Content-Length", str(size)))
    return FileAnswer(status, reason, fields, (ByteRange(0, size - 1),) if size else ())


def _partial(fields: Fields, ranges: list[ByteRange], size: int) -> FileAnswer:
    if not ranges:
        unsatisfied = (*fields, ("Content-Range", f"bytes */{size}"))
        return _error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, unsatisfied)
    fields = _without(fields, _OF_WHOLE_CONTENT)
    pieces: tuple[Piece, ...]
    if len(ranges) == 1:
        fields = (*fields, ("Content-Range", ranges[0].content_range(size)))
        pieces = (ranges[0],)
    else:
        # 96 random bits: no file contains them, and nobody can write one that does.
        boundary = secrets.token_hex(12)
        content_types = [value for name, value in fields if name.lower() == "content-type"]
        pieces = _parts(ranges, size, content_types[0], boundary)
        multipart = ("Content-Type", f"multipart/byteranges; boundary={boundary}")
        fields = (*_without(fields, {"content-type"}), multipart)
    length = sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in pieces)
    fields = (*fields, ("Content-Length", str(length)))
    status = HTTPStatus.PARTIAL_CONTENT
    return FileAnswer(status.value, status.phrase, fields, pieces)


def _parts(
    ranges: list[ByteRange], size: int, content_type: str, boundary: str
) -> tuple[Piece, ...]:
    """Return the content of multipart/byteranges (RFC 9110 14.6)."""
    pieces: list[Piece] = []
    for range_ in ranges:
        end_of_part = "\r\n" if pieces else ""
        head = (
            f"{end_of_part}--{boundary}\r\n"
            f"Content-Type: {content_type}\r\n"
            f"Content-Range: {range_.content_range(size)}\r\n\r\n"
        )
        pieces += [head.encode("latin-1"), range_]
    pieces.append(f"\r\n--{boundary}--\r\n".encode("ascii"))
    return tuple(pieces)


def _error(status: HTTPStatus, fields: Fields) -> FileAnswer:
    kept = _without(fields, _NOT_IN_ERRORS)
    fields = (*kept, ("Cache-Control", "no-store"), ("Content-Length", "0"))
    return FileAnswer(status.value, status.phrase, fields)


def _has(fields: Iterable[tuple[str, str]], name: str) -> bool:
    return any(field.lower() == name for field, _ in fields)


def _without(
    fields: Sequence[tuple[str, str]], names: frozenset[str] | set[str]
) -> tuple[tuple[str, str], ...]:
    return tuple(field for field in fields if field[0].lower() not in names)
