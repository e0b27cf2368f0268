"""Which route takes a request: in the order written, the first that matches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.environs import server_environ
from wsgi_scgi.errors import RequestError
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.response import Foreign, Handler, Outcome, Response
from wsgi_scgi.proxy.router import Route, Router
from wsgi_scgi.semantics.host import canonical_name, is_among
from wsgi_scgi.semantics.path import EncodedSlash, PathMatch, Pattern, Prefix


def answering(name: str) -> Handler:
    """Return a handler whose answers carry its name."""

    def handle(request: Request) -> Outcome:
        return Response(200, name, [], request.path.encode("latin-1"))

    return handle


def route(
    path: str,
    *,
    handler: Handler | None = None,
    excluded: bool = False,
    hosts: tuple[str, ...] = (),
    slash: EncodedSlash = EncodedSlash.REFUSE,
) -> Route:
    return Route(
        path,
        Prefix(path),
        None if excluded else handler or answering(path),
        frozenset(hosts),
        slash,
    )


def answer_of(router: Router, target: str, *, host: str = "example.org") -> str:
    response = router(Request(server_environ(target, HTTP_HOST=host)))
    assert isinstance(response, Response)
    return response.reason


def refuse(router: Router, target: str, *, host: str = "example.org") -> RequestError:
    with pytest.raises(RequestError) as caught:
        router(Request(server_environ(target, HTTP_HOST=host)))
    assert caught.value.status == 404
    return caught.value


def test_the_first_route_that_matches_takes_the_request() -> None:
    router = Router([route("/app/special/"), route("/app/"), route("/")])

    assert answer_of(router, "/app/special/x") == "/app/special/"
    assert answer_of(router, "/app/other") == "/app/"
    assert answer_of(router, "/else") == "/"


def test_the_order_is_as_written_and_not_by_length() -> None:
    router = Router([route("/"), route("/app/")])

    assert answer_of(router, "/app/x") == "/"


def test_what_no_route_takes_is_404_and_the_client_does_not_read_the_path() -> None:
    error = refuse(Router([route("/app/")]), "/apple?secret")

    assert "/apple" in str(error)
    assert "/apple" not in error.public


def test_what_no_route_takes_goes_to_the_fallback() -> None:
    router = Router([route("/app/")], answering("fallback"))

    assert answer_of(router, "/other") == "fallback"
    assert answer_of(router, "/app/") == "/app/"


def test_an_excluded_path_goes_to_nobody_or_to_the_fallback() -> None:
    routes = [route("/app/private/", excluded=True), route("/app/")]

    refuse(Router(routes), "/app/private/x")
    assert answer_of(Router(routes, answering("fallback")), "/app/private/x") == "fallback"
    assert answer_of(Router(routes), "/app/privateer") == "/app/"


@pytest.mark.parametrize(
    "target",
    [
        "/app//private/x",
        "//app/private/x",
        "/app/./private/x",
        "/app/x/../private/x",
        "/app/%70rivate/x",
        "/app/private//x",
        "/app/%2e/private/x",
    ],
)
def test_no_spelling_walks_past_an_exclusion(target: str) -> None:
    router = Router([route("/app/private/", excluded=True), route("/app/")])

    refuse(router, target)


@pytest.mark.parametrize("slash", list(EncodedSlash))
@pytest.mark.parametrize(
    "target", ["/app%2fprivate/x", "/app/private%2Fx", "/app/x%2F../private/x"]
)
def test_an_encoded_slash_does_not_walk_past_an_exclusion_either(
    slash: EncodedSlash, target: str
) -> None:
    router = Router([route("/app/private/", excluded=True), route("/", slash=slash)])

    refuse(router, target)


def test_the_taken_route_is_noted_in_the_request() -> None:
    request = Request(server_environ("/app//x/y"))

    Router([route("/app/")])(request)

    assert request.route == "/app/"
    assert (request.match.mount, request.match.rest) == ("/app", "//x/y")


@pytest.mark.parametrize(
    ("slash", "taken", "seen"),
    [(EncodedSlash.DECODE, "/a/", b"/a/b/c"), (EncodedSlash.KEEP, "/a/", b"/a/b%2Fc")],
)
def test_a_route_sees_an_encoded_slash_as_its_backend_will(
    slash: EncodedSlash, taken: str, seen: bytes
) -> None:
    response = Router([route("/a/", slash=slash)])(Request(server_environ("/a/b%2Fc")))

    assert isinstance(response, Response)
    assert (response.reason, response.body) == (taken, seen)


def test_a_slash_that_is_text_divides_nothing() -> None:
    routes = [route("/a/b/", slash=EncodedSlash.KEEP), route("/a/", slash=EncodedSlash.KEEP)]

    assert answer_of(Router(routes), "/a/b%2Fc") == "/a/"


def test_a_slash_that_is_a_slash_divides() -> None:
    routes = [route("/a/b/", slash=EncodedSlash.DECODE), route("/a/", slash=EncodedSlash.KEEP)]

    assert answer_of(Router(routes), "/a/b%2Fc") == "/a/b/"


@pytest.mark.parametrize("target", ["/a/b%2Fc", "/a%2Fb"])
def test_a_route_that_refuses_encoded_slashes_answers_404_under_its_name(target: str) -> None:
    request = Request(server_environ(target))

    with pytest.raises(RequestError, match="encoded slash") as caught:
        Router([route("/a/"), route("/")], answering("fallback"))(request)

    assert caught.value.status == 404
    assert request.route == "/a/"


def test_a_route_that_refuses_what_it_does_not_match_leaves_it_to_others() -> None:
    routes = [route("/b/"), route("/a/", slash=EncodedSlash.DECODE)]

    assert answer_of(Router(routes), "/a/x%2Fy") == "/a/"
    assert answer_of(Router(routes[:1], answering("fallback")), "/a/x%2Fy") == "fallback"


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("example.org", True),
        ("EXAMPLE.org:8080", True),
        ("example.org.", True),
        ("other.org", False),
        ("www.example.org", False),
        ("a.wild.test", True),
        ("b.a.wild.test", True),
        ("wild.test", False),
        ("notwild.test", False),
    ],
)
def test_a_route_may_be_for_some_hosts_only(host: str, served: bool) -> None:
    routes = [route("/", hosts=("example.org", "*.wild.test"))]

    if served:
        assert answer_of(Router(routes), "/x", host=host) == "/"
    else:
        refuse(Router(routes), "/x", host=host)


def test_a_route_of_another_host_does_not_exclude() -> None:
    routes = [route("/", excluded=True, hosts=("internal.test",)), route("/")]

    assert answer_of(Router(routes), "/x") == "/"
    refuse(Router(routes), "/x", host="internal.test")


def test_a_route_may_be_an_expression() -> None:
    routes = [Route("^/u/([a-z]+)$", Pattern("^/u/([a-z]+)$", "/user/$1"), answering("expression"))]
    request = Request(server_environ("/u/jane"))

    response = Router(routes)(request)

    assert isinstance(response, Response)
    assert request.match.target == "/user/jane"
    refuse(Router(routes), "/u/jane/x")


def test_what_a_handler_answers_is_passed_on_as_it_is() -> None:
    foreign = Foreign(lambda _environ, _start_response: [], {})
    router = Router([route("/", handler=lambda _: foreign)])

    assert router(Request(server_environ("/x"))) is foreign


# Routes are looked up by the first segment of the path: nobody may notice.


def first_that_matches(routes: list[Route], request: Request) -> Route | None:
    """Look at each route in turn, as the manual says."""
    for route in routes:
        if route.hosts and not is_among(canonical_name(request.server_name), route.hosts):
            continue
        readings = [request.path, request.path_with_encoded_slashes()]
        if route.handler is not None and route.encoded_slash is EncodedSlash.DECODE:
            readings.pop()
        elif route.handler is not None and route.encoded_slash is EncodedSlash.KEEP:
            readings.pop(0)
        if any(route.matcher.match(reading) for reading in readings):
            return route
    return None


_SEGMENTS = st.sampled_from(["a", "b", "ab", "a%2Fb", "%61", "A", "a b", "*"])
_ENDS = st.sampled_from(["", "/", "//"])
_PATHS = st.tuples(st.lists(_SEGMENTS, max_size=3), st.sampled_from(["/", "//"]), _ENDS).map(
    lambda parts: "/" + parts[1].join(parts[0]) + parts[2]
)
_MATCHERS = st.one_of(
    _PATHS.map(Prefix),
    _PATHS.map(Prefix),
    st.sampled_from(["^/a/", "b$", "/a.*/b", ".*"]).map(lambda text: Pattern(text, "/")),
)
_HOSTS = st.sampled_from([(), (), ("example.org",), ("other.org", "*.example.org")])


@given(
    st.lists(
        st.tuples(_MATCHERS, _HOSTS, st.booleans(), st.sampled_from(EncodedSlash)), max_size=8
    ),
    _PATHS.map(lambda path: path.replace(" ", "%20")),
    st.sampled_from(["example.org", "www.example.org", "OTHER.org:81"]),
)
def test_the_index_chooses_what_looking_at_each_route_in_turn_would_choose(
    parts: list[tuple[Prefix | Pattern, tuple[str, ...], bool, EncodedSlash]],
    target: str,
    host: str,
) -> None:
    routes = [
        Route(str(number), matcher, answering(str(number)) if handles else None, frozenset(to), how)
        for number, (matcher, to, handles, how) in enumerate(parts)
    ]
    request = Request(server_environ(target, HTTP_HOST=host))
    chosen = first_that_matches(routes, request)

    try:
        response = Router(routes, answering("fallback"))(request)
    except RequestError:
        assert chosen is not None
        assert request.has_encoded_slash
        assert chosen.encoded_slash is EncodedSlash.REFUSE
    else:
        assert isinstance(response, Response)
        handled = chosen is not None and chosen.handler is not None
        assert response.reason == (request.route if handled else "fallback")
    assert request.route == ("" if chosen is None else chosen.name)


def test_a_path_below_many_routes_is_compared_with_those_of_its_first_segment() -> None:
    class Counting(Prefix):
        __slots__ = ()
        compared = 0

        def match(self, path: str) -> PathMatch | None:
            Counting.compared += 1
            return super().match(path)

    paths = [f"/application{number}/" for number in range(100)]
    router = Router([Route(path, Counting(path), answering(path)) for path in paths])

    assert answer_of(router, "/application99/x") == "/application99/"
    assert Counting.compared == 1
    refuse(router, "/application100/x")
    assert Counting.compared == 1
