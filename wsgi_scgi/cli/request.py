"""``wsgi-scgi request``: curl for SCGI.  Send one request to a backend, print its response."""

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO
from urllib.parse import quote

from ..address import parse_backend_url
from ..client.request import Answer, request, request_variables
from ..config.kinds import Duration, bytes_as_str, str_as_text
from ..errors import ConfigurationError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "request",
        help="send one request to an SCGI backend",
        description="Send one request to an SCGI backend and write the body of the response to"
        " standard output. The exit status is 1 if there is no valid response.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "url",
        metavar="URL",
        help="scgi://host:port/, scgi+unix:///path/to/socket or unix:/path|scgi://name/",
    )
    parser.add_argument(
        "path", metavar="PATH", nargs="?", default="/", help="path and query (default: /)"
    )
    parser.add_argument(
        "-X", dest="method", metavar="METHOD", help="the method (default: GET, with -d POST)"
    )
    parser.add_argument(
        "-H",
        dest="headers",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="a header field; may be repeated",
    )
    parser.add_argument(
        "-d", dest="data", metavar="DATA|@FILE", help="the body; @- is standard input"
    )
    parser.add_argument(
        "--var",
        dest="variables",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a variable, instead of what would be sent; may be repeated",
    )
    parser.add_argument(
        "-v",
        dest="verbose",
        action="store_true",
        help="show the variables sent and the head received on standard error",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        default="60",
        help="for connecting, and for each read and write (default: 60)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Send the request.  Raises an Error of ours where there is no valid response."""
    path = _ascii(options.path)
    headers = [_split(field, ":", "-H NAME: VALUE") for field in options.headers]
    variables = dict(_split(pair, "=", "--var NAME=VALUE") for pair in options.variables)
    method = options.method or ("GET" if options.data is None else "POST")
    with _body(options.data) as body:
        if options.verbose:
            size = body.seek(0, io.SEEK_END)
            backend = parse_backend_url(options.url)
            _show_sent(
                size, request_variables(backend, method, path, headers=headers, variables=variables)
            )
        answer = request(
            options.url,
            method,
            path,
            headers=headers,
            body=body,
            variables=variables,
            timeout=_seconds(options.timeout),
        )
        with answer:
            if options.verbose:
                _show_received(answer)
            return _print(answer)


@contextlib.contextmanager
def _body(data: str | None) -> Iterator[IO[bytes]]:
    """Yield the body as a seekable file."""
    if data is None or not data.startswith("@"):
        yield io.BytesIO(os.fsencode(data or ""))
        return
    try:
        if data == "@-":
            with tempfile.TemporaryFile() as spooled:
                shutil.copyfileobj(sys.stdin.buffer, spooled)
                yield spooled
        else:
            with open(data[1:], "rb") as file:
                yield file
    except OSError as error:
        raise ConfigurationError(f"cannot read {data[1:]}: {error.strerror}") from error


def _ascii(path: str) -> str:
    """Percent-encode what the shell lets through and a request line does not."""
    return "".join(c if "!" <= c <= "~" else quote(os.fsencode(c)) for c in path)


def _split(text: str, separator: str, form: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name:
        raise ConfigurationError(f"{text!r} is not of the form {form}")
    return bytes_as_str(name), bytes_as_str(value.strip(" ") if separator == ":" else value)


def _seconds(text: str) -> float:
    kind = Duration()
    try:
        return kind.parse(kind.parse_text(text))
    except ValueError as error:
        raise ConfigurationError(f"--timeout: {error}; allowed: {kind.allowed}") from error


def _show_sent(size: int, variables: Mapping[str, str]) -> None:
    for name, value in {"CONTENT_LENGTH": str(size), "SCGI": "1", **variables}.items():
        print(f"> {name}={str_as_text(value)}", file=sys.stderr)


def _show_received(answer: Answer) -> None:
    for line in answer.raw_head.split(b"\n")[:-1]:
        print(f"< {_harmless(line)}", file=sys.stderr)


def _harmless(line: bytes) -> str:
    """Return a line as text in which nothing steers the terminal and no byte is hidden."""
    text = line.removesuffix(b"\r").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _print(answer: Answer) -> int:
    """Write the body as it comes; return 1 where nobody reads it any more."""
    try:
        for piece in answer:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
