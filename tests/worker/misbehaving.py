"""Applications that use the server in every way that PEP 3333 allows, and in some that it forbids.

The path names what is done; `/applications` of tests/worker/site.py has the usual ones.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

from gunicorn.workers.base_async import ALREADY_HANDLED

Start = Callable[..., Any]
Environ = dict[str, Any]


def application(environ: Environ, start_response: Start) -> Any:
    """Do what the path names."""
    return PAGES[environ["PATH_INFO"]](environ, start_response)


def _reads(environ: Environ, start_response: Start) -> list[bytes]:
    """Read the body as the query says: a method of wsgi.input, sizes, or `iter` and `lines`."""
    body = environ["wsgi.input"]
    pieces: list[bytes] = []
    for word in filter(None, environ["QUERY_STRING"].split(",")):
        if word == "iter":
            pieces += list(body)
        elif word == "lines":
            pieces += body.readlines()
        elif word.startswith("line"):
            pieces.append(body.readline(*map(int, filter(None, [word[4:]]))))
        elif word == "all":
            pieces.append(body.read())
        else:
            pieces.append(body.read(int(word)))
    answer = repr([(len(piece), piece[:5], piece[-5:]) for piece in pieces]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


def _echo(environ: Environ, start_response: Start) -> list[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def _linted(environ: Environ, start_response: Start) -> Any:
    # Not at the top: where tests run, the deprecated module that it imports is an error.
    from webtest.lint import middleware

    return middleware(_echo)(environ, start_response)


class _Closing:
    """A body that tells the log when it is closed."""

    def __init__(self, errors: Any, pieces: Iterable[bytes], fails: bool = False) -> None:
        self._errors = errors
        self._pieces = pieces
        self._fails = fails

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        self._errors.write("CLOSED\n")
        if self._fails:
            raise RuntimeError("while closing")


def _raising() -> Iterator[bytes]:
    yield b"part"
    raise RuntimeError("in the body")


def _closes(environ: Environ, start_response: Start) -> _Closing:
    start_response("200 OK", [("Content-Length", "2")])
    return _Closing(environ["wsgi.errors"], [b"ok"])


def _closes_after_error(environ: Environ, start_response: Start) -> _Closing:
    start_response("200 OK", [("Content-Length", "100")])
    return _Closing(environ["wsgi.errors"], _raising())


def _fails_to_close(environ: Environ, start_response: Start) -> _Closing:
    start_response("200 OK", [("Content-Length", "2")])
    return _Closing(environ["wsgi.errors"], [b"ok"], fails=True)


def _never_starts(_environ: Environ, _start_response: Start) -> list[bytes]:
    return [b"no head"]


def _starts_twice(_environ: Environ, start_response: Start) -> list[bytes]:
    start_response("200 OK", [("X-First", "1")])
    start_response("500 No", [("X-Second", "2")])
    return [b"ok"]


def _replaces(_environ: Environ, start_response: Start) -> list[bytes]:
    """Replace the head before anything was sent, as PEP 3333 allows after an error."""
    start_response("200 OK", [("Content-Length", "2")])
    try:
        raise ValueError("of the application's own")
    except ValueError:
        start_response("503 Later", [("Content-Length", "5")], sys.exc_info())
    return [b"later"]


def _replaces_late(_environ: Environ, start_response: Start) -> Iterator[bytes]:
    """Replace the head after it was sent: the error has to come up again."""
    start_response("200 OK", [("Content-Length", "10")])
    yield b"begun"
    try:
        raise ValueError("of the application's own")
    except ValueError:
        start_response("503 Later", [], sys.exc_info())
    yield b"never"


def _starts_late(_environ: Environ, start_response: Start) -> Iterator[bytes]:
    """Call start_response only when the body is iterated."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b""
    yield b"late"


def _answers(status: Any, fields: Any, *body: Any) -> Callable[[Environ, Start], list[Any]]:
    """Return an application with a constant answer, right or wrong."""

    def answer(_environ: Environ, start_response: Start) -> list[Any]:
        start_response(status, fields)
        return list(body)

    return answer


def _returns_nothing(_environ: Environ, start_response: Start) -> None:
    start_response("200 OK", [("Content-Length", "0")])


def _hints(*fields: Any) -> Callable[[Environ, Start], list[bytes]]:
    def hint(environ: Environ, start_response: Start) -> list[bytes]:
        environ["wsgi.early_hints"](list(fields))
        environ["wsgi.early_hints"](iter(fields))
        start_response("200 OK", [("Content-Length", "2")])(b"o")
        environ["wsgi.early_hints"]([("X-Late", "never sent")])
        return [b"k"]

    return hint


def _answers_itself(environ: Environ, _start_response: Start) -> object:
    """Use the connection itself and tell the worker so, as handlers of WebSocket do."""
    environ["gunicorn.socket"].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nme")
    return ALREADY_HANDLED


def _file(size: int, *fields: tuple[str, str], at: int = 0) -> Callable[[Environ, Start], Any]:
    """Return an application that sends a file in the server's wrapper, from byte `at` on."""

    def send(environ: Environ, start_response: Start) -> Any:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # the server closes it
        file.write(b"0123456789" * (size // 10))
        file.seek(at)
        start_response("200 OK", list(fields))
        return environ["wsgi.file_wrapper"](file, 100)

    return send


def _repeats(environ: Environ, start_response: Start) -> list[bytes]:
    """Send the query back in a field."""
    start_response("200 OK", [("X-Query", environ["QUERY_STRING"]), ("Content-Length", "0")])
    return []


def _raises(kind: type[BaseException]) -> Callable[[Environ, Start], Any]:
    def fail(_environ: Environ, _start_response: Start) -> Any:
        raise kind

    return fail


PAGES: dict[str, Callable[[Environ, Start], Any]] = {
    "/reads": _reads,
    "/echo": _echo,
    "/validated": validator(_echo),
    "/linted": _linted,
    "/repeats": _repeats,
    "/closes": _closes,
    "/closes-after-error": _closes_after_error,
    "/fails-to-close": _fails_to_close,
    "/never-starts": _never_starts,
    "/starts-twice": _starts_twice,
    "/replaces": _replaces,
    "/replaces-late": _replaces_late,
    "/starts-late": _starts_late,
    "/returns-nothing": _returns_nothing,
    "/bytes-status": _answers(b"200 OK", [], b"x"),
    "/bad-status": _answers("OK", [], b"x"),
    "/split-status": _answers("200 OK\r\nX-Injected: b", [], b"x"),
    "/short-status": _answers("200", [("Content-Length", "1")], b"x"),
    "/no-list": _answers("200 OK", 5, b"x"),
    "/bad-name": _answers("200 OK", [("X Y", "1")], b"x"),
    "/bytes-name": _answers("200 OK", [(b"X", "1")], b"x"),
    "/number": _answers("200 OK", [("X", 1)], b"x"),
    "/three": _answers("200 OK", [("X", "1", "2")], b"x"),
    "/bad-length": _answers("200 OK", [("Content-Length", "x")], b"x"),
    "/two-lengths": _answers("200 OK", [("Content-Length", "1")] * 2, b"x"),
    "/umlaut": _answers("200 \xdcber", [("X", "\xe9"), ("Content-Length", "1")], b"x"),
    "/beyond-latin-1": _answers("200 OK", [("X", "\u20ac"), ("Content-Length", "1")], b"x"),
    "/cookies": _answers("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], b"x"),
    "/coded": _answers("200 OK", [("Transfer-Encoding", "chunked")], b"x"),
    "/upgrade": _answers("101 Switching", [("Connection", "Upgrade"), ("Upgrade", "websocket")]),
    "/304": _answers("304 Not Modified", [("Content-Length", "5")], b"x"),
    "/nothing": _answers("200 OK", []),
    "/empty-pieces": _answers("200 OK", [], b"", b""),
    "/too-much": _answers("200 OK", [("Content-Length", "3")], b"ab", b"cd", b"ef"),
    "/hints": _hints(("Link", "</a>"), ("Link", "</b>")),
    "/bytes-hints": _hints((b"Link", b"</a>")),
    "/bad-hints": _hints(("Link", "a\r\nX-Injected: b")),
    "/answers-itself": _answers_itself,
    "/file": _file(3000, ("Content-Length", "3000")),
    "/rest-of-file": _file(3000, ("Content-Length", "2000"), at=1000),
    "/part-of-file": _file(3000, ("Content-Length", "1234"), at=10),
    "/file-of-any-length": _file(3000),
    "/rest-of-any-length": _file(3000, at=2950),
    "/empty-file": _file(0, ("Content-Length", "0")),
    "/end-of-file": _file(3000, at=3000),
    "/stops-iteration": _raises(StopIteration),
    "/leaves": _raises(SystemExit),
    "/breaks-pipe": _raises(BrokenPipeError),
}
