"""From virtual hosts to routes for their names, and routes for any host."""

import pytest

from tests.convert.apache_text import server_blocks
from wsgi_scgi.convert.draft import Draft
from wsgi_scgi.convert.hosts import drafts_for
from wsgi_scgi.convert.ledger import Ledger
from wsgi_scgi.convert.region import PathPrefix
from wsgi_scgi.convert.routing import Server


def drafts(text: str) -> tuple[list[Draft], str]:
    """Return the routes, and what was said; names with ``www.*`` cannot be written down."""
    main, hosts = server_blocks(text)
    ledger = Ledger()
    found = drafts_for(Server((main,), "/", ledger), hosts, lambda name: name != "www.*")
    told = ledger.comments((*main.directives, *(host.header for host in hosts)))
    return found, "\n".join(told)


def outline(text: str) -> list[str]:
    """Return each route as ``path -> backend @ hosts``, ``!`` for what is excluded."""
    found = []
    for draft in drafts(text)[0]:
        assert isinstance(draft.region, PathPrefix)
        target = "!" if draft.exclude else draft.backend
        found.append(f"{draft.region.path} -> {target} @ {','.join(draft.host) or '*'}")
    return found


def host(names: str, *lines: str) -> str:
    first, _, others = names.partition(" ")
    return "\n".join(
        [
            "<VirtualHost *>",
            *([f"ServerName {first}"] if first else []),
            *([f"ServerAlias {others}"] if others else []),
            *lines,
            "</VirtualHost>",
            "",
        ]
    )


def test_without_virtual_hosts_routes_are_for_any_host() -> None:
    assert outline("ServerName a\nProxyPass /a scgi://1/\n") == ["/a -> scgi://1/ @ *"]


def test_a_virtual_host_is_for_its_names_and_the_main_server_for_all() -> None:
    text = (
        "ProxyPass /m scgi://0/\n"
        + host("A.example. *.a.example", "ProxyPass /a scgi://1/")
        + host("b.example", "ProxyPass /a scgi://2/")
    )

    assert outline(text) == [
        "/a -> scgi://1/ @ a.example,*.a.example",
        "/a -> scgi://2/ @ b.example",
        "/m -> scgi://0/ @ *",
    ]
    assert (
        "here it is for its names only; Apache gives it all unknown hosts, too" in drafts(text)[1]
    )


@pytest.mark.parametrize("name", ["https://a.example:8443/", "a.example:80", "A.EXAMPLE"])
def test_scheme_and_port_of_a_name_do_not_matter(name: str) -> None:
    assert outline(host(name, "ProxyPass /a scgi://1/")) == ["/a -> scgi://1/ @ a.example"]


def test_a_virtual_host_without_a_name_has_that_of_the_main_server() -> None:
    text = "ServerName m.example\n" + host("", "ProxyPass /a scgi://1/")

    assert outline(text) == ["/a -> scgi://1/ @ m.example"]


def test_the_first_virtual_host_is_for_any_host_if_nothing_has_a_name() -> None:
    text = (
        "ProxyPass /m scgi://0/\n"
        + host("", "ProxyPass /a scgi://1/")
        + host("b.example", "ProxyPass /b scgi://2/")
    )

    assert outline(text) == [
        "/m -> scgi://0/ @ b.example",
        "/b -> scgi://2/ @ b.example",
        "/ -> ! @ b.example",
        "/m -> scgi://0/ @ *",
        "/a -> scgi://1/ @ *",
    ]


def test_a_later_virtual_host_without_a_name_is_never_reached() -> None:
    text = host("a.example", "ProxyPass /a scgi://1/") + host("", "ProxyPass /b scgi://2/")

    assert outline(text) == ["/a -> scgi://1/ @ a.example"]
    assert "no request reaches it" in drafts(text)[1]


def test_a_name_that_an_earlier_host_has_is_not_for_a_later_one() -> None:
    text = host("*.example a.org", "ProxyPass /a scgi://1/") + host(
        "b.example a.org c.org", "ProxyPass /b scgi://2/"
    )

    assert outline(text) == [
        "/a -> scgi://1/ @ *.example,a.org",
        "/b -> scgi://2/ @ c.org",
    ]


@pytest.mark.parametrize(
    ("first", "second"), [("a.example", "*.example"), ("*.a.example", "*.example")]
)
def test_where_a_later_host_may_have_the_same_name_nothing_falls_through_to_it(
    first: str, second: str
) -> None:
    text = host(first, "ProxyPass /a scgi://1/") + host(second, "ProxyPass / scgi://2/")

    assert outline(text) == [
        f"/a -> scgi://1/ @ {first}",
        f"/ -> ! @ {first}",
        f"/ -> scgi://2/ @ {second}",
    ]


def test_a_host_that_takes_everything_needs_no_end() -> None:
    text = host("a.example", "ProxyPass / scgi://1/") + host("*.example", "ProxyPass /b scgi://2/")

    assert outline(text) == ["/ -> scgi://1/ @ a.example", "/b -> scgi://2/ @ *.example"]


class TestMainServer:
    """Routes of the main server, which each virtual host has as well."""

    def test_they_are_repeated_where_a_host_has_other_rules_for_them(self) -> None:
        text = (
            "ProxyPass /m scgi://0/\n"
            + host("a.example", "ProxyPass /a scgi://1/")
            + host("b.example", "<Location /m>", "Require all denied", "</Location>")
        )

        assert outline(text) == [
            "/a -> scgi://1/ @ a.example",
            "/m -> ! @ b.example",
            "/ -> ! @ b.example",
            "/m -> scgi://0/ @ *",
        ]

    def test_for_unknown_hosts_the_rules_of_the_first_host_count(self) -> None:
        text = (
            "ProxyPass /m scgi://0/\n"
            + host("a.example", "<Location /m>", "Require all denied", "</Location>")
            + host("b.example", "SetEnv B 1")
        )

        assert outline(text) == ["/m -> scgi://0/ @ b.example", "/ -> ! @ b.example", "/m -> ! @ *"]

    def test_they_come_first_where_they_take_requests_from_the_host(self) -> None:
        text = "ProxyPass /m scgi://0/\n" + host("a.example", "ProxyPass / scgi://1/")

        assert outline(text) == [
            "/m -> scgi://0/ @ a.example",
            "/ -> scgi://1/ @ a.example",
            "/m -> scgi://0/ @ *",
        ]

    def test_a_location_of_the_first_host_is_excluded_before_them(self) -> None:
        text = "ProxyPass /m scgi://0/\n" + host(
            "a.example",
            "<Location /m/a>",
            "ProxyPass scgi://1/",
            "</Location>",
            "<Location /b>",
            "ProxyPass scgi://2/",
            "</Location>",
        )

        assert outline(text) == [
            "/b -> scgi://2/ @ a.example",
            "/m/a -> scgi://1/ @ a.example",
            "/m -> scgi://0/ @ a.example",
            "/ -> ! @ a.example",
            "/m/a -> ! @ *",
            "/m -> scgi://0/ @ *",
        ]
        assert "only for the names of " in drafts(text)[0][4].reasons[0]


class TestUnwritableNames:
    """Names that our file has no words for."""

    @pytest.mark.parametrize("names", ["a.example www.*", "a.example ${X}"])
    def test_no_route_is_for_any_host_then(self, names: str) -> None:
        text = "ProxyPass /m scgi://0/\n" + host(names, "ProxyPass /a scgi://1/")

        assert outline(text) == [
            "/m -> scgi://0/ @ a.example",
            "/a -> scgi://1/ @ a.example",
            "/ -> ! @ a.example",
        ]
        assert "so no route is for unknown hosts" in drafts(text)[1]

    def test_a_name_that_is_in_doubt_is_one(self) -> None:
        text = "ProxyPass /m scgi://0/\n" + host(
            "a.example", "<IfDefine X>", "ServerAlias b.example", "</IfDefine>"
        )

        assert outline(text)[-1] == "/ -> ! @ a.example,b.example"

    def test_a_host_with_such_names_alone_has_no_routes(self) -> None:
        text = "ProxyPass /m scgi://0/\n" + host("www.*", "ProxyPass /a scgi://1/")

        assert outline(text) == []
        assert "it has no name of its own that can be written down" in drafts(text)[1]


def test_names_are_no_secret_to_the_comments() -> None:
    told = drafts("ServerName m\n" + host("a.example b.example", "ProxyPass /a scgi://1/"))[1]

    assert "ServerName" not in told
    assert "ServerAlias" not in told
