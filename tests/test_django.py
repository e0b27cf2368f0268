"""A WSGI application as a Django view: called by Django's own WSGI handler, through WebTest."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware
from django.test import AsyncRequestFactory, RequestFactory
from django.urls import include, path, re_path

from tests.integration.backends.browser import webtest
from tests.kit.backend import Backend
from tests.kit.script import Reply
from wsgi_scgi import SCGIApplication
from wsgi_scgi.django import view

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication


settings.configure(
    SECRET_KEY="only a test",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    MIDDLEWARE=[
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        f"{__name__}.login",
    ],
    LOGGING_CONFIG=None,
    DEBUG_PROPAGATE_EXCEPTIONS=True,
)
django.setup()

called: list[dict[str, Any]] = []
closed: list[str] = []


def echo(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Note the environ and answer with the body of the request."""
    called.append(environ)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    start_response("200 Fine", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read(length)]


def user(name: str | None) -> Any:
    """Return a user of that name; without one, nobody."""
    # Not at the top: models can be imported only once Django is set up.
    from django.contrib.auth.models import AnonymousUser, User

    return User(username=name) if name else AnonymousUser()


def login(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., Any]:
    """Log in whom the test names in the environ, as AuthenticationMiddleware sets ``user``."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        name = request.META.get("test.user")
        if name != "no middleware":
            request.user = user(name)
        if request.META.get("test.reads") == "body":
            _ = request.body
        if request.META.get("test.reads") == "form":
            _ = request.POST
        return get_response(request)

    return middleware


def generated(_environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
    """Answer piece by piece, with start_response called as late as PEP 3333 allows."""
    fields = [("Content-Type", "text/plain"), ("X-Two", "a"), ("X-Two", "b")]
    start_response("299 Odd", [*fields, ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2")])
    try:
        yield b"first "
        closed.append("not yet")
        yield b"second"
    finally:
        closed.append("closed")


def written(_environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer in the old way, with ``write``."""
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"written, ")
    return [b"returned"]


def bare(_environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer without a Content-Type."""
    start_response("304 Not Modified", [("ETag", '"1"')])
    return []


def silent(_environ: dict[str, Any], _start_response: StartResponse) -> Iterable[bytes]:
    """Never call start_response."""
    return []


urlpatterns = [
    path("one/", view(echo)),
    path("odd(/", view(echo)),
    path("deep/", include([path("in/", view(echo)), path("in/<path:path>", view(echo))])),
    re_path(r"^any/(?P<path>.*)$", view(echo)),
    re_path(r"^unnamed/(.*)$", view(echo)),
    re_path(r"^slash(?P<path>/.*)?$", view(echo)),
    re_path(r"^rest/", view(echo)),
    re_path(r"^mid/(?P<path>.)", view(echo)),
    re_path(r"^word(?P<path>.*)$", view(echo)),
    path("checked/", view(echo, csrf_exempt=False)),
    path("generated/", view(generated)),
    path("written/", view(written)),
    path("bare/", view(bare)),
    path("silent/", view(silent)),
]


@pytest.fixture
def site() -> Any:
    """The site, asked as a WSGI application that PEP 3333's validator watches."""
    called.clear()
    closed.clear()
    return webtest.TestApp(WSGIHandler())


@pytest.mark.parametrize(
    ("target", "script_name", "path_info"),
    [
        ("/one/", "/one", "/"),
        ("/odd(/", "/odd(", "/"),
        ("/deep/in/", "/deep/in", "/"),
        ("/deep/in/a/b", "/deep/in", "/a/b"),
        ("/any/", "/any", "/"),
        ("/any/a//b/", "/any", "/a//b/"),
        ("/any/caf%C3%A9", "/any", "/caf\u00c3\u00a9"),
        ("/unnamed/a", "/unnamed", "/a"),
        ("/slash/a", "/slash", "/a"),
    ],
)
def test_the_path_is_split_where_the_url_pattern_says(
    site: Any, target: str, script_name: str, path_info: str
) -> None:
    assert site.get(target).status == "200 Fine"
    assert (called[0]["SCRIPT_NAME"], called[0]["PATH_INFO"]) == (script_name, path_info)


def test_the_mount_of_the_site_itself_stays_in_front(site: Any) -> None:
    site.get("/any/a", extra_environ={"SCRIPT_NAME": "/\u00c3\u00a9"})
    assert (called[0]["SCRIPT_NAME"], called[0]["PATH_INFO"]) == ("/\u00c3\u00a9/any", "/a")


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("/rest/a", "without capturing them"),
        ("/mid/ab", "not the end of the path"),
        ("/worda", "does not start at a slash"),
    ],
)
def test_a_pattern_that_does_not_say_where_the_path_begins_is_refused(
    site: Any, target: str, complaint: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=complaint):
        site.get(target)
    assert called == []


def test_a_view_called_without_url_patterns_takes_the_path_as_its_mount() -> None:
    called.clear()
    view(echo)(RequestFactory().get("/here/"))
    assert (called[0]["SCRIPT_NAME"], called[0]["PATH_INFO"]) == ("/here", "/")


@pytest.mark.parametrize(
    ("user", "expected"),
    [("ann", "ann"), ("jos\u00e9", "jos\u00c3\u00a9"), (None, None), ("no middleware", None)],
)
def test_remote_user_is_who_has_logged_in_to_the_site_and_nobody_else(
    site: Any, user: str | None, expected: str | None
) -> None:
    environ = {"REMOTE_USER": "forged", "AUTH_TYPE": "Basic"}
    if user is not None:
        environ["test.user"] = user
    site.get("/one/", extra_environ=environ, headers={"Remote-User": "forged"})
    assert called[0].get("REMOTE_USER") == expected
    assert "AUTH_TYPE" not in called[0]


def test_the_body_comes_straight_from_the_servers_stream(site: Any) -> None:
    assert site.post("/one/", b"x=1").body == b"x=1"
    assert not isinstance(called[0]["wsgi.input"], io.BytesIO)
    assert called[0]["wsgi.input"] is not None


@pytest.mark.parametrize("reads", ["body", "form"])
def test_a_body_that_a_middleware_has_read_comes_once_more(site: Any, reads: str) -> None:
    assert site.post("/one/", b"x=1", extra_environ={"test.reads": reads}).body == b"x=1"


def test_an_upload_that_a_middleware_has_parsed_is_gone_and_that_is_said(site: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="nothing is left to forward"):
        site.post(
            "/one/",
            upload_files=[("file", "name", b"content")],
            extra_environ={"test.reads": "form"},
        )


def test_the_view_is_exempt_from_the_csrf_check_unless_it_shall_not_be(site: Any) -> None:
    assert site.post("/one/", b"x=1").status_int == 200
    assert site.post("/checked/", b"x=1", status=403).status_int == 403
    assert [environ["PATH_INFO"] for environ in called] == ["/"]


def test_status_and_fields_are_the_applications(site: Any) -> None:
    answer = site.get("/generated/")
    assert answer.status == "299 Odd"
    assert answer.headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2"]
    assert answer.headers["X-Two"] == "a, b"
    assert site.get("/bare/").headers.get("Content-Type") is None


def test_the_answer_streams_and_is_closed() -> None:
    closed.clear()
    response = view(generated)(RequestFactory().get("/x"))
    pieces = iter(response)
    assert (next(pieces), closed) == (b"first ", [])
    response.close()
    assert closed == ["closed"]


def test_what_was_written_comes_before_what_is_returned(site: Any) -> None:
    assert site.get("/written/").body == b"written, returned"


def test_compression_by_the_site_works() -> None:
    plain = b"long " * 1000
    request = RequestFactory().post(
        "/one/", plain, content_type="text/plain", headers={"Accept-Encoding": "gzip"}
    )
    response = GZipMiddleware(view(echo))(request)
    assert isinstance(response, StreamingHttpResponse)
    assert response["Content-Encoding"] == "gzip"
    assert gzip.decompress(b"".join(response)) == plain
    response.close()


def test_an_application_that_breaks_pep_3333_is_named(site: Any) -> None:
    def twice(_environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("200 OK", [])
        return []

    with pytest.raises(RuntimeError, match="did not call start_response"):
        site.get("/silent/")
    with pytest.raises(RuntimeError, match="twice"):
        view(twice)(RequestFactory().get("/x"))


@pytest.mark.parametrize(
    "head", [("200 OK", [("X-Bad", "a\nb")]), ("nothing", [("Content-Type", "text/plain")])]
)
def test_an_answer_that_django_refuses_is_closed(head: tuple[str, list[tuple[str, str]]]) -> None:
    closed.clear()

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append("closed")

    def application(_environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response(*head)
        return Body([b"x"])

    with pytest.raises(ValueError, match=r"newlines|invalid literal"):
        view(application)(RequestFactory().get("/x"))
    assert closed == ["closed"]


def test_an_error_after_the_head_may_replace_it() -> None:
    def application(_environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            raise ValueError("found out late")
        except ValueError:
            start_response("500 Oh", [], sys.exc_info())
        return [b"sorry"]

    response = view(application)(RequestFactory().get("/x"))
    assert isinstance(response, StreamingHttpResponse)
    assert (response.status_code, b"".join(response)) == (500, b"sorry")
    response.close()


def test_under_asgi_the_view_says_what_it_needs() -> None:
    with pytest.raises(ImproperlyConfigured, match="WSGI handler"):
        view(echo)(AsyncRequestFactory().get("/x"))


def test_the_gateway_behind_the_view_forwards_both_ways() -> None:
    with Backend() as backend:
        port = backend.listen_tcp()
        backend.begin(Reply(b"Content-Type: text/plain\r\nSet-Cookie: a=1\r\n\r\nanswer"))
        application: WSGIApplication = SCGIApplication(f"scgi://127.0.0.1:{port}", path_info=True)
        request = RequestFactory().post(
            "/old/a%20b", b"text", content_type="text/plain", headers={"Host": "x"}
        )
        request.user = user("ann")
        response = view(application)(request, path="a b")
        assert b"".join(response) == b"answer"
        response.close()
        assert backend.wait_done(20.0)
        seen = backend.connections[0].request
    assert seen.body == b"text"
    wanted = {"SCRIPT_NAME": b"/old", "PATH_INFO": b"/a b", "REMOTE_USER": b"ann"}
    assert {name: seen.get(name) for name in wanted} == wanted
