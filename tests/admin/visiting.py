"""A visitor of the pages: asks as a browser does, reads what comes, fills in forms."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from tests.admin.balancers import TOKEN
from tests.gateway.environs import server_environ
from wsgi_scgi.edge import Edge

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

BEARER = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
BASIC = {"HTTP_AUTHORIZATION": f"Basic {b64encode(f'me:{TOKEN}'.encode()).decode()}"}

_VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """A page that must be well formed: its text, its elements, its forms."""

    def __init__(self, source: bytes) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[Form] = []
        self._open: list[str] = []
        self._select = ""
        self._is_selected = False
        self.feed(source.decode())
        self.close()
        assert self._open == []

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements with a name, in order."""
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and what it means for a form."""
        given = dict(attrs)
        assert len(given) == len(attrs), tag
        self.elements.append((tag, given))
        if tag not in _VOID:
            self._open.append(tag)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.forms.append(Form())
        elif tag == "button":
            assert name == "action"
            self.forms[-1].actions.append(value)
        elif tag == "input":
            assert name not in self.forms[-1].values
            self.forms[-1].values[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option":
            self._is_selected = "selected" in given

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of SVG."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close what is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect text, and the value of a selected option."""
        self.text += data
        if self._open[-1:] == ["option"] and self._is_selected:
            self.forms[-1].values[self._select] = data


@dataclass
class Form:
    """A form with what is filled in, and the values of its buttons."""

    values: dict[str, str] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What came."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return the values of all fields with a name."""
        return [value for known, value in self.fields if known.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        """Return the value of the one field with a name."""
        (value,) = self.all(name)
        return value

    @property
    def json(self) -> Any:
        """The body as JSON."""
        assert self["Content-Type"] == JSON
        return json.loads(self.body)

    @property
    def page(self) -> Page:
        """The body as a page."""
        return Page(self.body)


class Visitor:
    """Somebody with credentials, if any, and the cookie that was set last."""

    def __init__(self, application: Edge, **environ: Any) -> None:
        self._application = application
        self._environ = {"HTTP_HOST": "example.org", **environ}

    def ask(self, target: str, method: str = "GET", **environ: Any) -> Answer:
        """Return the answer to one request."""
        asked = server_environ(target, method=method, **{**self._environ, **environ})
        told: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(status: str, fields: list[tuple[str, str]], *_: object) -> Any:
            told.append((int(status[:3]), fields))

        result = self._application(asked, start_response)
        try:
            body = b"".join(result)
        finally:
            getattr(result, "close", lambda: None)()
        ((status, fields),) = told
        answer = Answer(status, fields, body)
        for cookie in answer.all("Set-Cookie"):
            self._environ["HTTP_COOKIE"] = cookie.partition(";")[0]
        return answer

    def page(self, target: str = "/_gateway/") -> Page:
        """Return a page that is there."""
        answer = self.ask(target)
        assert answer.status == 200, answer
        return answer.page

    def post(self, body: bytes, content_type: str, **environ: Any) -> Answer:
        """Ask for a change."""
        return self.ask("/_gateway/change", "POST", body=body, CONTENT_TYPE=content_type, **environ)

    def post_json(self, order: object, **environ: Any) -> Answer:
        """Ask for a change in JSON."""
        return self.post(json.dumps(order).encode(), JSON, **environ)

    def submit(self, form: Form, action: str, **environ: Any) -> Answer:
        """Press a button of a form."""
        assert action in form.actions
        body = urlencode({**form.values, "action": action}).encode()
        return self.post(body, FORM, **environ)
