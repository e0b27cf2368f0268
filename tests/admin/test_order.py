"""Forms and JSON: what is read of them, and what is refused."""

import io
import json
import time
from urllib.parse import urlencode

import pytest

from tests.proxy.steps import request
from wsgi_scgi.admin import order
from wsgi_scgi.admin.order import FORM, JSON, LONGEST_ORDER, media_type, read_order
from wsgi_scgi.errors import ClientDisconnected, RequestError


def read(body: bytes, content_type: str) -> order.Order:
    return read_order(request("/", method="POST", body=body, CONTENT_TYPE=content_type))


def test_a_form_is_read() -> None:
    body = urlencode({"action": "drain", "member": "scgi://h/a b&c", "route": ""}).encode()
    expected = {"action": "drain", "member": "scgi://h/a b&c", "route": ""}
    assert read(body, FORM) == expected
    assert read(body, f"{FORM.upper()}; charset=UTF-8") == expected


def test_json_is_read_with_numbers_and_truth_as_text() -> None:
    body = json.dumps({"a": "é", "b": 2, "c": 1.5, "d": True, "e": False, "f": ""}).encode()
    expected = {"a": "é", "b": "2", "c": "1.5", "d": "yes", "e": "no", "f": ""}
    assert read(body, JSON) == expected
    assert read(body.decode().encode("utf-16"), f"{JSON};charset=utf-16") == expected


@pytest.mark.parametrize(
    "body",
    [
        b"a",
        b"a=b&&c=d&",
        b"a=1&a=2",
        b"a=1&a=1",
        b"a=b&c",
        b"a=\xff",
        b"a=%00",
        b"a=%0d%0ab",
        b"%0a=b",
    ],
)
def test_a_form_that_says_nothing_clear_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(body, FORM)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"{",
        b"{}x",
        b"\xff\xfe\xfd",
        b'{"a": null}',
        b'{"a": []}',
        b'{"a": {"b": 1}}',
        b'{"a": 1, "a": 1}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": "a"}',
        b'{"a": "\\u0000"}',
        b'{"a": "b\\r\\nc"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 30000,
        b'{"a":' * 9000,
        b'{"a": ' + b"[" * 20000 + b"]" * 20000 + b"}",
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_json_that_says_nothing_clear_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(body, JSON)


def test_the_message_shows_no_character_that_cannot_be_shown() -> None:
    with pytest.raises(ValueError, match="control") as caught:
        read(b'{"\\ud800\\n": "a"}', JSON)
    assert str(caught.value).isascii() and str(caught.value).isprintable()


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "json", None])
def test_another_media_type_is_refused(content_type: str | None) -> None:
    with pytest.raises(RequestError) as caught:
        media_type(request("/", method="POST", CONTENT_TYPE=content_type))
    assert caught.value.status == 415


def test_a_body_that_is_too_large_is_not_read() -> None:
    asked = request("/", body=b"", CONTENT_TYPE=JSON, CONTENT_LENGTH=str(LONGEST_ORDER + 1))
    with pytest.raises(RequestError) as caught:
        read_order(asked)
    assert caught.value.status == 413


def test_chunks_that_are_too_many_are_too_large() -> None:
    chunks = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi__input_terminated": True}
    body = b"a=" + b"b" * LONGEST_ORDER
    asked = request("/", CONTENT_TYPE=FORM, wsgi__input=io.BytesIO(body), **chunks)
    with pytest.raises(RequestError) as caught:
        read_order(asked)
    assert caught.value.status == 413
    asked = request("/", CONTENT_TYPE=FORM, wsgi__input=io.BytesIO(body[:100]), **chunks)
    assert read_order(asked) == {"a": "b" * 98}
    assert asked.body is not None
    asked.body.close()


def test_a_body_that_ends_early_is_the_clients_fault() -> None:
    with pytest.raises(ClientDisconnected):
        read_order(request("/", body=b"a=b", CONTENT_TYPE=FORM, CONTENT_LENGTH="4"))


def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    drops = io.BytesIO(b"a=" + b"b" * 100)

    class Dripping:
        def read(self, _: int) -> bytes:
            return drops.read(1)

    asked = request("/", CONTENT_TYPE=FORM, CONTENT_LENGTH="102", wsgi__input=Dripping())
    with pytest.raises(RequestError) as caught:
        read_order(asked)
    assert caught.value.status == 408
