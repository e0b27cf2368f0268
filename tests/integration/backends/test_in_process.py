"""The same backends with no HTTP server between: WebTest calls the application itself.

WebTest runs in the main greenlet, so this is the ordinary transport, where the other tests here
use the cooperative one. webtest.lint checks every call and every answer against PEP 3333.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.integration.backends.browser import browser
from tests.integration.backends.scgi_server import SCGIServer
from tests.integration.backends.test_every_backend import MIB, large_answer, octets
from wsgi_scgi import SCGIApplication


@pytest.fixture
def app(backend: SCGIServer) -> Any:
    """Return a browser for the gateway to `backend`."""
    return browser(SCGIApplication(backend.url, preset="wsgi", timeout=30.0))


def test_a_get_with_a_query(app: Any) -> None:
    seen = app.get("/caf%C3%A9/x?a=1%202&b").json
    assert seen["QUERY_STRING"] == "a=1%202&b"
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/caf\u00e9/x"
    assert seen.get("SCRIPT_NAME", "") == ""


@pytest.mark.parametrize("size", [0, 1, MIB])
def test_a_body_comes_back_byte_for_byte(app: Any, size: int) -> None:
    assert app.post("/x?do=echo", octets(size)).body == octets(size)


def test_20_mib_arrive_unchanged(app: Any) -> None:
    assert hashlib.sha256(app.get("/x?do=large").body).hexdigest() == large_answer()


def test_head_has_no_body(app: Any) -> None:
    assert app.head("/x?do=echo").body == b""


def test_404_204_302_and_cookies(app: Any) -> None:
    assert app.get("/x?do=missing", status=404).body == b"no such thing\n"
    assert app.get("/x?do=nothing", status=204).body == b""
    assert app.get("/x?do=redirect&to=/y", status=302).headers["Location"] == "/y"
    app.get("/x?do=cookies")
    assert app.cookies["a"] == "1"


def test_an_answer_with_a_length_to_an_unread_body_arrives(flup: SCGIServer) -> None:
    app = browser(SCGIApplication(flup.url, preset="wsgi", timeout=30.0))
    assert app.post("/x?do=early", octets(3 * MIB), status=413).body == b"too much\n"


def test_below_a_dispatcher_the_mount_is_script_name(backend: SCGIServer) -> None:
    gateway = SCGIApplication(backend.url, preset="wsgi", timeout=30.0)
    app = browser(DispatcherMiddleware(NotFound(), {"/site/app": gateway}))
    for path, path_info in (("/site/app", ""), ("/site/app/", "/"), ("/site/app/a%20b", "/a b")):
        seen = app.get(path).json
        assert (seen["SCRIPT_NAME"], seen.get("PATH_INFO", "")) == ("/site/app", path_info)
