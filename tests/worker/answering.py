"""An application that answers as the query says, and one that keeps what it was lent.

The usual answer is served by other code than any other: what tells them apart is varied here.
"""

from __future__ import annotations

import ast
import gc
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

Start = Callable[..., Any]
Environ = dict[str, Any]


def application(environ: Environ, start_response: Start) -> Any:
    """Do what the path names."""
    return PAGES[environ["PATH_INFO"]](environ, start_response)


def told(
    status: str, fields: list[Any], *pieces: bytes, how: str = "list", method: str = "GET"
) -> bytes:
    """Return the request for an answer; `how` is what the application does to give it."""
    query = quote(repr((status, fields, pieces, how)), safe="")
    return f"{method} /told?{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def _told(environ: Environ, start_response: Start) -> Any:
    status, fields, pieces, how = ast.literal_eval(unquote(environ["QUERY_STRING"]))
    return WAYS[how](start_response, status, fields, list(pieces))


def _as_list(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    start(status, fields)
    return pieces


def _as_iterator(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    start(status, fields)
    return iter(pieces)


def _as_tuple(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    start(status, tuple(fields))
    return tuple(pieces)


def _late(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Iterator[bytes]:
    start(status, fields)
    yield from pieces


def _written(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    write = start(status, fields)
    for piece in pieces[:1]:
        write(piece)
    return pieces[1:]


def _changed(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    """Change the list of fields that was given already."""
    given = list(fields)
    start(status, given)
    given.append(("X-Late", "never sent"))
    return pieces


def _replaced(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    """Give another head first, and take it back."""
    start("201 First", [("Content-Length", "0"), ("X-First", "1")])
    try:
        raise ValueError("of the application's own")
    except ValueError:
        start(status, fields, sys.exc_info())
    return pieces


def _twice(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    start(status, fields)
    start(status, fields)
    return pieces


def _after(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Iterator[bytes]:
    """Want another head after the body: PEP 3333 raises the error again."""
    start(status, fields)
    yield from pieces
    try:
        raise ValueError("of the application's own")
    except ValueError:
        start("500 Late", [], sys.exc_info())


class _Text(str):
    """Text, but not of the type itself."""


def _of_own_types(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    start(_Text(status), [(_Text(name), _Text(value)) for name, value in fields])
    return [bytes(bytearray(piece)) for piece in pieces]


def _with_long_fields(start: Start, status: str, fields: list[Any], pieces: list[bytes]) -> Any:
    start(status, [*fields, ("X-" + "a" * 9000, "b" * 9000)])
    return pieces


WAYS: dict[str, Callable[[Start, str, list[Any], list[bytes]], Any]] = {
    "list": _as_list,
    "iterator": _as_iterator,
    "tuple": _as_tuple,
    "late": _late,
    "written": _written,
    "changed": _changed,
    "replaced": _replaced,
    "twice": _twice,
    "after": _after,
    "of own types": _of_own_types,
    "with long fields": _with_long_fields,
}


_kept: list[Any] = []


def _keep(environ: Environ, start_response: Start) -> list[bytes]:
    write = start_response("200 OK", [("Content-Length", "4")])
    _kept[:] = [start_response, write, environ["wsgi.early_hints"], environ]
    return [b"kept"]


def _use_kept(environ: Environ, start_response: Start) -> list[bytes]:
    """Use what belongs to the request before, around the answer to this one."""
    start, write, hints, before = _kept
    outcomes = [_outcome(hints, [("X-Kept", "1")])]
    start_response("200 OK", [("Content-Length", "40")])
    outcomes.append(_outcome(write, b"kept"))
    outcomes.append(_outcome(start, "500 Kept", []))
    outcomes.append(_outcome(before.get("wsgi_scgi.splice", _nothing), 0, 1, 0))
    assert before is not environ
    return [",".join(outcomes).ljust(40).encode()]


def _nothing(*_arguments: Any) -> int:
    return -1


def _outcome(call: Callable[..., Any], *arguments: Any) -> str:
    try:
        return str(call(*arguments))
    except (AssertionError, RuntimeError):
        return "refused"


def _large(environ: Environ, start_response: Start) -> list[bytes]:
    """Answer with as many bytes as the query says."""
    size = int(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Length", str(size))])
    return [(b"0123456789" * (size // 10 + 1))[:size]]


def _short(environ: Environ, start_response: Start) -> Any:
    """Give less than the Content-Length says, as the query says how."""
    start_response("200 OK", [("Content-Length", "10")])
    if environ["QUERY_STRING"] == "file":
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # the server closes it
        file.write(b"short")
        file.seek(0)
        return environ["wsgi.file_wrapper"](file)
    return [b"short"] if environ["QUERY_STRING"] == "list" else iter([b"sh", b"ort"])


def _fails(environ: Environ, _start_response: Start) -> list[bytes]:
    environ["REQUEST_METHOD"], environ["RAW_URI"] = "CHANGED", "/changed"
    environ["HTTP_CONNECTION"] = "close"
    raise RuntimeError("after it has changed what it was given")


def _mutable(_environ: Environ, start_response: Start) -> list[Any]:
    """Give bytes that may change, which PEP 3333 does not allow."""
    start_response("200 OK", [("Content-Length", "2")])
    return [bytearray(b"ok")]


def _in_chunks(_environ: Environ, start_response: Start) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield from (b"in ", b"chunks")


def _garbage(_environ: Environ, start_response: Start) -> list[bytes]:
    """Tell how many objects nobody could have freed but the garbage collector."""
    body = b"%d" % gc.collect()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _is_logged(environ: Environ, start_response: Start) -> list[bytes]:
    body = repr(environ.get("wsgi_scgi.is_logged")).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


PAGES: dict[str, Callable[[Environ, Start], Any]] = {
    "/told": _told,
    "/keep": _keep,
    "/use-kept": _use_kept,
    "/large": _large,
    "/short": _short,
    "/fails": _fails,
    "/in-chunks": _in_chunks,
    "/garbage": _garbage,
    "/mutable": _mutable,
    "/is-logged": _is_logged,
}
