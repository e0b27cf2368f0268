"""Warnings of ``check``: what is allowed and can hardly be meant, and what is not warned of."""

from pathlib import Path

import pytest

from wsgi_scgi.address import BalancerURL, parse_backend_url
from wsgi_scgi.config.advice import advice_on, takes_all
from wsgi_scgi.config.configuration import Route
from wsgi_scgi.config.lines import KeyPath
from wsgi_scgi.config.options import RouteOptions
from wsgi_scgi.semantics.path import Pattern, Prefix


def route(taken: str, backend: str = "", *, host: str = "", **options: object) -> Route:
    """Return a route for a path, or for an expression, which starts with anything but a slash."""
    return Route(
        path=taken if taken.startswith("/") else "",
        match="" if taken.startswith("/") else taken,
        host=tuple(host.split()),
        exclude=not backend,
        backend=parse_backend_url(backend) if backend else None,
        options=RouteOptions.from_values(options),
    )


def advice(*routes: Route) -> list[tuple[KeyPath, str]]:
    """Return key and text of all that is found."""
    return list(advice_on([(("route", number), one) for number, one in enumerate(routes)]))


# Routes that are never reached


@pytest.mark.parametrize(
    ("earlier", "later", "never"),
    [
        ("/", "/app/", True),
        ("/app", "/app/", True),
        ("/app/", "/app/", True),
        ("/app", "//app//x", True),
        ("/app/", "/app", False),
        ("/app", "/apple", False),
        ("/app/x", "/app/", False),
        ("/a", "/", False),
        # An expression below a path: its beginning tells, where it has one.
        ("/", "^/app", True),
        ("/", "app", True),
        ("/", "^/a|^/b", True),
        ("/app", "^/app/", True),
        ("/app/", "^/app/x(.*)$", True),
        ("//app//", "^/app/x", True),
        ("/app", r"^/app/\.x", True),
        ("/a.b", r"^/a\.b/", True),
        ("/app", "^/app", False),  # takes /apple
        ("/app", "app/", False),  # takes /x/app/
        ("/app", "^/app/x|^/b", False),
        ("/app", "^/app/?$", False),
        ("/app", "^/app/*$", False),
        ("/app", "^/app/{0,1}$", False),
        ("/app/", "^/app/x?$", True),
        ("/app/", r"^/app/\.?$", True),
        ("/app", "^(/app/|/b)", False),
        # A path below an expression that takes all that begins so.
        ("^/", "/app/", True),
        ("^/.*$", "/", True),
        ("^/(.*)$", "/app", True),
        (".*", "/", True),
        ("^", "/", True),
        ("^/app", "/app/", True),
        ("^/app/", "/app/", True),
        ("^/app/(.*)$", "/app/x", True),
        ("app", "/app/", False),  # takes it, but that is more than a beginning
        ("^/app/", "/app", False),
        ("^/app$", "/app", False),
        ("^/app/.+$", "/app/", False),
        ("^/a.c", "/abc", False),
        ("^/app/[a-z]*", "/app/", False),
        # Two expressions.
        ("^/x/([0-9]+)$", "^/x/([0-9]+)$", True),
        ("^/x/", "^/x/([0-9]+)$", True),
        ("^/x/([0-9]+)$", "^/x/1$", False),
        ("^/x/y", "^/x/", False),
    ],
)
def test_a_route_that_never_matches_is_found_where_that_is_certain(
    earlier: str, later: str, never: bool
) -> None:
    assert takes_all(route(earlier), route(later)) is never


_PATHS = [
    f"{first}{second}{third}"
    for first in ("/", "/app", "/apple", "/a.b", "/x", "//app")
    for second in ("", "/", "/x", "/.x")
    for third in ("", "/", "/1", "y")
]
_TAKEN = ["/", "/app", "/app/", "/app/x", "/a.b", ".*", "^/", "^/app", "^/app/(.*)$", "app.*"]
_TAKEN += ["^/app/x?", r"^/a\.b", "^/x/?$", "^/app|x", "app", "^/app/[x]", "^/app/x"]


@pytest.mark.parametrize("earlier", _TAKEN)
@pytest.mark.parametrize("later", _TAKEN)
def test_what_is_called_certain_is_true_of_every_path(earlier: str, later: str) -> None:
    def takes(one: str, path: str) -> bool:
        matcher = Prefix(one) if one.startswith("/") else Pattern(one, "/")
        return matcher.match(path) is not None

    if takes_all(route(earlier), route(later)):
        assert [p for p in _PATHS if takes(later, p) and not takes(earlier, p)] == []


@pytest.mark.parametrize(
    ("earlier", "later", "never"),
    [
        ("", "", True),
        ("", "a.test", True),
        ("a.test", "", False),
        ("a.test", "a.test", True),
        ("a.test b.test", "b.test", True),
        ("a.test", "a.test b.test", False),
        ("*.test", "a.test *.b.test", True),
        ("*.test", "*.test", True),
        ("*.a.test", "*.test", False),
        ("*.test", "test", False),
        ("a.test", "*.a.test", False),
    ],
)
@pytest.mark.parametrize("taken", ["/", "^/app/"])
def test_hosts_count(earlier: str, later: str, never: bool, taken: str) -> None:
    assert takes_all(route(taken, host=earlier), route("/app/", host=later)) is never


@pytest.mark.parametrize(
    ("earlier", "later", "never"),
    [
        ("refuse", "keep", True),
        ("refuse", "decode", True),
        ("keep", "keep", True),
        ("decode", "decode", True),
        ("keep", "decode", False),
        ("decode", "keep", False),
        ("keep", "refuse", False),
    ],
)
def test_routes_that_read_an_encoded_slash_differently_see_different_paths(
    earlier: str, later: str, never: bool
) -> None:
    first = route("/", "scgi://h", encoded_slash=earlier)
    assert takes_all(first, route("/x/", "scgi://h", encoded_slash=later)) is never


def test_the_first_route_that_takes_all_is_named_at_the_key_that_does_nothing() -> None:
    assert advice(
        route("/", host="a.test"), route("/app/"), route("/app/x"), route("^/app/y$")
    ) == [
        (("route", 2, "path"), "never matches: /app/ stands above and takes all of it"),
        (("route", 3, "match"), "never matches: /app/ stands above and takes all of it"),
    ]


# A backend


def test_a_base_path_with_path_info_is_told_at_the_backend() -> None:
    ((key, text),) = advice(route("/", "scgi://h/base/", path_info=True))
    assert key == ("route", 0, "backend")
    assert text.startswith("the base path /base/ goes into PATH_INFO")


def test_a_backend_has_the_same_times_wherever_it_is_written() -> None:
    assert advice(
        route("/none/"),
        route("/a/", "scgi://h:1/a/", timeout=5),
        route("/b/", "scgi://h:2", timeout=6),
        route("/c/", "scgi://H:1/c/", timeout=5, connect_timeout=1.5),
        route("/d/", "scgi://h:1"),
    ) == [
        (("route", 3, "connect_timeout"), "1.5 here and 5 in /a/, for the same backend"),
        (("route", 4, "timeout"), "60 here and 5 in /a/, for the same backend"),
    ]


# Files


def test_directories_are_there(tmp_path: Path) -> None:
    (tmp_path / "é").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("é")
    names = [f"{tmp_path}/{name}" for name in ("é", "link", "file", "missing-ü", "file/x")]
    assert advice(
        route(
            "/",
            "scgi://h",
            sendfile=True,
            sendfile_roots=names,
            accel={"/a/": names[0], "/b/": names[3]},
        )
    ) == [
        (("route", 0, "sendfile_roots"), f"{tmp_path}/file is not a directory"),
        (("route", 0, "sendfile_roots"), f"{tmp_path}/missing-ü does not exist"),
        (("route", 0, "sendfile_roots"), f"{tmp_path}/file/x does not exist"),
        (("route", 0, "accel"), f"{tmp_path}/missing-ü does not exist"),
    ]


# Error documents


def with_document(document: str) -> Route:
    return route("/app/", "scgi://h", error_override=True, error_document={"404": document})


@pytest.mark.parametrize(
    ("document", "others"),
    [
        ("a text", []),
        ("/app/404.html", []),
        ("/app/404.html?a=/x", []),
        ("/err/404.html", [route("/err/", "scgi://h")]),
        ("/%65rr/404.html", [route("/err/", "scgi://h")]),
        ("/err/404.html", [route("^/err/[0-9]+", "scgi://h")]),
        ("/err/404.html", [route("/err/", "scgi://h", host="a.test")]),
        ("/err/404.html", [route("/err/", host="a.test"), route("/", "scgi://h")]),
        ("/fehl\N{LATIN SMALL LETTER E WITH ACUTE}", [route("/fehl\xc3\xa9", "scgi://h")]),
    ],
)
def test_an_error_document_that_a_route_serves_is_right(document: str, others: list[Route]) -> None:
    assert advice(with_document(document), *others) == []


@pytest.mark.parametrize(
    ("document", "others"),
    [
        ("/err/404.html", []),
        ("/app", []),
        ("/err/404.html", [route("/err/")]),
        ("/err/404.html", [route("^/err/.*$"), route("/", "scgi://h")]),
        ("/err/404.html", [route("/err/", host="a.test")]),
    ],
)
def test_an_error_document_that_no_route_serves_is_told(document: str, others: list[Route]) -> None:
    at = ("route", len(others), "error_document", "404")
    told = (at, f"no route serves {document}, only a fallback could")
    assert told in advice(*others, with_document(document))


def test_a_file_of_passwords_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    there, missing = tmp_path / "users", tmp_path / "none"
    there.write_text("")
    assert advice(route("/", "scgi://h:1/", auth_file=str(there))) == []
    (found,) = advice(route("/", "scgi://h:1/", auth_file=str(missing)))
    assert found == (
        ("route", 0, "auth_file"),
        f"{missing} cannot be read, nobody would be let in",
    )


# Balancers


def to_balancer(path: str, name: str, **options: object) -> Route:
    backend = BalancerURL(name)
    return Route(path=path, backend=backend, options=RouteOptions.from_values(options))


def test_timeouts_that_differ_between_routes_to_one_balancer_are_told() -> None:
    first, second = to_balancer("/a/", "pool"), to_balancer("/b/", "pool", timeout=5)
    assert advice(first, second) == [
        (("route", 1, "timeout"), "5 here and 60 in /a/, for the same backend")
    ]
    assert advice(first, to_balancer("/b/", "pond", timeout=5)) == []
