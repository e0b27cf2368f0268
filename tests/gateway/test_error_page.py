"""Answers that the gateway gives itself: the form a client prefers, and what they tell."""

import json
import re
from html.parser import HTMLParser
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.gateway.error_page import (
    error_response,
    new_request_id,
    options_response,
    preferred_form,
)
from wsgi_scgi.gateway.response import Response


def page(
    accept: str, *, status: HTTPStatus = HTTPStatus.BAD_GATEWAY, route: str = "/app/"
) -> Response:
    return error_response(
        status, "The backend is <b>away</b>.", request_id="00ff", accept=accept, route=route
    )


def test_a_request_id_is_new_every_time_and_16_hexadecimal_digits() -> None:
    ids = {new_request_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(re.fullmatch("[0-9a-f]{16}", request_id) for request_id in ids)


class _Text(HTMLParser):
    """Collect the text of a page and the tags in it."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[str] = []
        self.feed(source)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.append(tag)


def test_the_html_page_names_status_message_route_and_id_and_escapes_them() -> None:
    response = error_response(
        HTTPStatus.BAD_GATEWAY, "<i>", request_id="<u>", accept="text/html", route="/<s>&"
    )
    assert isinstance(response.body, bytes)
    shown = _Text(response.body.decode())

    text = " ".join(" ".join(shown.text).split())
    assert text == "502 Bad Gateway 502 Bad Gateway <i> Route: /<s>& Request: <u>"
    assert set(shown.tags) == {"html", "meta", "title", "h1", "p", "code"}
    assert dict(response.fields)["Content-Type"] == "text/html; charset=utf-8"


def test_the_json_page_has_the_same_as_an_object() -> None:
    response = page("application/json", route="/caf\xe9/")
    assert isinstance(response.body, bytes)

    assert json.loads(response.body) == {
        "status": 502,
        "error": "Bad Gateway",
        "message": "The backend is <b>away</b>.",
        "route": "/caf\xe9/",
        "request_id": "00ff",
    }
    assert dict(response.fields)["Content-Type"] == "application/json"


def test_the_text_page_has_the_same_in_lines() -> None:
    response = page("text/plain")

    assert response.body == (
        b"502 Bad Gateway\nThe backend is <b>away</b>.\nRoute: /app/\nRequest: 00ff\n"
    )
    assert dict(response.fields)["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/plain"])
def test_without_a_route_none_is_named(accept: str) -> None:
    body = page(accept, route="").body
    assert isinstance(body, bytes)

    assert b"oute" not in body


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/plain"])
@pytest.mark.parametrize("status", [400, 404, 405, 408, 411, 413, 431, 500, 501, 502, 503, 504])
def test_every_page_has_length_id_and_is_stored_nowhere(accept: str, status: int) -> None:
    response = page(accept, status=HTTPStatus(status))
    fields = dict(response.fields)
    assert isinstance(response.body, bytes)

    assert (response.status, response.reason) == (status, HTTPStatus(status).phrase)
    assert fields["Content-Length"] == str(len(response.body))
    assert fields["X-Request-ID"] == "00ff"
    assert fields["Cache-Control"] == "no-store"
    assert fields["X-Content-Type-Options"] == "nosniff"
    assert ("Allow" in fields) == (status == 405)


def test_405_says_what_is_allowed() -> None:
    allowed = dict(page("", status=HTTPStatus.METHOD_NOT_ALLOWED).fields)["Allow"].split(", ")

    assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(allowed)
    assert not {"TRACE", "CONNECT"} & set(allowed)


def test_the_answer_about_the_server_itself_has_no_body() -> None:
    response = options_response()

    assert (response.status, response.reason) == (200, "OK")
    assert response.body == b""
    assert dict(response.fields)["Content-Length"] == "0"
    assert "OPTIONS" in dict(response.fields)["Allow"]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "html"),
        ("*/*", "html"),
        ("text/html", "html"),
        ("application/xhtml+xml", "html"),
        ("text/*", "html"),
        ("image/png", "html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("application/json", "json"),
        ("APPLICATION/JSON", "json"),
        ("application/*", "json"),
        ("application/json, */*", "html"),
        ("application/json, */*;q=0.5", "json"),
        ("application/json;q=0.9, text/html;q=0.8", "json"),
        ("text/html;q=0.5, application/json ; q=0.5", "html"),
        ("text/plain", "text"),
        ("text/plain, application/json;q=0.9", "text"),
        ("text/plain;q=0.9, application/json", "json"),
        ("text/html;q=0, application/json;q=0.1", "json"),
        ("text/html;q=0, */*", "json"),
        ("text/html;q=0, application/json;q=0, */*;q=0.1", "text"),
        ("application/xhtml+xml, application/json;q=0.5", "json"),
        ("*/*;q=0", "html"),
        ("text/html;q=x, application/json;q=0.1", "json"),
        ("text/html;level=1;q=0.2, application/json;q=0.3", "json"),
        (";;;,,,q=", "html"),
    ],
)
def test_the_form_is_the_one_that_the_client_prefers(accept: str, form: str) -> None:
    assert preferred_form(accept) == form


_MEDIA_TYPES = ["text/html", "application/json", "text/plain"]
_FORMS = dict(zip(_MEDIA_TYPES, ["html", "json", "text"], strict=True))


@given(st.permutations(_MEDIA_TYPES), st.lists(st.integers(1, 1000), min_size=3, max_size=3))
def test_the_highest_quality_wins_and_html_a_draw(names: list[str], thousandths: list[int]) -> None:
    qualities = dict(zip(names, thousandths, strict=True))
    accept = ", ".join(f"{name};q={value / 1000}" for name, value in qualities.items())

    chosen = preferred_form(accept)

    best = max(qualities.values())
    assert chosen in {_FORMS[name] for name, value in qualities.items() if value == best}
    if qualities["text/html"] == best:
        assert chosen == "html"


@given(st.one_of(st.text(), st.text("textml/*;q=0.,ainfe+-_ ")))
def test_any_accept_field_at_all_has_a_form(accept: str) -> None:
    assert preferred_form(accept) in _FORMS.values()
