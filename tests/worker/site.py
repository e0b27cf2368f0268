"""The application behind the workers under test: each path does one thing to the server."""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

# What differs from one connection or process to another, and what only one of the workers has.
_NOT_COMPARED = {"REMOTE_PORT", "SERVER_PORT", "HTTP_HOST", "SERVER_ADDR"}

Start = Callable[..., Any]


def application(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    """Answer as the path says."""
    return PAGES.get(environ["PATH_INFO"], _environ)(environ, start_response)


def _environ(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    """Tell what the server gave us: the values that can be compared, the types of the others."""
    lines = [
        f"{name}={value!r}" if isinstance(value, (str, bool, tuple)) else f"{name} is there"
        for name, value in sorted(environ.items())
        if name not in _NOT_COMPARED and not name.startswith("wsgi_scgi.")
    ]
    return _text("\n".join(lines).encode(), start_response)


def _text(body: bytes, start_response: Start) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


@validator
def _valid(_environ: dict[str, Any], start_response: Start) -> list[bytes]:
    return _text(b"valid", start_response)


def _echo(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    return _text(environ["wsgi.input"].read(), start_response)


def _unread(_environ: dict[str, Any], start_response: Start) -> list[bytes]:
    return _text(b"unread", start_response)


def _partly(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    read = environ["wsgi.input"].read
    yield b"%d bytes" % len(read(50))
    yield b", then %d" % len(read(10))


def _lists(_environ: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response("200 OK", [["X-List", "kept"], ["Content-Length", "2"]])
    return [b"ok"]


def _no_bytes(_environ: dict[str, Any], start_response: Start) -> list[Any]:
    start_response("200 OK", [("Content-Length", "2")])
    return ["ok"]


def _pieces(_environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield from (b"one ", b"", b"two ", b"three")


def _written(_environ: dict[str, Any], start_response: Start) -> list[bytes]:
    write = start_response("200 OK", [("Content-Length", "7")])
    write(b"wri")
    write(b"tt")
    return [b"en too long"]


def _empty(_environ: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response("204 No Content", [("Content-Length", "0")])
    return []


def _raises(_environ: dict[str, Any], _start_response: Start) -> list[bytes]:
    raise RuntimeError("before the head")


def _refused(_environ: dict[str, Any], _start_response: Start) -> list[bytes]:
    raise ConnectionRefusedError("an OSError of the application's own")


def _breaks(_environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", "100")])
    yield b"part"
    raise RuntimeError("in the body")


def _bad_field(_environ: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response("200 OK", [("X-Split", "a\r\nX-Injected: b")])
    return [b"never"]


def _hop_by_hop(_environ: dict[str, Any], start_response: Start) -> list[bytes]:
    fields = [("Connection", "close"), ("Server", "ours"), ("X-Kept", " kept ")]
    start_response("200 OK", [*fields, ("Content-Length", "2")])
    return [b"ok"]


def _hints(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload")])
    return _text(b"hinted", start_response)


def _file(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # the server closes it
    file.write(b"x" * 3_000_000)
    file.seek(1_000_000)
    start_response("200 OK", [("Content-Length", "2000000")])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file, 65536)
    return wrapped


def _short_file(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # the server closes it
    file.write(b"short")
    file.seek(0)
    start_response("200 OK", [("Content-Length", "100")])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
    return wrapped


def _empty_file(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # the server closes it
    start_response("200 OK", [("Content-Length", "0")])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
    return wrapped


def _no_file(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "6")])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](io.BytesIO(b"memory"))
    return wrapped


def _splice(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    """Give the first and the last bytes, and let the server take those between from a socket."""
    start_response("200 OK", [("Content-Length", "2000")])
    splice = environ["wsgi_scgi.splice"]
    near, far = _socketpair()
    try:
        assert splice(far.fileno(), 5000, 1) == -1  # nothing was given yet, so not one byte
        yield b"f" * 1000
        near.send(b"s" * 990)
        assert splice(far.fileno(), 5000, 1000) == 990
        try:
            splice(far.fileno(), 5000, 1990)
        except BlockingIOError:
            near.close()
        assert splice(far.fileno(), 5000, 1990) == 0
    finally:
        far.close()
    yield b"the end of it"


def _socketpair() -> tuple[Any, Any]:
    import _socket

    near, far = _socket.socketpair()
    far.setblocking(False)
    return near, far


def _changed(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    """Change what came, as middleware does before it hands on to another application."""
    environ["HTTP_X_NAME"] = "another"
    environ["HTTP_X_NEW"] = "new"
    environ["RAW_URI"] = "/another"
    environ["REQUEST_METHOD"] = "PATCH"
    environ.pop("HTTP_USER_AGENT", None)
    return _text(b"changed", start_response)


def _complains(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    environ["wsgi.errors"].write("the application complains\n")
    return _text(b"complained", start_response)


def _waits(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    """Send the first piece at once, the last as soon as the file exists that the query names."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun "
    while not os.path.exists(environ["QUERY_STRING"]):
        time.sleep(0.02)
    yield b"and done"


def _endless(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        while True:
            yield b"endless " * 8192
    finally:
        environ["wsgi.errors"].write("the endless end\n")


def _worker(_environ: dict[str, Any], start_response: Start) -> list[bytes]:
    return _text(str(os.getpid()).encode(), start_response)


PAGES: dict[str, Callable[[dict[str, Any], Start], Iterable[bytes]]] = {
    "/valid": _valid,
    "/echo": _echo,
    "/unread": _unread,
    "/partly": _partly,
    "/lists": _lists,
    "/no-bytes": _no_bytes,
    "/pieces": _pieces,
    "/written": _written,
    "/empty": _empty,
    "/raises": _raises,
    "/refused": _refused,
    "/breaks": _breaks,
    "/bad-field": _bad_field,
    "/hop-by-hop": _hop_by_hop,
    "/hints": _hints,
    "/file": _file,
    "/short-file": _short_file,
    "/empty-file": _empty_file,
    "/no-file": _no_file,
    "/splice": _splice,
    "/changed": _changed,
    "/complains": _complains,
    "/waits": _waits,
    "/endless": _endless,
    "/worker": _worker,
}
