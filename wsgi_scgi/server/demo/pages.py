"""The files of the demo: read once, sent with headers that let them load nothing from elsewhere."""

import html
from dataclasses import dataclass
from importlib.resources import files
from string import Template

Fields = list[tuple[str, str]]

_DIRECTORY = files(__package__) / "pages"

SENT_DIRECTORY = str(_DIRECTORY)
"""What a gateway in front of the demo may send: its ``sendfile_roots``."""

_SAFETY: Fields = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response of the demo."""

    status: str
    fields: Fields
    body: bytes


def answer(content_type: str, body: bytes, *, status: str = "200 OK") -> Answer:
    """Return a response that is not stored and may load nothing but the demo's own files."""
    return Answer(status, [*fields_for(content_type), ("Content-Length", str(len(body)))], body)


def fields_for(content_type: str) -> Fields:
    """Return the header fields of a response of ``content_type``, without its length."""
    return [("Content-Type", content_type), ("Cache-Control", "no-store"), *_SAFETY]


def read_file(name: str) -> bytes:
    """Return a file of the demo as it is."""
    return (_DIRECTORY / name).read_bytes()


def read_template(name: str) -> Template:
    """Return a page with places for what changes: escaped text, or HTML that is made of it."""
    return Template(read_file(name).decode("utf-8"))


class MessagePage:
    """A page that says one thing: the result of an upload, or what is wrong."""

    def __init__(self) -> None:
        self._template = read_template("message.html")

    def render(self, title: str, content: str, *, status: str, path: str) -> Answer:
        """Return it with a title (text) and a content (HTML), for the PATH_INFO ``path``.

        A browser reads the links relative to the path, so they go up as many levels as it has.
        """
        root = "../" * (path.count("/") - 1) or "./"
        page = self._template.substitute(title=html.escape(title), content=content, root=root)
        return answer("text/html; charset=utf-8", page.encode("utf-8"), status=status)
