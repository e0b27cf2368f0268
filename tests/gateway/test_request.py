"""A request: what WSGI said, checked and normalised once."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.environs import server_environ
from wsgi_scgi.errors import RequestError
from wsgi_scgi.gateway.body import BodyState, SpooledBody, StreamedBody
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.scgi.request_head import encode_request_head
from wsgi_scgi.semantics.path import PathMatch
from wsgi_scgi.semantics.target import parse_target


def test_a_request_has_method_target_query_path_and_host() -> None:
    environ = server_environ("/a/%41//b/./c?x=%20y", method="POST", HTTP_HOST="Foo.Test:8081")

    request = Request(environ)

    assert request.environ is environ
    assert request.method == "POST"
    assert request.target == "/a/%41//b/./c?x=%20y"
    assert request.query == "x=%20y"
    assert (request.mount, request.path) == ("", "/a/A//b/c")
    assert (request.host, request.server_name, request.server_port) == (
        "Foo.Test:8081",
        "foo.test",
        "8081",
    )
    assert (request.body, request.route, request.client) == (None, "", None)
    assert request.match == PathMatch("", "/a/A//b/c", "/a/A//b/c")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_knows_whether_it_came_by_tls(scheme: str) -> None:
    assert Request(server_environ(wsgi__url_scheme=scheme)).is_https is (scheme == "https")


@pytest.mark.parametrize(
    ("target", "found", "path", "kept"),
    [
        ("/a%2fb/../c", True, "/a/c", "/c"),
        ("/a/b%2Fc", True, "/a/b/c", "/a/b%2Fc"),
        ("/a%252Fb", False, "/a%2Fb", "/a%2Fb"),
        ("/a/b", False, "/a/b", "/a/b"),
    ],
)
def test_an_encoded_slash_can_be_read_in_two_ways(
    target: str, found: bool, path: str, kept: str
) -> None:
    request = Request(server_environ(target))

    assert request.has_encoded_slash is found
    assert request.path == path
    assert request.path_with_encoded_slashes() == kept


def test_a_second_reading_is_refused_for_itself() -> None:
    request = Request(server_environ("/a%2Fb/../../c"))

    assert request.path == "/c"
    with pytest.raises(RequestError, match="climbs"):
        request.path_with_encoded_slashes()


def test_below_a_mount_the_path_is_what_the_target_says() -> None:
    environ = server_environ("/mount/a%2Fb//c", SCRIPT_NAME="/mount", PATH_INFO="/a/b//c")

    request = Request(environ)

    assert (request.mount, request.path) == ("/mount", "/a/b//c")
    assert request.has_encoded_slash
    assert request.path_with_encoded_slashes() == "/a%2Fb//c"
    assert request.target == "/mount/a%2Fb//c"


def test_a_changed_path_info_has_no_encoded_slash() -> None:
    request = Request(server_environ("/a%2Fb", PATH_INFO="/c%2Fd"))

    # Decoded already: this is a percent sign, not an escape.
    assert request.path == "/c%2Fd"
    assert not request.has_encoded_slash


def test_the_route_that_takes_a_request_is_noted() -> None:
    request = Request(server_environ("/app/x"))

    request.take("/app", "/app/x", PathMatch("/app", "/x", "/x"))

    assert (request.route, request.path, request.match.rest) == ("/app", "/app/x", "/x")


def test_a_body_of_known_length_is_streamed() -> None:
    request = Request(server_environ(method="POST", body=b"hello"))

    request.open_body(timeout=1, max_body=0)

    assert isinstance(request.body, StreamedBody)
    assert (request.body.length, request.body.state) == (5, BodyState.UNTOUCHED)


def test_a_body_that_is_declared_to_be_too_long_is_refused() -> None:
    request = Request(server_environ(method="POST", body=b"hello"))

    with pytest.raises(RequestError) as caught:
        request.open_body(timeout=1, max_body=4)
    assert caught.value.status == 413
    assert request.body is None


@pytest.mark.parametrize("length", [None, "", "0"])
def test_without_a_body_there_is_none(length: str | None) -> None:
    request = Request(server_environ(method="POST", CONTENT_LENGTH=length))

    request.open_body(timeout=1, max_body=0)

    assert request.body is None


def test_a_body_of_unknown_length_is_spooled_once() -> None:
    source = io.BytesIO(b"hello")
    environ = server_environ(
        method="POST",
        HTTP_TRANSFER_ENCODING="chunked",
        wsgi__input=source,
        wsgi__input_terminated=True,
    )
    request = Request(environ)

    request.open_body(timeout=1, max_body=5)
    body = request.body
    request.open_body(timeout=1, max_body=5)

    assert isinstance(body, SpooledBody)
    assert request.body is body
    assert (body.length, body.read(9)) == (5, b"hello")
    body.close()


def test_a_body_that_can_be_sent_again_may_stand_for_the_first() -> None:
    request = Request(server_environ(method="POST", body=b"hello"))
    copy = SpooledBody(io.BytesIO(b"hello"), 5)

    request.replace_body(copy)

    assert request.body is copy
    copy.close()


# Local redirects


def redirected(request: Request, target: str, *, status: int = 200) -> Request:
    return request.redirected(parse_target(target), status=status)


def test_a_local_redirect_makes_a_get_without_a_body_for_another_path() -> None:
    environ = server_environ("/a/b?q=1", method="POST", body=b"hello", HTTP_ACCEPT="*/*")
    first = Request(environ)
    first.head = encode_request_head(0, {"SCRIPT_NAME": "/a/b", "HTTP_ACCEPT": "*/*"})

    second = redirected(first, "/c/%41//d?r=2")

    assert (second.method, second.path, second.query) == ("GET", "/c/A//d", "r=2")
    assert second.target == "/a/b?q=1"  # REQUEST_URI is what the client asked for
    assert second.match == PathMatch("", "/c/A//d", "/c/A//d")
    assert second.body is None
    second.open_body(timeout=1.0, max_body=0)
    assert second.body is None
    assert second.environ["PATH_INFO"] == "/c/A//d"
    assert second.environ["wsgi.input"].read() == b""
    assert second.environ.get("CONTENT_LENGTH", "") in ("", "0")
    assert second.inherited == {
        "REDIRECT_SCRIPT_NAME": "/a/b",
        "REDIRECT_HTTP_ACCEPT": "*/*",
        "REDIRECT_STATUS": "200",
        "REDIRECT_URL": "/a/b",
        "REDIRECT_QUERY_STRING": "q=1",
    }
    assert not second.is_error_document


def test_a_local_redirect_leaves_the_first_request_as_it_is() -> None:
    environ = server_environ("/a", method="POST", body=b"hello")
    first = Request(environ)

    redirected(first, "/b")

    assert (first.method, first.path, first.inherited) == ("POST", "/a", {})
    assert environ["CONTENT_LENGTH"] == "5"
    assert first.environ is environ


def test_a_redirected_head_stays_a_head_and_an_encoded_slash_one() -> None:
    second = redirected(Request(server_environ("/a", method="HEAD")), "/b%2Fc")

    assert second.method == "HEAD"
    assert second.has_encoded_slash
    assert second.path_with_encoded_slashes() == "/b%2Fc"
    assert second.query == ""


def test_a_local_redirect_stays_below_the_mount() -> None:
    environ = server_environ("/mount/a", SCRIPT_NAME="/mount", PATH_INFO="/a")

    second = redirected(Request(environ), "/mount/b")

    assert (second.mount, second.path) == ("/mount", "/b")
    assert second.inherited["REDIRECT_URL"] == "/mount/a"


@pytest.mark.parametrize("target", ["/other", "/mountain", "/", "/x/../mount/b"])
def test_a_local_redirect_out_of_the_mount_is_refused(target: str) -> None:
    environ = server_environ("/mount/a", SCRIPT_NAME="/mount", PATH_INFO="/a")

    with pytest.raises(RequestError, match="outside"):
        redirected(Request(environ), target)


def test_the_length_of_the_first_body_is_told() -> None:
    first = Request(server_environ("/a", method="POST", body=b"hello"))
    first.open_body(timeout=1.0, max_body=0)

    assert redirected(first, "/b").inherited["REDIRECT_CONTENT_LENGTH"] == "5"


@pytest.mark.parametrize(("status", "kept"), [(200, True), (404, False)])
def test_the_conditions_of_a_request_are_not_about_the_page_for_an_error(
    status: int, kept: bool
) -> None:
    first = Request(server_environ("/a", HTTP_IF_NONE_MATCH='"x"', HTTP_RANGE="bytes=0-"))

    second = redirected(first, "/b", status=status)

    assert ("HTTP_IF_NONE_MATCH" in second.environ) is kept
    assert ("HTTP_RANGE" in second.environ) is kept


def test_a_history_can_be_shortened_to_its_last_words() -> None:
    first = Request(server_environ("/a?q"))
    first.head = encode_request_head(0, {"HTTP_COOKIE": "x" * 10_000})
    second = redirected(first, "/b")

    assert second.shorten_history()
    assert second.inherited == {
        "REDIRECT_STATUS": "200",
        "REDIRECT_URL": "/a",
        "REDIRECT_QUERY_STRING": "q",
    }
    assert not second.shorten_history()
    assert not first.shorten_history()


@pytest.mark.parametrize("target", ["/%00", "/../x", "/%zz"])
def test_a_local_redirect_to_nowhere_is_refused(target: str) -> None:
    with pytest.raises(RequestError):
        redirected(Request(server_environ("/a")), target)


def test_the_second_request_for_an_error_knows_that_it_is() -> None:
    first = Request(server_environ("/a"))

    assert not first.is_error_document
    assert redirected(first, "/404.html", status=404).is_error_document


_PIECES = st.lists(
    st.sampled_from(
        ["/", "//", "a", "..", ".", "%2F", "%2f", "%00", "%", "%41", "%2e%2e", "\xe9", " ", "\n"]
    ),
    max_size=8,
).map("".join)


@given(_PIECES, _PIECES, st.sampled_from(["", "/mount", "/a"]))
def test_any_environ_is_a_request_or_a_request_error(
    target: str, path_info: str, mount: str
) -> None:
    environ = server_environ("/" + target, SCRIPT_NAME=mount, PATH_INFO=path_info)
    try:
        request = Request(environ)
        readings = [request.path, request.path_with_encoded_slashes()]
    except RequestError:
        return
    for path in readings:
        assert path == "" or path.startswith("/")
        assert ".." not in path.split("/")
        assert "\0" not in path
        assert "\n" not in path
