"""The demo as a plain WSGI application; it needs no particular server and no mount of its own."""

import html
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from . import stream
from .pages import (
    SENT_DIRECTORY,
    Answer,
    MessagePage,
    answer,
    fields_for,
    read_file,
    read_template,
)
from .upload import Measurement, measure, peak_memory
from .variables import display, received_variables, render_tables

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_FILES = {
    "/demo.css": ("demo.css", "text/css; charset=utf-8"),
    "/demo.js": ("demo.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    # What browsers ask for when an answer is no page that names its icon, such as the stream.
    "/favicon.ico": ("icon.svg", "image/svg+xml"),
}
_READING = ("GET", "HEAD")
_UPLOADING = ("POST", "PUT")


class DemoApplication:
    """Show what SCGI does: variables, an upload that is measured, a stream, a file, a redirect.

    ``pause`` waits between the pieces of the stream; it must suit the server
    (``gevent.sleep`` behind SCGIServer).
    """

    def __init__(self, *, pause: Callable[[float], object] = time.sleep) -> None:
        self._pause = pause
        self._index = read_template("index.html")
        self._message = MessagePage()
        self._files = {
            path: answer(content_type, read_file(name))
            for path, (name, content_type) in _FILES.items()
        }
        self._program = f"Python {platform.python_version()}, gevent {version('gevent')}"

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        allowed = _UPLOADING if path == "/upload" else _READING
        if environ["REQUEST_METHOD"] not in allowed:
            return _start(self._wrong_method(path, allowed), start_response)
        if path == "/stream":
            return self._stream(environ, start_response)
        return _start(self._answer(path, environ), start_response)

    def _answer(self, path: str, environ: "WSGIEnvironment") -> Answer:
        if path in self._files:
            return self._files[path]
        if path == "/upload":
            return self._upload(environ)
        if path == "/download":
            return _download()
        if path in ("/redirect", "/redirected"):
            return self._redirect(environ) if path == "/redirect" else self._redirected(environ)
        if path == "/":
            return self._home(environ)
        if not path:
            return self._to_directory(environ)
        return self._problem("404 Not Found", "There is no such page here.", path)

    def _home(self, environ: "WSGIEnvironment") -> Answer:
        variables = received_variables(environ)
        page = self._index.substitute(
            tables=render_tables(variables),
            count=len(variables),
            browser=_escape(_browser(variables)),
            gateway=_escape(variables.get("SERVER_SOFTWARE", "")) or "name unknown",
            program=_escape(f"{self._program}, process {os.getpid()}"),
            pieces=stream.PIECES,
            interval=stream.INTERVAL,
        )
        return answer("text/html; charset=utf-8", page.encode("utf-8"))

    def _redirect(self, environ: "WSGIEnvironment") -> Answer:
        # RFC 3875 6.2.2: with status 200 a path of this server is the gateway's to follow.
        page = self._problem("200 OK", "The gateway follows no local redirects.", "/redirect")
        mount = quote(environ.get("SCRIPT_NAME", "").encode("latin-1"))
        return Answer(page.status, [*page.fields, ("Location", f"{mount}/redirected")], page.body)

    def _redirected(self, environ: "WSGIEnvironment") -> Answer:
        variables = received_variables(environ)
        names = ("REQUEST_URI", "PATH_INFO", "REDIRECT_URL", "REDIRECT_STATUS")
        rows = "\n".join(
            f"<div><dt>{name}</dt><dd>{_escape(variables.get(name, '')) or 'not sent'}</dd></div>"
            for name in names
        )
        content = (
            "<p>The program answered with another path of this server, and the gateway asked"
            " for that one at once. The browser saw nothing of it: its address is still that of"
            f' the link.</p>\n<dl class="facts">\n{rows}\n</dl>'
        )
        return self._message.render(
            "Another page came in its place", content, status="200 OK", path="/redirect"
        )

    def _to_directory(self, environ: "WSGIEnvironment") -> Answer:
        # The links of the page are relative; without the slash they would miss the mount.
        # A second slash in front would make it another host.
        mount = environ.get("SCRIPT_NAME", "").strip("/")
        location = quote(f"/{mount}/".encode("latin-1")) if mount else "/"
        page = self._problem("307 Temporary Redirect", "The demo is one slash further.", "")
        return Answer(page.status, [*page.fields, ("Location", location)], page.body)

    def _upload(self, environ: "WSGIEnvironment") -> Answer:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        measurement = measure(environ["wsgi.input"], length)
        if measurement.size < length:
            return self._problem("400 Bad Request", "The upload broke off early.", "/upload")
        if "application/json" in environ.get("HTTP_ACCEPT", ""):
            return answer("application/json", _as_json(measurement))
        content = _as_html(measurement, environ.get("CONTENT_TYPE", ""))
        return self._message.render(
            "The upload has arrived", content, status="200 OK", path="/upload"
        )

    def _stream(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        as_text = parse_qs(environ.get("QUERY_STRING", "")).get("as") == ["text"]
        content_type = "text/plain; charset=utf-8" if as_text else "text/event-stream"
        # nginx in front of the gateway would collect the pieces otherwise.
        start_response("200 OK", [*fields_for(content_type), ("X-Accel-Buffering", "no")])
        return stream.lines(self._pause) if as_text else stream.events(self._pause)

    def _wrong_method(self, path: str, allowed: tuple[str, ...]) -> Answer:
        text = "This address does not take that method."
        page = self._problem("405 Method Not Allowed", text, path)
        return Answer(page.status, [*page.fields, ("Allow", ", ".join(allowed))], page.body)

    def _problem(self, status: str, text: str, path: str) -> Answer:
        content = f"<p>{html.escape(text)}</p>"
        return self._message.render(status.partition(" ")[2], content, status=status, path=path)


def _download() -> Answer:
    fields = fields_for("text/plain; charset=utf-8")
    sent = os.path.join(SENT_DIRECTORY, "download.txt")
    disposition = 'attachment; filename="sent-by-the-gateway.txt"'
    return Answer(
        "200 OK",
        [*fields, ("Content-Disposition", disposition), ("X-Sendfile", sent)],
        b"",
    )


def _start(response: Answer, start_response: "StartResponse") -> Iterable[bytes]:
    start_response(response.status, list(response.fields))
    return [response.body]


def _browser(variables: Mapping[str, str]) -> str:
    address, port = variables.get("REMOTE_ADDR"), variables.get("REMOTE_PORT")
    if not address:
        return "address unknown"
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}" if port else host


def _escape(value: str) -> str:
    return html.escape(display(value))


def _as_json(measurement: Measurement) -> bytes:
    found = {
        "size": measurement.size,
        "sha256": measurement.sha256,
        "seconds": round(measurement.seconds, 6),
        "peak_memory": peak_memory(),
    }
    return json.dumps(found).encode()


def _as_html(measurement: Measurement, content_type: str) -> str:
    rows = {
        "Size": f"{measurement.size:,} bytes",
        "SHA-256": measurement.sha256,
        "Time": f"{measurement.seconds:.3f} seconds",
        "Peak memory": f"{peak_memory() / 1e6:.0f} MB in this program, whatever the size",
    }
    items = "\n".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in rows.items()
    )
    page = f'<dl class="facts">\n{items}\n</dl>'
    if content_type.startswith("multipart/"):
        page += (
            "\n<p>Without JavaScript the browser wraps the file into a multipart form. Size and"
            " hash are those of the whole form, so the hash is not that of the file alone.</p>"
        )
    return page
