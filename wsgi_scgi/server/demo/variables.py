"""The table of variables: what the backend received, grouped and explained."""

import html
from collections.abc import Iterator, Mapping
from typing import Any

from ..environ import VARIABLES_KEY

_REQUEST = {
    "REQUEST_METHOD": "what the browser wants done",
    "REQUEST_URI": "path and query as the browser sent them",
    "SCRIPT_NAME": "the path at which this program is mounted",
    "PATH_INFO": "the rest of the path, decoded",
    "PATH_TRANSLATED": "PATH_INFO as a file name",
    "QUERY_STRING": "what follows the question mark, not decoded",
    "CONTENT_LENGTH": "bytes of the request body; always the first variable",
    "CONTENT_TYPE": "type of the request body",
    "SCGI": "the version of the protocol; always 1",
    "SERVER_PROTOCOL": "the HTTP version of the request",
    "REQUEST_SCHEME": "http or https",
    "HTTPS": "on if the browser used TLS",
    "DOCUMENT_URI": "the path, decoded",
}
_CONNECTION = {
    "REMOTE_ADDR": "the browser's address",
    "REMOTE_HOST": "the browser's host name",
    "REMOTE_PORT": "the browser's port",
    "REMOTE_USER": "who logged in",
    "AUTH_TYPE": "how they logged in",
    "SERVER_NAME": "the host that the browser asked for",
    "SERVER_PORT": "the port that the browser asked for",
    "SERVER_ADDR": "the address that the gateway took the request at",
    "SERVER_SOFTWARE": "the server in front of this program",
    "GATEWAY_INTERFACE": "the convention for these names",
    "DOCUMENT_ROOT": "the directory of the site's files",
}
_HEADER_PREFIX = "HTTP_"


def received_variables(environ: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the variables as SCGIServer received them.

    Under any other server, the ones that CGI knows: its environ may hold more than the visitor
    should see, such as the environment of the process.
    """
    received = environ.get(VARIABLES_KEY)
    if received is not None:
        return dict(received)
    return {
        name: str(value)
        for name, value in environ.items()
        if name in _REQUEST or name in _CONNECTION or name.startswith(_HEADER_PREFIX)
    }


def render_tables(variables: Mapping[str, str]) -> str:
    """Return the HTML of one table for each group that has a variable."""
    headers = [name for name in variables if name.startswith(_HEADER_PREFIX)]
    known = {*_REQUEST, *_CONNECTION, *headers}
    groups = (
        ("The request", [name for name in _REQUEST if name in variables]),
        ("The connection", [name for name in _CONNECTION if name in variables]),
        ("Header fields of the request", headers),
        ("Others", [name for name in variables if name not in known]),
    )
    return "\n".join(_render_table(title, names, variables) for title, names in groups if names)


def display(value: str) -> str:
    """Return bytes-as-str for people: UTF-8 where it is, escapes where it is not text."""
    text = value.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else _escape(character) for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _render_table(title: str, names: list[str], variables: Mapping[str, str]) -> str:
    # The explicit roles keep it a table where the style sheet lays the rows out as blocks.
    rows = "\n".join(_rows(names, variables))
    return (
        f'<table role="table">\n<caption>{html.escape(title)}</caption>\n'
        f'<tbody role="rowgroup">\n{rows}\n</tbody>\n</table>'
    )


def _rows(names: list[str], variables: Mapping[str, str]) -> Iterator[str]:
    for name in names:
        value = html.escape(display(variables[name]))
        cell = f"<code>{value}</code>" if value else '<span class="empty">empty</span>'
        meaning = _REQUEST.get(name) or _CONNECTION.get(name) or ""
        note = f'<span class="note">{html.escape(meaning)}</span>' if meaning else ""
        yield (
            f'<tr role="row"><th scope="row" role="rowheader"><code>{html.escape(display(name))}'
            f'</code>{note}</th><td role="cell">{cell}</td></tr>'
        )
