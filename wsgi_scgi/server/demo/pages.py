"""The files of the demo: read once, sent with headers that let them load nothing from elsewhere."""

import html
from dataclasses import dataclass
from importlib.resources import files
from string import Template

Fields = list[tuple[str, str]]

_DIRECTORY = files(__package__) / "pages"

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


def message_page(template: Template, title: str, content: str, *, status: str) -> Answer:
    """Return a page with a title (text) and a content (HTML)."""
    page = template.substitute(title=html.escape(title), content=content)
    return answer("text/html; charset=utf-8", page.encode("utf-8"), status=status)
